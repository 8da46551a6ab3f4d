"""What the loop is given: rules, schedules, and what callbacks are told."""

import pytest

from lamina.learning import Constant, Control, InverseScaling, NoImprovement, Progress
from lamina.learning.protocols import StoppingRule


def test_functions_are_rules_and_no_schedule_is_a_constant_one():
    rule = NoImprovement()
    control = Control(3, iter([rule, lambda record: record["loss"] < 1]))
    assert control.rules[0] is rule
    assert all(isinstance(one, StoppingRule) for one in control.rules)
    assert control.rules[1]({"loss": 0.5})
    assert control.rates == Constant()
    assert Control(3, schedule=InverseScaling()).rates == InverseScaling()


def test_callbacks_may_come_as_an_iterator():
    assert Control(1, callbacks=iter([print])).callbacks == (print,)


def test_speed_is_examples_a_second():
    progress = Progress(1, 2, {}, None, seconds=2.0, examples=30)
    assert progress.speed == pytest.approx(15)
    assert progress.model == 0
