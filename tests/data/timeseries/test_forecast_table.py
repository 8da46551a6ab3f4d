"""Series to be continued: sorted, regular, complete, or one clear error."""

import numpy as np
import pandas as pd
import pytest

from lamina.data import ForecastTable, load, read_forecast, read_table
from tests.data.helpers import csv, refused

SALES = """shop,day,sold,price,rain
b,2024-01-02,4,1.5,0
a,2024-01-02,2,2.5,1
a,2024-01-01,1,2.0,0
b,2024-01-01,3,1.0,0
a,2024-01-03,,3.0,1
"""


def test_the_airline_passengers():
    found = read_forecast("airline", "passengers", "month")
    assert isinstance(found, ForecastTable)
    np.testing.assert_array_equal(found.y, load("airline").y)
    assert found.y.dtype == np.float64
    assert (found.exogenous, found.later, found.series) == (None, None, None)
    assert found.period == 12
    np.testing.assert_array_equal(found.times, load("airline").times)
    assert found.future(2).astype(str).tolist() == ["1961-01-01", "1961-02-01"]
    assert repr(found) == "ForecastTable(passengers: 144 steps, 1 month apart)"


def test_rows_are_sorted_and_columns_kept_apart():
    table = csv("t,y,z,x\n3,30,300,0.3\n1,10,100,0.1\n2,20,200,0.2\n")
    found = read_forecast(table, ["y", "z"], "t", "x")
    assert found.y.tolist() == [[10, 100], [20, 200], [30, 300]]
    assert found.exogenous.tolist() == [[0.1], [0.2], [0.3]]
    assert found.later.shape == (0, 1)
    assert found.times.tolist() == [1, 2, 3]
    assert (found.targets, found.exogenous_names) == (["y", "z"], ["x"])
    assert found.future(2).tolist() == [4, 5]
    assert found.period is None
    assert read_forecast(table, ["y"], "t").y.tolist() == [[10], [20], [30]]
    assert read_forecast(table, "y", "t").y.tolist() == [10, 20, 30]


def test_without_time_rows_come_as_they_are():
    found = read_forecast({"y": [3, 1, 2]}, "y")
    assert found.y.tolist() == [3, 1, 2]
    assert (found.times, found.spacing, found.period) == (None, None, None)
    assert repr(found) == "ForecastTable(y: 3 steps)"
    for table in (found, read_forecast({"y": [1], "t": [2]}, "y", "t")):
        refused(lambda t=table: t.future(1), "unknown", error=ValueError)


def test_several_series_and_what_is_known_of_the_future(write):
    path = write(SALES.encode())
    found = read_forecast(path, "sold", "day", ["price", "rain"], series="shop")
    assert found.series == ["b", "a"]
    assert [y.tolist() for y in found.y] == [[3, 4], [1, 2]]
    assert found.exogenous[1].tolist() == [[2, 0], [2.5, 1]]
    assert [x.tolist() for x in found.later] == [[], [[3, 1]]]
    assert [times.astype(str).tolist() for times in found.times] == [
        ["2024-01-01", "2024-01-02"]
    ] * 2
    assert [t.astype(str).tolist() for t in found.future(1)] == [["2024-01-03"]] * 2
    assert found.period == 7
    assert repr(found) == "ForecastTable(sold: 2 series, 1 day apart)"
    alone = read_forecast(read_table(path).take([2, 1, 4]), "sold", "day", "rain")
    assert alone.y.tolist() == [1, 2]
    assert (alone.exogenous.tolist(), alone.later.tolist()) == ([[0], [1]], [[1]])
    assert len(alone.times) == 2


def test_every_source_gives_the_same(tmp_path):
    frame = pd.DataFrame(
        {"hour": pd.date_range("2024-01-01", periods=5, freq="h"), "load": range(5)}
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    for source in (frame, tmp_path / "t.csv", tmp_path / "t.parquet"):
        found = read_forecast(source, "load", "hour")
        assert found.y.tolist() == [0, 1, 2, 3, 4]
        assert found.period == 24
        assert found.future(1).astype(str).tolist() == ["2024-01-01T05:00:00"]


def test_months_are_read(write):
    path = write(b"Month,n\n1949-01,112\n1949-02,118\n1949-03,132\n")
    found = read_forecast(path, "n", "Month")
    assert found.period == 12
    assert found.future(1).astype(str).tolist() == ["1949-04-01"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "2024-01,1\n2024-02,2\n2024-04,3\n2024-05,4",
            (
                "column 't': 2024-03-01 is missing between 2024-02-01 (line 3)",
                "and 2024-04-01 (line 4), where times are 1 month apart",
                "or omit time",
            ),
        ),
        (
            "2024-01-05,1\n2024-01-02,2\n2024-01-01,3",
            ("2024-01-03 and 1 more are missing", "(line 3) and 2024-01-05 (line 2)"),
        ),
        (
            "1,1\n2,2\n2.5,3\n3.5,4",
            ("2.5 (line 4) does not follow 2 (line 3) by 1, as most times do",),
        ),
        ("1,1\n1,2", ("the time 1 is duplicated, in line 2 and line 3",)),
        ("1,1\n2,\n3,3", ("column 'y', line 3: a value is missing within the series",)),
        ("1,1\n,2", ("column 't', line 3: the time is missing",)),
        ("1,a\n2,3", ("column 'y', line 2: expected a number, got 'a'",)),
        ("1,2024-01-01\n2,2024-01-02", ("expected a number, got '2024-01-01'",)),
        ("1,inf\n2,3", ("column 'y', line 2: expected a number, got 'inf'",)),
    ],
)
def test_what_is_not_regular_or_complete_is_named(text, parts):
    table = csv(f"t,y\n{text}\n")
    refused(lambda: read_forecast(table, "y", "t"), *parts)


def test_series_may_begin_at_other_fractions():
    """Differences of 0.1 from 0 and from 5 are not the same to the last bit."""
    times = np.concatenate([0.1 * np.arange(9), 5 + 0.1 * np.arange(9)])
    table = {"id": np.repeat(["a", "b"], 9), "t": times, "y": np.arange(18.0)}
    found = read_forecast(table, "y", "t", series="id")
    assert str(found.spacing) == "0.1"
    np.testing.assert_allclose(np.concatenate(found.future(1)), [0.9, 5.9])


def test_what_does_not_fit_together():
    table = csv("id,t,y,x\na,1,1,1\na,2,2,\nb,1,1,1\nb,3,2,1\n")
    refused(
        lambda: read_forecast(table, "y", "t", series="id"),
        "column 't': the times of series 'b' are 2 apart, those before it 1",
    )
    refused(
        lambda: read_forecast(table, "y", "t", "x", series="id"),
        "column 'x', line 3: a value is missing",
    )
    refused(lambda: read_forecast(table, "z", "t"), "no column 'z'")
    refused(
        lambda: read_forecast(table, "y", "y"),
        "series, time, target, exogenous must be different columns; got 'y', 'y'",
    )
    none = csv("id,t,y\na,1,1\nb,1,\n")
    refused(
        lambda: read_forecast(none, "y", "t", series="id"),
        "column 'y', line 3: the series that starts here has no target",
    )
    refused(lambda: read_forecast(none, [], "t", series="id"), "must name a column")
    half = csv("t,y,z\n1,1,1\n2,2,\n3,,\n")
    refused(
        lambda: read_forecast(half, ["y", "z"], "t"),
        "column 'z', line 3: a value is missing within the series",
    )
