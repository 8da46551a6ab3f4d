"""Data sets of sequences."""

import gzip
import hashlib

import numpy as np
import pytest

from lamina.data import load, names, read_table
from lamina.data.datasets import sequence_sets
from lamina.data.datasets.sequence_sets import FORMULAS, SequenceDataset
from tests.data.helpers import refused


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_every_formula_is_a_data_set(name):
    assert name in names()
    data = load(name, n=12)
    assert isinstance(data, SequenceDataset)
    assert (len(data), data.X_test, data.y_test) == (12, None, None)
    assert len(data.feature_names) == data.X.shape[2]
    assert data.per_step == (name == "hidden_markov")
    assert repr(data) == f"SequenceDataset({name}: {data.X!r})"
    assert data.description
    assert data.source
    assert data.license
    y = np.concatenate(data.y) if data.per_step else data.y
    if data.target_names:
        assert y.dtype == np.int64
        assert set(y) <= set(range(len(data.target_names)))
    else:
        assert y.dtype == np.float64


def test_options_are_handed_on_and_checked():
    data = load("parity", n=5, length=4, shortest=2, seed=7)
    assert data.X.shape[:2] == (5, 4)
    for options, part in (
        ({"length": 0}, "length must be at least 1"),
        ({"noise": 1.0}, "it takes n, length, shortest, seed"),
        ({"length": 3, "shortest": 4}, "shortest must be at most length, 3"),
    ):
        refused(lambda o=options: load("parity", **o), part, error=ValueError)


def test_a_long_table_has_a_row_a_step():
    data = load("parity", n=3, length=4, shortest=1)
    table = data.as_long_table()
    assert table.names == ["series", "step", "bit", "class"]
    lengths = data.X.lengths
    assert table["series"].tolist() == np.repeat([0, 1, 2], lengths).tolist()
    assert table["step"].tolist() == [t for n in lengths for t in range(n)]
    np.testing.assert_array_equal(table["bit"], data.X.values[:, 0])
    assert table["class"].tolist() == [
        str(label) for label, n in zip(data.y, lengths, strict=True) for _ in range(n)
    ]
    steps = load("hidden_markov", n=2, length=3)
    assert steps.as_long_table()["state"].tolist() == [
        str(state) for states in steps.y for state in states
    ]
    numbers = load("adding_problem", n=2, length=3)
    np.testing.assert_array_equal(
        numbers.as_long_table()["sum"], np.repeat(numbers.y, 3)
    )


def test_sequences_are_no_table_of_examples():
    for call in (load("parity").as_table, lambda: read_table("parity")):
        refused(call, "parity holds sequences", "lamina.data.load('parity')")


def test_japanese_vowels():
    data = load("japanese_vowels")
    assert isinstance(data, SequenceDataset)
    assert data.X_test is not None
    assert len(data) == 270 + 370
    assert (data.X.shape, data.X_test.shape) == ((270, 26, 12), (370, 29, 12))
    assert min(data.X.lengths.min(), data.X_test.lengths.min()) == 7
    assert np.bincount(data.y).tolist() == [30] * 9
    assert np.bincount(data.y_test).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert data.target_names == [str(speaker) for speaker in range(1, 10)]
    assert (data.feature_names[0], len(data.feature_names)) == ("cepstrum 1", 12)
    assert len(data.X[0]) == 20
    assert data.X[0][0, :4].tolist() == [1.860936, -0.207383, 0.261557, -0.214562]
    assert data.X_test[-1][-2:, -1].tolist() == [0.19286, 0.224688]
    assert repr(data).endswith("12 features), test set of 370)")
    assert set(data.as_long_table()["speaker"]) == set(data.target_names)


@pytest.mark.parametrize(
    ("part", "sha256"),
    [
        ("train", "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd"),
        ("test", "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462"),
    ],
)
def test_vowels_are_the_files_of_the_archive(part, sha256):
    path = sequence_sets._FOLDER / f"japanese_vowels_{part}.ts.gz"
    content = gzip.decompress(path.read_bytes())
    assert hashlib.sha256(content).hexdigest() == sha256


def test_airline():
    data = load("airline")
    assert (len(data), data.y.dtype, data.times.dtype) == (144, float, "datetime64[M]")
    assert data.times[[0, -1]].astype(str).tolist() == ["1949-01", "1960-12"]
    assert set(np.diff(data.times).astype(int)) == {1}
    assert data.y[:3].tolist() == [112, 118, 132]
    assert data.y[-2:].tolist() == [390, 432]
    assert (data.y.sum(), data.y.max(), data.period) == (40_363, 622, 12)
    assert data.times[data.y.argmax()] == np.datetime64("1960-07")
    assert repr(data) == "TimeSeriesDataset(airline: 144 steps, 1949-01 to 1960-12)"
    table = read_table("airline")
    assert table.names == ["month", "passengers"]
    np.testing.assert_array_equal(table["month"], data.times)
    np.testing.assert_array_equal(table["passengers"], data.y)
