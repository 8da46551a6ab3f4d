"""The up–down algorithm, beside sums over all states of a small network."""

import jax
import numpy as np
import pytest

from lamina.learning import Batch, Objective, UpDown
from lamina.networks import RBM, Key, Network

RNG = np.random.default_rng(0)
LAYERS = (RBM(3, untied=True), RBM(2))
DEEP = Objective(Network(LAYERS), "squared_error")


def states(n):
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(float)


def logistic(z):
    return 1 / (1 + np.exp(-z))


def bernoulli(h, p):
    """P(h) of independent bits, for all pairs of rows."""
    return np.prod(np.where(h[None, :, :] == 1, p[:, None, :], 1 - p[:, None, :]), -1)


@pytest.fixture(scope="module")
def params():
    below = {
        "weight": RNG.standard_normal((4, 3)),
        "down": RNG.standard_normal((4, 3)),
        "visible_bias": RNG.standard_normal(4),
        "bias": RNG.standard_normal(3),
    }
    top = {
        "weight": RNG.standard_normal((3, 2)),
        "visible_bias": RNG.standard_normal(3),
        "bias": RNG.standard_normal(2),
    }
    return below, top


@pytest.fixture
def step(x64, params):
    """Return what one step of rate 1 adds to the weights, for rows and weights."""

    def taken(x, weight, steps=1, layers=LAYERS):
        batch = Batch(x, np.zeros((len(x), 1)), weight)
        objective = Objective(Network(layers), "squared_error")
        update = jax.jit(UpDown(1.0, steps).update)
        found, _, report = update(objective, params, {}, batch, Key(1).device())
        moved = jax.tree.map(lambda a, b: np.asarray(a) - b, found, params)
        return moved, float(report["loss"])

    return taken


@pytest.mark.slow
def test_awake_the_way_down_climbs_the_likelihood_of_what_was_on_the_way_up(
    step, params
):
    """Mean over h ~ Q(h | v) of the gradient of log P(v | h), summed over all h."""
    v = np.array([1.0, 0.0, 1.0, 1.0])
    n = 200_000
    (moved, _), loss = step(np.tile(v, (n, 1)), np.ones(n))
    below, _ = params
    h = states(3)
    q = bernoulli(h, logistic(v @ below["weight"] + below["bias"])[None])[0]
    p = logistic(h @ below["down"].T + below["visible_bias"])
    wanted = np.einsum("k,ki,kj->ij", q, v - p, h)
    np.testing.assert_allclose(moved["down"], wanted, atol=0.005)
    np.testing.assert_allclose(moved["visible_bias"], q @ (v - p), atol=0.005)
    surprise = -np.log(np.where(v == 1, p, 1 - p)).sum(axis=1)
    assert loss == pytest.approx(q @ surprise, rel=0.01)


def dreams(v, params):
    """P(s¹) after one Gibbs step of the top machine from h¹ ~ Q(h¹ | v)."""
    below, top = params
    h, g = states(3), states(2)
    q = bernoulli(h, logistic(v @ below["weight"] + below["bias"])[None])[0]
    up = bernoulli(g, logistic(h @ top["weight"] + top["bias"]))
    back = bernoulli(h, logistic(g @ top["weight"].T + top["visible_bias"]))
    return h, q, q @ up @ back


@pytest.mark.slow
def test_asleep_the_way_up_learns_what_a_dream_was_made_from(step, params):
    v = np.array([1.0, 0.0, 1.0, 1.0])
    n = 200_000
    (moved, _), _ = step(np.tile(v, (n, 1)), np.ones(n))
    below, _ = params
    h, _, asleep = dreams(v, params)
    s = states(4)
    p = bernoulli(s, logistic(h @ below["down"].T + below["visible_bias"]))
    joint = asleep[:, None] * p  # of s¹ and s⁰
    up = logistic(s @ below["weight"] + below["bias"])
    off = h[:, None, :] - up[None, :, :]
    wanted = np.einsum("kl,li,klj->ij", joint, s, off)
    np.testing.assert_allclose(moved["weight"], wanted, atol=0.005)
    np.testing.assert_allclose(
        moved["bias"], np.einsum("kl,klj->j", joint, off), atol=0.005
    )


def test_the_top_machine_learns_by_contrastive_divergence(step, params):
    v = np.array([1.0, 0.0, 1.0, 1.0])
    n = 200_000
    (_, moved), _ = step(np.tile(v, (n, 1)), np.ones(n))
    _, top = params
    h, q, after = dreams(v, params)
    on = logistic(h @ top["weight"] + top["bias"])
    wanted = np.einsum("k,ki,kj->ij", q - after, h, on)
    np.testing.assert_allclose(moved["weight"], wanted, atol=0.005)
    np.testing.assert_allclose(moved["visible_bias"], (q - after) @ h, atol=0.005)
    np.testing.assert_allclose(moved["bias"], (q - after) @ on, atol=0.005)


@pytest.mark.slow
def test_many_steps_end_at_what_the_top_machine_believes(step, params):
    """After k → ∞ steps s¹ has nothing to do with v."""
    n = 100_000
    ends = []
    for v in ([1.0, 0, 1, 1], [0.0, 1, 0, 0]):
        _, q, _ = dreams(np.array(v), params)
        (_, moved), _ = step(np.tile(v, (n, 1)), np.ones(n), steps=30)
        ends.append(q @ states(3) - moved["visible_bias"])  # ⟨s¹⟩
    np.testing.assert_allclose(ends[0], ends[1], atol=0.01)


@pytest.mark.slow
def test_rows_of_weight_0_teach_nothing(step):
    x = (RNG.random((8, 4)) < 0.5).astype(float)
    weight = np.array([1.0, 2, 0, 1, 0, 0, 1, 1])
    other = np.where(weight[:, None] > 0, x, 1 - x)
    for a, b in zip(step(x, weight)[0], step(other, weight)[0], strict=True):
        for name in a:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-12)


@pytest.mark.slow
def test_numbers_have_linear_means(step, params):
    """The way down of Gaussian inputs climbs −½ ‖v − p‖²."""
    v = np.array([1.5, -0.3, 0.7, 2.0])
    n = 100_000
    layers = (RBM(3, "gaussian", untied=True), RBM(2))
    (moved, _), loss = step(np.tile(v, (n, 1)), np.ones(n), layers=layers)
    below, _ = params
    h = states(3)
    q = bernoulli(h, logistic(v @ below["weight"] + below["bias"])[None])[0]
    p = h @ below["down"].T + below["visible_bias"]
    wanted = np.einsum("k,ki,kj->ij", q, v - p, h)
    np.testing.assert_allclose(moved["down"], wanted, atol=0.02)
    assert loss == pytest.approx(q @ (0.5 * ((v - p) ** 2).sum(axis=1)), rel=0.01)


@pytest.mark.parametrize(
    "layers", [(RBM(3), RBM(2)), (RBM(2),), (RBM(3, untied=True), RBM(2, untied=True))]
)
def test_other_networks_are_refused(layers):
    params, _ = Network(layers).init(Key(0), (4,), np.float64)
    with pytest.raises(ValueError, match="all but the last with untied=True"):
        UpDown().init(params)


def test_impossible_numbers_are_refused():
    with pytest.raises(ValueError, match="learning_rate must be ≥ 0"):
        UpDown(-1.0)
    with pytest.raises(ValueError, match="steps must be"):
        UpDown(steps=0)
