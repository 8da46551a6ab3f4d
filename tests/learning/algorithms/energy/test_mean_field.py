"""Learning of deep Boltzmann machines, beside its definition."""

from itertools import pairwise, product

import jax
import numpy as np
import pytest
from scipy import special

from lamina.learning import (
    L2,
    Batch,
    ContrastiveDivergence,
    Dataset,
    Loader,
    MeanFieldLearning,
    Objective,
)
from lamina.networks import RBM, Dense, Key, Network
from lamina.networks.energy import dbm
from tests.learning.fits import fit

SIZES = (5, 4, 3)
LAYERS = (RBM(4), RBM(3))
DEEP = Objective(Network(LAYERS), "squared_error", (L2(0.3),))
VISIBLE = np.array(list(product([0.0, 1.0], repeat=5)))


def machine(size=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(
        [
            {
                "weight": size * rng.standard_normal((n, units)),
                "visible_bias": size * rng.standard_normal(n),
                "bias": size * rng.standard_normal(units),
            }
            for n, units in pairwise(SIZES)
        ]
    )


def rows_of(x, weight):
    return Batch(x, np.zeros((len(x), 1)), np.asarray(weight, float))


def log_likelihoods(params):
    """log P(v) of all v, by sums over all states of all layers."""
    hidden = [np.array(list(product([0.0, 1.0], repeat=n))) for n in SIZES[1:]]
    pairs = list(product(*hidden))
    h = [np.array([pair[i] for pair in pairs]) for i in range(2)]
    table = np.stack(
        [
            -np.asarray(dbm.energy(LAYERS, params, [np.tile(v, (len(pairs), 1)), *h]))
            for v in VISIBLE
        ]
    )
    each = np.asarray(special.logsumexp(table, axis=1))
    return each - special.logsumexp(each)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("steps", [1, 3])
def test_three_updates_by_hand(steps):
    """Statistics of μ and of the chains; momentum, decay, weights of examples."""
    algorithm = MeanFieldLearning(0.2, steps, chains=6, updates=4, momentum=0.5)
    params, weight = machine(), np.array([1.0, 2.0, 0.5])
    state = algorithm.init(params)
    theta, velocity, odd = params, None, (np.zeros((6, 4)),)
    for turn in range(3):
        x, key = VISIBLE[[3 + turn, 12, 30]], Key(turn).device()
        means = dbm.mean_field(LAYERS, theta, x, 4)
        for s in range(1, steps + 1):
            states = dbm.sweep(LAYERS, theta, odd, key, s)
            odd = dbm.drawn(states, key, s)
        share, moved = weight / weight.sum(), []
        for at, own in enumerate(theta):
            below, above = np.asarray(means[at]), np.asarray(means[at + 1])
            low, high = np.asarray(states[at]), np.asarray(states[at + 1])
            g = {
                "weight": low.T @ high / 6 - (share[:, None] * below).T @ above,
                "visible_bias": low.mean(axis=0) - share @ below,
                "bias": high.mean(axis=0) - share @ above,
            }
            g["weight"] = g["weight"] + 0.3 * own["weight"] / weight.sum()
            moved.append({name: -0.2 * value for name, value in g.items()})
        if velocity is not None:
            moved = [
                {name: 0.5 * v[name] + m[name] for name in m}
                for v, m in zip(velocity, moved, strict=True)
            ]
        velocity = moved
        theta = tuple(
            [
                {name: own[name] + v[name] for name in own}
                for own, v in zip(theta, velocity, strict=True)
            ]
        )
        params, state, _ = algorithm.update(
            DEEP, params, state, rows_of(x, weight), key
        )
        for found, expected in zip(params, theta, strict=True):
            for name, value in expected.items():
                np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(state["chains"][0], odd[0])


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_of_one_machine_it_is_persistent_contrastive_divergence():
    one = Objective(Network((RBM(4),)), "squared_error")
    start, batch = machine()[:1], rows_of(VISIBLE[[3, 9]], [1, 2])
    found = []
    for algorithm in (
        MeanFieldLearning(0.2, 2, chains=5, momentum=0.5),
        ContrastiveDivergence(0.2, 2, chains=5, momentum=0.5),
    ):
        params, state = start, algorithm.init(start)
        for turn in range(3):
            params, state, _ = algorithm.update(
                one, params, state, batch, Key(turn).device()
            )
        found.append(params[0])
    for name, value in found[0].items():
        np.testing.assert_allclose(value, found[1][name], rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_the_likelihood_grows():
    """Of four states, from small random weights: exactly, over all states."""
    x = np.tile(VISIBLE[[5, 10, 21, 26]], (50, 1)).astype("f4")
    network = Network((RBM(4, init_scale=0.3), RBM(3, init_scale=0.3)))
    params, _ = network.init(Key(0), (5,), np.float32)
    loader = Loader(Dataset(x, np.zeros((200, 1))), batch_size=50)
    algorithm = MeanFieldLearning(0.05, chains=100)
    objective = Objective(network, "squared_error")
    how = {"key": Key(1), "epochs": 300}
    learnt = fit(objective, algorithm, loader, params, **how).params
    before, after = [
        log_likelihoods(jax.tree.map(np.asarray, p))[[5, 10, 21, 26]].mean()
        for p in (params, learnt)
    ]
    assert before < -3.3
    assert after > -2.0  # of at best −log 4 = −1.39


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_rows_of_weight_0_teach_nothing():
    algorithm, params = MeanFieldLearning(chains=3), machine()
    plain = Objective(Network(LAYERS), "squared_error")
    batch = rows_of(VISIBLE[:4], np.zeros(4))
    after, _, report = algorithm.update(
        plain, params, algorithm.init(params), batch, Key(0).device()
    )
    for own, other in zip(params, after, strict=True):
        for name, value in own.items():
            np.testing.assert_array_equal(other[name], value)
    assert float(report["loss"]) == 0


def test_it_trains_machines_only():
    network = Network((Dense(3),))
    params, _ = network.init(Key(0), (4,), np.float32)
    with pytest.raises(ValueError, match="a network of RBM layers"):
        MeanFieldLearning().init(params)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"learning_rate": -1}, "learning_rate must be ≥ 0"),
        ({"steps": 0}, "steps must be a whole number"),
        ({"chains": 0}, "chains must be a whole number"),
        ({"updates": 0}, "updates must be a whole number"),
        ({"momentum": 1}, r"momentum must be in \[0, 1\), got 1"),
    ],
)
def test_impossible_numbers_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        MeanFieldLearning(**fields)
