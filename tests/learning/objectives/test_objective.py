"""The objective: weighted mean loss plus penalties, by hand."""

import jax
import numpy as np
import pytest

from lamina.learning import Batch, Examples, Objective
from lamina.learning.objectives import objective as module
from lamina.learning.objectives.objective import (
    chunks_of,
    decayed,
    total_weight,
    zeros_like,
)
from lamina.learning.parallel.mesh import on_each
from lamina.networks import (
    Conv,
    Dense,
    Dropout,
    Key,
    KLSparsity,
    L1Sparsity,
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


def objective(**penalties):
    return Objective(NETWORK, "squared_error", **penalties)


def test_weighted_mean_by_hand():
    expected = (1 * LOSSES[0] + 2 * LOSSES[1] + 0.5 * LOSSES[2]) / 3.5
    value = objective()(PARAMS, Batch(X, Y, W))
    assert float(value) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("penalties", "expected"),
    [
        ({"l2": 0.1}, 0.5 * 0.1 * SQUARES),
        ({"l1": 0.2}, 0.2 * ABSOLUTES),
        ({"l1": 0.2, "l2": 0.1}, 0.5 * 0.1 * SQUARES + 0.2 * ABSOLUTES),
        ({"l1": 0, "l2": 0}, 0),
    ],
)
def test_penalties_by_hand(penalties, expected):
    """½ α Σ W² + λ Σ |W|, divided by the batch's weight; biases are left out."""
    batch = Batch(X, Y, W)
    plain = objective()(PARAMS, batch)
    value = objective(**penalties)(PARAMS, batch)
    assert float(value - plain) == pytest.approx(expected / 3.5, abs=1e-14)
    assert float(objective(**penalties).penalty(PARAMS)) == pytest.approx(expected)


def test_gradient_of_penalties_leaves_biases_alone():
    """Deck 002 decays biases too; α W + λ sign W, and 0 for biases."""
    g = jax.grad(objective(l1=0.2, l2=0.1).penalty)(PARAMS)
    for got, layer in zip(g, PARAMS, strict=True):
        weight = layer["weight"]
        expected = 0.1 * weight + 0.2 * np.sign(weight)
        np.testing.assert_allclose(got["weight"], expected, rtol=1e-15)
        assert not np.any(got["bias"])


def test_what_is_decayed():
    arrays = decayed(PARAMS)
    assert [a.shape for a in arrays] == [(1, 2), (2, 1)]
    recurrent = {"recurrent_weight": np.ones(3), "bias": np.ones(2), "gain": np.ones(4)}
    assert [a.shape for a in decayed((recurrent,))] == [(3,)]


@pytest.mark.parametrize("padding", [0.0, 1e6])
def test_rows_of_weight_zero_change_neither_value_nor_gradient(padding):
    batch = Batch(X, Y, W)
    padded = Batch(
        np.concatenate([X, np.full((5, 1), padding)]),
        np.concatenate([Y, np.full((5, 1), -padding)]),
        np.concatenate([W, np.zeros(5)]),
    )
    for one in (objective(), objective(l1=0.2, l2=0.1)):
        value, g = jax.value_and_grad(one)(PARAMS, batch)
        padded_value, padded_g = jax.value_and_grad(one)(PARAMS, padded)
        assert float(padded_value) == pytest.approx(float(value), rel=1e-15)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-14), padded_g, g
        )


def test_a_weight_is_a_number_of_repetitions():
    twice = Batch(X[[0, 1, 1]], Y[[0, 1, 1]], np.ones(3))
    weighted = Batch(X[:2], Y[:2], np.array([1.0, 2.0]))
    one = objective(l2=0.1)
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
    assert structure(objective(l2=0.1)) == structure(objective(l2=0.3))
    assert structure(objective(l2=0.1)) != structure(objective())


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


@pytest.mark.parametrize("key", [None, jax.random.key(0)], ids=["plain", "dropout"])
def test_gradients_summed_in_chunks_are_those_of_the_whole(monkeypatch, key):
    """E and ∇E with weights and penalties; a batch of odd size is taken whole."""
    network = Network((Dense(3, "tanh"), Dropout(0.0), Dense(1, "identity")))
    params, _ = network.init(Key(1), (2,), np.float64)
    rng = np.random.default_rng(0)
    batch = Batch(rng.normal(size=(12, 2)), rng.normal(size=(12, 1)), rng.random(12))
    objective = Objective(network, "squared_error", l2=0.3, l1=0.2)
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


