"""The table of an estimator: each class brings its part, and one place reads it."""

import numpy as np
import pytest

from lamina.estimators._core.checks import BOOLEAN, NONE, declared, integer, number
from lamina.estimators._core.parameters import (
    ACTIVATION,
    CLASS_WEIGHT,
    LABEL,
    LAYERS,
    NAMES,
    Checked,
    sides,
)
from lamina.networks import Dense


class Base(Checked):
    _parameters = declared(rate=number(0), flag=BOOLEAN)


class Own(Base):
    _parameters = declared(rate=integer(1) | NONE)

    def __init__(self, rate=1, flag=True, random_state=None, other="x"):
        self.rate = rate
        self.flag = flag
        self.random_state = random_state
        self.other = other


def test_the_nearest_class_says_what_a_parameter_is():
    Own()._check_params()
    Own(rate=None)._check_params()
    with pytest.raises(ValueError, match="rate must be a whole number ≥ 1 or None; go"):
        Own(rate=0.5)._check_params()
    with pytest.raises(ValueError, match="flag must be True or False; got 'no'"):
        Own(flag="no")._check_params()
    with pytest.raises(ValueError, match="random_state must be"):
        Own(random_state=-1)._check_params()


def test_a_parameter_that_a_person_adds_is_left_alone():
    Own(other=object())._check_params()


def test_numpys_numbers_are_pythons_while_a_fit_lasts():
    given = {"rate": np.int64(3), "flag": np.bool_(False), "other": np.str_("x")}
    model = Own(**given)
    seen = {}

    def fit():
        with model._plain_params():
            seen.update(vars(model))
            raise ValueError("no data")

    with pytest.raises(ValueError, match="no data"):
        fit()
    assert [type(seen["rate"]), type(seen["flag"])] == [int, bool]
    assert seen["other"] is given["other"]
    assert model.rate is given["rate"]
    assert model.flag is given["flag"]


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (LAYERS, [[], (Dense(3),)], [Dense(3), [3], ["Dense"], [Dense], None]),
        (ACTIVATION, ["relu", np.tanh, len], ["rleu", 1, Dense(3), dict]),
        (
            CLASS_WEIGHT,
            [None, "balanced", {"a": 2, "b": 0.5}, [{0: 1}, {1: np.float32(2)}]],
            ["even", {"a": "2"}, {"a": -1}, {"a": np.nan}, [1, 2], 3],
        ),
        (LABEL, [None, "no", 3, -1, np.nan, np.int64(2), True], [[1], (1,), {}]),
        (NAMES, ["a", ["a", "b"], ()], [1, [1], None, {"a": 1}]),
        (sides("height", "width"), [(4, 5), [4, 5], np.array([4, 5])], [4, (4,)]),
        (sides("height", "width"), [], [(4, 5, 1), (4, 0), (4, 2.5), "45"]),
        (sides("height", "width", "channels"), [(4, 5), (4, 5, 3)], [(4,) * 4, 4]),
    ],
)
def test_checks_that_estimators_share(check, good, bad):
    for value in good:
        check("p", value)
    for value in bad:
        with pytest.raises(ValueError, match="^p must be .*; got "):
            check("p", value)
