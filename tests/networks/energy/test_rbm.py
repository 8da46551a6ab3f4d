"""The restricted Boltzmann machine, beside sums over all of its states."""

from itertools import product

import jax
import numpy as np
import pytest
from scipy import sparse, special, stats

from lamina.networks.core.keys import Key
from lamina.networks.core.sparse import SparseRows
from lamina.networks.energy.rbm import RBM

N, UNITS = 6, 5
VISIBLE = np.array(list(product([0.0, 1.0], repeat=N)))
HIDDEN = np.array(list(product([0.0, 1.0], repeat=UNITS)))


def expit(z):
    return np.asarray(special.expit(z))


def logsumexp(a, axis=None):
    return np.asarray(special.logsumexp(a, axis=axis))


@pytest.fixture
def params():
    rng = np.random.default_rng(0)
    return {
        "weight": rng.standard_normal((N, UNITS)),
        "visible_bias": rng.standard_normal(N),
        "bias": rng.standard_normal(UNITS),
    }


def joint_energy(params, v, h):
    """E(v, h) of every v with every h, term by term."""
    energy = np.zeros((len(v), len(h)))
    for i, j in np.ndindex(energy.shape):
        energy[i, j] -= sum(params["visible_bias"] * v[i])
        energy[i, j] -= sum(params["bias"] * h[j])
        for n, unit in np.ndindex(params["weight"].shape):
            energy[i, j] -= v[i, n] * params["weight"][n, unit] * h[j, unit]
    return energy


def test_two_steps_by_hand():
    """v = (1, 0), W = [[1, −1], [2, 3]], a = (½, 0), b = (0, 1)."""
    params = {
        "weight": np.array([[1.0, -1], [2, 3]]),
        "visible_bias": np.array([0.5, 0]),
        "bias": np.array([0.0, 1]),
    }
    machine, v = RBM(2), np.array([[1.0, 0]])
    np.testing.assert_allclose(machine.pre_activation(params, v), [[1, 0]])
    np.testing.assert_allclose(machine(params, v), [[0.7310585786, 0.5]])
    mean = machine.mean(params, np.array([[1.0, 1]]))  # z = (½ + 0, 5)
    np.testing.assert_allclose(mean, [[0.6224593312, 0.9933071491]])
    # −½ − log(1 + e) − log 2
    with jax.enable_x64(True):
        free = float(machine.free_energy(params, v)[0])
    assert free == pytest.approx(-0.5 - 1.3132616875 - 0.6931471806, rel=1e-10)
    gaussian = RBM(2, "gaussian")
    np.testing.assert_allclose(gaussian.mean(params, np.ones((1, 2))), [[0.5, 5]])


def test_conditionals_and_energies_agree_with_enumeration(params):
    machine, energy = RBM(UNITS), joint_energy(params, VISIBLE, HIDDEN)
    joint = np.exp(-energy - logsumexp(-energy))
    of_hidden = joint @ HIDDEN / joint.sum(axis=1, keepdims=True)
    of_visible = joint.T @ VISIBLE / joint.sum(axis=0)[:, None]
    with jax.enable_x64(True):
        np.testing.assert_allclose(machine(params, VISIBLE), of_hidden, rtol=1e-10)
        np.testing.assert_allclose(machine.mean(params, HIDDEN), of_visible, rtol=1e-10)
        free = machine.free_energy(params, VISIBLE)
        np.testing.assert_allclose(free, -logsumexp(-energy, axis=1), rtol=1e-10)
        pairs = [np.repeat(VISIBLE, len(HIDDEN), 0), np.tile(HIDDEN, (len(VISIBLE), 1))]
        found = machine.energy(params, *pairs).reshape(energy.shape)
        np.testing.assert_allclose(found, energy, rtol=1e-10, atol=1e-12)


