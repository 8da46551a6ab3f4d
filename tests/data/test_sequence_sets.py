"""Data sets of sequences."""

import numpy as np
import pytest

from lamina.data import load, names, read_table
from lamina.data.sequence_sets import FORMULAS, SequenceDataset
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
