"""Data frames, dicts and arrays: the same cells give the same table."""

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lamina.data import Table, read_table
from tests.data.helpers import unreadable

CELLS = {
    "a": [1, None, 3],
    "b": ["x", None, "NA"],
    "c": [True, None, False],
    "d": [datetime(2024, 1, 5, 12), None, datetime(2024, 1, 6)],
    "e": [1.5, None, 2.0],
    "f": [date(2024, 1, 5), None, date(2024, 1, 6)],
}


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(CELLS),
        pd.DataFrame(CELLS).convert_dtypes(),
        pd.DataFrame(CELLS, dtype=object),
        pd.DataFrame({**CELLS, "b": pd.Categorical(CELLS["b"])}),
        pl.DataFrame(CELLS),
        pl.DataFrame(CELLS).lazy(),
        pa.table(CELLS),
    ],
    ids=lambda f: type(f).__module__.split(".")[0],
)
def test_frames_and_dicts_agree(frame):
    nat = np.datetime64("NaT", "us")
    days = [np.datetime64("2024-01-05", "us"), nat, np.datetime64("2024-01-06", "us")]
    noon = [days[0] + np.timedelta64(12, "h"), nat, days[2]]
    wanted = Table(
        {
            "a": np.array([1, np.nan, 3]),
            "b": np.array(["x", None, None], dtype=object),
            "c": np.array(["true", None, "false"], dtype=object),
            "d": np.array(noon),
            "e": np.array([1.5, np.nan, 2]),
            "f": np.array(days),
        }
    )
    assert read_table(frame) == wanted
    assert read_table(CELLS) == wanted


def test_zones_become_utc():
    east = datetime(2024, 1, 5, 12, tzinfo=timezone(timedelta(hours=2)))
    wanted = np.datetime64("2024-01-05T10:00", "us")
    for frame in (pd.DataFrame({"d": [east]}), pl.DataFrame({"d": [east]})):
        assert read_table(frame)["d"][0] == wanted
    assert read_table({"d": [east]})["d"][0] == wanted


def test_frame_names():
    assert read_table(pd.DataFrame(np.ones((2, 2)))).names == ["0", "1"]
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    unreadable(twice, "data frame", "'a' is duplicated")
    unreadable({1: [1], "1": [2]}, "'1' is duplicated")


def test_arrays_of_many_types():
    table = read_table(
        {
            "i": np.arange(2, dtype=np.uint8),
            "f": np.array([1, np.nan], np.float32),
            "b": np.array([True, False]),
            "u": np.array(["x", "nan"]),
            "d": np.array(["2024-01-05", "NaT"], "datetime64[D]"),
            "m": np.ma.array([1, 2], mask=[False, True]),
            "mixed": [1, "x"],
            "s": pd.Series(["a", None]),
        }
    )
    kinds = {name: column.dtype.kind for name, column in table.columns.items()}
    assert kinds == dict(zip(table.names, "ffOOMfOO", strict=True))
    assert table["u"].tolist() == ["x", None]
    assert np.isnan(table["m"][1])
    assert table["mixed"].tolist() == ["1", "x"]


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ({}, "has no columns"),
        ({"a": []}, "has columns (a) but no rows"),
        ({"a": [1], "b": [1, 2]}, "same number of rows, but 'a' has 1, 'b' has 2"),
        ({"a": [[1]]}, "column 'a', row 1 has [1] (list)"),
        ({"a": [1, b"x"]}, "column 'a', row 2 has b'x' (bytes)"),
        ({"a": [1 + 2j]}, "complex"),
        ({"a": "xyz"}, "an array or a list is expected"),
        ({"a": 5}, "an array or a list is expected"),
        ({"a": np.eye(2)}, "column 'a' has shape (2, 2)"),
        ({"a": [10**400]}, "beyond 1e308"),
        (5, "expected a path"),
        ([1, 2], "got list"),
        (np.eye(3), "got ndarray of shape (3, 3)"),
        (pl.DataFrame({"a": [[1]]}), "column 'a', row 1 has [1]"),
        (pd.DataFrame({"a": [pd.Timedelta(1)]}), "Timedelta"),
        (pd.DataFrame({"a": []}), "no rows"),
    ],
    ids=range(16),
)
def test_bad_objects(source, part):
    unreadable(source, part)
