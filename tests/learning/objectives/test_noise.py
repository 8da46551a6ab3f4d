"""Noise on inputs and weights: its variance, and where the gradient is taken."""

import jax
import numpy as np
import pytest

from lamina.learning import (
    Batch,
    InputNoise,
    Objective,
    WeightNoise,
)
from lamina.networks import Dense, Network

pytestmark = pytest.mark.usefixtures("x64")

KEY = jax.random.key(5)
NETWORK = Network((Dense(2, "identity"), Dense(1, "identity")))
ONE = Network((Dense(1, "identity"),))
ONE_PARAMS = ({"weight": np.array([[3.0], [4.0]]), "bias": np.array([1.0])},)


def test_noise_on_inputs_has_its_variance():
    """h = 3x₁ + 4x₂ + 1 and y = h(x): ½ (3ε₁ + 4ε₂)² is ½ · 25 σ² on average."""
    x = np.random.default_rng(0).normal(size=(20_000, 2))
    batch = Batch(x, x @ [[3.0], [4.0]] + 1, np.ones(len(x)))
    noisy = Objective(ONE, "squared_error", (InputNoise(0.1),))
    assert float(noisy(ONE_PARAMS, batch)) == pytest.approx(0, abs=1e-20)
    found = float(noisy(ONE_PARAMS, batch, KEY))
    assert found == pytest.approx(0.5 * 25 * 0.01, rel=0.05)
    assert float(noisy(ONE_PARAMS, batch, jax.random.key(6))) != found


@pytest.mark.slow
def test_noise_on_weights_leaves_biases_alone_and_moves_the_gradient():
    """x = 0 sees the bias only; at x = 1 h(W + ε) − y = ε, whose square is σ²."""
    network = Network((Dense(1, "identity"),))
    params = ({"weight": np.array([[2.0]]), "bias": np.array([1.0])},)
    noisy = Objective(network, "squared_error", (WeightNoise(0.1),))
    at_zero = Batch(np.zeros((1, 1)), np.ones((1, 1)), np.ones(1))
    assert float(noisy(params, at_zero, KEY)) == 0
    batch = Batch(np.ones((1, 1)), np.full((1, 1), 3.0), np.ones(1))
    keys = jax.random.split(KEY, 4000)
    values, g = jax.vmap(lambda k: noisy.value_and_grad(params, batch, k))(keys)
    assert float(values.mean()) == pytest.approx(0.5 * 0.01, rel=0.1)
    # ∂E/∂W = h − y = ε: the gradient is that of the disturbed weights
    found = np.asarray(g[0]["weight"])[:, 0, 0]
    np.testing.assert_allclose(np.abs(found), np.sqrt(2 * values), rtol=1e-9)


def test_bytes_become_numbers_before_they_are_disturbed():
    batch = Batch(np.full((3, 2), 200, np.uint8), np.zeros((3, 1)), np.ones(3))
    moved = InputNoise(0.1).disturb_inputs(batch, KEY).x
    assert moved.dtype == np.float64
    assert 0 < np.abs(moved - 200).max() < 1


@pytest.mark.parametrize("kind", [InputNoise, WeightNoise])
@pytest.mark.parametrize("deviation", [-0.1, float("nan")])
def test_impossible_deviations_are_refused(kind, deviation):
    with pytest.raises(ValueError, match=f"deviation must be .*got {deviation}"):
        kind(deviation)
