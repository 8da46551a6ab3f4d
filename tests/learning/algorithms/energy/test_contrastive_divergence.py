"""Contrastive divergence, beside its definition and sums over all states."""

from itertools import pairwise, product

import jax
import numpy as np
import pytest
from scipy import sparse, special

from lamina.learning import (
    L2,
    Batch,
    ContrastiveDivergence,
    Dataset,
    Loader,
    Objective,
)
from lamina.networks import RBM, Dense, Key, Network
from lamina.networks.core.random_bits import bernoulli
from lamina.networks.core.sparse import SparseRows
from tests.learning.fits import fit

N, UNITS = 6, 5
VISIBLE = np.array(list(product([0.0, 1.0], repeat=N)))
HIDDEN = np.array(list(product([0.0, 1.0], repeat=UNITS)))


def expit(z):
    return np.asarray(special.expit(z))


def logsumexp(a, axis=None):
    return np.asarray(special.logsumexp(a, axis=axis))


MACHINE = Objective(Network((RBM(UNITS),)), "squared_error")


def machine(size=1.0):
    rng = np.random.default_rng(0)
    params = {
        "weight": size * rng.standard_normal((N, UNITS)),
        "visible_bias": size * rng.standard_normal(N),
        "bias": size * rng.standard_normal(UNITS),
    }
    return (params,)


def rows_of(x, weight=None):
    x = np.asarray(x)
    weight = np.ones(len(x)) if weight is None else np.asarray(weight, float)
    return Batch(x, np.zeros((len(x), 1)), weight)


def p_hidden(params, v):
    return expit(v @ params["weight"] + params["bias"])


def statistics(params, v, weight):
    """⟨v P(h | v)⟩, ⟨v⟩ and ⟨P(h | v)⟩ by weights whose sum is 1."""
    h = p_hidden(params, v)
    return {
        "weight": (weight[:, None] * v).T @ h,
        "visible_bias": weight @ v,
        "bias": weight @ h,
    }


def by_hand(algorithm, params, x, weight, key, chains=None):
    """One update in plain NumPy, with the same random numbers; its g and chains."""

    def drawn(p, number):
        return np.asarray(bernoulli(key, p, number))

    share = weight / weight.sum()
    h = drawn(p_hidden(params, x), 0) if chains is None else chains
    v = x
    for s in range(1, algorithm.steps + 1):
        a = h @ params["weight"].T + params["visible_bias"]
        v = drawn(expit(a), 2 * s - 1)
        h = drawn(p_hidden(params, v), 2 * s)
    data = statistics(params, x, share)
    own = share if chains is None else np.full(len(v), 1 / len(v))
    model = statistics(params, v, own)
    return {name: model[name] - data[name] for name in data}, h


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("chains", [None, 4])
@pytest.mark.parametrize("steps", [1, 3])
def test_three_updates_by_hand(steps, chains):
    """With momentum, decay and weights; each from the state of the one before."""
    algorithm = ContrastiveDivergence(0.2, steps, chains, momentum=0.5)
    objective = Objective(Network((RBM(UNITS),)), "squared_error", (L2(0.3),))
    params, weight = machine(), np.array([1.0, 2.0, 0.5])
    theta, velocity = params[0], dict.fromkeys(params[0], 0)
    state, h = algorithm.init(params), chains and np.zeros((chains, UNITS))
    for turn in range(3):
        x, key = VISIBLE[[5 + turn, 20, 41]], Key(turn).device()
        g, h_new = by_hand(algorithm, theta, x, weight, key, h if chains else None)
        h = h_new
        g["weight"] = g["weight"] + 0.3 * theta["weight"] / weight.sum()
        velocity = {name: 0.5 * velocity[name] - 0.2 * g[name] for name in g}
        theta = {name: theta[name] + velocity[name] for name in g}
        params, state, _ = algorithm.update(
            objective, params, state, rows_of(x, weight), key
        )
        for name, value in theta.items():
            np.testing.assert_allclose(params[0][name], value, rtol=1e-10, atol=1e-12)
        if chains:
            np.testing.assert_array_equal(state["chains"], h)


