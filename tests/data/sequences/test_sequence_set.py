"""Some of the sequences that were read, with all that belongs to them."""

import numpy as np

from lamina.data import SequenceSet, as_ragged_array


def three(y, per_step=False):
    X = as_ragged_array([[1.0, 2.0], [3.0], [4.0, 5.0, 6.0]])
    times = np.arange(6.0) * 10
    rows = np.array([5, 4, 3, 2, 1, 0])
    names = ["a", "b", "c"]
    return SequenceSet(
        X, y, names, "three", "here", per_step=per_step, times=times, rows=rows
    )


def test_only_keeps_what_belongs_together():
    found = three(np.array([7, 8, 9])).only([2, 0])
    assert found.X.values[:, 0].tolist() == [4, 5, 6, 1, 2]
    assert (found.y.tolist(), found.names) == ([9, 7], ["c", "a"])
    assert found.times is not None
    assert found.rows is not None
    assert found.times.tolist() == [30, 40, 50, 0, 10]
    assert found.rows.tolist() == [2, 1, 0, 5, 4]
    assert len(found) == 2
    assert repr(found) == "SequenceSet(three: Series(2 × 2 to 3 steps × 1 features))"


def test_only_of_answers_for_each_step():
    y = [np.array([1, 2]), np.array([3]), np.array([4, 5, 6])]
    found = three(y, per_step=True).only(np.array([False, True, True]))
    assert [each.tolist() for each in found.y] == [[3], [4, 5, 6]]


def test_only_of_sequences_without_answers():
    X = as_ragged_array([[1.0], [2.0]])
    found = SequenceSet(X, None, ["0", "1"], "two", "here").only(slice(1))
    assert (found.y, found.times, found.rows, found.names) == (None, None, None, ["0"])
