"""The partition function, beside sums and integrals written out."""

from itertools import product

import jax
import numpy as np
import pytest
from scipy.special import logit, logsumexp

from lamina.networks.core.keys import Key
from lamina.networks.energy.log_partition import annealed, enumerable, exact
from lamina.networks.energy.rbm import RBM


def machine(n, units, size=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "weight": size * rng.standard_normal((n, units)),
        "visible_bias": size * rng.standard_normal(n),
        "bias": size * rng.standard_normal(units),
    }


def states(n):
    return np.array(list(product([0.0, 1.0], repeat=n)))


@pytest.mark.parametrize(("n", "units"), [(6, 5), (5, 6), (1, 1), (3, 13)])
def test_all_states_are_summed(n, units):
    params, v, h = machine(n, units), states(n), states(units)
    energy = -(v @ params["visible_bias"])[:, None] - h @ params["bias"]
    energy = energy - v @ params["weight"] @ h.T
    with jax.enable_x64(True):
        found = float(exact(RBM(units), params))
    assert found == pytest.approx(logsumexp(-energy), rel=1e-10)


def test_more_states_than_one_chunk_has():
    """Each of 14 hidden units by itself: Z = Πⱼ (1 + exp bⱼ) · 2¹⁶, without weights."""
    params = machine(16, 14)
    params["weight"][:], params["visible_bias"][:] = 0, 0
    with jax.enable_x64(True):
        found = float(exact(RBM(14), params))
    expected = np.log1p(np.exp(params["bias"])).sum() + 16 * np.log(2)
    assert found == pytest.approx(expected, rel=1e-10)


def test_gaussian_inputs_are_integrated():
    """Over a grid, of two inputs and three hidden units."""
    params = machine(2, 3)
    at = np.linspace(-12, 12, 601)
    v = np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)
    with jax.enable_x64(True):
        free = np.asarray(RBM(3, "gaussian").free_energy(params, v))
        found = float(exact(RBM(3, "gaussian"), params))
    assert found == pytest.approx(logsumexp(-free) + 2 * np.log(0.04), rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("visible", ["binary", "gaussian"])
@pytest.mark.parametrize("seed", range(3))
def test_annealed_importance_sampling_is_within_a_hundredth(visible, seed):
    """Of log Z, and within five of its standard errors of it."""
    params = machine(14, 10, 0.5, seed)
    rbm, base = RBM(10, visible), np.zeros(14)
    with jax.enable_x64(True):
        expected = float(exact(rbm, params))
        found, error = annealed(rbm, params, base, 200, 1000, Key(seed).device())
    assert float(found) == pytest.approx(expected, rel=0.01)
    assert abs(float(found) - expected) < 5 * float(error) + 1e-6


@pytest.mark.slow
def test_the_standard_error_is_the_spread_of_estimates():
    """Of 60 estimates by 50 chains each, with few temperatures."""
    params, keys = machine(6, 5), jax.random.split(jax.random.key(0), 60)

    def estimate(key):
        return annealed(RBM(5), params, np.zeros(6), 50, 20, key)

    with jax.enable_x64(True):
        found, error = jax.jit(jax.vmap(estimate))(keys)
    np.testing.assert_allclose(np.mean(error), np.std(found), rtol=0.4)


@pytest.mark.slow
def test_without_weights_nothing_is_left_to_estimate():
    params = machine(8, 4)
    params["weight"][:] = 0
    rbm = RBM(4)
    with jax.enable_x64(True):
        base = logit(np.full(8, 0.3))
        found, error = annealed(
            rbm, {**params, "visible_bias": base}, base, 5, 50, Key(0).device()
        )
        expected = exact(rbm, {**params, "visible_bias": base})
    assert float(found) == pytest.approx(float(expected), rel=1e-10)
    assert float(error) < 1e-6


def test_a_large_machine_is_not_enumerated():
    params = machine(30, 40)
    assert not enumerable(RBM(40), params)
    with pytest.raises(ValueError, match="smaller side has 30 units, more than the 22"):
        exact(RBM(40), params)
    with pytest.raises(ValueError, match="smaller side has 40 units"):
        exact(RBM(40, "gaussian"), params)
    assert enumerable(RBM(2, "gaussian"), machine(30, 2))
