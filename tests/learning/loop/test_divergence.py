"""A run that goes wrong gives back the best weights known, and says so."""

import hashlib
import itertools
import math

import jax
import numpy as np
import pytest

from lamina.learning import (
    LBFGS,
    SGD,
    Adam,
    BoldDriver,
    Dataset,
    Loader,
    Objective,
    RMSProp,
    Rprop,
    Validation,
)
from lamina.learning.loop import divergence, plan
from lamina.learning.protocols import Schedule
from lamina.networks import Dense, Key, Network
from lamina.networks.core.description import description
from tests.learning.fits import fit

N = 30
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, 3)) * [1.0, 0.1, 0.1]
Y = X @ np.array([[0.01], [2.0], [-1.0]])
LINEAR = Objective(Network((Dense(1, "identity", use_bias=False),)), "squared_error")
ZERO = ({"weight": np.zeros((3, 1), np.float32)},)
DEEP = Objective(Network((Dense(4, "tanh"), Dense(1, "identity"))), "squared_error")
START, _ = DEEP.network.init(Key(0), (3,))


@pytest.fixture(scope="module", autouse=True)
def keep_all_programs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lamina.learning.parallel.compilation.MAX_PROGRAMS", math.inf)
        yield


def run(by, batch_size=N, *, objective=LINEAR, start=ZERO, epochs=60, **how):
    loader = Loader(Dataset(X, Y), batch_size=batch_size)
    return fit(objective, by, loader, start, key=Key(1), epochs=epochs, **how)


def loss_of(params, objective=LINEAR):
    """Return the mean loss of all examples, by the equation."""
    outputs = np.asarray(objective.network(params, X.astype(np.float32)))
    return 0.5 * np.mean((outputs - Y) ** 2)


def digest(result):
    found = hashlib.sha256()
    for leaf in jax.tree.leaves((result.params, result.state)):
        found.update(np.asarray(leaf).tobytes())
    found.update(repr((result.reason, result.epochs, result.history)).encode())
    return found.hexdigest()


CURVED = SGD(1.6)
"""Along the first column the loss grows slowly, along the others it falls: it falls
first, and is far above its start after 60 epochs."""


class InMemory:
    def __init__(self, snapshot=None):
        self.snapshot, self.saved, self.first = snapshot, [], True

    def load(self):
        return self.snapshot

    def due(self):
        return True

    def save(self, snapshot):
        self.saved.append(snapshot)


@pytest.mark.parametrize("seconds", [0, 1e9], ids=["one epoch", "many"])
def test_the_weights_of_the_least_loss_are_given_back(seconds, monkeypatch):
    """However many epochs a call has; a whole batch's loss is that before its step."""
    monkeypatch.setattr(plan, "SECONDS_PER_CALL", seconds)
    result = run(CURVED)
    losses = result.history["loss"]
    best = int(np.argmin(losses))
    assert 3 < best < 50
    assert losses[-1] > 10 * losses[0]
    assert (result.reason, result.epochs) == ("diverged", 60)
    expected = run(CURVED, epochs=best)
    assert expected.reason == "finished"
    np.testing.assert_array_equal(
        result.params[0]["weight"], expected.params[0]["weight"]
    )
    assert result.loss == pytest.approx(losses[best], rel=1e-6)
    assert result.loss == pytest.approx(loss_of(result.params), rel=1e-4)
    assert result.start_loss == pytest.approx(losses[0], rel=1e-6)
    assert result.end_loss == losses[-1]


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [5, N])
def test_a_resumed_run_diverges_to_the_same_bits(batch_size, monkeypatch):
    """Whatever was written, and however the epochs were divided among calls."""
    every = InMemory()
    by = CURVED if batch_size == N else SGD(1.9)
    expected = run(by, batch_size, checkpoint=every)
    assert expected.reason == "diverged"
    for number, snapshot in enumerate(every.saved):
        monkeypatch.setattr(plan, "SECONDS_PER_CALL", 1e9 * (number % 2))
        again = run(by, batch_size, checkpoint=InMemory(snapshot))
        assert digest(again) == digest(expected)


def test_with_more_epochs_it_goes_on_from_where_it_was():
    """What was given back is not what was written down."""
    first = InMemory()
    assert run(CURVED, checkpoint=first, epochs=50).reason == "diverged"
    longer = run(CURVED, checkpoint=InMemory(first.saved[-1]), epochs=60)
    assert digest(longer) == digest(run(CURVED))


@pytest.mark.parametrize("batch_size", [1, 5, N])
@pytest.mark.parametrize("rate", [10.0, 1e3, 1e6, 1e12])
@pytest.mark.parametrize("method", [SGD, Adam, RMSProp])
def test_no_run_ends_worse_than_it_began(method, rate, batch_size):
    """A loss that is far above the variance of the targets and above the start's."""
    result = run(method(rate), batch_size, objective=DEEP, start=START, epochs=12)
    found, first = loss_of(result.params, DEEP), loss_of(START, DEEP)
    assert found <= max(first, divergence.FAR * 0.5 * Y.var()) * (1 + 1e-6)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(result.params))