def test_gaussian_inputs_have_that_density(params):
    """∫ exp(−E) dv over one input, and the mean of v given h."""
    machine = RBM(UNITS, "gaussian")
    one = {**params, "weight": params["weight"][:1]}
    one["visible_bias"] = params["visible_bias"][:1]
    v = np.linspace(-20, 20, 4001)[:, None]
    with jax.enable_x64(True):
        for h in HIDDEN[::7]:
            energy = machine.energy(one, v, np.tile(h, (len(v), 1)))
            density = np.exp(-np.asarray(energy))
            mean = np.sum(v[:, 0] * density) / np.sum(density)
            expected = machine.mean(one, h[None])
            np.testing.assert_allclose(mean, expected[0, 0], rtol=1e-10)
        energy = np.stack(
            [machine.energy(one, v, np.tile(h, (len(v), 1))) for h in HIDDEN]
        )
        free = machine.free_energy(one, v)
        np.testing.assert_allclose(free, -logsumexp(-energy, axis=0), rtol=1e-10)


@pytest.mark.slow
def test_the_gradient_of_the_likelihood_agrees_with_enumeration(params):
    """∂F(v)/∂θ − ⟨∂F/∂θ⟩ beside the derivative of −log P(v) by its definition."""
    machine, at = RBM(UNITS), [3, 17, 40, 63]
    seen = VISIBLE[at]

    def nll(params):
        energy = -(VISIBLE @ params["visible_bias"])[:, None] - HIDDEN @ params["bias"]
        energy = energy - VISIBLE @ params["weight"] @ HIDDEN.T
        own = jax.nn.logsumexp(-energy[np.array(at)], axis=1)
        return jax.nn.logsumexp(-energy) - own.mean()

    with jax.enable_x64(True):
        expected = jax.grad(nll)(params)
        log_p = -machine.free_energy(params, VISIBLE)
        p = np.exp(log_p - logsumexp(log_p))
        found = jax.grad(
            lambda q: (
                machine.free_energy(q, seen).mean()
                - (p * machine.free_energy(q, VISIBLE)).sum()
            )
        )(params)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_samples_are_drawn_with_those_probabilities(params):
    params = jax.tree.map(np.float32, params)
    machine, key, n = RBM(UNITS), Key(1).device(), 100_000
    v = np.repeat(VISIBLE[[5]], n, 0).astype("f4")
    h = np.asarray(machine.hidden(params, v, key))
    p = expit(VISIBLE[5] @ params["weight"] + params["bias"])
    for ones, chance in zip(h.sum(axis=0), p, strict=True):
        assert stats.binomtest(int(ones), n, float(chance)).pvalue > 1e-4
    h = np.repeat(HIDDEN[[11]], n, 0).astype("f4")
    v = np.asarray(machine.seen(params, h, key))
    p = expit(HIDDEN[11] @ params["weight"].T + params["visible_bias"])
    for ones, chance in zip(v.sum(axis=0), p, strict=True):
        assert stats.binomtest(int(ones), n, float(chance)).pvalue > 1e-4
    gaussian = RBM(UNITS, "gaussian")
    v = np.asarray(gaussian.seen(params, h, key)) - gaussian.mean(params, h)
    assert stats.kstest(np.ravel(v), "norm").pvalue > 1e-3


@pytest.mark.slow
def test_sparse_rows_are_seen_as_dense_ones(params):
    params = jax.tree.map(np.float32, params)
    dense = VISIBLE[:20].astype("f4")
    rows = SparseRows.from_csr(sparse.csr_array(dense), np.float32, 20, 128)
    for ask in (RBM(UNITS).free_energy, RBM(UNITS)):
        np.testing.assert_allclose(ask(params, rows), ask(params, dense), rtol=1e-5)


def test_the_start():
    params, shape = RBM(50, init_scale=0.1).init(Key(0), (400,))
    assert shape == (50,)
    assert params["weight"].shape == (400, 50)
    assert params["weight"].std() == pytest.approx(0.1, rel=0.02)
    assert not params["bias"].any()
    assert not params["visible_bias"].any()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"units": 0}, "units must be a whole number"),
        ({"visible": "poisson"}, "visible must be one of binary, gaussian"),
        ({"init_scale": -1}, "init_scale must be ≥ 0"),
    ],
)
def test_impossible_fields_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        RBM(**{"units": 3, **fields})
