"""Schemas in a file: plain data out, every altered part refused."""

import copy
import json
import math

import pytest

from lamina.data import ImageSchema, TableSchema
from lamina.models import records
from lamina.storage.codec import decode, encode
from tests.data.helpers import csv, refused
from tests.model_files import through_json

SCHEMA = TableSchema.fit(
    csv("n,c,d,e,y\n1,a,2024-01-05,,0\n2,b,2024-01-06,,1\n4,a,2024-01-09,,1\n"), "y"
)
GOOD = encode(SCHEMA)[0]
PLACES = {
    "columns": ("TableSchema", "columns", "tuple"),
    "n": ("TableSchema", "columns", "tuple", 0, "NumberColumn"),
    "c": ("TableSchema", "columns", "tuple", 1, "CategoryColumn"),
    "d": ("TableSchema", "columns", "tuple", 2, "DateColumn"),
    "e": ("TableSchema", "columns", "tuple", 3, "UnusedColumn"),
    "target": ("TableSchema", "target_column", "Target"),
}


def read(data):
    return decode(TableSchema, data, {}, "schema")


def test_a_schema_is_plain_data():
    assert json.loads(json.dumps(GOOD, allow_nan=False)) == GOOD
    assert read(GOOD) == SCHEMA
    assert encode(read(GOOD)) == (GOOD, {})


def tuple_of(*items):
    return {"tuple": list(items)}


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        ((), None, None),
        ((), None, []),
        (("TableSchema",), "version", 2),
        (("TableSchema",), "version", True),
        (("TableSchema",), "columns", {}),
        (("TableSchema",), "columns", []),
        ("columns", 0, "x"),
        ("columns", 0, {"__import__": {}}),
        ("columns", 0, {"SGD": {}}),
        ("n", "name", 5),
        ("n", "name", "c"),
        ("n", "name", "y"),
        ("n", "name", "x" * (records.LONGEST + 1)),
        ("n", "mean", "1"),
        ("n", "mean", True),
        ("n", "mean", {"float": "nan"}),
        ("n", "mean", math.nan),
        ("n", "mean", 10**400),
        ("n", "scale", 0),
        ("n", "scale", -1.0),
        ("n", "scale", {"float": "inf"}),
        ("n", "missing", 0),
        ("n", "extra", 0),
        ("c", "levels", "ab"),
        ("c", "levels", tuple_of("a", "a")),
        ("c", "levels", tuple_of("a", None)),
        ("c", "other", None),
        ("d", "hours", "no"),
        ("d", "scale", 0.0),
        ("d", "mean", {"float": "-inf"}),
        ("e", "mean", 0.0),
        ("e", "kind", "number"),
        ("e", "kind", ["text"]),
        ("target", "task", "eval"),
        ("target", "labels", "pickle"),
        ("target", "names", tuple_of()),
        ("target", "names", tuple_of("n")),
        ("target", "names", tuple_of("a", "a")),
        ("target", "names", "y"),
        (("TableSchema",), "target_column", "y"),
        (("TableSchema",), "notes", tuple_of(1)),
        (("TableSchema",), "more", 1),
    ],
)
def test_every_altered_part_of_a_schema_is_refused(place, name, value):
    data = {"": copy.deepcopy(GOOD)}
    part, last = data[""], name
    if place == ():
        part, last = data, ""
    for step in PLACES.get(place, place):
        part = part[step]
    part[last] = value
    refused(lambda: read(data[""]), "schema", error=ValueError)


@pytest.mark.parametrize("key", ["version", "columns"])
def test_every_absent_part_of_a_schema_is_refused(key):
    data = {"TableSchema": {k: v for k, v in GOOD["TableSchema"].items() if k != key}}
    message = refused(lambda: read(data), error=ValueError)
    assert message.startswith("schema")


def test_parts_that_have_defaults_may_be_absent():
    columns = GOOD["TableSchema"]["columns"]
    found = read({"TableSchema": {"version": 1, "columns": columns}})
    assert found == TableSchema(SCHEMA.columns)


def test_regression_without_float_labels_is_refused():
    data = copy.deepcopy(GOOD)
    data["TableSchema"]["target_column"]["Target"]["task"] = "regression"
    refused(lambda: read(data), "disagree", error=ValueError)


def test_schemas_of_images_come_back():
    schema = ImageSchema(5, 7, 1, "crop")
    assert through_json(schema) == schema


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0},
        {"width": "7"},
        {"height": 10**7},
        {"channels": 2},
        {"channels": True},
        {"resize": "tile"},
        {"more": 1},
    ],
)
def test_damaged_schemas_of_images_are_refused(change):
    said = encode(ImageSchema(5, 7))[0]["ImageSchema"] | change
    for content in (said, []):
        refused(
            lambda content=content: decode(
                ImageSchema, {"ImageSchema": content}, {}, "schema"
            ),
            "schema",
            error=ValueError,
        )