def test_an_explosion_in_the_first_epoch_gives_back_the_start():
    """Its losses fall from then on; none of them is that of the start."""
    result = run(Adam(1e4), 1, objective=DEEP, start=START, epochs=8)
    losses = result.history["loss"]
    assert losses[-1] < losses[0]
    assert result.reason == "diverged"
    for a, b in zip(
        jax.tree.leaves(result.params), jax.tree.leaves(START), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_a_loss_above_that_of_a_constant_is_no_divergence_if_it_has_fallen():
    """From far away, on the way down."""
    start = ({"weight": np.full((3, 1), 100, np.float32)},)
    result = run(SGD(0.01), start=start, epochs=5)
    assert result.reason == "finished"
    assert result.constant_loss == pytest.approx(0.5 * Y.var(), rel=1e-5)
    assert result.constant_loss < result.loss < result.start_loss


def test_nothing_is_compared_in_a_run_that_went_well(monkeypatch):
    def compared(self, params):
        raise AssertionError

    monkeypatch.setattr(divergence.Verdict, "loss_of", compared)
    assert run(SGD(0.5)).reason == "finished"


def test_a_single_epoch_may_raise_the_loss():
    """Weights that are good, and one epoch at a rate that is too high."""
    expected = run(SGD(30.0), epochs=1, compare=False)
    assert expected.reason == "finished"
    assert loss_of(expected.params) > 2 * loss_of(ZERO)


def test_the_best_weights_by_validation_are_kept():
    """Epochs after the best one may be as bad as they like."""
    scores = itertools.chain([0.1, 0.9], itertools.repeat(0.0))
    held = Validation(Loader(Dataset(X, Y), batch_size=N), lambda _: next(scores))
    result = run(CURVED, validation=held, keep_best="score")
    expected = run(CURVED, epochs=2)
    assert result.reason == "finished"
    np.testing.assert_array_equal(
        result.params[0]["weight"], expected.params[0]["weight"]
    )


@pytest.mark.parametrize("by", [LBFGS(), Rprop()], ids=["lbfgs", "rprop"])
def test_methods_without_a_rate_of_their_own(by):
    assert run(by).reason == "finished"


# ---- bold driver --------------------------------------------------------------------

ONE = Objective(Network((Dense(1, "identity", use_bias=False),)), "squared_error")


def driven(rate, epochs, by=SGD, batch_size=1):
    """Learn y = 0 from x = 1: E = ½ w², w ← (1 − η) w from w = 1."""
    loader = Loader(Dataset(np.ones((1, 1)), np.zeros((1, 1))), batch_size=batch_size)
    start = ({"weight": np.ones((1, 1), np.float32)},)
    how = {"key": Key(0), "epochs": epochs, "schedule": BoldDriver(1.5, 0.25)}
    return fit(ONE, by(rate), loader, start, **how)


def test_a_step_that_raises_the_loss_is_undone_at_once():
    """w = 1, η = 3: the step to −2 raises E from ½ to 2. From 1 again with η = ¾ to ¼
    and 1/16; that ¼ was better is known then, and η = 9/8 leads to −1/128."""
    weights, losses = [], []
    for epochs in range(1, 6):
        result = driven(3.0, epochs)
        weights.append(float(result.params[0]["weight"][0, 0]))
        losses = result.history["loss"]
    assert weights == pytest.approx([-2, 1, 1 / 4, 1 / 16, -1 / 128])
    assert losses == pytest.approx([0.5, 2, 0.5, 1 / 32, 1 / 512])


def test_momentum_is_forgotten_with_the_step():
    """v = −3 led to −2; after it is undone, the step is −η g = −¾ alone."""
    result = driven(3.0, 3, lambda rate: SGD(rate, momentum=0.9))
    assert float(result.params[0]["weight"][0, 0]) == pytest.approx(0.25)


def test_the_loss_of_the_weights_never_rises_on_the_full_batch():
    """But for the epochs that find a rise out."""
    result = run(SGD(1.0), schedule=BoldDriver(1.3, 0.5), epochs=80)
    losses = np.array(result.history["loss"])
    least = np.minimum.accumulate(losses)
    rises = np.flatnonzero(losses > least)
    assert 3 < len(rises) < 40
    np.testing.assert_array_equal(losses[rises[:-1] + 1], least[rises[:-1]])
    assert losses[-1] < 0.5 * losses[0]


def test_a_bold_run_is_resumed_to_the_same_bits():
    every, how = InMemory(), {"schedule": BoldDriver(1.3, 0.5), "epochs": 12}
    expected = run(SGD(1.0), checkpoint=every, **how)
    losses = expected.history["loss"]
    assert any(b > a for a, b in itertools.pairwise(losses))
    for snapshot in every.saved:
        again = run(SGD(1.0), checkpoint=InMemory(snapshot), **how)
        assert digest(again) == digest(expected)


@description
class Spike(Schedule):
    """A rate that is absurd in one epoch."""

    at: int

    def rate(self, initial, moment):
        return 1e30 if moment.epoch == self.at else initial


@pytest.mark.parametrize("batch_size", [5, N])
def test_a_loss_that_is_not_finite_gives_back_the_best_weights(batch_size):
    result = run(SGD(0.5), batch_size, schedule=Spike(9), epochs=20)
    assert (result.reason, result.epochs) == ("diverged", 9)
    assert math.isinf(result.end_loss)
    expected = run(SGD(0.5), batch_size, epochs=9)
    np.testing.assert_array_equal(
        result.params[0]["weight"], expected.params[0]["weight"]
    )
