"""Targets: task, labels as they stood, missing ones, bad ones."""

import numpy as np
import pytest

from lamina.data import TableSchema, read_table
from lamina.models import records  # noqa: F401  (registers schemas)
from tests.data.helpers import csv, refused
from tests.model_files import through_json


def target_of(values, **options):
    table = read_table({"x": np.sin(np.arange(len(values))), "y": values})
    schema = through_json(TableSchema.fit(table, target="y", **options))
    return schema, schema.encode_target(table.take(schema.target_present(table)))


@pytest.mark.parametrize(
    ("values", "task", "kind"),
    [
        (["a", "b", "a"], "classification", "O"),
        ([True, False, True], "classification", "O"),
        (["0", "1", "0"], "classification", "O"),
        ([0, 1, 1, 0], "classification", "i"),
        ([-1, 1, 1], "classification", "i"),
        ([0, 1, 2] * 5, "classification", "i"),
        ([3, 5, 8] * 10, "classification", "i"),
        ([3, 5, 8], "regression", "f"),
        ([3, 5, 8] * 5, "regression", "f"),
        (list(range(21)) * 30, "regression", "f"),
        ([0.5, 1.5] * 10, "regression", "f"),
        (["0.5", "1.5", "2.25"], "regression", "f"),
    ],
)
def test_task_and_labels_follow_the_target(values, task, kind):
    schema, y = target_of(values)
    assert schema.task == task
    assert y.dtype.kind == kind
    assert y.shape == (len(values),)
    if kind != "O":
        assert y.tolist() == [float(v) for v in values]


def test_labels_stay_as_they_stood():
    assert target_of([0, 1, 1, None])[1].tolist() == [0, 1, 1]
    assert target_of([True, False, None])[1].tolist() == ["true", "false"]
    assert target_of(["1", "2", "1"])[1].tolist() == ["1", "2", "1"]


def test_task_can_be_overruled():
    schema, y = target_of([0, 1, 1, 0], task="regression")
    assert schema.task == "regression"
    assert y.dtype == np.float64
    schema, y = target_of(list(range(30)), task="classification")
    assert schema.task == "classification"
    assert y.dtype == np.int64
    schema, y = target_of([0.5, 1.5, 0.5], task="classification")
    assert schema.task == "classification"
    assert y.tolist() == [0.5, 1.5, 0.5]
    refused(lambda: target_of([0, 1], task="ranking"), "task must be")


def test_a_guess_is_noted():
    schema, _ = target_of([3, 5, 8] * 10)
    assert "3 distinct whole numbers" in schema.notes[0]
    assert target_of([0, 1] * 10)[0].notes == ()


def test_text_labels_keep_their_type_in_a_later_table():
    schema, _ = target_of(["1", "2", "x"])
    later = read_table({"x": [0.0], "y": [2.0]})
    assert schema.encode_target(later).tolist() == ["2"]
    assert schema.text_names == ("y",)


def test_of_several_targets_those_not_measured_are_nan():
    """A row with one of them is learnt from; without any it is left out."""
    table = csv("x,a,b\n1,0,1\n2,,1\n3,1,\n4,,\n")
    schema = TableSchema.fit(table, ["a", "b"])
    assert schema.target_present(table).tolist() == [True, True, True, False]
    y = schema.encode_target(table.take(schema.target_present(table)))
    np.testing.assert_array_equal(y, [[0, 1], [np.nan, 1], [1, np.nan]])
    assert schema.task == "classification"
    refused(lambda: schema.encode_target(table), "missing in 1 rows", "line 5")
    whole = schema.encode_target(csv("x,a,b\n1,0,1\n2,1,1\n"))
    assert whole.dtype == np.int64


def test_missing_targets_are_masked_and_refused():
    table = csv("x,y\n1,a\n2,\n3,b\n")
    schema = TableSchema.fit(table, "y")
    assert schema.target_present(table).tolist() == [True, False, True]
    assert "missing in 1 rows" in schema.notes[0]
    refused(lambda: schema.encode_target(table), "'y' is missing", "first in line 3")


def test_several_targets():
    table = read_table({"x": [1, 2, 4], "a": [0.5, 1, 2], "b": [1, 2, 3]})
    schema = TableSchema.fit(table, ["a", "b"])
    assert schema.task == "regression"
    assert schema.names == ["x"]
    wanted = [[0.5, 1], [1, 2], [2, 3]]
    np.testing.assert_array_equal(schema.encode_target(table), wanted)
    labels = read_table({"x": [1, 2, 4], "a": [0, 1, 0], "b": [1, 1, 0]})
    schema = through_json(TableSchema.fit(labels, ["a", "b"]))
    assert schema.task == "classification"
    assert schema.encode_target(labels).tolist() == [[0, 1], [1, 1], [0, 0]]
    refused(
        lambda: TableSchema.fit(table, ["a", "b"], task="classification"),
        "must all be 0 or 1",
    )
    refused(lambda: TableSchema.fit(table, ["a", "a"]), "different column names")


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ([None, None, None], ["target 'y' has no values"]),
        (["a", "a", None], ["target 'y' is 'a' in every row", "two different"]),
        ([2, 2, 2], ["target 'y' is '2' in every row"]),
        (np.array(["2024-01-05"] * 3, "datetime64[D]"), ["target 'y' is a date"]),
        ([1.5] * 30 + [2.5, "x"], ["column 'y', row 32", "'x'"]),
        ([1.5, 2.5, np.inf], ["column 'y', row 3", "inf"]),
    ],
)
def test_bad_targets(values, parts):
    refused(lambda: target_of(values), *parts)


def test_words_in_a_numeric_target_of_a_later_table():
    schema = TableSchema.fit(csv("x,y\n1,1.5\n2,2.5\n3,9\n"), "y")
    refused(lambda: schema.encode_target(csv("x,y\n1,2\n2,high\n")), "line 3", "'high'")
    classes = TableSchema.fit(csv("x,y\n1,0\n2,1\n3,0\n"), "y")
    refused(lambda: classes.encode_target(csv("x,y\n1,0.5\n")), "line 2", "whole")
