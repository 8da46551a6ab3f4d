"""The table of an estimator: each class brings its part, and one place reads it."""

import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from lamina.estimators._core.estimator import Estimator
from lamina.estimators._core.parameters.checks import BOOLEAN, NONE, integer, number
from lamina.estimators._core.parameters.table import (
    estimator,
    fixed,
    missing_parameters,
    param,
    parameters,
    plain_params,
    table,
)


@table("Speed")
class Rates:
    rate: float = param(default=0.5, doc="How fast.", check=number(0), first_order=True)
    flag: bool = param(default=True, doc="Whether.", check=BOOLEAN)


@table("Size")
class Sizes(Rates):
    units: int = param(default=3, doc="How many.", check=integer(1), kw_only=False)
    flag: bool = param(default=False)


class Left(Sizes, Estimator):
    pass


class Right(Rates, Estimator):
    pass


@estimator
class Own(Left, Right):
    """What it is.

    Attributes
    ----------
    fitted_ : int
    """

    rate: int | None = param(default=1, check=integer(1) | NONE)


@estimator
class Without(Own):
    """One parameter less."""

    flag: bool = fixed(default=False, reason="it never does")


@estimator
class Again(Without):
    """And there it is again."""

    flag: bool = param(default=True)


class APersons(Own):
    def __init__(self, rate=1, flag=True, random_state=None, other="x"):
        super().__init__(rate=rate, flag=flag, random_state=random_state)
        self.other = other


def test_the_nearest_class_says_what_a_parameter_is():
    """In Python's order: of two bases, one of which only inherits, the other counts."""
    rows = {row.name: row for row in parameters(Own)}
    assert rows["rate"].default == 1
    assert rows["rate"].doc == "How fast."
    assert rows["rate"].group == "Speed"
    assert rows["rate"].expected == "a whole number ≥ 1 or None"
    assert rows["flag"].default is False
    assert [row.name for row in parameters(Own) if row.first_order] == ["rate"]
    Own()._check_params()
    Own(rate=None)._check_params()
    with pytest.raises(ValueError, match="rate must be a whole number ≥ 1 or None; go"):
        Own(rate=0.5)._check_params()
    with pytest.raises(ValueError, match="flag must be True or False; got 'no'"):
        Own(flag="no")._check_params()
    with pytest.raises(ValueError, match="random_state must be"):
        Own(random_state=-1)._check_params()


def test_the_signature_is_that_of_a_hand_written_constructor():
    found = inspect.signature(Own).parameters
    kinds = {name: one.kind.name for name, one in found.items()}
    assert kinds == {
        "units": "POSITIONAL_OR_KEYWORD",
        "random_state": "KEYWORD_ONLY",
        "rate": "KEYWORD_ONLY",
        "flag": "KEYWORD_ONLY",
    }
    assert {name: one.default for name, one in found.items()} == {
        "random_state": None,
        "rate": 1,
        "flag": False,
        "units": 3,
    }
    assert all(one.annotation is one.empty for one in found.values())
    with pytest.raises(TypeError, match="unexpected keyword argument 'none'"):
        Own(none=1)
    with pytest.raises(TypeError, match="positional"):
        Own(3, 4)


def test_some_parameters_may_lead_the_others():
    @estimator
    class Led(Left, Right):
        """Its signature begins like another's."""

        _leading = ("flag", "rate")

    assert list(inspect.signature(Led).parameters) == [
        "units",
        "flag",
        "rate",
        "random_state",
    ]


def test_arguments_are_stored_unchanged_and_estimators_are_cloned_and_pickled():
    given = {"units": np.int64(3), "rate": [1], "flag": "no", "random_state": object}
    model = Own(**given)
    assert all(getattr(model, name) is value for name, value in given.items())
    assert model.get_params() == given
    assert clone(model).get_params() == given
    assert pickle.loads(pickle.dumps(model)).get_params() == given
    assert repr(Own(4)) == "Own(units=4)"
    assert Own() != Own()


def test_an_estimator_may_be_without_a_parameter_of_its_tables():
    assert missing_parameters(Without) == {"flag": "it never does"}
    assert "flag" not in [row.name for row in parameters(Without)]
    assert "flag" not in Without().get_params()
    assert Without().flag is False
    with pytest.raises(TypeError, match="flag"):
        Without(flag=True)
    assert "flag :" not in str(Without.__doc__)


def test_a_subclass_may_have_it_again():
    assert missing_parameters(Again) == {}
    assert Again().flag is True
    assert Again(flag=False).get_params()["flag"] is False


def test_a_class_of_a_table_has_its_defaults():
    assert (Rates.rate, Rates.flag, Sizes.flag, Left.flag) == (0.5, True, False, False)


def test_a_parameter_needs_a_check_and_documentation():
    with pytest.raises(TypeError, match="'lost' has no check or no documentation"):

        @estimator
        class Lost(Estimator):
            """Nobody said what it is."""

            lost: int = param(default=1, check=integer(1))


def test_a_parameter_that_a_person_adds_is_left_alone():
    APersons(other=object())._check_params()
    assert set(APersons().get_params()) == {"rate", "flag", "random_state", "other"}


def test_numpys_numbers_are_pythons_while_a_fit_lasts():
    given = {"rate": np.int64(3), "flag": np.bool_(False), "other": np.str_("x")}
    model = APersons(**given)
    seen = {}

    def fit():
        with plain_params(model):
            seen.update(vars(model))
            raise ValueError("no data")

    with pytest.raises(ValueError, match="no data"):
        fit()
    assert [type(seen["rate"]), type(seen["flag"])] == [int, bool]
    assert seen["other"] is given["other"]
    assert model.rate is given["rate"]
    assert model.flag is given["flag"]
