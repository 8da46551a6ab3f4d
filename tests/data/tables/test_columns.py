"""Encodings of single columns, worked by hand."""

import math

import numpy as np
import pytest

from lamina.data import TableSchema, read_table
from lamina.data.tables.levels import UnseenWarning
from tests.data.helpers import csv, refused


def test_numbers_are_z_scored_with_the_population_deviation():
    schema = TableSchema.fit(read_table({"x": [1.0, 2.0, 3.0, 6.0]}))
    deviation = math.sqrt(3.5)  # mean 3, squares 4 + 1 + 0 + 9 over 4
    z = schema.encode(read_table({"x": [3.0, 1.0, 10.0]}))
    assert z.dtype == np.float32
    wanted = [[0.0], [-2 / deviation], [7 / deviation]]
    np.testing.assert_allclose(z, wanted, rtol=1e-6)


def test_missing_numbers_are_the_mean_and_a_flag():
    schema = TableSchema.fit(read_table({"x": [1.0, None, 3.0]}))
    assert schema.feature_names == ["x", "x missing"]
    np.testing.assert_array_equal(
        schema.encode(read_table({"x": [None, 3.0]})), [[0, 1], [1, 0]]
    )


def test_missing_only_later_is_the_mean_without_a_flag():
    schema = TableSchema.fit(read_table({"x": [1.0, 3.0]}))
    np.testing.assert_array_equal(
        schema.encode(read_table({"x": [None, 5.0]})), [[0], [3]]
    )


def test_one_number_and_gaps_is_a_flag_with_scale_one():
    schema = TableSchema.fit(read_table({"x": [7.0, None, 7.0]}))
    np.testing.assert_array_equal(
        schema.encode(read_table({"x": [7, None, 8]})), [[0, 0], [0, 1], [1, 0]]
    )


@pytest.mark.parametrize("value", ["1e39", "inf", "-inf", "1e400"])
def test_values_beyond_float32_name_column_and_line(value):
    table = csv(f"x,y\n1,2\n2,{value}\n3,4\n")
    refused(lambda: TableSchema.fit(table), "column 'y', line 3", "3.4e38")
    schema = TableSchema.fit(csv("x,y\n1,2\n3,4\n"))
    refused(lambda: schema.encode(table), "column 'y', line 3", "beyond the range")


def test_1e30_at_prediction_is_refused():
    schema = TableSchema.fit(csv("x\n1\n2\n3\n"))
    refused(lambda: schema.encode(csv("x\n1\n1e30\n")), "column 'x', line 3", "1e+30")


def test_numbers_that_arrive_as_text():
    schema = TableSchema.fit(read_table({"x": [1.0, 3.0]}))
    np.testing.assert_array_equal(
        schema.encode(read_table({"x": ["3", "?", "1.0"]})), [[1], [0], [-1]]
    )
    refused(lambda: schema.encode(csv("x\n1\nlow\n")), "column 'x', line 3", "'low'")
    when = read_table({"x": np.array(["2024-01-05"], "datetime64[D]")})
    refused(lambda: schema.encode(when), "expected a number, got a date")


def test_one_hot_with_missing_and_unseen():
    schema = TableSchema.fit(read_table({"c": ["red", None, "blue", "red"]}))
    assert schema.feature_names == ["c = blue", "c = red", "c missing"]
    with pytest.warns(UnseenWarning, match="'green'"):
        encoded = schema.encode(read_table({"c": ["red", "green", None, "blue"]}))
    wanted = [[0, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0]]
    np.testing.assert_array_equal(encoded, wanted)
    seen_all = TableSchema.fit(read_table({"c": ["red", "blue"]}))
    with pytest.warns(UnseenWarning, match="a missing value"):
        encoded = seen_all.encode(read_table({"c": [None, "red"]}))
    np.testing.assert_array_equal(encoded, [[0, 0], [0, 1]])


def test_many_levels_keep_the_64_most_frequent_and_other():
    levels = [f"l{i:03}" for i in range(100) for _ in range(200 - i)]
    schema = TableSchema.fit(read_table({"c": levels}))
    assert schema.feature_names[0] == "c = l000"
    assert schema.feature_names[63:] == ["c = l063", "c other"]
    assert "100 levels" in schema.notes[0]
    codes = schema.encode(read_table({"c": ["l063", "l064", "new"]}))
    assert codes.argmax(axis=1).tolist() == [63, 64, 64]
    assert codes.sum(axis=1).tolist() == [1, 1, 1]


def test_the_rarest_levels_share_a_feature_wherever_they_stand():
    levels = [f"l{i:03}" for i in range(100) for _ in range(1 + i)]
    schema = TableSchema.fit(read_table({"c": levels}))
    assert schema.feature_names[:2] == ["c = l036", "c = l037"]
    assert schema.feature_names[63:] == ["c = l099", "c other"]


def test_numbers_that_differ_by_rounding_have_scale_one():
    (column,) = TableSchema.fit(
        read_table({"x": [0.3, 0.1 + 0.2, 0.3]}), column_types={"x": "number"}
    ).columns
    assert (column.mean, column.scale) == (pytest.approx(0.3), 1)


def test_numbers_taken_as_categories():
    table = read_table({"c": [1.0, 2.0, None, 2.5]})
    schema = TableSchema.fit(table, column_types={"c": "category"})
    assert schema.feature_names == ["c = 1", "c = 2", "c = 2.5", "c missing"]
    as_text = read_table({"c": ["2.0", "x", None, "1"]})
    wanted = [[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0]]
    with pytest.warns(UnseenWarning, match="'x'"):
        np.testing.assert_array_equal(schema.encode(as_text), wanted)
    assert schema.text_names == ()


def test_codes_with_leading_zeros_survive_prediction():
    schema = TableSchema.fit(csv("zip,y\n007,1\n01x,2\n007,3\n", text=["zip"]))
    assert schema.text_names == ("zip",)
    few = csv("zip,y\n007,1\n", text=schema.text_names)
    assert schema.encode(few)[0, :2].tolist() == [1, 0]


def test_dates_worked_by_hand():
    schema = TableSchema.fit(csv("d\n1970-01-01\n1970-01-05\n"))
    assert schema.feature_names == [
        "d days",
        "d sin of year",
        "d cos of year",
        "d sin of week",
        "d cos of week",
    ]
    first, second = schema.encode(csv("d\n1970-01-01\n05.01.1970\n"))
    turn = 2 * np.pi * 3 / 7  # a Thursday: three days after Monday
    np.testing.assert_allclose(first, [-1, 0, 1, np.sin(turn), np.cos(turn)], atol=1e-6)
    year = 2 * np.pi * 4 / 365.2425  # a Monday
    np.testing.assert_allclose(second, [1, np.sin(year), np.cos(year), 0, 1], atol=1e-6)


def test_hours_and_missing_dates():
    schema = TableSchema.fit(csv("d,x\n2024-01-05 06:00,1\n,2\n2024-01-06,4\n"))
    assert schema.feature_names[5:8] == ["d sin of day", "d cos of day", "d missing"]
    encoded = schema.encode(csv("d,x\n2024-01-05 06:00,1\nNA,1\n"))
    np.testing.assert_allclose(encoded[0, 5:8], [1, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(encoded[1, :8], [0] * 7 + [1])
