"""Times: numbers, dates, months and quarters, and one clear error for all others."""

import numpy as np
import pytest

from lamina.data import read_table
from lamina.data.tables.time_column import time_values
from tests.data.helpers import csv, refused


def times(values):
    return time_values(read_table({"t": values}), "t")


def test_numbers_and_dates_are_as_they_stand():
    assert times([3, 1, 2.5]).tolist() == [3, 1, 2.5]
    dates = csv("t\n2024-01-05\n2024-01-06 12:30\n")
    np.testing.assert_array_equal(time_values(dates, "t"), dates["t"])


@pytest.mark.parametrize(
    ("texts", "first", "dtype"),
    [
        (["3", "1.5"], 3, "float64"),
        (["2024-03", "2024/4"], "2024-03-01", "datetime64[us]"),
        (["2024-Q3", "2024Q4", "2025 Q1"], "2024-07-01", "datetime64[us]"),
        (["2024-03-01T12:00", "2024-04"], "2024-03-01T12", "datetime64[us]"),
    ],
)
def test_text_that_states_them(texts, first, dtype):
    found = times(np.array(texts, object))
    assert found.dtype == dtype
    assert found[0] == np.array(first, dtype)
    assert (np.diff(found.astype(float)) != 0).all()


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ([1, np.nan], ("row 2: the time is missing",)),
        (["2024-01-01", None], ("row 2: the time is missing",)),
        (["a", None], ("row 2: the time is missing",)),
        (["soon", "later"], ("row 1: expected a number or a date, got 'soon'",)),
        (["2024-01", "2024-02", "7"], ("row 3: expected a date, got '7'",)),
        (["1", "2024-02", "7"], ("row 2: expected a number, got '2024-02'",)),
        (["2024-13", "2024-02"], ("row 1: expected a date, got '2024-13'",)),
        (["2024-Q5"], ("got '2024-Q5'", "2024-03 and quarters as 2024-Q1")),
        (["03/04/2024"], ("write dates as 2024-03-31",)),
    ],
)
def test_what_is_no_time_is_named(values, parts):
    refused(lambda: times(values), "column 't'", *parts)
    refused(lambda: time_values(read_table({"t": [1]}), "s"), "no column 's'")
