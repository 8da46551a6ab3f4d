"""Values of later data: found in another way of writing, or reported."""

import json
import warnings

import numpy as np
import pytest

from lamina.data import TableSchema, read_table
from lamina.data.tables.levels import (
    MISSING,
    UNSEEN,
    Unseen,
    UnseenWarning,
    positions,
    similar,
    warn_unseen,
)
from tests.data.helpers import csv


def placed(values, levels):
    return positions(np.array(values, dtype=object), levels).tolist()


def test_the_same_value_in_another_way_of_writing_is_the_level():
    assert placed(["1", "1.0", "2.00", "X"], ["1", "2", "X"]) == [0, 0, 1, 2]
    assert placed(["1", "2.5", "-3"], ["1.0", "2.50", "-3.0"]) == [0, 1, 2]
    assert placed(["True", "false", "TRUE"], ["false", "true"]) == [1, 0, 1]
    assert placed(["true", "maybe"], ["True", "maybe"]) == [0, 1]


def test_what_may_be_another_value_is_none_of_the_levels():
    """Codes with leading zeros, 16 digits, one of two levels, words."""
    assert placed(["7", "7.0", "007.0"], ["007", "x"]) == [UNSEEN] * 3
    assert placed(["1234567890123456.0"], ["1234567890123456"]) == [UNSEEN]
    assert placed(["1.00", "1.0"], ["1", "1.0"]) == [UNSEEN, 1]
    assert placed(["1", "yes", None, "Male"], ["true", "male"]) == [
        *[UNSEEN] * 2,
        MISSING,
        UNSEEN,
    ]


@pytest.mark.parametrize(
    ("value", "levels", "expected"),
    [
        ("M", ["female", "male"], ("male",)),
        ("Male", ["female", "male"], ("male",)),
        ("mle", ["female", "male"], ("male", "female")),
        ("yes", ["false", "true"], ("true",)),
        ("0", ["false", "true"], ("false",)),
        ("7", ["007", "17", "70"], ("007",)),
        ("113", ["112", "114"], ()),
        ("green", ["red", "blue"], ()),
        (None, ["male"], ()),
        ("", ["male"], ()),
    ],
)
def test_what_could_be_meant(value, levels, expected):
    assert similar(value, levels) == expected


def test_the_message_names_column_values_rows_and_what_may_be_meant():
    values = ["M", "M", None, "X", "M"]
    unseen = Unseen.among("sex", values, ["female", "male"])
    assert str(unseen) == (
        "column 'sex': 'M' (3 rows; did you mean 'male'?), a missing value (1 row), "
        "'X' (1 row) were not seen in training; the model ignores this "
        "column in 5 rows"
    )
    told = unseen.to_json()
    assert told["values"][0] == {"value": "M", "rows": 3, "similar": ["male"]}
    assert (told["rows"], told["n_values"], told["target"]) == (5, 3, False)
    assert Unseen.among("sex", [], ["male"]) is None


@pytest.mark.slow
def test_hostile_names_and_values_are_escaped_and_bounded():
    values = [f"{i}\x1b[2J\n" + "v" * 70_000 for i in range(10_000)]
    unseen = Unseen.among("c\x07" * 70_000, values, ["v" * 70_000] * 3)
    text = str(unseen)
    assert text.isprintable()
    assert len(text) < 600
    assert "and 9,995 other values" not in text
    assert "9,995 other values" in text
    assert len(json.dumps(unseen.to_json())) < 10_000


def test_of_many_columns_the_first_are_reported_and_the_others_named():
    found = [Unseen.among(f"c{i}", ["x"], ["y"]) for i in range(30)]
    with pytest.warns(UserWarning, match="not seen in training") as caught:
        warn_unseen(found)
    assert len(caught) == 6
    assert str(caught[5].message).startswith("25 more columns have values")


def test_a_table_of_other_types_is_encoded_or_reported():
    """Whole numbers beside a gap come as 1.0; 1, 0 and yes are no truth values."""
    train = "flag,zone,y\n" + "True,1,0\nFalse,2,1\nTrue,X,2\n" * 9
    schema = TableSchema.fit(csv(train), "y")
    assert schema.feature_names == [
        "flag = false",
        "flag = true",
        "zone = 1",
        "zone = 2",
        "zone = X",
    ]
    new = csv("flag,zone\n1,1.0\n0,2.0\nyes,X\nTRUE,1\n", text=schema.text_names)
    with pytest.warns(UnseenWarning) as caught:
        encoded = schema.encode(new)
    assert encoded.tolist() == [
        [0, 0, 1, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 0, 0, 1],
        [0, 1, 1, 0, 0],
    ]
    (warning,) = caught
    assert warning.message.unseen.rows == 3
    values = [value for value, *_ in warning.message.unseen.values]
    assert values == ["1", "0", "yes"]


def test_what_was_learnt_is_not_reported():
    schema = TableSchema.fit(read_table({"c": ["a", None, "b"], "x": [1.0, 2, 3]}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema.encode(read_table({"c": ["b", None], "x": [9.0, None]}))
    levels = TableSchema.fit(read_table({"c": [f"l{i}" for i in range(70)] * 9}))
    with warnings.catch_warnings():  # "other" was learnt of rare levels
        warnings.simplefilter("error")
        levels.encode(read_table({"c": ["new"]}))
