"""How many epochs a call takes, and how many steps."""

import numpy as np
import pytest

from lamina.learning import (
    SGD,
    Constant,
    Control,
    Dataset,
    InverseScaling,
    Loader,
    LossBelow,
    NoImprovement,
    Objective,
    Problem,
    SelectiveDelta,
    SmallChange,
    Validation,
)
from lamina.learning.diagnostics import recorder
from lamina.learning.loop import plan as module
from lamina.learning.loop.plan import Plan, seconds_of_step
from lamina.learning.loop.state import Standing
from lamina.networks import Dense, Key, Network

NETWORK = Network((Dense(5, "tanh"), Dense(3, "softmax")))
PARAMS, _ = NETWORK.init(Key(0), (4,))
DATA = Dataset(np.ones((23, 4)), np.zeros(23, int))
FEED = Loader(DATA, batch_size=5)


class Recorder(recorder.Recorder):
    def __init__(self, due):
        self.due = due

    def until_due(self, epoch):
        return self.due - epoch


def problem(loader=FEED, **how):
    return Problem(Objective(NETWORK, "cross_entropy"), SGD(0.1), loader, **how)


def epochs(control, *, problems=None, loader=FEED, seconds=1e-4, each=None):
    problems = problems or [problem(loader)]
    each = each or {0: Standing(control.rules)}
    return Plan(problems, control, 1e-5).epochs(loader, each, seconds)


def test_short_epochs_are_taken_together():
    assert epochs(Control(99)) == 32
    assert epochs(Control(7)) == 7
    assert epochs(Control(99), seconds=0.02) == 2
    assert epochs(Control(99), seconds=9.0) == 1
    assert epochs(Control(9), each={0: Standing(epochs=6)}) == 3


HELD = Validation(FEED, lambda outputs: 0.0)


@pytest.mark.parametrize(
    "control",
    [
        Control(9, callbacks=[print]),
        Control(9, keep_best="loss"),
        Control(9, selective=SelectiveDelta()),
        Control(9, [SmallChange()]),
        Control(9, schedule=InverseScaling()),
    ],
    ids=["callbacks", "keep_best", "selective", "change", "schedule"],
)
def test_who_looks_at_weights_after_each_epoch_has_them(control):
    assert epochs(control) == 1


def test_validation_and_streams_are_taken_epoch_by_epoch():
    assert epochs(Control(9), problems=[problem(), problem(validation=HELD)]) == 1
    streaming = Loader(Dataset(DATA.x, DATA.y, resident=False), batch_size=5)
    assert epochs(Control(9), loader=streaming) == 1
    assert epochs(Control(9, schedule=Constant())) == 9


def test_a_call_is_no_longer_than_until_a_rule_may_stop():
    patient = Control(99, [NoImprovement("loss", 0.1, 4)])
    assert epochs(patient, seconds=2e-3) == 5
    assert epochs(patient, seconds=2e-4) == 10  # where a call costs as much as epochs
    assert epochs(Control(99, [LossBelow("loss", 0.1)]), seconds=1e-3) == 32
    standing = Standing(patient.rules)
    late = Standing((NoImprovement("loss", 0.1, 4, count=3),))
    three = [problem() for _ in range(3)]
    each = {0: standing, 2: late}
    assert epochs(patient, problems=three, seconds=2e-3, each=each) == 2


def test_a_record_of_health_is_taken_when_it_is_due():
    problems = [problem(recorder=Recorder(20)), problem(recorder=Recorder(9))]
    each = {i: Standing(first_epoch=2) for i in range(2)}
    assert epochs(Control(99), problems=problems, each=each) == 7
    assert epochs(Control(99), problems=problems, each={0: each[0]}) == 18


def test_steps_of_a_call_follow_from_work(monkeypatch):
    plan = Plan([problem()], Control(1), 0.3)
    assert plan.steps == 3
    assert Plan([problem()], Control(1), 1e-9).steps == module.STEPS_PER_SUM
    assert Plan([problem()], Control(1), 99.0).steps == 1
    assert plan.one_by_one(FEED)  # 5 steps an epoch


def test_a_step_takes_its_multiplications():
    """35 weights of 5 rows, forward, backward and for the weights."""
    rest = seconds_of_step(problem(), PARAMS) - module.SECONDS_PER_STEP
    assert rest == pytest.approx(3 * 2 * 35 * 5 / module.FLOPS, rel=0.5)
