"""The objective: weighted mean loss plus penalties, by hand."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.learning import (
    L1,
    L2,
    Batch,
    Dataset,
    InputNoise,
    KLSparsity,
    L1Sparsity,
    Objective,
)
from lamina.learning.objectives import objective as module
from lamina.learning.objectives.objective import (
    View,
    chunks_of,
    total_weight,
    value_and_grad,
    zeros_like,
)
from lamina.learning.parallel.mesh import EVERYWHERE, Shards, by_rows, on_each
from lamina.networks import (
    Conv,
    Dense,
    Dropout,
    Key,
    Network,
)

pytestmark = pytest.mark.usefixtures("x64")

NETWORK = Network((Dense(2, "identity"), Dense(1, "identity")))
PARAMS = (
    {"weight": np.array([[1.0, -2.0]]), "bias": np.array([0.5, 3.0])},
    {"weight": np.array([[3.0], [1.0]]), "bias": np.array([-4.0])},
)
X, Y = np.array([[1.0], [2.0], [-1.0]]), np.array([[1.0], [0.0], [2.0]])
W = np.array([1.0, 2.0, 0.5])
# h = 3 (x + 0.5) + (3 − 2x) − 4 = x + 0.5
LOSSES = [0.5 * (1 - 1.5) ** 2, 0.5 * (0 - 2.5) ** 2, 0.5 * (2 + 0.5) ** 2]
SQUARES, ABSOLUTES = 1 + 4 + 9 + 1, 1 + 2 + 3 + 1


def objective(*terms):
    return Objective(NETWORK, "squared_error", terms)


def test_weighted_mean_by_hand():
    expected = (1 * LOSSES[0] + 2 * LOSSES[1] + 0.5 * LOSSES[2]) / 3.5
    value = objective()(PARAMS, Batch(X, Y, W))
    assert float(value) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("penalties", "expected"),
    [
        ([L2(0.1)], 0.5 * 0.1 * SQUARES),
        ([L1(0.2)], 0.2 * ABSOLUTES),
        ([L2(0.1), L1(0.2)], 0.5 * 0.1 * SQUARES + 0.2 * ABSOLUTES),
        ([L1(0), L2(0)], 0),
    ],
)
def test_penalties_by_hand(penalties, expected):
    """½ α Σ W² + λ Σ |W|, divided by the batch's weight; biases are left out."""
    batch = Batch(X, Y, W)
    plain = objective()(PARAMS, batch)
    value = objective(*penalties)(PARAMS, batch)
    assert float(value - plain) == pytest.approx(expected / 3.5, abs=1e-14)
    assert float(objective(*penalties).penalty(PARAMS)) == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.parametrize("padding", [0.0, 1e6])
def test_rows_of_weight_zero_change_neither_value_nor_gradient(padding):
    batch = Batch(X, Y, W)
    padded = Batch(
        np.concatenate([X, np.full((5, 1), padding)]),
        np.concatenate([Y, np.full((5, 1), -padding)]),
        np.concatenate([W, np.zeros(5)]),
    )
    for one in (objective(), objective(L1(0.2), L2(0.1))):
        value, g = jax.value_and_grad(one)(PARAMS, batch)
        padded_value, padded_g = jax.value_and_grad(one)(PARAMS, padded)
        assert float(padded_value) == pytest.approx(float(value), rel=1e-15)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-14), padded_g, g
        )


def test_a_weight_is_a_number_of_repetitions():
    twice = Batch(X[[0, 1, 1]], Y[[0, 1, 1]], np.ones(3))
    weighted = Batch(X[:2], Y[:2], np.array([1.0, 2.0]))
    one = objective(L2(0.1))
    assert float(one(PARAMS, twice)) == pytest.approx(
        float(one(PARAMS, weighted)), rel=1e-15
    )


def test_a_batch_of_weight_zero_has_no_loss():
    nothing = Batch(X, Y, np.zeros(3))
    assert float(total_weight(nothing)) == 1
    assert float(objective()(PARAMS, nothing)) == 0


