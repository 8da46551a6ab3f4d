"""Checks of parameters: what passes, and what the error says."""

import numpy as np
import pytest

from lamina.estimators.checks import (
    check_callbacks,
    check_fits_float32,
    check_integer,
    check_number,
    check_option,
)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.1), np.int64(1)])
def test_numbers_inside_pass(value):
    check_number("p", value, 0, 1)


@pytest.mark.parametrize(
    "value", [-0.1, 1.1, "1", None, True, np.bool_(True), float("nan"), 1j, [0.5]]
)
def test_numbers_outside_are_refused(value):
    with pytest.raises(ValueError, match=r"p must be a number in \[0, 1\]; got "):
        check_number("p", value, 0, 1)


def test_open_and_infinite_ends_are_written_as_such():
    check_number("s", 0.999, 0, 1, open_high=True)
    with pytest.raises(ValueError, match=r"s must be a number in \[0, 1\); got 1"):
        check_number("s", 1, 0, 1, open_high=True)
    check_number("rate", float("inf"), 1)
    with pytest.raises(ValueError, match=r"rate must be a number in \(0, ∞\); got 0"):
        check_number("rate", 0, 0, open_low=True)


@pytest.mark.parametrize("value", [1, np.int32(7)])
def test_whole_numbers_pass(value):
    check_integer("n", value, 1)


@pytest.mark.parametrize("value", [0, 1.0, True, "3", None])
def test_other_numbers_are_refused(value):
    with pytest.raises(ValueError, match="n must be a whole number ≥ 1; got"):
        check_integer("n", value, 1)


def test_options():
    check_option("kind", "a", ["a", "b"])
    for value in ("c", 1, None, ["a"]):
        with pytest.raises(ValueError, match=r"kind must be one of \('a', 'b'\); got"):
            check_option("kind", value, ["a", "b"])


def test_float32_range_names_row_and_column():
    largest = float(np.finfo(np.float32).max)
    check_fits_float32(np.array([[largest, -largest]]))
    check_fits_float32(np.empty((0, 3)))
    for bad in (1e39, -1e39):
        X = np.zeros((4, 3))
        X[2, 1] = bad
        with pytest.raises(ValueError, match=r"X\[2, 1\] = -?1e\+39 .*float64"):
            check_fits_float32(X)
    with pytest.raises(ValueError, match=r"y\[0, 0\]"):
        check_fits_float32(np.array([[1e40]]), "y")


def test_float32_range_names_sequence_and_step():
    values = np.zeros((6, 2))
    values[4, 1] = -1e39
    with pytest.raises(
        ValueError,
        match=r"y, sequence 1, step 1, feature 1: -1e\+39 is beyond.*scale the feature",
    ):
        check_fits_float32(values, "y", np.array([3, 3]))


def test_callbacks_are_functions():
    for good in (None, (), [print]):
        check_callbacks(good)
    with pytest.raises(ValueError, match=r"callbacks must be functions, got \[3\]"):
        check_callbacks([3])
