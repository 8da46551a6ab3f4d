"""What the loop is given: rules, schedules, and what callbacks are told."""

import pytest

from lamina.learning import (
    Constant,
    Control,
    InverseScaling,
    LossBelow,
    NoImprovement,
    Progress,
    SmallChange,
)
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


def test_the_highest_of_several_thresholds_ends_a_call():
    rules = [
        LossBelow("loss", 0.1),
        LossBelow("loss", 0.3),
        LossBelow("gradient", 1e-3),
    ]
    assert Control(9, rules).limits == {"loss": 0.3, "gradient": 1e-3}
    assert Control(9, [NoImprovement()]).limits == {}


def test_a_rule_may_ask_how_far_weights_move():
    assert Control(9, [NoImprovement(), SmallChange()]).watches_change
    assert not Control(9, [NoImprovement()]).watches_change


def test_the_end_matters_to_some_schedules_only():
    class Planned(InverseScaling):
        def rate(self, initial, moment):
            return initial / moment.epochs

    assert not Control(9).depends_on_end(0.1, 3, 50)
    assert not Control(9, schedule=InverseScaling()).depends_on_end(0.1, 3, 50)
    assert Control(9, schedule=Planned()).depends_on_end(0.1, 3, 50)
    assert not Control(9, schedule=Planned()).depends_on_end(0.1, 3, 9)
