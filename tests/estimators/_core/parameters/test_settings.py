"""Settings as a person types them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina import SGD, Dense, Dropout
from lamina.estimators._core.parameters.settings import (
    LONGEST,
    parse_setting,
    parse_value,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("50", 50),
        ("1e-3", 0.001),
        ("-2", -2),
        ("true", True),
        ("False", False),
        ("none", None),
        ("adam", "adam"),
        ('"adam"', "adam"),
        ("'adam'", "adam"),
        ("[64, 32]", [64, 32]),
        ("64,32", (64, 32)),
        ("(64,)", (64,)),
        ("['relu', tanh]", ["relu", "tanh"]),
        ("{0: 1.5, 1: -2}", {0: 1.5, 1: -2}),
        ('{"a": 1}', {"a": 1}),
        ("SGD(0.1, momentum=0.9)", SGD(0.1, momentum=0.9)),
        ("[Dense(64, tanh), Dropout(.3)]", [Dense(64, "tanh"), Dropout(0.3)]),
    ],
)
def test_values(text, value):
    found = parse_value(text)
    assert found == value
    assert type(found) is type(value)


def test_settings_are_split_at_the_first_sign():
    assert parse_setting("name = 'a=b'") == ("name", "a=b")
    assert parse_setting("solver__learning_rate=0.1") == ("solver__learning_rate", 0.1)


@pytest.mark.parametrize(
    "text",
    [
        "max_iter",
        "=3",
        "a b=3",
        "x=__import__('os').system('true')",
        "x=open('/etc/passwd')",
        "x=(lambda: 1)()",
        "x=[y for y in (1,)]",
        "x=1+1",
        "x=f'{1}'",
        "x=Dense()",
        "x=Dense(**{})",
        "x={**a}",
        "x=",
        "x=" + "[" * 5000,
        "x=" + "1" * (LONGEST + 1),
    ],
)
def test_what_is_no_setting_is_refused_in_one_line(text):
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_setting(text)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("0x" + "f" * 4000, "at most 64 bits"),
        ("9" * 4000, "at most 64 bits"),
        ("[1, -" + "9" * 30 + "]", "at most 64 bits"),
        ("Dense(**{'units': 3})", "only numbers, texts, lists and descriptions"),
    ],
)
def test_the_error_names_the_setting_and_the_reason(value, reason):
    with pytest.raises(ValueError, match=f"^layers=.*{reason}") as caught:
        parse_setting(f"layers={value}")
    assert "None" not in str(caught.value)
    assert len(str(caught.value)) < 400


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ValueError):
        parse_setting(f"x={text}")
