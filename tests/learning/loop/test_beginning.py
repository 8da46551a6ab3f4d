"""The beginning of a run: what is refused, and where its models stand."""

import numpy as np
import pytest

from lamina.learning import (
    LBFGS,
    SGD,
    Control,
    Dataset,
    InverseScaling,
    Loader,
    NoImprovement,
    Objective,
    Problem,
    Start,
)
from lamina.learning.diagnostics import recorder
from lamina.learning.loop import beginning as module
from lamina.learning.loop.beginning import begun
from lamina.networks import Dense, Key, Network

NETWORK = Network((Dense(3, "softmax"),))
OBJECTIVE = Objective(NETWORK, "cross_entropy")
DATA = Dataset(np.ones((23, 4)), np.zeros(23, int))


class Recorder(recorder.Recorder):
    def __init__(self):
        self.begun = []

    def begin(self, epoch, params):
        self.begun.append(epoch)


def started(n=2, by=None, *, batch_size=5, control=None, **how):
    problems, starts = [], []
    for i in range(n):
        params, _ = NETWORK.init(Key(i), (4,))
        loader = Loader(DATA, batch_size=batch_size)
        problems.append(Problem(OBJECTIVE, by or SGD(0.1, 0.9), loader, **how))
        starts.append(Start(params, Key(i), first_epoch=3, examples=69))
    return begun(problems, starts, control or Control(9))


def test_models_are_stacked_and_states_made():
    run = started()
    assert run.state.weights.params[0]["weight"].shape == (2, 4, 3)
    assert all(
        leaf.shape[0] == 2 for leaf in run.state.weights.state["velocity"][0].values()
    )
    assert [(one.epoch, one.examples) for one in run.state.each] == [(3, 69)] * 2
    assert run.active == [0, 1]


def test_one_model_keeps_its_arrays_and_its_rules():
    rule = NoImprovement()
    run = started(1, control=Control(9, [rule]))
    assert run.state.weights.params is run.starts[0].params
    assert run.state.each[0].rules[0] is rule
    each = started(2, control=Control(9, [rule])).state.each
    assert each[0].rules == each[1].rules == (rule,)
    assert len({id(rule), *(id(one.rules[0]) for one in each)}) == 3


def test_a_state_that_is_given_is_gone_on_with():
    params, _ = NETWORK.init(Key(0), (4,))
    state = SGD(0.1, 0.9).init(params)
    problem = Problem(OBJECTIVE, SGD(0.1, 0.9), Loader(DATA, batch_size=5))
    run = begun([problem], [Start(params, Key(0), state)], Control(1))
    assert run.state.weights.state is state


def test_records_of_health_begin_where_the_run_does():
    recorder = Recorder()
    started(1, recorder=recorder)
    assert recorder.begun == [3]


def test_batches_are_divided_as_for_one_alone(monkeypatch):
    """Many models take no more shares; whole batches are not divided."""
    asked = []
    monkeypatch.setattr(module, "shards_of", lambda *args: asked.append(args[2:]) or 2)
    assert started(1).state.shards == started(3).state.shards == 2
    assert asked[0] == asked[1]
    assert started(2, batch_size=23).state.shards == 1


def test_the_plan_is_that_of_all_models():
    assert started(4).plan.step_seconds == pytest.approx(
        4 * started(1).plan.step_seconds
    )


def test_a_schedule_needs_a_rate():
    control = Control(1, schedule=InverseScaling())
    with pytest.raises(ValueError, match="no learning rate to schedule"):
        started(1, LBFGS(), batch_size=23, control=control)
