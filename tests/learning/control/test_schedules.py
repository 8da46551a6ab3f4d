"""Learning-rate schedules: their equations by hand."""

import pytest

from lamina.learning import (
    LBFGS,
    SGD,
    Adam,
    Adaptive,
    BoldDriver,
    Constant,
    Cosine,
    HebbRule,
    InverseScaling,
    InverseTime,
    RMSProp,
    Rprop,
    StepDecay,
)
from lamina.learning.control.schedules import SCHEDULES, check_schedulable
from lamina.learning.protocols import Moment
from tests.model_files import through_json


@pytest.mark.parametrize("algorithm", [SGD(), Adam(), RMSProp(), HebbRule()])
def test_rates_of_steps_can_be_scheduled(algorithm):
    check_schedulable(algorithm)


@pytest.mark.parametrize(
    ("algorithm", "message"),
    [
        (LBFGS(), "LBFGS has no learning rate to schedule"),
        (Rprop(), "Rprop has no learning rate.*only the size of its first step"),
    ],
)
def test_what_asks_for_no_rate_cannot_be_scheduled(algorithm, message):
    with pytest.raises(ValueError, match=message):
        check_schedulable(algorithm)


def test_constant():
    assert Constant().rate(0.3, Moment(7, 9, 1000, 5, [1.0])) == 0.3


@pytest.mark.parametrize(
    ("power", "examples", "expected"),
    [(0.5, 0, 0.2), (0.5, 99, 0.02), (0.5, 399, 0.01), (1, 9, 0.02), (0, 77, 0.2)],
)
def test_inverse_scaling(power, examples, expected):
    """0.2 / (t + 1)^p after t examples, whatever the epoch and the plateaus."""
    schedule = InverseScaling(power)
    for epoch, plateaus in [(0, 0), (3, 9)]:
        moment = Moment(epoch, 10, examples, plateaus)
        assert schedule.rate(0.2, moment) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("offset", "rates"),
    [(1, [0.6, 0.3, 0.2, 0.15]), (3, [0.6, 0.45, 0.36, 0.3])],
)
def test_inverse_time(offset, rates):
    """α₀ / (i + c) with α₀ = 0.6 c."""
    found = [InverseTime(offset).rate(0.6, Moment(i)) for i in range(4)]
    assert found == pytest.approx(rates, rel=1e-15)


def test_steps():
    found = [StepDecay(2, 0.5).rate(0.8, Moment(i)) for i in range(6)]
    assert found == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2, 0.2])


def test_cosine():
    """Four epochs: cos 0, π/4, π/2, 3π/4."""
    root = 0.5**0.5
    expected = [2.0, 1 + root, 1.0, 1 - root]
    found = [Cosine().rate(2.0, Moment(i, 4)) for i in range(4)]
    assert found == pytest.approx(expected, rel=1e-14)
    assert Cosine(0.5).rate(2.0, Moment(2, 4)) == pytest.approx(1.5)
    assert Cosine(0.5).rate(2.0, Moment(4, 4)) == pytest.approx(1.0)


def test_bold_driver():
    """Losses 3 → 2 → 2 → 4 → 1: up, as it was, down, up."""
    losses = [3.0, 2.0, 2.0, 4.0, 1.0]
    driver = BoldDriver(1.5, 0.25)
    found = [driver.rate(0.8, Moment(losses=losses[:i])) for i in range(6)]
    assert found == pytest.approx([0.8, 0.8, 1.2, 1.2, 0.3, 0.45])


@pytest.mark.parametrize(
    ("plateaus", "expected"), [(0, 0.25), (1, 0.05), (2, 0.01), (3, 0.002)]
)
def test_adaptive(plateaus, expected):
    """0.25 / 5ᵏ after k plateaus, whatever the examples."""
    for examples in (0, 999):
        moment = Moment(examples=examples, plateaus=plateaus)
        assert Adaptive().rate(0.25, moment) == pytest.approx(expected, rel=1e-15)


def test_adaptive_ends_at_its_minimum():
    """scikit-learn goes on while the rate is above 10⁻⁶."""
    assert Adaptive().goes_on(1.1e-6)
    assert not Adaptive().goes_on(1e-6)
    assert not Adaptive(minimum=0.1).goes_on(0.05)
    assert Adaptive(factor=2).rate(1.0, Moment(plateaus=3)) == 0.125


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_starts_with_the_given_rate_and_survives_json(name):
    schedule = SCHEDULES[name]()
    assert schedule.rate(0.1, Moment(0, 10)) == pytest.approx(0.1)
    assert through_json(schedule) == schedule


@pytest.mark.parametrize("make", [lambda: InverseTime(0.0), lambda: StepDecay(0)])
def test_nonsense_is_refused(make):
    with pytest.raises(ValueError, match="must be"):
        make()
