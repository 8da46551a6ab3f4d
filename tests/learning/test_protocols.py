"""Protocols: what the loop asks, and the answers of what says nothing of itself."""

import math

import pytest

from lamina import learning
from lamina.learning import (
    LBFGS,
    SGD,
    Adam,
    ConjugateGradient,
    HebbRule,
    LeastSquares,
    LevenbergMarquardt,
    Recorded,
    Rprop,
)
from lamina.learning.protocols import (
    Algorithm,
    FirstOrder,
    Moment,
    Needs,
    Schedule,
    StoppingRule,
)
from lamina.networks.core.description import description


@description
class Nothing(Algorithm):
    """An algorithm that does nothing, and says nothing of itself."""

    def init(self, params):
        return {}

    def update(self, objective, params, state, batch, key):
        return params, state, {"loss": 0.0}


class Never(StoppingRule):
    def __call__(self, record):
        return False


@description
class Halving(Schedule):
    def rate(self, initial, moment):
        return initial / 2**moment.epoch


def test_what_says_nothing_needs_nothing():
    nothing = Nothing()
    assert nothing.needs == Needs()
    assert nothing.rate is None
    assert nothing.memory_bytes(10, 10, 10, 8) == 0
    assert nothing.loss_limit(None, ()) == math.inf
    with pytest.raises(ValueError, match="Nothing has no learning rate"):
        nothing.with_rate(0.1)


def test_a_step_and_a_call_and_a_rate_are_what_all_have():
    for protocol in (Algorithm, StoppingRule, Schedule):
        with pytest.raises(TypeError, match="abstract"):
            protocol()


def test_a_rule_that_says_nothing_may_stop_at_any_time():
    rule = Never()
    assert rule.soonest() == math.inf
    assert rule.limits() == {}
    assert not rule.has_fired({"loss": 0.0})
    assert rule.used_up() is None
    assert not rule.is_plateau
    assert not rule.watches_change
    rule.memory["seen"] = 3
    assert rule.seen == 3


def test_a_schedule_that_says_nothing_changes_the_rate_and_no_more():
    schedule = Halving()
    assert schedule.rate(1.0, Moment(3)) == 0.125
    says = ("is_constant", "undoes", "answers_plateaus", "ends")
    assert not any(getattr(schedule, name) for name in says)
    assert not schedule.goes_on(0.1)


@pytest.mark.parametrize("algorithm", [SGD(0.1, 0.9), Adam(0.1), HebbRule(0.1)])
def test_a_first_order_method_has_a_rate(algorithm):
    assert isinstance(algorithm, FirstOrder)
    assert algorithm.needs.schedulable
    assert algorithm.rate == 0.1
    other = algorithm.with_rate(0.3)
    assert (type(other), other.rate) == (type(algorithm), 0.3)
    assert other.with_rate(0.1) == algorithm


def test_rprop_has_a_rate_that_no_schedule_can_set():
    needs = Rprop().needs
    assert (needs.first_order, needs.own_rate, needs.schedulable) == (True, True, False)


def test_what_methods_need():
    assert LevenbergMarquardt.needs == Needs(
        full_batch=True, float64=True, one_target=True, one_length=True
    )
    assert ConjugateGradient.needs == Needs(full_batch=True)
    assert LBFGS.needs == Needs(full_batch=True, early_stopping=False)
    assert LeastSquares.needs.closed_form
    assert not HebbRule.needs.lowers_loss


def test_what_wraps_an_algorithm_passes_on_what_it_needs():
    for inner in (HebbRule(0.1), LBFGS(), Rprop()):
        outer = Recorded(inner, 3)
        assert (outer.needs, outer.rate) == (inner.needs, inner.rate)
    assert Recorded(SGD(0.1), 3).with_rate(0.2) == Recorded(SGD(0.2), 3)


def test_every_public_one_inherits_its_protocol():
    public = [getattr(learning, name) for name in learning.__all__]
    classes = [one for one in public if isinstance(one, type)]
    for needed, protocol in (
        ("update", Algorithm),
        ("rate", Schedule | Algorithm),
        ("restart", StoppingRule),
    ):
        some = [one for one in classes if needed in dir(one)]
        assert some
        assert all(issubclass(one, protocol) for one in some)
