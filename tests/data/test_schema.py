"""Schemas as a whole: columns by name, nothing left, round trips."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data import Table, TableSchema, load, read_table
from tests.data.helpers import csv, refused, through_json


def test_counting_is_no_identifier_if_it_is_the_only_input():
    table = read_table({"x": np.arange(100.0), "y": np.arange(100.0) ** 2})
    schema = TableSchema.fit(table, target="y")
    assert schema.names == ["x"]
    assert schema.notes == ()


def test_nothing_left():
    table = read_table({"x": [1, 1], "y": [1, 2]})
    refused(lambda: TableSchema.fit(table, "y"), "no column is left", "'x' (not used")
    refused(lambda: TableSchema.fit(table.drop("x"), "y"), "no other column")


def test_columns_are_found_by_name():
    table = csv("a,b,c\n1,x,2\n2,y,4\n")
    schema = TableSchema.fit(table)
    mixed = table.select(["c", "b", "a"])
    extra = Table({"z": np.zeros(2), **mixed.columns})
    np.testing.assert_array_equal(schema.encode(extra), schema.encode(table))
    refused(lambda: schema.encode(table.drop("b")), "no column 'b'", "model needs it")
    refused(lambda: schema.encode(table.select(["a"])), "2 columns", "'b', 'c'")


def test_encode_does_not_depend_on_the_other_rows():
    table = load("iris").as_table()
    schema = TableSchema.fit(table, target="species")
    whole = schema.encode(table)
    for rows in ([0], [149, 3], []):
        np.testing.assert_array_equal(schema.encode(table.take(rows)), whole[rows])


column = st.one_of(
    st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=6, max_size=6),
    st.lists(st.sampled_from(["a", "b", "c", None]), min_size=6, max_size=6),
    st.lists(st.dates() | st.none(), min_size=6, max_size=6),
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from("pqrs"), column, min_size=1))
def test_json_round_trip_encodes_the_same(columns):
    table = read_table({**columns, "x": [0.5, 2.0, 1.0, 7.0, 8.0, 9.5]})
    schema = TableSchema.fit(table)
    again = through_json(schema)
    assert again == schema
    encoded = schema.encode(table)
    assert encoded.shape == (6, schema.width)
    assert np.isfinite(encoded).all()
    np.testing.assert_array_equal(again.encode(table), encoded)


def test_wrong_target_name():
    table = load("iris").as_table()
    refused(
        lambda: TableSchema.fit(table, "Spezies"),
        "iris: no column 'Spezies'",
        "did you mean 'species'?",
        "The columns are: sepal length (cm), sepal width (cm)",
    )
    schema = TableSchema.fit(table)
    refused(lambda: schema.encode_target(table), "without a target")
    refused(lambda: schema.target_present(table), "without a target")


def test_describe_has_a_row_per_column():
    rows = TableSchema.fit(load("iris").as_table(), "species").describe()
    assert rows[0][:2] == ("sepal length (cm)", "number")
    assert "mean 5.843, standard deviation 0.82" in rows[0][2]
    assert rows[-1] == ("species", "target", "classification")
    mixed = csv("c,d,e\na,2024-01-05,\nb,2024-01-07,\n")
    details = [detail for *_, detail in TableSchema.fit(mixed).describe()]
    assert details[0] == "2 levels: a, b"
    assert details[1].startswith("around 2024-01-06")
    assert details[2] == "not used: no values"
