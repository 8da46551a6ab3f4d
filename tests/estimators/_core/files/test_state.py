"""Fitted state: what is kept under which name, and what must fit."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from lamina import MLPClassifier
from lamina.estimators._core.files.state import Fitted, State
from lamina.storage.rules import UNSET, Unset, fits

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@dataclass(kw_only=True, eq=False)
class Base(State):
    """A state with a private name."""

    named: ClassVar[dict[str, str]] = {"seen": "_seen"}
    not_kept = ("cache_",)

    seen: int


@dataclass(kw_only=True, eq=False)
class Learnt(Base):
    """A state on another."""

    not_kept = ("loss_",)

    mean: float
    extra: str | Unset = UNSET

    def check(self, estimator: Any) -> None:
        super().check(estimator)
        if self.mean > estimator.most:
            raise ValueError("the mean is too large")


class Owner:
    def __init__(self, **attributes):
        vars(self).update(attributes)

    def get_params(self, deep=True):
        return {"most": self.most}


def test_fields_are_attributes_under_their_names():
    kept = {"sklearn_output_config": "_sklearn_output_config", "seen": "_seen"}
    assert Learnt.attributes() == kept | {"mean": "mean_", "extra": "extra_"}


def test_a_state_goes_from_one_estimator_to_another():
    one = Owner(most=9, _seen=3, mean_=2.0)
    state = Learnt.of(one)
    assert (state.seen, state.mean, state.extra) == (3, 2.0, UNSET)
    other = Owner(most=9)
    state.restore(other)
    assert vars(other) == vars(one)
    with pytest.raises(ValueError, match="the mean is too large"):
        state.restore(Owner(most=1))


def test_what_nobody_knows_is_told():
    one = Owner(most=1, _seen=3, mean_=2.0, cache_=1, loss_=2, extra_="a", mine_=3)
    assert Learnt.unknown(one) == ["mine_"]


def test_what_lies_inside_is_an_estimator_that_has_learnt():
    model = MLPClassifier((2,), max_iter=1)
    for bad in (model, None, "network_", 3, UNSET, object()):
        assert not fits(Fitted, bad)
    assert fits(Fitted, model.fit([[0.0], [1.0]], [0, 1]))
