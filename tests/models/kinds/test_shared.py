"""Options as they are typed, read and written again."""

import pytest

from lamina.data.errors import UserError
from lamina.data.tables.target import TASKS
from lamina.models.kinds.shared import (
    one_or_all,
    parse_column_types,
    parse_settings,
    parse_shape,
    parse_size,
    parse_skip,
    tasks,
    write_column_types,
    write_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [("64", 64), ("48x64", (48, 64)), ("48X64", (48, 64)), ("4×5", (4, 5))],
)
def test_sizes_as_they_are_written(text, size):
    assert parse_size(text) == size


def test_shapes_of_rows_of_pixels():
    assert parse_shape("8x6") == (8, 6)
    assert parse_shape("8") == (8, 8)
    assert parse_shape(None) is parse_size(None) is None
    with pytest.raises(UserError, match="one side or HEIGHTxWIDTH") as caught:
        parse_shape("8,8")
    assert (caught.value.parameter, caught.value.value) == ("image_shape", "8,8")
    with pytest.raises(UserError, match="sides of at least 1"):
        parse_shape("0x8")


@pytest.mark.parametrize("text", ["", "x", "4x", "4x5x6", "-4", "4.5", "four", "٤"])
def test_sizes_that_are_none(text):
    with pytest.raises(UserError, match="one side or HEIGHTxWIDTH") as caught:
        parse_size(text)
    assert caught.value.parameter == "size"


def test_the_word_for_broken_files():
    assert (parse_skip(True), parse_skip(False)) == ("skip", "raise")


def test_what_is_written_is_read_again():
    assert parse_size(write_size((48, 64))) == (48, 64)
    assert parse_size(write_size(64)) == 64
    assert parse_column_types([write_column_types({"a=b c": "number"})]) == {
        "a=b c": "number"
    }


def test_settings_and_kinds():
    assert parse_settings(["max_iter=3", "solver=sgd"]) == {
        "max_iter": 3,
        "solver": "sgd",
    }
    with pytest.raises(UserError, match="COLUMN=TYPE, such as zip=category") as caught:
        parse_column_types(["zip"])
    assert caught.value.parameter == "column_types"


def test_one_column_several_or_none():
    assert one_or_all(("a",)) == "a"
    assert one_or_all(("a", "b")) == ["a", "b"]
    assert one_or_all(()) is None
    assert tuple(tasks()) == tuple(TASKS)
