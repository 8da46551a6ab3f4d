"""Chains of a trained machine."""

import numpy as np
import pytest
from scipy import stats

from lamina.learning.algorithms.energy.contrastive_divergence import gibbs_step
from lamina.learning.parallel.compilation import compile_count
from lamina.learning.sampling.gibbs import (
    compiled_annealed,
    compiled_deep_made_again,
    compiled_exact,
    compiled_free_energy,
    compiled_made_again,
    compiled_turned,
    compiled_walk,
    walk,
)
from lamina.networks import RBM, Key, Network
from lamina.networks.energy import dbm


def machine(n=6, units=5, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "weight": rng.standard_normal((n, units)).astype("f4"),
        "visible_bias": rng.standard_normal(n).astype("f4"),
        "bias": rng.standard_normal(units).astype("f4"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 3])
def test_a_walk_is_one_gibbs_step_after_the_other(steps):
    """Of one step too: chains that draw the same numbers soon meet."""
    rbm, params, words = RBM(5), machine(), Key(3).words()
    key, h = Key(3).device(), np.zeros((7, 5), "f4")
    for s in range(1, steps + 1):
        before, (v, h) = h, gibbs_step(rbm, params, h, key, s)
    found = walk(rbm, params, np.zeros((7, 5), "f4"), steps, words)
    np.testing.assert_array_equal(found[0], v)
    np.testing.assert_array_equal(found[1], h)
    np.testing.assert_allclose(found[2], rbm.mean(params, before), rtol=1e-6)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def test_rows_are_made_again_up_and_down_the_machines():
    """h¹ = σ(v W¹ + b¹), h² = σ(h¹ W² + b²), ĥ¹ = σ(h² W²ᵀ + a²), v̂ = ĥ¹ W¹ᵀ + a¹."""
    one, two = machine(6, 5), machine(5, 3, seed=1)
    v = np.random.default_rng(2).standard_normal((4, 6)).astype("f4")
    h1 = sigma(v @ one["weight"] + one["bias"])
    h2 = sigma(h1 @ two["weight"] + two["bias"])
    h1 = sigma(h2 @ two["weight"].T + two["visible_bias"])
    expected = h1 @ one["weight"].T + one["visible_bias"]
    network = Network((RBM(5, "gaussian"), RBM(3)))
    found = compiled_made_again(network, (one, two), v)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_deep_machine_makes_rows_of_its_lowest_means():
    layers, params = (RBM(5), RBM(3)), (machine(6, 5), machine(5, 3, seed=1))
    v = (np.random.default_rng(2).random((4, 6)) < 0.5).astype("f4")
    mu = dbm.mean_field(layers, params, v, 20)[1]
    expected = sigma(mu @ params[0]["weight"].T + params[0]["visible_bias"])
    found = compiled_deep_made_again(layers, params, 20, v)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.slow
def test_long_chains_have_the_distribution_of_the_machine():
    """χ² of all states of v, each from a chain of its own."""
    rbm, params = RBM(5), machine(4)
    states = (np.arange(16)[:, None] >> np.arange(4) & 1).astype("f4")
    free = np.asarray(rbm.free_energy(params, states), float)
    p = np.exp(-free - np.logaddexp.reduce(-free))
    start = np.zeros((20_000, 5), "f4")
    v, _, _ = compiled_walk(rbm, params, start, 200, Key(1).words())
    counts = np.bincount(np.asarray(v).astype(int) @ 2 ** np.arange(4), minlength=16)
    assert stats.chisquare(counts, p * len(start)).pvalue > 1e-3


def test_another_number_of_steps_compiles_nothing():
    rbm, params, start = RBM(5), machine(), np.zeros((9, 5), "f4")
    compiled_walk(rbm, params, start, 3, Key(1).words())
    before = compile_count()
    compiled_walk(rbm, machine(seed=1), start, 50, Key(2).words())
    assert compile_count() == before


def test_one_input_is_turned():
    rbm, params = RBM(5), machine()
    v = np.random.default_rng(0).integers(0, 2, (8, 6)).astype("f4")
    at = np.arange(8) % 6
    other = v.copy()
    for row, column in enumerate(at):
        other[row, column] = 1 - v[row, column]
    expected = compiled_free_energy(rbm, params, other) - compiled_free_energy(
        rbm, params, v
    )
    found = compiled_turned(rbm, params, v, at)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_estimate_comes_close_to_the_sum():
    rbm, params = RBM(5), machine()
    log_w, base = np.zeros(200, "f4"), params["visible_bias"]
    found, error = compiled_annealed(rbm, params, base, log_w, 500, Key(0).words())
    assert float(found) == pytest.approx(float(compiled_exact(rbm, params)), rel=0.01)
    assert 0 < float(error) < 0.1
