"""Sequences of different lengths: every form, and one clear error for all others."""

import numpy as np
import pytest

from lamina.data.sequences.ragged_array import (
    RaggedArray,
    SequenceError,
    as_ragged_array,
    place_of,
    step_numbers,
)

LENGTHS = (3, 1, 4)


def ragged(features=2):
    rng = np.random.default_rng(0)
    return [rng.standard_normal((n, features)) for n in LENGTHS]


def test_every_form_gives_the_same_sequences():
    parts = ragged()
    tails = np.full((3, 6, 2), np.nan)
    zeros = np.zeros((3, 6, 2))
    for i, part in enumerate(parts):
        tails[i, : len(part)] = zeros[i, : len(part)] = part
    together = np.empty(3, object)
    together[:] = parts
    for given in (parts, tuple(parts), together, tails, [p.tolist() for p in parts]):
        series = as_ragged_array(given)
        assert series.lengths.tolist() == list(LENGTHS)
        for found, right in zip(series, parts, strict=True):
            np.testing.assert_array_equal(found, right)
    series = as_ragged_array(zeros, LENGTHS)
    np.testing.assert_array_equal(series.values, np.concatenate(parts))
    assert as_ragged_array(series) is series


def test_one_feature_needs_no_axis():
    parts = [np.array([1.0, 2.0]), np.array([3.0])]
    series = as_ragged_array(parts)
    assert series.shape == (2, 2, 1)
    np.testing.assert_array_equal(series.values[:, 0], [1, 2, 3])
    table = np.array([[1.0, 2.0], [3.0, np.nan]])
    np.testing.assert_array_equal(as_ragged_array(table).values, series.values)


def test_numbers_keep_their_precision():
    assert as_ragged_array([np.zeros((2, 1), np.float32)]).dtype == np.float32
    assert as_ragged_array([np.zeros((2, 1), np.float16)]).dtype == np.float64
    assert as_ragged_array([[1, 2]]).dtype == np.float64
    assert as_ragged_array(np.ones((1, 2, 1), bool)).dtype == np.float64


def test_parts_and_padding():
    parts = ragged()
    series = as_ragged_array(parts)
    assert repr(series) == "Series(3 × 1 to 4 steps × 2 features)"
    np.testing.assert_array_equal(series[-1], parts[2])
    some = series.only([2, 0, 2])
    assert some.lengths.tolist() == [4, 3, 4]
    for found, right in zip(some, [parts[2], parts[0], parts[2]], strict=True):
        np.testing.assert_array_equal(found, right)
    assert len(series.only(slice(1, 1))) == 0
    mask = np.array([True, False, True])
    np.testing.assert_array_equal(series.only(mask).values, np.concatenate(parts[::2]))
    neighbours = series.only([1, 2])
    assert neighbours.lengths.tolist() == [1, 4]
    np.testing.assert_array_equal(neighbours.values, np.concatenate(parts[1:]))
    assert np.shares_memory(neighbours.values, series.values)
    full = series.padded(6, np.float32)
    assert (full.shape, full.dtype) == ((3, 6, 2), np.float32)
    for row, part in zip(full, parts, strict=True):
        np.testing.assert_array_equal(row[: len(part)], part.astype(np.float32))
        assert not row[len(part) :].any()
    assert series.padded().shape == (3, 4, 2)
    with pytest.raises(ValueError, match="longest sequence has 4 steps, not 3"):
        series.padded(3)
    with pytest.raises(IndexError):
        series[3]


