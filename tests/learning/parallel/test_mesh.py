"""Cores that share a step: the sums of the shares are those of one device."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.learning import L2, SGD, Adam, ClipNorm, Dataset, Loader, Objective
from lamina.learning.data.dataset import Dataset as FeedExamples
from lamina.learning.loop import beginning as loop
from lamina.learning.loop.compiled_step import train
from lamina.learning.objectives import objective
from lamina.learning.parallel.compilation import Compiled
from lamina.learning.parallel.mesh import (
    LEAST_ROWS,
    LEAST_SECONDS,
    check_devices,
    computing_threads,
    shards_of,
)
from lamina.networks import Conv, Dense, Dropout, Flatten, Key, MaxPool, Network
from lamina.networks.core.description import description
from lamina.networks.core.keys import device_key
from lamina.networks.core.layer import Activated
from tests.learning.fits import fit

NETWORK = Network(
    (Conv(2, 3, activation="tanh"), MaxPool(2), Flatten(), Dense(3, "softmax"))
)
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((43, 6, 6, 1)), RNG.integers(0, 3, 43)
WEIGHT = RNG.uniform(0.5, 2, 43)


def trained(shards, monkeypatch, network=NETWORK, algorithm=None):
    """Three epochs in batches of 9, the last of them of 7: neither is even."""
    monkeypatch.setattr(loop, "shards_of", lambda *_: shards)
    params, _ = network.init(Key(0), (6, 6, 1), np.float64)
    loss = Objective(network, "cross_entropy", (L2(0.1),))
    loader = Loader(Dataset(X, Y, WEIGHT, dtype=np.float64), batch_size=9)
    algorithm = algorithm or SGD(0.1, 0.9)
    return fit(loss, algorithm, loader, params, key=Key(1), epochs=3)


def assert_close(one, other, atol):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=atol)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("algorithm", [SGD(0.1, 0.9), Adam(0.01)], ids=["sgd", "adam"])
def test_two_devices_learn_what_one_does(monkeypatch, algorithm):
    one = trained(1, monkeypatch, algorithm=ClipNorm(algorithm, 0.5))
    two = trained(2, monkeypatch, algorithm=ClipNorm(algorithm, 0.5))
    assert_close((one.params, one.state), (two.params, two.state), 1e-12)
    np.testing.assert_allclose(one.history["loss"], two.history["loss"], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_large_shares_are_summed_in_chunks(monkeypatch):
    one = trained(1, monkeypatch)
    monkeypatch.setattr(objective, "CHUNK_ROWS", 2)
    # Programs that other tests have left know nothing of it.
    monkeypatch.setattr("lamina.learning.loop.trainer.compiled_train", Compiled(train))
    two = trained(2, monkeypatch)
    assert_close(one.params, two.params, 1e-12)


@description
class Place(Activated):
    """What a device draws: its own numbers."""

    def init(self, key, shape):
        return {"weight": np.zeros(1)}, shape

    def pre_activation(self, params, x, *, key=None, mask=None):
        drawn = 0.0 if key is None else jax.random.uniform(key)
        return x * 0 + params["weight"] * drawn

    activation = "identity"

    def __call__(self, params, x, *, key=None, mask=None):
        return self.pre_activation(params, x, key=key)


@pytest.mark.usefixtures("x64")
def test_each_device_draws_its_own_numbers(monkeypatch):
    """δ = −1 for every example, so that the gradient is −(u₁ + u₂) / 2."""
    monkeypatch.setattr(loop, "shards_of", lambda *_: 2)
    network = Network((Place(),))
    params, _ = network.init(Key(0), (1,), np.float64)
    loader = Loader(
        Dataset(np.ones((8, 1)), np.ones((8, 1)), dtype=np.float64), batch_size=4
    )
    drawn = []
    for epochs in (1, 2):
        loss = Objective(network, "squared_error")
        how = {"key": Key(1), "epochs": epochs}
        drawn.append(fit(loss, SGD(1.0, 0.0), loader, params, **how).params)
    words = Key(1).fold_in("steps").words()
    key, w = device_key(words), 0.0
    for step in range(2):
        step_key = jax.random.fold_in(jax.random.fold_in(key, 0), step)
        u = [
            float(
                jax.random.uniform(
                    jax.random.fold_in(jax.random.fold_in(step_key, s), 0)
                )
            )
            for s in (0, 1)
        ]
        assert u[0] != u[1]
        w -= sum(-(1 - w * ui) * ui for ui in u) / 2
    assert float(drawn[0][0]["weight"][0]) == pytest.approx(w, abs=1e-12)


@pytest.mark.slow
def test_dropout_works_on_shares(monkeypatch):
    network = Network((Flatten(), Dropout(0.5), Dense(3, "softmax")))
    one, again = (trained(2, monkeypatch, network) for _ in range(2))
    assert_close(one.params, again.params, 0)


def test_results_lie_on_one_device(monkeypatch):
    result = trained(2, monkeypatch)
    for leaf in jax.tree.leaves(result.params):
        assert len(jnp.asarray(leaf).devices()) == 1


def test_who_shares():
    params, _ = NETWORK.init(Key(0), (6, 6, 1))
    rows, long = 4 * LEAST_ROWS, 2 * LEAST_SECONDS
    assert shards_of(NETWORK, params, rows, long) == jax.local_device_count() == 2
    assert shards_of(NETWORK, params, LEAST_ROWS, long) == 1
    assert shards_of(NETWORK, params, rows, LEAST_SECONDS / 2) == 1
    dense = Network((Dense(3),))
    assert shards_of(dense, dense.init(Key(0), (4,))[0], rows, long) == 1


def counted_devices(**environment):
    """Return how many devices a fresh process has once it has seen examples."""
    program = (
        "import numpy as np\n"
        "from lamina.learning import Dataset\n"
        "import jax\n"
        "Dataset(np.ones((2, 2)), np.ones((2, 1)))\n"
        "print(jax.local_device_count())\n"
    )
    clean = {k: v for k, v in os.environ.items() if k != "JAX_NUM_CPU_DEVICES"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.slow
def test_a_process_gets_one_device_a_core_unless_somebody_said_how_many():
    cores = len(os.sched_getaffinity(0))
    assert counted_devices() == min(cores, 8)
    assert counted_devices(JAX_NUM_CPU_DEVICES="3") == 3
    flags = "--xla_force_host_platform_device_count=4"
    assert counted_devices(XLA_FLAGS=flags) == 4
    assert counted_devices(NPROC=str(cores + 1)) == min(cores + 1, 8)


def test_a_run_on_other_cores_is_refused():
    here, threads = jax.local_device_count(), computing_threads()
    check_devices(here, threads)
    check_devices(here, 0)  # that of a run on another kind of device
    for shards in (0, here + 1):
        with pytest.raises(ValueError, match=f"JAX_NUM_CPU_DEVICES={shards}"):
            check_devices(shards, threads)
    for others in (1, threads + 1):
        message = f"on {others} cores, .* has {threads}: .* NPROC={others} "
        with pytest.raises(ValueError, match=message):
            check_devices(1, others)


def test_there_are_as_many_threads_as_cores_and_no_fewer_than_devices():
    cores = len(os.sched_getaffinity(0))
    assert computing_threads() == max(cores, jax.local_device_count())


def test_examples_of_a_process_that_has_its_devices_change_nothing():
    before = jax.local_device_count()
    FeedExamples(X, Y)
    assert jax.local_device_count() == before
