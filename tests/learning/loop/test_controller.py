"""What the host decides after epochs: stops, rates, rows, the best and the least."""

import itertools
import math

import numpy as np
import pytest

from lamina.learning import (
    SGD,
    Adaptive,
    BoldDriver,
    Control,
    Dataset,
    InverseScaling,
    Loader,
    NoImprovement,
    Objective,
    Problem,
    SelectiveDelta,
    SmallChange,
    Start,
    Validation,
)
from lamina.learning.loop.beginning import begun
from lamina.learning.loop.side_by_side import stack
from lamina.learning.loop.state import Weights
from lamina.networks import Dense, Key, Network

N = 12
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((N, 4)), RNG.integers(0, 3, N)
NETWORK = Network((Dense(3, "softmax"),))
OBJECTIVE = Objective(NETWORK, "cross_entropy")
PARAMS, _ = NETWORK.init(Key(0), (4,))


def controller(n=1, *, batch_size=4, by=None, **control):
    """Return a run of n models of equal weights."""
    algorithm = by or SGD(0.1, 0.5)
    loader = Loader(Dataset(X, Y), batch_size=batch_size)
    names = ("validation",)
    how = {k: control.pop(k) for k in names if k in control}
    problems = [Problem(OBJECTIVE, algorithm, loader, **how)] * n
    starts = [Start(PARAMS, Key(i)) for i in range(n)]
    return begun(problems, starts, Control(control.pop("epochs", 99), **control))


def weights(*numbers):
    """Weights of models that are each full of a number."""
    each = []
    for number in numbers:
        params = ({k: np.full_like(v, number) for k, v in PARAMS[0].items()},)
        each.append(Weights(params, SGD(0.1, 0.5).init(params)))
    return stack(each)


def losses(*each):
    return [[{"loss": loss} for loss in own] for own in each]


def first_weight(params, i=0):
    leaf = params[0]["weight"]
    return float(leaf[i, 0, 0] if leaf.ndim == 3 else leaf[0, 0])


# ---- ends ---------------------------------------------------------------------------


def test_each_model_ends_by_itself():
    run = controller(4, stopping=[NoImprovement("loss", 0.0, 0)])
    told = losses([3.0, 2.0], [3.0, 4.0, 1.0], [3.0, math.nan, 1.0], [])
    assert run.decide(told) == {1: "stopped", 2: "diverged"}
    assert told == losses([3.0, 2.0], [3.0, 4.0], [3.0], [])
    histories = [one.history.get("loss") for one in run.state.each]
    assert histories == [[3.0, 2.0], [3.0, 4.0], [3.0], None]


def test_what_comes_after_a_stop_is_of_no_account():
    """However many epochs a call takes, a run that stopped did not diverge later."""
    run = controller(stopping=[NoImprovement("loss", 0.0, 0)])
    assert run.decide(losses([3.0, 4.0, math.nan])) == {0: "stopped"}


def test_models_are_active_until_they_end_or_have_all_epochs():
    run = controller(3, epochs=5)
    run.state.each[0].reason = "stopped"
    run.state.each[1].epochs = 5
    assert run.active == [2]


# ---- weights of the least loss, and the best ----------------------------------------


def test_the_anchor_is_the_last_call_from_which_the_least_loss_follows():
    run = controller(3)
    run.accept(weights(1, 1, 1), losses([5.0, 4.0], [5.0, 6.0], [5.0]))
    assert [one.anchor_epoch for one in run.state.each] == [2, 0, 1]
    assert [one.least_epoch for one in run.state.each] == [2, 1, 1]
    run.accept(weights(2, 2, 2), losses([6.0, 3.0, 5.0], [7.0, 8.0], []))
    assert [one.anchor_epoch for one in run.state.each] == [2, 0, 1]
    assert [one.least_epoch for one in run.state.each] == [4, 1, 1]
    assert [one.epochs for one in run.state.each] == [5, 4, 1]
    anchors = [first_weight(run.state.anchor.params, i) for i in range(3)]
    assert anchors == [1, pytest.approx(first_weight(PARAMS)), 1]


