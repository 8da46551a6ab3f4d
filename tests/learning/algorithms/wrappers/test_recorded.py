"""Recorded: the same steps, remembered in a ring."""

import numpy as np
import pytest

from lamina.learning import SGD, Batch, Dataset, Loader, Objective, Recorded
from lamina.networks import Dense, Key, Network
from tests.learning.fits import fit

NETWORK = Network((Dense(1, "identity", "zeros"),))
OBJECTIVE = Objective(NETWORK, "squared_error")
START = ({"weight": np.zeros((1, 1), np.float32), "bias": np.zeros(1, np.float32)},)


def batch(x, y):
    return Batch(*(np.array(a, np.float32) for a in ([[x]], [[y]], [1])))


@pytest.mark.slow
def test_first_three_steps_by_hand_in_a_ring_of_two():
    """½ (y − w x − b)² at x = 1, y = 1, η = ¼: both move by ¼ e; e = 1, ½, ¼."""
    algorithm = Recorded(SGD(0.25), 2)
    params, state = START, algorithm.init(START)
    for _ in range(3):
        params, state, report = algorithm.update(
            OBJECTIVE, params, state, batch(1, 1), None
        )
    (last,) = algorithm.last(state, 2)
    assert last["weight"].ravel().tolist() == [0.375, 0.4375]
    assert last["bias"].ravel().tolist() == [0.375, 0.4375]
    assert float(report["loss"]) == 0.5 * 0.25**2


def test_remembers_nothing_it_has_not_seen():
    algorithm = Recorded(SGD(0.25), 4)
    with pytest.raises(ValueError, match="3 steps asked for, 0 remembered"):
        algorithm.last(algorithm.init(START), 3)


def test_a_callback_reads_each_epoch_from_the_progress(rng):
    X, y = rng.standard_normal((10, 1)), rng.standard_normal((10, 1))
    algorithm = Recorded(SGD(0.1), 16)
    seen = []

    def look(progress):
        (steps,) = algorithm.last(progress.state, 10)
        seen.append(steps["weight"])
        assert np.array_equal(steps["weight"][-1], progress.params[0]["weight"])

    def run(algorithm, **how):
        loader = Loader(Dataset(X, y), batch_size=1)
        return fit(OBJECTIVE, algorithm, loader, START, key=Key(0), epochs=3, **how)

    traced, plain = run(algorithm, callbacks=[look]), run(SGD(0.1))
    assert np.array_equal(traced.params[0]["weight"], plain.params[0]["weight"])
    assert np.concatenate(seen).shape == (30, 1, 1)
    assert len(np.unique(np.concatenate(seen))) == 30