INSIDE = np.zeros((2, 3, 1))
INSIDE[1, 1] = np.nan


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ([], "there are no sequences"),
        (np.zeros((0, 3, 2)), "there are no sequences"),
        ([[1.0], []], "sequence 1 has no steps"),
        (np.full((2, 3, 1), np.nan), "sequence 0 has no steps"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], "sequence 1 has 4 features"),
        ([np.zeros((2, 0))], "have no features"),
        ([[1.0], [2.0, np.inf]], "sequence 1, step 1, feature 0: inf is not a finite"),
        (INSIDE, "sequence 1, step 1, feature 0: nan is not a finite"),
        ([["a", "b"]], "sequence 0 is not an array of numbers"),
        ([[1.0], [[1.0], [2.0, 3.0]]], "sequence 1 is not an array of numbers"),
        ([np.zeros((1, 2, 3))], r"sequence 0 has shape \(1, 2, 3\)"),
        (np.zeros(4), r"got \(4,\)"),
        (np.array([["a"]]), "sequences are numbers, not <U1"),
        ("vowels", "got a str"),
        (None, "got a NoneType"),
        ({"a": [1]}, "got a dict"),
    ],
)
def test_bad_sequences_get_one_clear_line(given, complaint):
    with pytest.raises(SequenceError, match=complaint) as error:
        as_ragged_array(given)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("lengths", "found"),
    [
        ([1], r"got \[1\]"),
        ([1.5, 2], r"got \[1.5, 2.0\]"),
        ("ab", "got ab"),
        ([1, 4], "but sequence 1 has 4"),
        ([-1, 2], "but sequence 0 has -1"),
        ([1, 0], "but sequence 1 has 0"),
    ],
)
def test_bad_lengths_are_refused(lengths, found):
    expected = f"lengths must be 2 whole numbers from 1 to 3, {found}"
    with pytest.raises(SequenceError, match=expected):
        as_ragged_array(np.zeros((2, 3, 1)), lengths)


@pytest.mark.parametrize("given", [[[1.0]], as_ragged_array([[1.0]])])
def test_lengths_belong_to_arrays(given):
    with pytest.raises(SequenceError, match="lengths are only for an array"):
        as_ragged_array(given, [1])


@pytest.mark.parametrize(
    ("values", "lengths", "complaint"),
    [
        ([[1.0], [np.nan], [3.0]], [1, 2], "sequence 1, step 0, feature 0: nan is no"),
        ([[1.0], [2.0]], [2, 0], "sequence 1 has no steps"),
        ([[1.0], [2.0]], [3, -1], "sequence 1 has no steps"),
        ([[1.0], [2.0]], [1, 2], "lengths of the Series sum to 3 steps, but it"),
        ([[1.0], [2.0]], [1], "sum to 1 steps, but it has 2 values"),
        ([1.0, 2.0], [2], r"a Series must be \(steps of all, features\); got shape"),
        ([["a"]], [1], "sequences are numbers, not <U1"),
        (np.zeros((0, 2)), [], "there are no sequences"),
    ],
)
def test_a_series_that_someone_made_is_checked(values, lengths, complaint):
    with pytest.raises(SequenceError, match=complaint):
        as_ragged_array(RaggedArray(np.array(values), np.array(lengths)))


def test_whole_numbers_of_a_series_become_floats():
    series = as_ragged_array(RaggedArray(np.array([[1], [2]]), np.array([2])))
    assert (series.dtype, series.values.tolist()) == (np.float64, [[1], [2]])


def test_long_and_short_ones_take_no_more_memory_than_their_steps():
    """One giant among small ones: nothing is padded before it is asked for."""
    series = as_ragged_array([np.zeros((1, 1))] * 1000 + [np.zeros((1_000_000, 1))])
    assert series.values.nbytes == 8 * 1_001_000
    assert series.only(slice(0, 1000)).padded().shape == (1000, 1, 1)
    assert isinstance(series, RaggedArray)


def test_a_step_of_all_is_one_of_a_sequence():
    lengths = np.array([3, 1, 2])
    found = [place_of(lengths, step) for step in range(6)]
    assert found == [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)]


def test_steps_are_numbered_within_each_sequence():
    assert step_numbers(np.array([3, 1, 2])).tolist() == [0, 1, 2, 0, 0, 1]
    assert step_numbers(np.zeros(0, int)).tolist() == []
