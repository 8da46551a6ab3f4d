"""Images from wherever they are, told from tables."""

import gzip
import os

import numpy as np
import pytest

from lamina.data.images.image_set import ImageSet
from lamina.data.images.images import ImageError
from lamina.data.sources.images import holds_images, read_images
from tests.data.helpers import refused
from tests.data.images.test_idx import LABELS, VALUES, idx
from tests.data.sample_images import save


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for k, name in enumerate(("cat", "dog")):
        save(folder / name / "a.png", np.full((4, 4), k, np.uint8))
    return folder


@pytest.fixture
def table(photos):
    path = photos.parent / "photos.csv"
    path.write_text("file,kind\nphotos/cat/a.png,cat\nphotos/dog/a.png,dog\n")
    return path


@pytest.fixture
def digits(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(VALUES)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS))
    return path


def bad(source, *parts, **options):
    return refused(lambda: read_images(source, **options), *parts, error=ImageError)


def test_each_kind_of_source(photos, table, digits):
    for source, labels in (
        (photos, ["cat", "dog"]),
        (table, ["cat", "dog"]),
        (str(digits), [3, 1, 4, 1]),
        (photos / "cat" / "a.png", None),
        (photos / "cat", None),
    ):
        assert holds_images(source)
        found = read_images(source)
        assert (None if found.y is None else found.y.tolist()) == labels
        assert read_images(source, labels=False).y is None
        assert found.source == str(source)
        assert read_images(found) is found
        assert holds_images(found)
    assert read_images(photos / "cat" / "a.png").names == ["a.png"]


def test_all_come_in_the_size_that_is_told(photos, table, digits):
    told = {"size": (6, 5), "channels": 3, "resize": "stretch"}
    for source in (photos, table, digits, photos / "cat" / "a.png"):
        found = read_images(source, **told)
        assert found.X.shape[1:] == (6, 5, 3)
        assert found.schema.describe() == "6 × 5, colour, stretch"
    found = read_images(digits, size=(6, 2))
    # 3 × 2 between borders of its mean: pixels 0 … 5 of the first image are 2.5 (→ 2)
    assert found.X[0, :, :, 0].tolist() == [
        [2, 2],
        [0, 1],
        [2, 3],
        [4, 5],
        [2, 2],
        [2, 2],
    ]


def test_tables_that_are_no_images(tmp_path, write):
    assert not holds_images(write(b"a,b\n1,2\n"))
    assert not holds_images(write(b"a,b\nx.png is it,2\n"))
    assert not holds_images(write(gzip.compress(b"a,b\n1,2\n"), "t.csv.gz"))
    measured = b"file,a,b\nx.png,1,2\ny.png,3,4\n"
    assert not holds_images(write(measured))  # no such images, and other columns
    save(tmp_path / "y.png")
    assert holds_images(write(measured))
    assert holds_images(write(gzip.compress(b"file,a\nnone.png,1\n"), "t.csv.gz"))
    assert holds_images(write("file,a\nnone.png,1\n".encode("utf-16")))
    assert holds_images(write(b"file,other\nx.png,y.png\n"))
    for source in ("iris", "-", tmp_path / "none.csv", {"a": [1]}, write(b"", "t.csv")):
        assert not holds_images(source)
    assert not holds_images(write(b"a.png,b\n1\n2,3,4\n"))
    assert not holds_images(write(b"\x1f\x8b.png", "t.csv.gz"))
    damaged = gzip.compress(b"a.png")[:10] + b"\xff" * 9
    assert not holds_images(write(damaged, "t.csv.gz"))
    assert holds_images("no-such.png")


def test_what_does_not_fit(photos, digits, tmp_path):
    bad(photos, "target='kind' is a column, but this is not a table", target="kind")
    bad(photos, "its labels are classes", task="regression")
    bad({"a": 1}, "must be a path or an ImageSet; got a dict")
    bad(tmp_path / "none.png", "none of 1 images can be read: none.png does not exist")
    bad(digits, "size must be None", size="x")
    assert isinstance(read_images(digits, task="classification"), ImageSet)


def test_names_of_any_bytes_become_text(tmp_path):
    path = tmp_path / os.fsdecode(b"non\xff.png")
    save(tmp_path / "a.png", np.zeros((4, 4), np.uint8))
    try:
        (tmp_path / "a.png").rename(path)
    except OSError:
        pytest.skip("the file system wants UTF-8")
    found = read_images(path)
    assert found.names == ["non\N{REPLACEMENT CHARACTER}.png"]
    assert found.source == str(path)


def test_an_empty_path_is_not_the_current_folder(photos, monkeypatch):
    monkeypatch.chdir(photos)
    assert not holds_images("")
    assert holds_images(".")
    refused(
        lambda: read_images(""),
        "the path of images must not be empty",
        error=ImageError,
    )
