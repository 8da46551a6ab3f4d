"""JSON tables: three shapes, and every way they can be broken."""

import gzip

import numpy as np
import pytest

from lamina.data import Table, read_table
from tests.data.helpers import unreadable


def test_json_shapes_give_the_same_table(write):
    wanted = Table(
        {
            "a": np.array([1.0, 2.5]),
            "b": np.array(["x", None], dtype=object),
            "c": np.array([None, "true"], dtype=object),
        }
    )
    records = b'[{"a": 1, "b": "x"},\n {"a": 2.5, "b": null, "c": true}]'
    lines = b'{"a": 1, "b": "x"}\n{"a": 2.5, "c": true}\n'
    columns = b'{"a": [1, 2.5], "b": ["x", null], "c": [null, true]}'
    assert read_table(write(records, "t.json")) == wanted
    assert read_table(write(b"\xef\xbb\xbf" + records, "t.json")) == wanted
    assert read_table(write(lines, "t.json")) == wanted
    assert read_table(write(lines, "t.jsonl")).where(1) == "line 2"
    assert read_table(write(gzip.compress(lines), "t.ndjson.gz")) == wanted
    assert read_table(write(columns, "t.json")) == wanted
    assert read_table(write(lines, "t.jsonl"), nrows=1).n_rows == 1
    assert read_table(write(b'{"a": 1, "A": 2}', "t.json")).names == ["a", "A"]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["the file is empty"]),
        (b"[]", ["has no records"]),
        (b"{}", ["an empty object"]),
        (b'"x"', ["a single value 'x'"]),
        (b"[1]", ["record 1 is 1", "an object"]),
        (b'[{"a": 1},\n {"a": 2', ["line 2, column 9", "may be truncated"]),
        (b'{"a": 1}\n{"a": 2', ["line 2, column 8", "may be truncated"]),
        (b'[{"a": 1, "a": 2}]', ["the key 'a' is duplicated"]),
        (b'[{"a": 1}, {"a": [1]}]', ["column 'a', row 2 has [1]"]),
        (b'[{"a": ' * 100_000, ["nested too deeply"]),
        (b'[{"a": ' + b"9" * 5000 + b"}]", ["a number cannot be read"]),
        (b'[{"a": ' + b"9" * 400 + b"}]", ["column 'a'", "beyond 1e308"]),
        (b'{"a": [1, 2], "b": [1]}', ["'a' has 2, 'b' has 1"]),
        (b'[{"a": "\0"}]', ["line 1 has a NUL byte"]),
    ],
)
def test_bad_json(write, content, parts):
    unreadable(write(content, "t.json"), *parts)


def test_bad_json_lines(write):
    unreadable(
        write(b'{"a": 1}\n\nxx\n', "t.jsonl"), "line 3, column 1", "invalid JSON"
    )
    unreadable(write(b'{"a": 1}\n3\n', "t.jsonl"), "line 2 is 3")
    unreadable(
        write(b'{"a": 1}\n{"b": 1, "b": 2}\n', "t.jsonl"), "line 2", "'b'", "duplicated"
    )