def test_smoothed_classes_by_hand():
    """s = 0.3 of three classes: y = 1 becomes (0.1, 0.8, 0.1)."""
    network = Network((Dense(3, "softmax", "zeros"),))
    params = ({"weight": np.zeros((1, 3)), "bias": np.log([0.2, 0.5, 0.3])},)
    objective = Objective(network, "cross_entropy", label_smoothing=0.3)
    batch = Batch(np.ones((1, 1)), np.array([1]), np.ones(1))
    expected = -(0.1 * np.log(0.2) + 0.8 * np.log(0.5) + 0.1 * np.log(0.3))
    assert float(objective(params, batch, KEY)) == pytest.approx(expected, rel=1e-12)
    assert float(objective(params, batch)) == pytest.approx(-np.log(0.5), rel=1e-12)


def test_smoothed_yes_and_no_by_hand():
    """s = 0.2: 1 becomes 0.9 and 0 becomes 0.1; a = σ(ln 3) = ¾."""
    network = Network((Dense(1, "logistic"),))
    params = ({"weight": np.zeros((1, 1)), "bias": np.log([3.0])},)
    objective = Objective(network, "binary_cross_entropy", label_smoothing=0.2)
    batch = Batch(np.ones((2, 1)), np.array([[1.0], [0.0]]), np.ones(2))
    expected = -np.log([0.75, 0.25]).sum() / 2  # 0.9 + 0.1 of each, over two rows
    assert float(objective(params, batch, KEY)) == pytest.approx(expected, rel=1e-12)


def test_smoothed_classes_at_each_place_by_hand():
    """The softmax is over classes, not places; a place without a label counts not."""
    network = Network((Dense(3, "softmax"),))
    p = np.array([0.2, 0.5, 0.3])
    params = ({"weight": np.zeros((1, 3)), "bias": np.log(p)},)
    objective = Objective(network, "cross_entropy", label_smoothing=0.3)
    numbers = np.array([[1, 0], [2, -1], [-1, -1]])
    each = -np.log(p) @ (0.7 * np.eye(3) + 0.1)  # of each class
    expected = ((each[1] + each[0]) / 2 + each[2] + 0) / 3
    x, weight = np.ones((3, 2, 1)), np.ones(3)
    found = objective(params, Batch(x, numbers, weight), KEY)
    assert float(found) == pytest.approx(expected, rel=1e-12)
    shares = np.eye(4)[numbers][..., :3]  # all 0 where there is no label
    found = objective(params, Batch(x, shares, weight), KEY)
    assert float(found) == pytest.approx(expected, rel=1e-12)
    clean = (-np.log(p[1] * p[0]) / 2 - np.log(p[2])) / 3
    for y in (numbers, shares):
        found = objective(params, Batch(x, y, weight))
        assert float(found) == pytest.approx(clean, rel=1e-12)


def test_smoothed_classes_of_pixels_are_smoothed_one_by_one():
    """Places along two axes are the places of one axis, and s = 0 changes nothing."""
    rng = np.random.default_rng(0)
    network = Network((Dense(3, "softmax"),))
    params, _ = network.init(Key(0), (2,), np.float64)
    x, y = rng.normal(size=(4, 5, 6, 2)), rng.integers(-1, 3, (4, 5, 6))
    weight = rng.uniform(size=4)
    objective = Objective(network, "cross_entropy", label_smoothing=0.2)
    pixels = objective(params, Batch(x, y, weight), KEY)
    line = Batch(x.reshape(4, 30, 2), y.reshape(4, 30), weight)
    assert float(pixels) == pytest.approx(float(objective(params, line, KEY)))
    smooth, plain = (
        Objective(network, "cross_entropy", label_smoothing=s)(
            params, Batch(x, y, weight), KEY
        )
        for s in (0.0, None)
    )
    assert float(smooth) == pytest.approx(float(plain), rel=1e-12)


def test_only_classes_can_be_smoothed():
    with pytest.raises(ValueError, match="label_smoothing needs one of"):
        Objective(NETWORK, "squared_error", label_smoothing=0.1)


