"""The one error about what a person gave, and messages that front ends say."""

import json
import pickle

import pytest

from lamina.data.errors import LONGEST, Message, Setting, UserError, bounded, quoted


def shouted(setting):
    return f"<{setting.parameter}>" if not setting.has_value else f"<{setting.value}>"


def test_a_message_is_a_text_in_which_settings_are_said_otherwise():
    use = Setting("column_types", {"a": "category"})
    message = Message("not used (", use, " uses it)")
    assert message == "not used (column_types={'a': 'category'} uses it)"
    assert message.worded(shouted) == "not used (<{'a': 'category'}> uses it)"
    longer = Message(message, "; ", Setting("task"))
    assert longer.worded(shouted).endswith("uses it); <task>")
    assert Message("{} {a}").worded(shouted) == "{} {a}"


def test_an_error_says_where_what_and_how_to_mend_it():
    error = UserError("has no rows", where="t.csv", hint="give it some")
    assert str(error) == "t.csv: has no rows; give it some"
    assert (error.where, error.problem, error.hint) == (
        "t.csv",
        "has no rows",
        "give it some",
    )


def test_an_error_of_a_parameter_says_what_was_expected_and_what_came():
    error = UserError(parameter="n", value=0, expected="a number ≥ 1", hint="try 1")
    assert str(error) == "n must be a number ≥ 1; got 0; try 1"
    assert error.message.worded(shouted) == "<n> must be a number ≥ 1; got 0; try 1"
    assert (error.parameter, error.value, error.expected) == ("n", 0, "a number ≥ 1")


def test_errors_survive_the_way_to_another_process():
    error = UserError(parameter="n", value=0, expected="positive", where="t.csv")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert vars(again).keys() == vars(error).keys()
    assert again.message.worded(shouted) == error.message.worded(shouted)
    assert not again.message.parts[2].has_value


@pytest.mark.parametrize("value", ["x" * 1000, list(range(1000)), "a\n\n  b"])
def test_wrong_values_are_one_short_line(value):
    assert len(quoted(value)) <= 101
    assert "\n" not in quoted(value)


def test_long_messages_keep_their_end():
    text = bounded("n" * 70_000 + ": correct it")
    assert len(text) == LONGEST
    assert text.endswith(": correct it")
    assert bounded(known := Message("short ", Setting("n", 1))) is known


def test_messages_come_back_from_json():
    message = Message(
        "a (", Setting("column_types", {"x": "category"}), "; ", Setting("n")
    )
    message = Message(message, Setting("size", (48, 64)), Setting("task", "regression"))
    again = Message.from_json(json.loads(json.dumps(message.to_json())))
    assert again == message
    assert again.worded(shouted) == message.worded(shouted)


@pytest.mark.parametrize(
    "data",
    [
        None,
        "text",
        {},
        {"parts": "text"},
        {"parts": [], "more": 1},
        {"parts": [3]},
        {"parts": [{"value": 3}]},
        {"parts": [{"parameter": 3}]},
        {"parts": [{"parameter": "n", "value": None}]},
        {"parts": [{"parameter": "n", "value": {"a": 3}}]},
        {"parts": [{"parameter": "n", "value": [[1]]}]},
        {"parts": [{"parameter": "n", "more": 3}]},
    ],
)
def test_messages_that_are_not_readable(data):
    with pytest.raises(ValueError, match="the message is corrupt"):
        Message.from_json(data)
