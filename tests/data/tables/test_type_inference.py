"""Kinds: what a column is found to be, and what is told of it."""

import numpy as np
import pytest

from lamina.data import TableSchema, read_table
from tests.data.helpers import csv, kinds, refused


def test_1e30_in_training_is_noted_and_finite():
    table = csv("x\n" + "\n".join(map(str, range(40, 60))) + "\n1e30\n")
    schema = TableSchema.fit(table)
    assert any("1e+30 in line 22" in note for note in schema.notes)
    assert np.isfinite(schema.encode(table)).all()


def test_words_in_a_column_of_numbers():
    rows = [str(i % 7) for i in range(100)]
    rows[41], rows[60] = "abc", "n.a."
    refused(
        lambda: TableSchema.fit(csv("x,y\n" + "\n".join(f"{r},{r}" for r in rows))),
        "column 'x', line 43: expected a number, got 'abc'",
        "(and 1 more)",
        "column_types={'x': 'category'}",
    )
    table = csv("x\n" + "\n".join(rows) + "\n")
    assert kinds(table, column_types={"x": "category"}) == {"x": "category"}
    refused(lambda: TableSchema.fit(table, column_types={"x": "number"}), "'abc'")


def test_text_of_numbers_in_a_data_frame_is_numbers():
    assert kinds(read_table({"x": ["1", "2.5", "?", "3"]})) == {"x": "number"}


@pytest.mark.slow
def test_100_000_categories_are_text_and_not_used():
    names = [f"name {i}" for i in range(100_000)]
    table = read_table({"c": names, "x": np.sin(np.arange(1e5))})
    schema = TableSchema.fit(table)
    assert [c.kind for c in schema.columns] == ["text", "number"]
    assert "100,000 distinct texts in 100,000 rows" in schema.notes[0]
    forced = TableSchema.fit(table, column_types={"c": "category"})
    assert forced.width == 64 + 1 + 1


def test_dates_in_text_and_bad_dates():
    days = [f"2024-01-{i:02}" for i in range(1, 29)]
    assert kinds(read_table({"d": days})) == {"d": "date"}
    refused(
        lambda: TableSchema.fit(read_table({"d": [*days, "2024-13-01"]})),
        "column 'd', row 29: expected a date, got '2024-13-01'",
    )
    schema = TableSchema.fit(read_table({"d": days}))
    refused(lambda: schema.encode(read_table({"d": [5.0]})), "expected a date")
    assert schema.encode(read_table({"d": [np.nan]})).tolist() == [[0] * 5]


def test_ambiguous_dates_are_text_with_a_hint():
    days = [f"{m:02}/{d:02}/2024" for m in range(1, 13) for d in range(1, 13)]
    schema = TableSchema.fit(read_table({"d": days, "x": np.sin(np.arange(144))}))
    assert schema.columns[0].kind == "text"
    assert "write it as YYYY-MM-DD" in schema.notes[0]


def test_columns_of_no_use_are_noted():
    n = 30
    table = read_table(
        {
            "x": np.sin(np.arange(n)),
            "same": ["a"] * n,
            "zero": np.zeros(n),
            "none": [None] * n,
            "customer_id": np.arange(n)[::-1] * 7,
            "PassengerId": [f"p{i}" for i in range(n)],
            "column_1": np.arange(n),
            "remark": [f"remark {i}" for i in range(n)],
        }
    )
    schema = TableSchema.fit(table)
    assert {c.name: c.kind for c in schema.columns} == {
        "x": "number",
        "same": "constant",
        "zero": "constant",
        "none": "empty",
        "customer_id": "identifier",
        "PassengerId": "identifier",
        "column_1": "identifier",
        "remark": "text",
    }
    assert len(schema.notes) == 7
    assert "'same' is always 'a'" in schema.notes[0]
    assert schema.names == ["x"]
    assert schema.encode(table).shape == (n, 1)
    assert (
        kinds(table, column_types={"customer_id": "number"})["customer_id"] == "number"
    )


@pytest.mark.parametrize("name", ["width", "grid", "paid", "valid", "idea"])
def test_words_that_end_in_id_are_no_identifiers(name):
    table = read_table({name: np.arange(5, 35.0), "y": np.sin(np.arange(30))})
    assert kinds(table)[name] == "number"


def test_small_integers_stay_numbers_and_short_tables_keep_text():
    table = read_table({"n": [1, 2, 1, 2], "c": ["a", "b", "c", "d"]})
    assert kinds(table) == {"n": "number", "c": "category"}


def test_kinds_and_exclude_are_checked():
    table = read_table({"abc": [1, 2], "x": [3, 5]})
    refused(
        lambda: TableSchema.fit(table, column_types={"abd": "number"}), "did you mean"
    )
    refused(
        lambda: TableSchema.fit(table, column_types={"x": "float"}), "must be one of"
    )
    refused(lambda: TableSchema.fit(table, exclude=["z"]), "no column 'z'")
    assert TableSchema.fit(table, exclude="x").names == ["abc"]