def test_classes_of_an_inner_network_are_smoothed_too():
    """How many classes there are follows from h, wherever it comes from."""
    dense = Dense(3, "softmax")
    batch = Batch(np.ones((2, 2)), np.array([0, 2]), np.ones(2))
    weights = {"weight": np.arange(6.0).reshape(2, 3), "bias": np.zeros(3)}
    plain = Objective(Network((dense,)), "cross_entropy", label_smoothing=0.3)
    nested = Network((Network((dense,)),))
    inside = Objective(nested, "cross_entropy", label_smoothing=0.3)
    key = jax.random.key(0)
    value = inside(((weights,),), batch, key)
    assert float(value) == float(plain((weights,), batch, key))
    # h = (3, 5, 7), log Σ exp h = 7.142932; targets (0.8, 0.1, 0.1) and (0.1, 0.1, 0.8)
    by_hand = 7.142932 - (0.8 * 3 + 0.5 + 0.7 + 0.3 + 0.5 + 0.8 * 7) / 2
    np.testing.assert_allclose(value, by_hand, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("l2", -1.0),
        ("input_noise", -0.1),
        ("clip_norm", 0.0),
        ("max_norm", float("nan")),
        ("label_smoothing", 1.0),
        ("label_smoothing", -0.1),
    ],
)
def test_impossible_numbers_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be .*got {value}"):
        Objective(NETWORK, "cross_entropy", **{name: value})


def test_gradient_is_clipped_by_value_and_by_norm():
    """x = (1, 2), h = 12, y = 0: g = 12 (1, 2), 12 for the bias; ‖g‖ = 12 √6."""
    batch = Batch(np.array([[1.0, 2.0]]), np.zeros((1, 1)), np.ones(1))
    for clip, expected in [
        ({}, [12, 24, 12]),
        ({"clip_value": 20.0}, [12, 20, 12]),
        ({"clip_norm": 6.0}, np.array([1, 2, 1]) * 6 / 6**0.5),
        ({"clip_norm": 100.0}, [12, 24, 12]),
        ({"clip_value": 12.0, "clip_norm": 3.0}, np.ones(3) * 3**0.5),
    ]:
        objective = Objective(ONE, "squared_error", **clip)
        value, (g,) = objective.value_and_grad(ONE_PARAMS, batch, None)
        assert float(value) == 72
        found = [*g["weight"][:, 0], *g["bias"]]
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_weights_into_a_unit_are_shortened_to_max_norm():
    """(3, 4) has length 5, (0.3, 0.4) has ½, and (0, 0) stays; biases stay."""
    params = (
        {"weight": np.array([[3.0, 0.3, 0], [4.0, 0.4, 0]]), "bias": np.full(3, 9.0)},
    )
    (found,) = Objective(ONE, "squared_error", max_norm=2.0).constrained(params)
    np.testing.assert_allclose(found["weight"], [[1.2, 0.3, 0], [1.6, 0.4, 0]])
    np.testing.assert_array_equal(found["bias"], 9)
    assert objective().constrained(params) is params


def test_noise_on_inputs_has_its_variance():
    """h = 3x₁ + 4x₂ + 1 and y = h(x): ½ (3ε₁ + 4ε₂)² is ½ · 25 σ² on average."""
    x = np.random.default_rng(0).normal(size=(20_000, 2))
    batch = Batch(x, x @ [[3.0], [4.0]] + 1, np.ones(len(x)))
    noisy = Objective(ONE, "squared_error", input_noise=0.1)
    assert float(noisy(ONE_PARAMS, batch)) == pytest.approx(0, abs=1e-20)
    found = float(noisy(ONE_PARAMS, batch, KEY))
    assert found == pytest.approx(0.5 * 25 * 0.01, rel=0.05)
    assert float(noisy(ONE_PARAMS, batch, jax.random.key(6))) != found


