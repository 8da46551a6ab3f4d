"""Schemas as JSON: plain data out, every altered part refused."""

import copy
import json
import math
import re

import pytest

from lamina.data import TableSchema
from tests.data.helpers import csv, refused

GOOD = TableSchema.fit(
    csv("n,c,d,e,y\n1,a,2024-01-05,,0\n2,b,2024-01-06,,1\n4,a,2024-01-09,,1\n"), "y"
).to_json()


def test_json_is_plain_data():
    assert json.loads(json.dumps(GOOD, allow_nan=False)) == GOOD
    assert TableSchema.from_json(GOOD).to_json() == GOOD


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), None),
        ((), []),
        (("version",), 2),
        (("version",), True),
        (("columns",), {}),
        (("columns", 0), "x"),
        (("columns", 0, "kind"), "__import__"),
        (("columns", 0, "kind"), ["number"]),
        (("columns", 0, "name"), 5),
        (("columns", 0, "name"), "c"),
        (("columns", 0, "name"), "y"),
        (("columns", 0, "name"), "x" * 100_001),
        (("columns", 0, "mean"), "1"),
        (("columns", 0, "mean"), True),
        (("columns", 0, "mean"), math.nan),
        (("columns", 0, "mean"), 10**400),
        (("columns", 0, "scale"), 0),
        (("columns", 0, "scale"), -1.0),
        (("columns", 0, "scale"), math.inf),
        (("columns", 0, "missing"), 0),
        (("columns", 0, "extra"), 0),
        (("columns", 1, "levels"), "ab"),
        (("columns", 1, "levels"), ["a", "a"]),
        (("columns", 1, "levels"), ["a", None]),
        (("columns", 1, "other"), None),
        (("columns", 2, "hours"), "no"),
        (("columns", 3, "mean"), 0.0),
        (("target", "task"), "eval"),
        (("target", "labels"), "pickle"),
        (("target", "names"), []),
        (("target", "names"), ["n"]),
        (("target", "names"), "y"),
        (("target",), "y"),
        (("notes",), [1]),
        (("more",), 1),
    ],
)
def test_every_altered_part_of_json_is_refused(path, value):
    data = copy.deepcopy(GOOD)
    if path:
        part = data
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value
    else:
        data = value
    refused(lambda: TableSchema.from_json(data), "schema: ", error=ValueError)


@pytest.mark.parametrize("key", ["version", "columns", "target", "notes"])
def test_every_absent_part_of_json_is_refused(key):
    data = {k: v for k, v in GOOD.items() if k != key}
    message = refused(lambda: TableSchema.from_json(data), error=ValueError)
    assert re.match("schema: schema must have exactly version", message)


def test_regression_without_float_labels_is_refused():
    data = copy.deepcopy(GOOD)
    data["target"]["task"] = "regression"
    refused(lambda: TableSchema.from_json(data), "disagree", error=ValueError)
