"""Gradient descent: its three equations by hand, on a quadratic and on a neuron.

Three steps down a bowl, optax and pickles: ``tests/contracts/test_algorithms.py``.
"""

import jax
import numpy as np
import pytest

from lamina.learning import L2, SGD, Batch, Dataset, Loader, Objective
from lamina.networks import Dense, Key, Network
from tests.learning.fits import fit

pytestmark = pytest.mark.usefixtures("x64")


def slope(params, batch, key):
    """E = c θ, whose gradient is c, whatever θ."""
    return batch * params


def walk(algorithm, gradients, start=0.0):
    params = np.array(start)
    state, path = algorithm.init(params), []
    for c in gradients:
        params, state, _ = algorithm.update(slope, params, state, c, None)
        path.append(float(params))
    return path


def test_plain_steps():
    """θ − η Σ g"""
    assert walk(SGD(0.5), [1.0, 2.0, -4.0]) == [-0.5, -1.5, 0.5]


def test_heavy_ball_steps():
    """v: −0.5, −0.25 − 1, −0.625 + 2"""
    path = walk(SGD(0.5, momentum=0.5), [1.0, 2.0, -4.0])
    assert path == [-0.5, -1.75, -0.375]


def test_nesterov_steps():
    """θ + ½ v − ½ g with the same v: −0.75, then −0.625 − 1, then 0.6875 + 2"""
    path = walk(SGD(0.5, momentum=0.5, nesterov=True), [1.0, 2.0, -4.0])
    assert path == [-0.75, -2.375, 0.3125]


def test_nesterov_looks_ahead():
    """Sutskever et al. (2013): with φ = θ + μ v, g is taken at φ.

        v ← μ v − η g(φ),   θ ← θ + v

    The parameters of this form, φ, are what lamina's form calls θ.
    """
    eta, mu, curvature = 0.1, 0.8, 3.0
    theta, v, ahead = 1.0, 0.0, []
    for _ in range(5):
        v = mu * v - eta * curvature * (theta + mu * v)
        theta += v
        ahead.append(theta + mu * v)

    def bowl(params, batch, key):
        return 0.5 * curvature * params**2

    algorithm, params = SGD(eta, momentum=mu, nesterov=True), np.array(1.0)
    state, path = algorithm.init(params), []
    for _ in range(5):
        params, state, _ = algorithm.update(bowl, params, state, None, None)
        path.append(float(params))
    np.testing.assert_allclose(path, ahead, rtol=1e-13)


def test_the_report_is_the_loss_before_the_step():
    _, state, report = SGD(0.5).update(
        slope, np.array(3.0), {"velocity": np.array(0.0)}, 2.0, None
    )
    assert float(report["loss"]) == 6
    assert float(state["velocity"]) == -1


def test_all_deltas_are_computed_from_old_weights():
    """All δ come from the old weights: no layer changes before a lower one uses it.

    x = 1, y = 0, w₁ = w₂ = 1, η = ½: δ₂ = 1, δ₁ = w₂ δ₂ = 1, so both become ½; the
    wrong order would give δ₁ = ½ and w₁ = ¾.
    """
    layer = Dense(1, "identity", use_bias=False)
    one = Objective(Network((layer, layer)), "squared_error")
    params = tuple({"weight": np.ones((1, 1))} for _ in range(2))
    batch = Batch(np.ones((1, 1)), np.zeros((1, 1)), np.ones(1))
    algorithm = SGD(0.5)
    params, _, _ = algorithm.update(one, params, algorithm.init(params), batch, None)
    assert [layer["weight"].item() for layer in params] == [0.5, 0.5]


def test_weight_decay_is_scaled_by_the_rate_and_spares_biases():
    """θ ← θ − η (g + α W), and no decay for the bias."""
    one = Objective(Network((Dense(1, "identity"),)), "squared_error", (L2(0.5),))
    params = ({"weight": np.array([[2.0]]), "bias": np.array([4.0])},)
    batch = Batch(np.zeros((1, 1)), np.array([[4.0]]), np.ones(1))  # g = 0
    algorithm = SGD(0.1)
    (layer,), _, _ = algorithm.update(one, params, algorithm.init(params), batch, None)
    assert layer["weight"].item() == pytest.approx(2 - 0.1 * 0.5 * 2, rel=1e-15)
    assert layer["bias"].item() == 4


def test_a_linear_neuron_reaches_its_closed_form():
    """Golden G14: w = X̃⁺ y, the pseudo-inverse of X with a column of ones."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 3)), rng.standard_normal((20, 1))
    extended = np.column_stack([x, np.ones(20)])
    optimum = np.linalg.pinv(extended) @ y

    network = Network((Dense(1, "identity"),))
    params, _ = network.init(Key(0), (3,), np.float64)
    loader = Loader(Dataset(x, y, dtype=np.float64), batch_size=20)
    one = Objective(network, "squared_error")
    algorithm = SGD(0.3, momentum=0.5)
    result = fit(one, algorithm, loader, params, key=Key(0), epochs=500)
    (layer,) = jax.tree.map(np.asarray, result.params)
    learnt = np.vstack([layer["weight"], layer["bias"]])
    np.testing.assert_allclose(learnt, optimum, rtol=1e-10)