def test_noise_on_weights_leaves_biases_alone_and_moves_the_gradient():
    """x = 0 sees the bias only; at x = 1 h(W + ε) − y = ε, whose square is σ²."""
    network = Network((Dense(1, "identity"),))
    params = ({"weight": np.array([[2.0]]), "bias": np.array([1.0])},)
    noisy = Objective(network, "squared_error", weight_noise=0.1)
    at_zero = Batch(np.zeros((1, 1)), np.ones((1, 1)), np.ones(1))
    assert float(noisy(params, at_zero, KEY)) == 0
    batch = Batch(np.ones((1, 1)), np.full((1, 1), 3.0), np.ones(1))
    keys = jax.random.split(KEY, 4000)
    values, g = jax.vmap(lambda k: noisy.value_and_grad(params, batch, k))(keys)
    assert float(values.mean()) == pytest.approx(0.5 * 0.01, rel=0.1)
    # ∂E/∂W = h − y = ε: the gradient is that of the disturbed weights
    found = np.asarray(g[0]["weight"])[:, 0, 0]
    np.testing.assert_allclose(np.abs(found), np.sqrt(2 * values), rtol=1e-9)


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


def test_missing_labels_give_the_gradients_of_each_task_on_its_own_rows():
    """Two linear tasks that share nothing: each column is its own regression."""
    rng = np.random.default_rng(2)
    x, y, w = rng.normal(size=(30, 3)), rng.normal(size=(30, 2)), rng.random(30)
    y[rng.random(y.shape) < 0.4] = np.nan
    network = Network((Dense(2, "identity"),))
    params, _ = network.init(Key(0), (3,), np.float64)
    batch = Examples(x, y, w, dtype=np.float64).device
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


# ---- sparsity, and pictures for pictures ---------------------------------------------

LOGISTIC = (Dense(3, "logistic"), Dense(2, "logistic"), Dense(2, "logistic"))
CODED = Network(LOGISTIC)  # shares below 0 would be clipped, and their penalty constant


def coded(n, **how):
    rng = np.random.default_rng(0)
    params, _ = CODED.init(Key(0), (2,), np.float64)
    x, weight = rng.uniform(size=(n, 2)), rng.uniform(0.5, 2, n)
    objective = Objective(CODED, "binary_cross_entropy", **how)
    return objective, params, Batch(x, x, weight)


@pytest.mark.parametrize("penalty", [KLSparsity(0.1, 2), L1Sparsity(0.3)])
def test_sparsity_is_added_to_the_mean_loss(penalty):
    one, params, batch = coded(7, sparsity=penalty, sparse_layer=0)
    plain, *_ = coded(7)
    a = Dense(3, "logistic")(params[0], batch.x)
    added = penalty(a, batch.weight, lambda sums: sums) / batch.weight.sum()
    assert float(one(params, batch)) == pytest.approx(
        float(plain(params, batch) + added), rel=1e-13
    )
    assert float(added) > 0.01


@pytest.mark.parametrize("penalty", [KLSparsity(0.1, 2), L1Sparsity(0.3)])
@pytest.mark.parametrize("padding", [0, 24])
def test_a_large_batch_has_the_sparsity_of_a_small_one(penalty, padding, monkeypatch):
    """The mean activity is that of all examples, not of each chunk."""
    one, params, batch = coded(40, sparsity=penalty, sparse_layer=1)
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


@pytest.mark.parametrize("penalty", [KLSparsity(0.1, 2), L1Sparsity(0.3)])
def test_devices_share_the_sparsity(penalty):
    """Two devices with half of the examples each have the gradient of all of them."""
    one, params, batch = coded(40, sparsity=penalty, sparse_layer=1, shares=2)
    alone, *_ = coded(40, sparsity=penalty, sparse_layer=1)
    both = on_each(
        lambda params, batch: one.value_and_grad(params, batch, None), 2, (False, True)
    )
    found, slope = both(params, batch)
    value, g = jax.value_and_grad(alone)(params, batch)
    assert float(found) == pytest.approx(float(value), rel=1e-13)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14), slope, g
    )


@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy"])
def test_a_picture_for_a_picture_is_all_its_numbers(loss):
    rng = np.random.default_rng(0)
    h, y = rng.normal(size=(4, 3, 2, 2)), rng.uniform(size=(4, 3, 2, 2))
    weight = np.array([1.0, 0.0, 2.0, 0.5])
    network = Network((Conv(2, activation="logistic"),))
    one = Objective(network, loss)
    flat = one.total_loss(h.reshape(4, -1), Batch(h, y.reshape(4, -1), weight))
    found = one.total_loss(h, Batch(h, y, weight))
    assert float(found) == pytest.approx(float(flat), rel=1e-14)
