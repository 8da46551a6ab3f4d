"""The end of a run: results, and what was found out about the last weights."""

import numpy as np

from lamina.learning import SGD, Control, Dataset, Loader, Objective, Problem, Start
from lamina.learning.diagnostics import recorder
from lamina.learning.loop.beginning import begun
from lamina.learning.loop.checkpointer import Checkpointer
from lamina.learning.loop.ending import finished
from lamina.learning.loop.side_by_side import stack
from lamina.learning.loop.state import Weights
from lamina.networks import Dense, Key, Network

NETWORK = Network((Dense(3, "softmax"),))
OBJECTIVE = Objective(NETWORK, "cross_entropy")
PARAMS, _ = NETWORK.init(Key(0), (4,))
FEED = Loader(Dataset(np.ones((12, 4)), np.arange(12) % 3), batch_size=4)


class Recorder(recorder.Recorder):
    """Keeps what it is told, in order."""

    def __init__(self):
        self.told = []

    def begin(self, epoch, params):
        self.told.append(("begin", epoch))

    def note(self, epoch, params):
        self.told.append(("note", epoch))

    def forget(self, epoch):
        self.told.append(("forget", epoch))

    def end(self, epoch, params):
        self.told.append(("end", epoch))


def filled(number):
    params = ({k: np.full_like(v, number) for k, v in PARAMS[0].items()},)
    return Weights(params, SGD(0.1, 0.5).init(params))


def run(n=2, keep_best=None, recorder=None):
    problems = [Problem(OBJECTIVE, SGD(0.1, 0.5), FEED, recorder=recorder)] * n
    starts = [Start(PARAMS, Key(i)) for i in range(n)]
    return begun(problems, starts, Control(9, keep_best=keep_best))


def one_epoch(on, *numbers):
    """Let weights be these after an epoch of loss 1."""
    records = [[{"loss": 1.0}] for _ in numbers]
    on.decide(records)
    on.accept(stack([filled(number) for number in numbers]), records)


def ended(on, interrupted=False):
    return finished(on, Checkpointer(on, None), interrupted)


def test_each_model_has_a_result_of_its_own():
    on = run()
    one_epoch(on, 0.0, 0.1)
    first, second = ended(on)
    assert (first.reason, first.epochs, first.examples) == ("finished", 1, 12)
    assert first.history == {"loss": [1.0]}
    assert first.history is not second.history
    assert second.params[0]["weight"].shape == (4, 3)
    assert float(second.params[0]["weight"][0, 0]) == np.float32(0.1)
    assert second.state["velocity"][0]["bias"].shape == (3,)


def test_weights_that_are_not_finite_have_diverged():
    recorder = Recorder()
    on = run(1, recorder=recorder)
    one_epoch(on, 0.0)
    one_epoch(on, np.inf)
    (result,) = ended(on)
    assert (result.reason, result.epochs, result.end_loss) == ("diverged", 1, np.inf)
    assert np.isfinite(result.params[0]["weight"]).all()
    told = [("begin", 0), ("note", 1), ("note", 2), ("forget", 1), ("end", 1)]
    assert recorder.told == told


def test_only_models_that_still_learn_are_interrupted():
    on = run()
    on.state.each[1].reason = "stopped"
    assert [one.reason for one in ended(on, interrupted=True)] == [
        "interrupted",
        "stopped",
    ]


def test_the_best_weights_are_given_back_with_the_last_state():
    on = run(1, keep_best="loss")
    one_epoch(on, 0.1)
    one_epoch(on, 0.2)
    (result,) = ended(on)
    assert float(result.params[0]["bias"][0]) == np.float32(0.1)
    assert result.loss == 1.0


def test_history_ends_where_the_weights_do():
    """Ctrl-C may come between the two."""
    on = run(1)
    one_epoch(on, 0.1)
    on.decide([[{"loss": 0.5}]])
    (result,) = ended(on, interrupted=True)
    assert (result.reason, result.epochs) == ("interrupted", 1)
    assert result.history == {"loss": [1.0]}