@pytest.mark.slow
@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_the_loss_is_the_difference_of_free_energies(x64, visible):
    params, x, key = machine(), VISIBLE[[3, 30]], Key(0).device()
    algorithm, rbm = ContrastiveDivergence(), RBM(UNITS, visible)
    objective = Objective(Network((rbm,)), "squared_error")
    _, _, report = algorithm.update(
        objective, params, algorithm.init(params), rows_of(x), key
    )
    v = rbm.seen(params[0], rbm.hidden(params[0], x, key), key, 1)
    f = rbm.free_energy
    expected = np.mean(f(params[0], x)) - np.mean(f(params[0], v))
    assert float(report["loss"]) == pytest.approx(float(expected))


def exact_gradients(params, data, most):
    """∂⟨−log P⟩/∂θ, and what CD-k expects, by the whole transition matrix."""
    energy = -(VISIBLE @ params["visible_bias"])[:, None] - HIDDEN @ params["bias"]
    energy = energy - VISIBLE @ params["weight"] @ HIDDEN.T
    joint = np.exp(-energy - logsumexp(-energy))
    of_hidden = joint / joint.sum(axis=1, keepdims=True)
    of_visible = (joint / joint.sum(axis=0)).T
    transition = of_hidden @ of_visible
    first = statistics(params, VISIBLE, data)

    def gradient(p):
        model = statistics(params, VISIBLE, p)
        return np.concatenate([np.ravel(model[name] - first[name]) for name in first])

    p, expected = data, []
    for _ in range(most):
        p = p @ transition
        expected.append(gradient(p))
    return gradient(joint.sum(axis=1)), expected


def test_the_bias_shrinks_with_every_step():
    """Of what CD-k expects, beside the gradient of the likelihood."""
    data = np.random.default_rng(1).dirichlet(np.full(len(VISIBLE), 0.1))
    exact, expected = exact_gradients(machine(0.7)[0], data, 12)
    bias = [np.linalg.norm(g - exact) for g in expected]
    assert all(later < before for before, later in pairwise(bias))
    assert bias[0] > 0.05
    assert bias[-1] < 0.01 * bias[0]


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_on_average_a_step_is_what_enumeration_expects(steps):
    """Over 40,000 chains, within five standard errors."""
    (params,), at = machine(0.7), [5, 20, 41, 62]
    data = np.bincount(at, minlength=len(VISIBLE)) / len(at)
    _, expected = exact_gradients(params, data, steps)
    x = np.tile(VISIBLE[at], (10_000, 1)).astype("f4")
    float32 = jax.tree.map(np.float32, (params,))
    algorithm = ContrastiveDivergence(1.0, steps)
    moved, _, _ = jax.jit(algorithm.update)(
        MACHINE, float32, algorithm.init(float32), rows_of(x), Key(2).device()
    )
    g = np.concatenate(
        [np.ravel(params[n] - moved[0][n]) for n in ("weight", "visible_bias", "bias")]
    )
    assert np.abs(g - expected[-1]).max() < 5 * 0.5 / np.sqrt(len(x))


@pytest.mark.slow
def test_persistent_chains_learn_the_likelihood():
    """Of data from a machine: as likely in the end as under the machine itself."""
    (truth,) = machine(1.5)
    energy = -(VISIBLE @ truth["visible_bias"])[:, None] - HIDDEN @ truth["bias"]
    p = np.exp(logsumexp(-(energy - VISIBLE @ truth["weight"] @ HIDDEN.T), axis=1))
    p /= p.sum()
    x = VISIBLE[np.random.default_rng(0).choice(len(p), 4000, p=p)].astype("f4")
    network = Network((RBM(UNITS),))
    params, _ = network.init(Key(1), (N,), np.float32)
    objective = Objective(network, "squared_error")
    loader = Loader(Dataset(x, np.zeros((len(x), 1))), batch_size=100)
    algorithm = ContrastiveDivergence(0.1, chains=100)
    how = {"key": Key(3), "epochs": 60}
    result = fit(objective, algorithm, loader, params, **how)
    free = np.asarray(RBM(UNITS).free_energy(result.params[0], VISIBLE.astype("f4")))
    found = -free - logsumexp(-free)
    counts = np.bincount(x.astype(int) @ 2 ** np.arange(N)[::-1], minlength=64)
    best, reached = counts @ np.log(p) / len(x), counts @ found / len(x)
    start = -N * np.log(2)
    assert reached > best - 0.03 * (best - start)