def test_a_key_switches_dropout_on():
    network = Network((Dropout(0.5), Dense(1, "identity")))
    params = ({}, {"weight": np.ones((8, 1)), "bias": np.zeros(1)})
    batch = Batch(np.ones((4, 8)), np.zeros((4, 1)), np.ones(4))
    one = Objective(network, "squared_error")
    assert float(one(params, batch)) == 0.5 * 8**2
    first, again, other = (
        float(one(params, batch, jax.random.key(seed))) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other
    assert first != 32


def test_penalties_are_traced():
    """Another penalty compiles nothing; whether there is one is structure."""
    structure = jax.tree.structure
    assert structure(objective(L2(0.1))) == structure(objective(L2(0.3)))
    assert structure(objective(L2(0.1))) != structure(objective())


def test_unknown_losses_are_refused():
    with pytest.raises(ValueError, match=r"loss must be one of .* got 'hinge'"):
        Objective(NETWORK, "hinge")


@pytest.mark.parametrize("place", [np.asarray, jax.numpy.asarray])
def test_zeros_like(place):
    zeros = zeros_like({"a": place(np.array([1.0, -2.0])), "b": (place(np.eye(2)),)})
    np.testing.assert_array_equal(zeros["a"], np.zeros(2))
    np.testing.assert_array_equal(zeros["b"][0], np.zeros((2, 2)))
    assert isinstance(zeros["a"], type(place(np.ones(1))))


def test_zeros_like_of_what_is_not_finite():
    zeros = zeros_like(jax.numpy.array([np.nan, np.inf]))
    np.testing.assert_array_equal(zeros, np.zeros(2))


def test_targets_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="shape"):
        objective()(PARAMS, Batch(X, Y[:, 0], W))