def test_the_loss_of_a_whole_batch_is_that_of_the_weights_before():
    run = controller(batch_size=N)
    assert run.lag == 1
    run.accept(weights(1), losses([5.0]))
    assert (run.state.each[0].least_epoch, run.state.each[0].anchor_epoch) == (0, 0)
    run.accept(weights(2), losses([4.0]))
    assert first_weight(run.state.anchor.params) == 1


def test_examples_are_counted():
    run = controller(2)
    run.accept(weights(1, 1), losses([1.0, 1.0], []))
    assert [one.examples for one in run.state.each] == [2 * N, 0]


@pytest.mark.parametrize(("name", "sign"), [("score", 1), ("validation_loss", -1)])
def test_the_best_weights_are_kept_model_by_model(name, sign):
    run = controller(2, keep_best=name)
    for number, values in enumerate([(0.1, 0.3), (0.5, 0.2), (0.4, math.nan)], start=1):
        records = [[{"loss": 1.0, name: sign * value}] for value in values]
        run.accept(weights(number, number), records)
    assert [first_weight(run.state.best_params, i) for i in range(2)] == [2, 1]
    assert [one.best for one in run.state.each] == [0.5, 0.3]


# ---- rates --------------------------------------------------------------------------


def test_rates_follow_from_where_each_model_is():
    run = controller(2, by=SGD(0.5), schedule=InverseScaling(0.5))
    run.state.each[1].examples = 3
    assert [by.rate for by in run.algorithms()] == [0.5, 0.25]
    assert run.rate(0, 0, ahead=2) == 0.5 / math.sqrt(2 * N + 1)


def test_a_plateau_is_answered_until_the_rate_is_too_small():
    run = controller(
        by=SGD(1.0),
        schedule=Adaptive(minimum=0.1),
        stopping=[NoImprovement("loss", 0.0, 0)],
    )
    assert run.decide(losses([1.0])) == {}
    assert run.decide(losses([2.0])) == {}
    assert run.state.each[0].plateaus == 1
    assert run.decide(losses([2.0])) == {}
    assert run.decide(losses([2.0])) == {0: "stopped"}
    assert run.state.each[0].plateaus == 2


# ---- looking at weights -------------------------------------------------------------


def test_a_step_that_raised_the_loss_is_taken_back():
    run = controller(3, batch_size=N, schedule=BoldDriver())
    run.accept(weights(1, 1, 1), losses([5.0], [5.0], [5.0]))
    run.accept(weights(2, 2, 2), losses([4.0], [4.0], [4.0]))
    now = run.look(weights(3, 3, 3), losses([6.0], [3.0], [math.nan]))
    assert [first_weight(now.params, i) for i in range(3)] == [1, 3, 3]
    velocity = now.state["velocity"][0]["weight"]
    assert not velocity[0].any()


def test_validation_and_changes_are_added_to_the_record():
    scores = itertools.count()
    held = Validation(Loader(Dataset(X, Y), batch_size=4), lambda _: next(scores))
    run = controller(2, validation=held, stopping=[SmallChange()])
    records = losses([1.0], [math.inf])
    run.look(weights(1, 1), records)
    assert records[0][0]["score"] == 0
    change = max(np.max(np.abs(1 - leaf)) for leaf in PARAMS[0].values())
    assert records[0][0]["weight_change"] == pytest.approx(float(change))
    assert records[1] == [{"loss": math.inf}]  # nothing was there to look at


# ---- rows and callbacks -------------------------------------------------------------


def test_rows_are_selected_between_whole_epochs():
    run = controller(2, selective=SelectiveDelta(0.5, 2))
    run.select()
    assert [len(loader.rows) for loader in run.trainer.loaders] == [N, N]
    for one in run.state.each:
        one.epochs = 1
    run.state.each[0].reason = "stopped"
    run.select()
    assert run.state.each[0].selected is None
    assert [len(loader.rows) for loader in run.trainer.loaders] == [N // 2, N // 2]
    assert run.decide(losses([], [9.0])) == {}


def test_callbacks_are_told_of_those_that_took_an_epoch():
    told = []

    def callback(progress):
        told.append((progress.model, progress.epoch, first_weight(progress.params)))
        return progress.model == 2

    run = controller(3, callbacks=[callback])
    records = losses([1.0], [], [2.0])
    run.accept(weights(4, 5, 6), records)
    assert run.tell(records) == [2]
    assert told == [(0, 1, 4.0), (2, 1, 6.0)]