@pytest.mark.slow
def test_sparsity_moves_units_to_their_target(x64):
    """q ← 0.9 t + 0.1 ⟨P(h | v)⟩; b and W move by it, beside the plain step."""
    params, x, key = machine(), VISIBLE[[5, 20]], Key(0).device()
    plain = ContrastiveDivergence(0.2)
    sparse_ = ContrastiveDivergence(0.2, sparsity_target=0.1, sparsity_cost=0.5)
    batch = rows_of(x, [1.0, 3.0])
    without, _, _ = plain.update(MACHINE, params, plain.init(params), batch, key)
    state = sparse_.init(params)
    found, state, _ = sparse_.update(MACHINE, params, state, batch, key)
    share = np.array([0.25, 0.75])
    q = 0.09 + 0.1 * share @ p_hidden(params[0], x)
    np.testing.assert_allclose(state["activity"], q)
    step = 0.2 * 0.5 * (q - 0.1)
    np.testing.assert_allclose(found[0]["bias"], without[0]["bias"] - step)
    weight = without[0]["weight"] - np.outer(share @ x, step)
    np.testing.assert_allclose(found[0]["weight"], weight)


@pytest.mark.slow
def test_rows_of_weight_0_teach_nothing(x64):
    params, key = machine(), Key(0).device()
    for algorithm in (ContrastiveDivergence(), ContrastiveDivergence(chains=3)):
        state = algorithm.init(params)
        batch = rows_of(VISIBLE[:4], np.zeros(4))
        after, _, report = algorithm.update(MACHINE, params, state, batch, key)
        for name, value in params[0].items():
            np.testing.assert_array_equal(after[0][name], value)
        assert float(report["loss"]) == 0


@pytest.mark.slow
def test_sparse_rows_teach_what_dense_ones_do():
    params, x = jax.tree.map(np.float32, machine()), VISIBLE[20:40].astype("f4")
    rows = SparseRows.from_csr(sparse.csr_array(x), np.float32, 20, 128)
    algorithm = ContrastiveDivergence(0.3, sparsity_target=0.2)
    one, other = (
        algorithm.update(
            MACHINE,
            params,
            algorithm.init(params),
            Batch(given, np.zeros((20, 1), "f4"), np.ones(20, "f4")),
            Key(0).device(),
        )
        for given in (x, rows)
    )
    for name, value in one[0][0].items():
        np.testing.assert_allclose(other[0][0][name], value, rtol=1e-4, atol=1e-5)


def test_it_trains_one_machine():
    network = Network((Dense(3),))
    params, _ = network.init(Key(0), (4,), np.float32)
    with pytest.raises(ValueError, match="a network of one RBM layer"):
        ContrastiveDivergence().init(params)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"learning_rate": -1}, "learning_rate must be ≥ 0"),
        ({"steps": 0}, "steps must be a whole number"),
        ({"chains": 0}, "chains must be a whole number"),
        ({"momentum": 1}, r"momentum must be in \[0, 1\), got 1"),
        ({"sparsity_target": 1}, r"sparsity_target must be in \(0, 1\), got 1"),
        ({"sparsity_cost": -1}, "sparsity_cost must be ≥ 0"),
    ],
)
def test_impossible_numbers_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        ContrastiveDivergence(**fields)