@pytest.mark.slow
@pytest.mark.parametrize("key", [None, jax.random.key(0)], ids=["plain", "dropout"])
def test_gradients_summed_in_chunks_are_those_of_the_whole(monkeypatch, key):
    """E and ∇E with weights and penalties; a batch of odd size is taken whole."""
    network = Network((Dense(3, "tanh"), Dropout(0.0), Dense(1, "identity")))
    params, _ = network.init(Key(1), (2,), np.float64)
    rng = np.random.default_rng(0)
    batch = Batch(rng.normal(size=(12, 2)), rng.normal(size=(12, 1)), rng.random(12))
    objective = Objective(network, "squared_error", (L2(0.3), L1(0.2)))
    whole = jax.value_and_grad(objective)(params, batch, None)
    for rows, chunks in [(12, 1), (4, 3), (5, 3), (7, 2), (11, 2), (1, 12)]:
        monkeypatch.setattr(module, "CHUNK_ROWS", rows)
        assert chunks_of(12) == chunks
        found = objective.value_and_grad(params, batch, key)
        for a, b in zip(*map(jax.tree.leaves, (found, whole)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def test_each_chunk_drops_units_of_its_own(monkeypatch):
    """Six equal rows in three chunks: the same masks in each would show."""
    network = Network((Dropout(0.5), Dense(1, "identity", use_bias=False)))
    params = ({}, {"weight": np.ones((8, 1))})
    objective = Objective(network, "sum_squared_error")
    batch = Batch(np.ones((6, 8)), np.zeros((6, 1)), np.ones(6))
    monkeypatch.setattr(module, "CHUNK_ROWS", 2)
    values = set()
    for weight in np.repeat(np.eye(3), 2, axis=1):
        only = batch._replace(weight=weight)
        value, _ = objective.value_and_grad(params, only, jax.random.key(3))
        values.add(float(value))
    assert len(values) == 3


# ---- what is disturbed and bounded in training --------------------------------------

KEY = jax.random.key(5)
ONE = Network((Dense(1, "identity"),))
ONE_PARAMS = ({"weight": np.array([[3.0], [4.0]]), "bias": np.array([1.0])},)


@pytest.mark.parametrize("terms", [0.1, L2(0.1), (0.1,), ("l2",), (Dense(3),)])
def test_what_is_no_term_is_refused(terms):
    with pytest.raises(TypeError, match="term"):
        Objective(NETWORK, "squared_error", terms)


def test_strengths_of_a_kind_are_added_up():
    one = objective(L2(0.1), L1(0.3), L2(0.2))
    assert one.coefficient(L2) == pytest.approx(0.3)
    assert one.coefficient(L1) == 0.3
    assert objective(L1(0.3)).coefficient(L2) is None
    expected = 0.5 * 0.3 * SQUARES + 0.3 * ABSOLUTES
    assert float(one.penalty(PARAMS)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.slow
def test_terms_that_an_algorithm_does_not_take_are_named():
    one = objective(L2(0.1), L1(0.3))
    one.check_terms("it", L1, L2)
    with pytest.raises(ValueError, match=r"it does not support L1; .* supports: L2$"):
        one.check_terms("it", L2)
    with pytest.raises(ValueError, match=r"it does not support L2; .* supports: none$"):
        one.check_terms("it")


def test_a_second_term_of_a_kind_draws_its_own_numbers():
    """With the same numbers, h would move by twice as much and not by √2 times."""
    x = np.random.default_rng(0).normal(size=(20_000, 2))
    batch = Batch(x, x @ [[3.0], [4.0]] + 1, np.ones(len(x)))
    noise = InputNoise(0.1)
    once = Objective(ONE, "squared_error", (noise,))(ONE_PARAMS, batch, KEY)
    twice = Objective(ONE, "squared_error", (noise, noise))(ONE_PARAMS, batch, KEY)
    assert float(twice) == pytest.approx(2 * float(once), rel=0.05)


@pytest.mark.slow
def test_an_algorithm_may_see_a_changed_gradient():
    batch = Batch(X, Y, W)
    one = objective(L2(0.1))
    view = View(one, lambda g: jax.tree.map(jnp.negative, g))
    value, g = one.value_and_grad(PARAMS, batch, None)
    again, turned = value_and_grad(view, PARAMS, batch, None)
    assert float(view(PARAMS, batch)) == float(again) == float(value)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, -b), g, turned)
    assert view.network is one.network
    back = View(view, lambda g: jax.tree.map(jnp.negative, g))
    _, same = back.value_and_grad(PARAMS, batch, None)
    jax.tree.map(np.testing.assert_array_equal, g, same)


# ---- missing labels -----------------------------------------------------------------


def test_missing_outputs_count_nothing_by_hand():
    """Two outputs; of the second only rows 0 and 2 are measured: mask 3/2."""
    network = Network((Dense(2, "identity"),))
    params = ({"weight": np.array([[1.0, 2.0]]), "bias": np.zeros(2)},)
    x = np.array([[1.0], [2.0], [3.0]])
    y = np.array([[0.0, 1.0], [0.0, 777.0], [0.0, 0.0]])
    mask = np.array([[1, 1.5], [1, 0], [1, 1.5]])
    batch = Batch(x, y, np.ones(3), mask)
    first = 0.5 * (1 + 4 + 9) / 3
    second = 0.5 * (1**2 + 6**2) / 2
    objective = Objective(network, "squared_error")
    assert float(objective(params, batch)) == pytest.approx(first + second, rel=1e-15)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "poisson"])
