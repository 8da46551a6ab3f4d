"""Embedded data sets: bit for bit scikit-learn's, quick to load."""

import gzip
import importlib.util
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets

import lamina.data
from lamina.data import load, names
from lamina.data.datasets import sets

EMBEDDED = ("iris", "wine", "breast_cancer", "diabetes", "digits")


FOLDER = Path(sets.__file__).with_name("embedded")


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_sets_equal_scikit_learn_bit_for_bit(name):
    ours, theirs = load(name), getattr(sklearn.datasets, f"load_{name}")()
    assert ours.X.dtype == np.float64
    assert ours.X.tobytes() == np.ascontiguousarray(theirs.data).tobytes()
    assert ours.y.dtype.kind == theirs.target.dtype.kind
    np.testing.assert_array_equal(ours.y, theirs.target)
    assert ours.feature_names == [str(n) for n in theirs.feature_names]
    assert ours.target_names == [str(n) for n in getattr(theirs, "target_names", [])]
    assert ours.description
    assert ours.source
    assert ours.license


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("make", FOLDER / "make.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [*EMBEDDED, "airline", "japanese_vowels"])
def test_files_are_what_make_writes(name, make, tmp_path):
    for part, file in make.VOWELS.items():
        packed = (FOLDER / f"japanese_vowels_{part}.ts.gz").read_bytes()
        (tmp_path / file).write_bytes(gzip.decompress(packed))
    target, description, source, license_ = make.ABOUT[name]
    classes, files = make.contents(name, target, tmp_path)
    assert len(files) == (2 if name == "japanese_vowels" else 1)
    for file, written in files.items():
        stored = (FOLDER / file).read_bytes()
        assert gzip.decompress(written) == gzip.decompress(stored)
        assert file in (FOLDER / "README.md").read_text()
    data = load(name)
    assert (data.target, data.target_names) == (target, classes)
    assert (data.description, data.source) == (description, source)
    assert data.license == license_


def test_make_leaves_the_vowels_alone_without_a_folder(make):
    assert make.contents("japanese_vowels", "speaker", None)[1] == {}


@pytest.mark.parametrize("name", [*sets.EMBEDDED, *sets.FORMULAS])
def test_every_set_of_rows_is_a_table(name):
    data = load(name)
    assert name in names()
    assert len(data) == len(data.X)
    table = data.as_table()
    assert table.names == [*data.feature_names, data.target]
    assert len(set(table.names)) == len(table.names)
    for i, feature in enumerate(data.feature_names):
        np.testing.assert_array_equal(table[feature], data.X[:, i])
    if data.target_names:
        assert [data.target_names.index(v) for v in table[data.target]] == list(data.y)
        assert table.source == name
        assert data.y.dtype == np.int64
    else:
        np.testing.assert_array_equal(table[data.target], data.y)


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda: load("irs"), "did you mean 'iris'?"),
        (lambda: load("mnist"), "Available: iris, wine"),
        (lambda: load("iris", n=5), "takes no option 'n'"),
        (lambda: load("airline", n=5), "takes no option 'n'"),
        (lambda: load("airlines"), "did you mean 'airline'?"),
        (lambda: load("xor", points=5), "it takes n, noise, seed"),
        (lambda: load("xor", n=0), "xor: n must be at least 1; got 0"),
    ],
)
def test_wrong_names_and_options(call, part):
    with pytest.raises(ValueError, match=re.escape(part)):
        call()


def test_digits_are_images_too():
    images = load("digits").as_images()
    theirs, _ = sklearn.datasets.load_digits(return_X_y=True)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images[..., 0], theirs.reshape(-1, 8, 8))
    with pytest.raises(ValueError, match="iris has no images; digits does"):
        load("iris").as_images()
    assert (load("digits").image_shape, load("iris").image_shape) == ((8, 8), None)


def test_digits_load_quickly():
    load("digits")
    times = []
    for _ in range(5):
        start = time.perf_counter()
        load("digits")
        times.append(time.perf_counter() - start)
    assert min(times) < 0.06


def test_importing_the_room_stays_light():
    code = (
        "import sys, lamina.data as d; d.load('digits').as_table(); "
        "heavy = {'jax', 'sklearn', 'pandas', 'duckdb', 'narwhals', 'scipy', 'PIL'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(lamina.data.__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"


def test_public_names_of_the_room():
    assert all(hasattr(lamina.data, name) for name in lamina.data.__all__)
    assert set(lamina.data.__all__) <= set(dir(lamina.data))
    assert not hasattr(lamina.data, "read_excel")
