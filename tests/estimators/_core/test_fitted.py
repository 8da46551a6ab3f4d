"""Rules for fitted attributes, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from lamina import MLPClassifier
from lamina.estimators._core import fitted as rules
from lamina.estimators._core.fitted import Sometimes, check_fitted, shown
from lamina.estimators._core.labels import Labels
from lamina.metrics.scores import OF_NUMBERS, Baseline

OWNER = SimpleNamespace(n=3, scores_={"rmse": 1.0}, task_="regression")
NAN = float("nan")


def fits(rule, value, owner=OWNER):
    return rule(value, owner) is None


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (rules.integer(1, 9), [1, 9, np.int32(4)], [0, 10, True, 1.0, "1", None, NAN]),
        (rules.integer(0, "n"), [3], [4]),
        (rules.integer(0, None), [2**53], [2**53 + 1]),
        (rules.number, [1, 1.5, NAN, np.float32(2)], [True, None, "1", 1j, [1.0]]),
        (rules.finite, [1, 1.5], [NAN, np.inf, None, True]),
        (rules.flag, [True, np.bool_(False)], [1, 0, None, "yes"]),
        (rules.text, ["", "a"], [b"a", None, 1]),
        (rules.one_of(1, 2), [1, 2], [3, 1.0, True, "1", [1]]),
        (rules.a(dict, set), [{}, set()], [[], None]),
        (rules.maybe(rules.text), [None, "a"], [1, [None]]),
        (
            rules.floats("n", None),
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
        (rules.floats(1, above=0), [np.ones(1)], [np.zeros(1), np.array([np.inf])]),
        (rules.floats(1, low=0), [np.zeros(1)], [-np.ones(1)]),
        (rules.floats(lambda owner: owner.n - 1), [np.zeros(2)], [np.zeros(3)]),
        (rules.integers(2), [np.arange(2)], [np.zeros(2), np.arange(3), [0, 1]]),
        (
            rules.labels(None),
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
        (rules.texts(2), [np.array(["a", "b"], object)], [np.array(["a", 1], object)]),
        (rules.list_of(rules.text), [[], ["a"]], [[None], ("a",), "a", None]),
        (rules.list_of(rules.text, "n"), [["a"] * 3], [["a"] * 2]),
        (rules.list_of(rules.text, least=1), [["a"]], [[]]),
        (rules.tuple_of(rules.text, rules.flag), [("a", True)], [("a",), ["a", True]]),
        (rules.mapping(rules.number), [{}, {"a": 1}], [{1: 1}, {"a": None}, [], 1.5]),
        (
            rules.scores_of(lambda _: OF_NUMBERS, "scores_"),
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
        (
            rules._baseline,
            [Baseline(mean=np.ones(2))],
            [Baseline(shares=np.ones(2)), Baseline(), Baseline(mean=np.array([NAN]))],
        ),
        (
            rules._labels,
            [Labels("binary", np.arange(2))],
            [Labels("binary", np.zeros((2, 1))), np.arange(2)],
        ),
        (
            rules._weights,
            [({}, {"weight": np.zeros((2, 2)), "inner": ({"bias": np.zeros(1)},)})],
            [
                [{}],
                ({"weight": np.arange(2)},),
                ({"weight": np.array([NAN])},),
                ({"weight": 1.0},),
                1.5,
            ],
        ),
        (rules.fitted(), [], [MLPClassifier(), None, "network_"]),
    ],
)
def test_rules_take_what_they_say_and_nothing_else(rule, good, bad):
    assert all(fits(rule, value) for value in good)
    assert not any(fits(rule, value) for value in [*bad, rules.MISSING, object()])


def machine(**changed):
    own = {"weight": (3, 2), "bias": (2,), "visible_bias": (3,)} | changed
    return {name: np.zeros(shape) for name, shape in own.items()}


def test_machines_stand_on_each_other():
    owner = SimpleNamespace(n_features_in_=3)
    top = machine(weight=(2, 4), bias=(4,), visible_bias=(2,))
    assert fits(rules._machines, (machine(), top), owner)
    assert fits(rules._machines, (machine(down=(3, 2)), top), owner)
    for one in (
        machine(visible_bias=(3, 1, 1)),
        machine(bias=()),
        machine(weight=(6,)),
        machine(down=(2, 3)),
        machine(more=(1,)),
        {"bias": np.zeros(2)},
        np.zeros(2),
    ):
        assert not fits(rules._machines, (one, top), owner)
    assert not fits(rules._machines, (top,), owner)


def test_each_attribute_is_set_once_it_was_checked():
    rows = {
        "n": rules.integer(1),
        "mean": rules.floats("n"),
        "kind": Sometimes(rules.text),
        "twice": Sometimes(rules.flag, lambda owner: owner.n == 2),
    }

    def checked(**found):
        owner = SimpleNamespace()
        check_fitted(owner, found, rows)
        return vars(owner)

    good = {"n": 2, "mean": np.zeros(2), "twice": True}
    assert checked(**good) == good
    assert set(checked(n=1, mean=np.zeros(1), kind="a")) == {"n", "mean", "kind"}
    for changed, message in [
        (
            {"n": 3},
            r"Namespace\.mean must be an array of finite floats of shape \(3,\)",
        ),
        (
            {"mean": np.zeros(2) + NAN},
            r"got an array of float64, shape \(2,\) with NaN",
        ),
        ({"kind": 1}, r"Namespace\.kind must be a text; got 1"),
        ({"twice": "yes"}, "twice must be True or False; got 'yes'"),
        ({"more": 1}, "has no fitted attribute 'more'"),
    ]:
        with pytest.raises(ValueError, match=message):
            checked(**good | changed)
    del good["twice"]
    with pytest.raises(ValueError, match="twice must be True or False; got nothing"):
        checked(**good)


def test_what_came_is_said_in_a_few_words():
    assert shown(np.zeros((2, 3), np.float32)) == "an array of float32, shape (2, 3)"
    assert shown([1] * 1000) == "a list of 1000"
    assert shown("x" * 1000) == "'" + "x" * 38 + "…"
