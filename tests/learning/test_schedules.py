"""Learning-rate schedules: their equations by hand."""

import json

import pytest

from lamina.learning import Adaptive, Constant, InverseScaling
from lamina.networks import from_json, to_json


def test_constant():
    assert Constant().rate(0.3, 1000, 5) == 0.3


@pytest.mark.parametrize(
    ("power", "examples", "expected"),
    [(0.5, 0, 0.2), (0.5, 99, 0.02), (0.5, 399, 0.01), (1, 9, 0.02), (0, 77, 0.2)],
)
def test_inverse_scaling(power, examples, expected):
    """0.2 / (t + 1)^p after t examples, whatever the plateaus."""
    schedule = InverseScaling(power)
    assert schedule.rate(0.2, examples, 0) == pytest.approx(expected, rel=1e-15)
    assert schedule.rate(0.2, examples, 9) == schedule.rate(0.2, examples, 0)


@pytest.mark.parametrize(
    ("plateaus", "expected"), [(0, 0.25), (1, 0.05), (2, 0.01), (3, 0.002)]
)
def test_adaptive(plateaus, expected):
    """0.25 / 5ᵏ after k plateaus, whatever the examples."""
    assert Adaptive().rate(0.25, 0, plateaus) == pytest.approx(expected, rel=1e-15)
    assert Adaptive().rate(0.25, 999, plateaus) == Adaptive().rate(0.25, 0, plateaus)


def test_adaptive_ends_at_its_minimum():
    """scikit-learn goes on while the rate is above 10⁻⁶."""
    assert Adaptive().goes_on(1.1e-6)
    assert not Adaptive().goes_on(1e-6)
    assert not Adaptive(minimum=0.1).goes_on(0.05)
    assert Adaptive(factor=2).rate(1.0, 0, 3) == 0.125


@pytest.mark.parametrize(
    "schedule", [Constant(), InverseScaling(1), Adaptive(2, 1e-3)], ids=str
)
def test_json_round_trip(schedule):
    assert from_json(json.loads(json.dumps(to_json(schedule)))) == schedule
