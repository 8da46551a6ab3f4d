"""Schemas as a whole: columns by name, nothing left, round trips."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data import Table, TableSchema, load, read_table
from lamina.models import records  # noqa: F401  (registers schemas)
from tests.data.helpers import csv, refused
from tests.model_files import through_json


def test_counting_is_no_identifier_if_it_is_the_only_input():
    table = read_table({"x": np.arange(100.0), "y": np.arange(100.0) ** 2})
    schema = TableSchema.fit(table, target="y")
    assert schema.names == ["x"]
    assert schema.notes == ()


def test_nothing_left():
    table = read_table({"x": [1, 1], "y": [1, 2]})
    refused(lambda: TableSchema.fit(table, "y"), "no columns are left", "'x' (not used")
    refused(lambda: TableSchema.fit(table.drop("x"), "y"), "no column besides the")


def test_columns_are_found_by_name():
    table = csv("a,b,c\n1,x,2\n2,y,4\n")
    schema = TableSchema.fit(table)
    mixed = table.select(["c", "b", "a"])
    extra = Table({"z": np.zeros(2), **mixed.columns})
    np.testing.assert_array_equal(schema.encode(extra), schema.encode(table))
    refused(lambda: schema.encode(table.drop("b")), "no column 'b'", "model needs it")
    refused(lambda: schema.encode(table.select(["a"])), "2 columns", "'b', 'c'")


def test_numbers_and_their_scales():
    schema = TableSchema.fit(csv("c,n,m\nx,1,5\ny,3,\nx,1,5\ny,3,9\n"))
    assert [column.name for column in schema.number_columns] == ["n", "m"]
    mean, scale = schema.number_scales()
    assert schema.feature_names == ["c = x", "c = y", "n", "m", "m missing"]
    np.testing.assert_allclose(mean, [0, 0, 2, 19 / 3, 0])
    np.testing.assert_allclose(scale, [1, 1, 1, np.sqrt(32 / 9), 1])


def test_encode_does_not_depend_on_the_other_rows():
    table = load("iris").as_table()
    schema = TableSchema.fit(table, target="species")
    whole = schema.encode(table)
    for rows in ([0], [149, 3], []):
        np.testing.assert_array_equal(schema.encode(table.take(rows)), whole[rows])


def test_decoding_undoes_encoding():
    table = csv(
        "n,c,when,at,id\n"
        "1.5,x,2024-02-29,2024-01-01 10:30,1\n"
        ",y,1969-12-31,2024-01-02 00:00,2\n"
        "-2,,,2024-01-03 23:59:58,3\n"
    )
    schema = TableSchema.fit(table, exclude=["id"])
    again = schema.decode(schema.encode(table))
    assert again.names == ["n", "c", "when", "at"]
    np.testing.assert_allclose(again["n"], table["n"], rtol=1e-6)
    for name in ("c", "when"):
        np.testing.assert_array_equal(again[name], table[name])
    apart = np.abs(again["at"] - table["at"])
    assert (apart <= np.timedelta64(1, "s")).all()


def test_a_category_is_the_level_of_its_largest_feature():
    levels = [f"l{i:02}" for i in range(70)]
    table = csv("c,x\n" + "".join(f"{v},{i}\n" for i, v in enumerate(levels * 2)))
    schema = TableSchema.fit(table, column_types={"c": "category"})
    features = np.zeros((2, schema.width), np.float32)
    features[0, 3], features[1, 64] = 0.4, 0.6
    assert schema.decode(features)["c"].tolist() == ["l03", "other"]


def test_decoding_what_is_no_row_or_beyond_all_dates():
    schema = TableSchema.fit(csv("d\n2024-01-01\n2024-01-05\n"))
    far = np.full((1, schema.width), 1e30, np.float32)
    assert np.isnat(schema.decode(far)["d"]).all()
    refused(lambda: schema.decode(far[:, 1:]), "features must be (n_rows, 5)")


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
