"""What a table must be like before a network learns from it."""

import time

import numpy as np
import pytest

from lamina.data import TableError, TableSchema, load, read_table
from lamina.models.inputs.table import (
    check_far,
    check_target,
    known_set,
    learnt_from,
    with_known_target,
    with_target,
)


def test_embedded_sets_know_their_target(tmp_path, monkeypatch):
    table, target = with_target("iris", None)
    assert target == "species"
    assert table == load("iris").as_table()
    assert with_target("iris", "petal width (cm)")[1] == "petal width (cm)"
    with pytest.raises(TableError, match="example target='b'; the columns are: a, b"):
        with_target({"a": [1.0], "b": [2.0]}, None)


def test_a_target_may_be_missing(tmp_path, monkeypatch):
    table = read_table({"a": [1.0], "b": [2.0]})
    assert with_known_target(table, None) == (table, None)
    assert with_known_target("iris", None)[1] == "species"
    assert known_set("digits").image_shape == (8, 8)
    assert known_set(table) is known_set("airline") is known_set("iri") is None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris").write_text("a file of that name comes first")
    assert known_set("iris") is None


def test_kinds_come_from_all_rows_and_numbers_from_training_rows():
    table = read_table(
        {
            "x": [1.0, 3.0, 100.0],
            "c": ["a", "b", "z"],
            "constant": [1.0, 1.0, 1.0],
            "y": [0.5, 1.5, 2.5],
        }
    )
    whole = TableSchema.fit(table, "y")
    learnt = learnt_from(whole, table.take([0, 1]))
    x, c, constant = learnt.columns
    assert x.mean == 2.0
    assert c.levels == ("a", "b")
    assert constant == whole.columns[2]
    assert learnt.target == ("y",)
    assert learnt.notes == whole.notes


@pytest.mark.parametrize("row", range(5))
def test_a_number_beside_which_all_others_look_equal_is_refused_wherever_it_is(row):
    values = np.linspace(0, 1, 50)
    values[row] = 1e30
    table = read_table({"x": values, "y": np.arange(50) % 2.0})
    with pytest.raises(TableError, match=rf"'x', row {row + 1}: 1e\+30 is an outlier"):
        check_far(table, TableSchema.fit(table, "y"))


def test_wide_ranges_and_rare_values_are_not_refused():
    rare = np.zeros(50)
    rare[3] = 1e12
    table = read_table(
        {"wide": np.geomspace(1e-6, 1e12, 50), "rare": rare, "y": np.arange(50) % 2.0}
    )
    check_far(table, TableSchema.fit(table, "y"))


def test_targets_that_nothing_can_be_learnt_from():
    names = [f"n{i}" for i in range(50)]
    table = read_table({"x": np.arange(50.0) ** 2, "name": names})
    schema = TableSchema.fit(table, "name")
    with pytest.raises(TableError, match="50 classes in 50 rows"):
        check_target(table, schema, schema.encode_target(table))
    with pytest.raises(TableError, match="has 1 row with a target"):
        check_target(table, schema, np.array(["n1"], object))
    check_target(table, schema, np.array(["a", "b"] * 25, object))


@pytest.mark.slow
def test_time_grows_with_the_columns_and_not_with_their_square():
    n = 8_000
    table = read_table({f"c{i}": [1.0, 2.0, i] for i in range(n)})
    start = time.process_time()
    whole = TableSchema.fit(table)
    learnt_from(whole, table)
    assert time.process_time() - start < 8
