"""CSV out."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.app.tables import (
    ROWS_AT_ONCE,
    cell,
    csv_chunks,
    guarded,
    prediction_rows,
    table_rows,
    write_predictions,
)
from lamina.data import Table, load, read_table
from lamina.models.reports import Predictions


@given(st.text())
def test_no_text_is_a_formula(text):
    found = guarded(text)
    assert found.lstrip("'") == text.lstrip("'")
    if found[:1] in ("=", "+", "-", "@", "\t", "\r") and found:
        float(found)


@pytest.mark.parametrize("number", ["-1", "+2.5", "-1e-05", "3", "-.5"])
def test_plain_numbers_are_left_alone(number):
    assert guarded(number) == number


@pytest.mark.parametrize(
    "text", ["=1+1", "@SUM(A1)", "-1+cmd|' /C calc'!A0", "+a", "-"]
)
def test_formulas_become_text(text):
    assert guarded(text) == f"'{text}"


def test_names_of_columns_are_guarded_too():
    columns = [np.array(["=a"], object), np.array([0.5])]
    rows = list(prediction_rows(["=x", "p(=y)"], columns))
    assert rows == [["'=x", "p(=y)"], ["'=a", "0.5"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (3.0, "3"),
        (0.1, "0.1"),
        (np.float32(0.1), "0.1"),
        (1e300, "1e+300"),
        (np.int64(7), "7"),
        (np.datetime64("2024-02-03", "us"), "2024-02-03"),
        (np.datetime64("NaT", "us"), ""),
        ("a", "a"),
    ],
)
def test_cells(value, text):
    assert cell(value) == text


@given(st.lists(st.lists(st.text(), min_size=1, max_size=3), max_size=5))
def test_csv_is_read_as_it_was_meant(rows):
    text = b"".join(csv_chunks(rows)).decode("utf-8", "surrogatepass")
    if not any("\r" in value or "\n" in value for row in rows for value in row):
        found = list(csv.reader(io.StringIO(text, newline="")))
        assert found == rows


def test_many_rows_come_in_chunks():
    rows = [["a"]] * (ROWS_AT_ONCE + 1)
    chunks = list(csv_chunks(rows))
    assert [chunk.count(b"\n") for chunk in chunks] == [ROWS_AT_ONCE, 1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iris", "diabetes", "digits"])
def test_a_table_that_is_written_is_read_the_same(name, tmp_path):
    known = load(name)
    table = known.as_table()
    path = tmp_path / "t.csv"
    path.write_bytes(b"".join(csv_chunks(table_rows(table))))
    text = [known.target] if known.target_names else []
    assert read_table(path, text=text) == table


def test_dates_and_gaps_are_written_so_that_they_are_read(tmp_path):
    table = Table(
        {
            "when": np.array(["2024-01-02", "NaT", "2024-01-02T03:04:05"], "M8[us]"),
            "text": np.array(["=x", None, "a,b"], object),
            "number": np.array([1.5, np.nan, -3.0]),
        }
    )
    path = tmp_path / "t.csv"
    path.write_bytes(b"".join(csv_chunks(table_rows(table))))
    assert read_table(path) == table


def test_predictions_as_records_and_as_csv(tmp_path, capsys):
    columns = [np.array(["a", "=b"], object), np.array([0.5, np.nan], np.float32)]
    found = Predictions(["y", "p"], columns)
    assert found.records == [{"y": "a", "p": 0.5}, {"y": "=b", "p": None}]
    write_predictions(found, str(tmp_path / "p.csv"))
    assert (tmp_path / "p.csv").read_text() == "y,p\na,0.5\n'=b,\n"
    write_predictions(found, None)
    assert capsys.readouterr().out == (tmp_path / "p.csv").read_text()
