"""What values from files must be, by hand."""

import re
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from lamina.metrics.scores import OF_NUMBERS
from lamina.storage.rules import (
    UNSET,
    Among,
    Distinct,
    Finite,
    Floats,
    Integers,
    Is,
    LabelsOf,
    Length,
    Scope,
    Texts,
    Unset,
    Whole,
    check,
    expected,
    fits,
    shown,
)

OWNER = SimpleNamespace(
    n=3, scores={"rmse": 1.0}, none=None, inner=SimpleNamespace(m=2)
)
NAN = float("nan")


def array(*rules):
    return Annotated[np.ndarray, *rules]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (int, [0, -1, np.int32(4), 2**70], [True, np.bool_(True), 1.0, "1", None]),
        (float, [1, 1.5, NAN, np.float32(2)], [True, None, "1", 1j, [1.0]]),
        (bool, [True, np.bool_(False)], [1, 0, None, "yes"]),
        (str, ["", "a"], [b"a", None, 1]),
        (None, [None], [0, "", False]),
        (Any, [None, 1, "a", [1]], []),
        (np.ndarray, [np.zeros(2)], [np.float64(1), [1.0], None]),
        (dict, [{}, {1: 2}], [[], None]),
        (Literal[1, 2], [1, 2], [3, 1.0, True, "1", [1]]),
        (Literal["a"], ["a"], ["b", None, 1]),
        (str | None, [None, "a"], [1, [None]]),
        (str | Unset, ["a"], [None, 1]),
        (list[str], [[], ["a"]], [[None], ("a",), "a", None]),
        (tuple[int, ...], [(), (1, 2)], [[1], (1, "a"), 1]),
        (tuple[str, bool], [("a", True)], [("a",), ["a", True], (True, "a")]),
        (dict[str, float], [{}, {"a": 1}], [{1: 1}, {"a": None}, [], 1.5]),
        (dict[str, list[int]], [{"a": [1]}], [{"a": 1}, {"a": ["b"]}]),
        (
            Annotated[int, Whole(1, 9)],
            [1, 9, np.int32(4)],
            [0, 10, True, 1.0, "1", None, NAN],
        ),
        (Annotated[int, Whole(0, "n")], [3], [4]),
        (Annotated[int, Whole(0, None)], [2**53], [2**53 + 1]),
        (Annotated[float, Finite()], [1, 1.5], [NAN, np.inf, None, True, 10**400]),
        (Annotated[float, Finite(above=0)], [1e-9], [0, -1.0, np.inf]),
        (
            array(Floats("n", None)),
            [np.zeros((3, 1)), np.zeros((3, 5), np.float32)],
            [
                np.zeros(3),
                np.zeros((3, 0)),
                np.zeros((2, 1)),
                np.zeros((3, 1), int),
                np.full((3, 1), np.nan),
                [[0.0]] * 3,
                None,
            ],
        ),
        (array(Floats(1, above=0)), [np.ones(1)], [np.zeros(1), np.array([np.inf])]),
        (array(Floats(1, low=0)), [np.zeros(1)], [-np.ones(1)]),
        (array(Floats(lambda own: own.n - 1)), [np.zeros(2)], [np.zeros(3)]),
        (array(Floats("inner.m")), [np.zeros(2)], [np.zeros(3)]),
        (array(Integers(2)), [np.arange(2)], [np.zeros(2), np.arange(3), [0, 1]]),
        (
            array(LabelsOf(None)),
            [np.arange(2), np.array(["a"]), np.array(["a", "b"], object), np.ones(1)],
            [
                np.array([NAN]),
                np.array([None]),
                np.array([[1]]),
                np.array([], int),
                ["a"],
                1.5,
            ],
        ),
        (array(Texts(2)), [np.array(["a", "b"], object)], [np.array(["a", 1], object)]),
        (Annotated[list[str], Length("n")], [["a"] * 3], [["a"] * 2, [1] * 3]),
        (Annotated[list[str], Length(least=1)], [["a"]], [[], None]),
        (Annotated[str, Length(most=3)], ["abc"], ["abcd", 1]),
        (
            Annotated[tuple[str, ...], Distinct()],
            [(), ("a", "b")],
            [("a", "a"), ["a"]],
        ),
        (
            Annotated[tuple[str, ...], Length(least=1), Distinct()],
            [("a",)],
            [(), ("a", "a")],
        ),
        (
            Annotated[dict[str, float | None], Among(OF_NUMBERS, "scores")],
            [{"rmse": 2}, {"rmse": None}],
            [
                {"rmse": "small"},
                {"rmse": True},
                {"accuracy": 1.0},
                {},
                {"rmse": 1.0, "mae": 1.0},
                None,
                [1.0],
            ],
        ),
        (Annotated[dict[str, float], Among(("a", "b"), "none")], [{}, {"b": 1}], []),
        (Annotated[dict[str, int], Among(lambda o: o.scores)], [{"rmse": 1}], ["x"]),
        (Annotated[Any, Is("three", lambda v, own: v == own.n)], [3], [4]),
    ],
)
def test_annotations_and_rules_take_what_they_say_and_nothing_else(kind, good, bad):
    assert all(fits(kind, value, OWNER) for value in good)
    assert not any(fits(kind, value, OWNER) for value in [*bad, UNSET])
    if kind is not Any:
        assert not fits(kind, object(), OWNER)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (list[int], [1, 2.5], "x[1] must be a whole number; got 2.5"),
        (dict[str, list[int]], {"a": [True]}, "x['a'][0] must be a whole number; got"),
        (dict[str, int], {1: 1}, "x (a key) must be a text; got 1"),
        (tuple[int, str], (1, 2), "x[1] must be a text; got 2"),
        (tuple[int, str], (1,), "x must be a tuple of a whole number, a text; got a"),
        (
            array(Floats("n", above=0)),
            np.zeros(2) + NAN,
            "x must be an array of finite floats > 0 of shape (3,); got an array of "
            "float64, shape (2,) with NaN or infinity",
        ),
        (
            array(Floats(None, 2, low=0)),
            1,
            "an array of finite floats ≥ 0 of shape (any",
        ),
        (
            Annotated[int, Whole(1, "n")],
            UNSET,
            "a whole number from 1 to 3; got nothing",
        ),
        (float | None, "a", "x must be None or a number; got 'a'"),
        (str | Unset | None, 1, "x must be None or a text; got 1"),
        (list[str], 1, "x must be a list of entries, each a text; got 1"),
        (
            dict[str, int],
            1,
            "x must be a dictionary from texts to a whole number; got 1",
        ),
        (Literal["a", "b"], "c", "x must be one of ('a', 'b'); got 'c'"),
        (SimpleNamespace, 1, "x must be a SimpleNamespace; got 1"),
        (Annotated[list[str], Length(least=1)], [], "each a text, of length 1 to "),
        (
            Annotated[list[str], Length("n")],
            [],
            "of length 3; got a list of 0",
        ),
        (Any, UNSET, "x must be there; got nothing"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_expected_and_what_came(
    kind, value, message
):
    with pytest.raises(ValueError, match=re.escape(message)):
        check(kind, value, "x", OWNER)


def test_a_scope_knows_its_fields_and_then_the_outer_object():
    scope = Scope(SimpleNamespace(a=1, b=2))
    scope.a = 3
    assert (scope.a, scope.b) == (3, 2)
    assert vars(scope) == {"a": 3}
    with pytest.raises(AttributeError):
        _ = scope.c


def test_what_came_is_said_in_a_few_words():
    assert shown(np.zeros((2, 3), np.float32)) == "an array of float32, shape (2, 3)"
    assert shown([1] * 1000) == "a list of 1000"
    assert shown("x" * 1000) == "'" + "x" * 38 + "…"
    assert shown(UNSET) == "nothing"


def test_what_is_expected_is_said_in_words():
    assert expected(np.ndarray) == "an array"
    assert expected(dict) == "a dict"
