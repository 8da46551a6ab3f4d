"""The deep Boltzmann machine, beside sums over all of its states."""

from itertools import pairwise, product

import jax
import numpy as np
import pytest
from scipy import special, stats

from lamina.networks import RBM, Key
from lamina.networks.energy import dbm

SIZES = (4, 3, 2)
LAYERS = (RBM(3), RBM(2))
STATES = [np.array(list(product([0.0, 1.0], repeat=n))) for n in SIZES]

pytestmark = pytest.mark.usefixtures("x64")


def machine(size=1.0, seed=0, sizes=SIZES):
    rng = np.random.default_rng(seed)
    return [
        {
            "weight": size * rng.standard_normal((n, units)),
            "visible_bias": size * rng.standard_normal(n),
            "bias": size * rng.standard_normal(units),
        }
        for n, units in pairwise(sizes)
    ]


def all_states():
    """Every joint state, one layer beside the other."""
    rows = [np.concatenate(parts) for parts in product(*STATES)]
    return np.split(np.array(rows), np.cumsum(SIZES)[:-1], axis=1)


def exact(params):
    """log P(v) of all v, and log Z."""
    energy = np.asarray(dbm.energy(LAYERS, params, all_states()), float)
    table = -energy.reshape(len(STATES[0]), -1)
    log_z = float(special.logsumexp(table))
    return np.asarray(special.logsumexp(table, axis=1)) - log_z, log_z


def test_energies_add_up():
    first, second = machine()
    v, h, top = all_states()
    expected = np.zeros(len(v))
    for row in range(len(v)):
        expected[row] -= (
            v[row] @ first["visible_bias"] + v[row] @ first["weight"] @ h[row]
        )
        expected[row] -= h[row] @ (first["bias"] + second["visible_bias"])
        expected[row] -= (
            h[row] @ second["weight"] @ top[row] + top[row] @ second["bias"]
        )
    np.testing.assert_allclose(
        dbm.energy(LAYERS, [first, second], [v, h, top]), expected, atol=1e-12
    )


def test_net_inputs_are_the_log_odds_given_all_else():
    """log P(h = 1 | rest) − log P(h = 0 | rest), of each unit by itself."""
    params, rng = machine(), np.random.default_rng(1)
    states = [rng.integers(0, 2, (5, n)).astype(float) for n in SIZES]
    for at in (1, 2):
        found = dbm.pre_activation(LAYERS, params, states, at)
        for unit in range(SIZES[at]):
            energies = []
            for value in (0.0, 1.0):
                other = [np.array(state) for state in states]
                other[at][:, unit] = value
                energies.append(np.asarray(dbm.energy(LAYERS, params, other)))
            np.testing.assert_allclose(found[:, unit], energies[0] - energies[1])


def test_the_means_end_at_a_fixed_point():
    params, v = machine(), STATES[0]
    means = dbm.mean_field(LAYERS, params, v, 300)
    for at in (1, 2):
        again = special.expit(np.asarray(dbm.pre_activation(LAYERS, params, means, at)))
        np.testing.assert_allclose(means[at], again, atol=1e-12)


def test_the_means_begin_with_a_pass_from_the_bottom_to_the_top():
    """W counts twice where input from above is missing, the bias once."""
    (one, two), v = machine(), STATES[0]
    first = special.expit(2 * v @ one["weight"] + one["bias"])
    second = special.expit(first @ two["weight"] + two["bias"])
    _, *found = dbm.mean_field(LAYERS, [one, two], v, 0)
    np.testing.assert_allclose(found[0], first, rtol=1e-12)
    np.testing.assert_allclose(found[1], second, rtol=1e-12)


@pytest.mark.slow
def test_every_update_makes_the_bound_larger():
    params, v = machine(2.0), STATES[0]
    bounds = [
        np.asarray(dbm.bound(LAYERS, params, dbm.mean_field(LAYERS, params, v, n)))
        for n in range(8)
    ]
    for before, after in pairwise(bounds):
        assert (after >= before - 1e-12).all()
    assert (bounds[-1] > bounds[0] + 1e-3).any()


@pytest.mark.parametrize(("size", "gap"), [(0.1, 0.005), (0.3, 0.05), (1.0, 0.5)])
@pytest.mark.parametrize("seed", range(3))
def test_the_bound_is_below_the_likelihood_and_close(size, gap, seed):
    params = machine(size, seed)
    log_p, log_z = exact(params)
    means = dbm.mean_field(LAYERS, params, STATES[0], 100)
    off = log_p - (np.asarray(dbm.bound(LAYERS, params, means)) - log_z)
    assert off.min() >= -1e-12
    assert 0 < off.max() < gap


@pytest.mark.slow
def test_the_bound_is_exact_for_one_machine():
    """Q is P(h | v) then, and nothing is lost; numbers between 0 and 1 have no entropy
    of their own."""
    (params,), rbm = machine(sizes=(4, 3)), RBM(3)
    v = np.concatenate([STATES[0], [[0.3, 0.9, 0.5, 0.1]]])
    means = dbm.mean_field([rbm], [params], v, 1)
    found = dbm.bound([rbm], [params], means)
    np.testing.assert_allclose(found, -rbm.free_energy(params, v), rtol=1e-10)


@pytest.mark.slow
def test_chains_have_the_distribution_of_the_machine():
    """χ² of all v after 100 steps, each of a chain of its own."""
    params, n, key = machine(), 20_000, Key(1).device()
    log_p, _ = exact(params)

    @jax.jit
    def walk(odd):
        def step(s, odd):
            return dbm.drawn(dbm.sweep(LAYERS, params, odd, key, s), key, s)

        odd = jax.lax.fori_loop(1, 100, step, odd)
        return dbm.sweep(LAYERS, params, odd, key, 100)

    v = np.asarray(walk((np.zeros((n, 3)),))[0])
    counts = np.bincount(v.astype(int) @ [8, 4, 2, 1], minlength=16)
    assert stats.chisquare(counts, np.exp(log_p) * n).pvalue > 1e-3


@pytest.mark.slow
def test_three_hidden_layers_go_the_same_way():
    layers, params = (RBM(3), RBM(2), RBM(2)), machine(sizes=(4, 3, 2, 2))
    odd = (np.zeros((5, 3)), np.zeros((5, 2)))
    states = dbm.sweep(layers, params, odd, Key(0).device(), 1)
    assert [state.shape for state in states] == [(5, n) for n in (4, 3, 2, 2)]
    assert set(np.unique(states[2])) <= {0, 1}
    after = dbm.drawn(states, Key(0).device(), 1)
    assert [state.shape for state in after] == [(5, 3), (5, 2)]
    for at in (1, 3):
        z = np.asarray(dbm.pre_activation(layers, params, states, at))
        np.testing.assert_allclose(states[at], special.expit(z), rtol=1e-10)