def test_a_full_mask_changes_nothing(loss):
    activation = "exp" if loss == "poisson" else "tanh"
    network = Network((Dense(3, activation),))
    params, _ = network.init(Key(0), (2,), np.float64)
    rng = np.random.default_rng(1)
    batch = Batch(rng.normal(size=(5, 2)), rng.random((5, 3)), rng.random(5))
    objective = Objective(network, loss)
    whole = objective.value_and_grad(params, batch, None)
    masked = batch._replace(mask=np.ones((5, 3)))
    found = objective.value_and_grad(params, masked, None)
    for a, b in zip(*map(jax.tree.leaves, (found, whole)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.slow
def test_missing_labels_give_the_gradients_of_each_task_on_its_own_rows():
    """Two linear tasks that share nothing: each column is its own regression."""
    rng = np.random.default_rng(2)
    x, y, w = rng.normal(size=(30, 3)), rng.normal(size=(30, 2)), rng.random(30)
    y[rng.random(y.shape) < 0.4] = np.nan
    network = Network((Dense(2, "identity"),))
    params, _ = network.init(Key(0), (3,), np.float64)
    batch = Dataset(x, y, w, dtype=np.float64).device
    _, (g,) = Objective(network, "squared_error").value_and_grad(params, batch, None)
    alone = Objective(Network((Dense(1, "identity"),)), "squared_error")
    for j in range(2):
        own = ~np.isnan(y[:, j])
        part = ({k: v[..., j : j + 1] for k, v in params[0].items()},)
        rows = Batch(x[own], y[own, j : j + 1], w[own])
        _, (expected,) = alone.value_and_grad(part, rows, None)
        for name in ("weight", "bias"):
            found = g[name][..., j : j + 1]
            np.testing.assert_allclose(found, expected[name], rtol=1e-10, atol=1e-15)


# ---- sparsity, and images for images ---------------------------------------------

LOGISTIC = (Dense(3, "logistic"), Dense(2, "logistic"), Dense(2, "logistic"))
CODED = Network(LOGISTIC)  # shares below 0 would be clipped, and their penalty constant


def coded(n, *terms, shards=None):
    rng = np.random.default_rng(0)
    params, _ = CODED.init(Key(0), (2,), np.float64)
    x, weight = rng.uniform(size=(n, 2)), rng.uniform(0.5, 2, n)
    objective = Objective(CODED, "binary_cross_entropy", terms, shards=shards)
    return objective, params, Batch(x, x, weight)


@pytest.mark.parametrize("penalty", [KLSparsity(0.1, 2), L1Sparsity(0.3)])
def test_sparsity_is_added_to_the_mean_loss(penalty):
    one, params, batch = coded(7, penalty)
    plain, *_ = coded(7)
    a = Dense(3, "logistic")(params[0], batch.x)
    added = penalty.activity(a, batch.weight, lambda sums: sums) / batch.weight.sum()
    assert float(one(params, batch)) == pytest.approx(
        float(plain(params, batch) + added), rel=1e-13
    )
    assert float(added) > 0.01


@pytest.mark.parametrize("penalty", [KLSparsity(0.1, 2), L1Sparsity(0.3)])
@pytest.mark.parametrize("padding", [0, 24])
def test_a_large_batch_has_the_sparsity_of_a_small_one(penalty, padding, monkeypatch):
    """The mean activity is that of all examples, not of each chunk."""
    one, params, batch = coded(40, replace(penalty, layer=1))
    value, g = jax.value_and_grad(one)(params, batch)
    monkeypatch.setattr(module, "CHUNK_ROWS", 16)
    padded = jax.tree.map(
        lambda a: np.pad(a, [(0, padding), *[(0, 0)] * (a.ndim - 1)]), batch
    )
    found, slope = one.value_and_grad(params, padded, None)
    assert float(found) == pytest.approx(float(value), rel=1e-13)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14), slope, g
    )


@pytest.mark.slow
@pytest.mark.parametrize("penalty", [KLSparsity(0.1, 2), L1Sparsity(0.3)])
def test_devices_share_the_sparsity(penalty):
    """Two devices with half of the examples each have the gradient of all of them."""
    one, params, batch = coded(40, replace(penalty, layer=1), shards=Shards(2))
    alone, *_ = coded(40, replace(penalty, layer=1))
    both = on_each(
        lambda params, batch: one.value_and_grad(params, batch, None),
        2,
        (EVERYWHERE, by_rows()),
    )
    found, slope = both(params, batch)
    value, g = jax.value_and_grad(alone)(params, batch)
    assert float(found) == pytest.approx(float(value), rel=1e-13)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14), slope, g
    )


@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy"])
def test_a_image_for_a_image_is_all_its_numbers(loss):
    rng = np.random.default_rng(0)
    h, y = rng.normal(size=(4, 3, 2, 2)), rng.uniform(size=(4, 3, 2, 2))
    weight = np.array([1.0, 0.0, 2.0, 0.5])
    network = Network((Conv(2, activation="logistic"),))
    one = Objective(network, loss)
    flat = one.total_loss(h.reshape(4, -1), Batch(h, y.reshape(4, -1), weight))
    found = one.total_loss(h, Batch(h, y, weight))
    assert float(found) == pytest.approx(float(flat), rel=1e-14)
