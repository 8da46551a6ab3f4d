"""Capsules: routing by hand, number by number; what comes in and what comes out."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import (
    CapsuleLength,
    Capsules,
    Conv,
    Dense,
    Key,
    Network,
    PrimaryCapsules,
)
from lamina.networks.functional.losses import loss_from_pre_activation

pytestmark = pytest.mark.usefixtures("x64")

# Two capsules below, u[0] = (1, 0) and u[1] = (0, 2); two above, of two units each.
U = np.array([[[1.0, 0.0], [0.0, 2.0]]])
# û[j, i] = u[i] W[i, :, :, j], chosen so that both agree on capsule 0, not on 1:
#     û[0, 0] = (3, 0)    û[1, 0] = (1, 1)
#     û[0, 1] = (1, 0)    û[1, 1] = (-1, 1)
WEIGHT = np.zeros((2, 2, 2, 2))
WEIGHT[0, 0, :, 0], WEIGHT[0, 0, :, 1] = [3, 0], [1, 1]
WEIGHT[1, 1, :, 0], WEIGHT[1, 1, :, 1] = [0.5, 0], [-0.5, 0.5]
WEIGHT[0, 1], WEIGHT[1, 0] = 77, 88  # meet the zeros of u
PARAMS = {"weight": WEIGHT}


def by_hand():
    """s after one, two and three routings, without a single vectorised operation."""
    # c = ½ everywhere: s[0] = ½ (3, 0) + ½ (1, 0), s[1] = ½ (1, 1) + ½ (−1, 1)
    first = [(2.0, 0.0), (0.0, 1.0)]
    # squash: ‖s[0]‖ = 2 becomes 4/5, ‖s[1]‖ = 1 becomes 1/2: v = (0.8, 0), (0, 0.5)
    b = [[3 * 0.8, 0.5], [1 * 0.8, 0.5]]  # b[i][j] = û[j, i] · v[j]
    c = [1 / (1 + math.exp(row[1] - row[0])) for row in b]  # c[i, 0]; c[i, 1] is 1 − it
    second = [
        (3 * c[0] + c[1], 0.0),
        ((1 - c[0]) - (1 - c[1]), (1 - c[0]) + (1 - c[1])),
    ]
    n = second[0][0]
    v0 = n * n / (1 + n * n)
    x, y = second[1]
    q = x * x + y * y
    v1 = (x * math.sqrt(q) / (1 + q), y * math.sqrt(q) / (1 + q))
    b = [
        [b[0][0] + 3 * v0, b[0][1] + v1[0] + v1[1]],
        [b[1][0] + 1 * v0, b[1][1] - v1[0] + v1[1]],
    ]
    c = [1 / (1 + math.exp(row[1] - row[0])) for row in b]
    third = [
        (3 * c[0] + c[1], 0.0),
        ((1 - c[0]) - (1 - c[1]), (1 - c[0]) + (1 - c[1])),
    ]
    return [first, second, third]


@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
@pytest.mark.parametrize("routings", [1, 2, 3])
def test_routing_by_hand(routings, position):
    layer = Capsules(2, 2, routings)
    s = by_hand()[routings - 1]
    np.testing.assert_allclose(
        layer.pre_activation(PARAMS, position(U)), [s], rtol=1e-14
    )
    v = [np.multiply(one, math.hypot(*one) / (1 + math.hypot(*one) ** 2)) for one in s]
    np.testing.assert_allclose(layer(PARAMS, position(U)), [v], rtol=1e-14)


def test_agreement_is_rewarded():
    """Capsule 0, on which both below agree, grows with every routing; 1 shrinks."""
    lengths = [
        CapsuleLength()({}, Capsules(2, 2, r)(PARAMS, U))[0].tolist() for r in (1, 2, 3)
    ]
    assert lengths[0] == pytest.approx([0.8, 0.5], rel=1e-14)
    assert lengths[0][0] < lengths[1][0] < lengths[2][0] < 1
    assert lengths[0][1] > lengths[1][1] > lengths[2][1] > 0


def test_sizes_that_differ():
    """Five capsules of 3 units below, 2 of 4 above, one number at a time."""
    rng = np.random.default_rng(0)
    layer = Capsules(2, 4, 1)
    params, shape = layer.init(Key(0), (5, 3))
    assert (params["weight"].shape, shape) == ((5, 3, 4, 2), (2, 4))
    u = rng.standard_normal((6, 5, 3))
    s = layer.pre_activation(params, u)
    for n, j, d in np.ndindex(s.shape):
        predicted = [u[n, i] @ params["weight"][i, :, d, j] for i in range(5)]
        assert s[n, j, d] == pytest.approx(sum(predicted) / 2, rel=1e-12)


def test_lengths_by_hand():
    v = np.array([[[3.0, 4.0], [0.0, 0.0], [-1.0, 0.0]]])
    assert CapsuleLength()({}, v).tolist() == [[5, 0, 1]]
    slope = jax.grad(lambda v: CapsuleLength()({}, v).sum())(jnp.asarray(v))
    np.testing.assert_allclose(slope, [[[0.6, 0.8], [0, 0], [-1, 0]]], rtol=1e-14)
    assert CapsuleLength().init(Key(0), (10, 16)) == ({}, (10,))


def test_primary_capsules_are_a_convolution_in_groups():
    layer = PrimaryCapsules(2, 3, kernel=2, stride=2)
    params, shape = layer.init(Key(0), (5, 4, 1))
    assert shape == (2 * 2 * 2, 3)
    conv = Conv(6, 2, 2, activation="identity")
    params["bias"] = np.arange(6.0)
    x = jnp.asarray(np.random.default_rng(0).standard_normal((3, 5, 4, 1)))
    h = np.asarray(conv(params, x))
    np.testing.assert_array_equal(layer.pre_activation(params, x)[1, 3], h[1, 0, 1, 3:])
    u = np.asarray(layer(params, x))
    group = h[2, 1, 0, :3]
    q = group @ group
    np.testing.assert_allclose(u[2, 4], group * math.sqrt(q) / (1 + q), rtol=1e-13)
    assert np.all(np.linalg.norm(u, axis=-1) < 1)


def test_the_network_of_the_paper():
    """1,152 primary capsules, and 6.8 million parameters without the decoder."""
    network = Network(
        (
            Conv(256, 9),
            PrimaryCapsules(),
            Capsules(10, initializer="zeros"),
            CapsuleLength(),
        )
    )
    params, shape = network.init(Key(0), (28, 28, 1))
    assert shape == (10,)
    assert params[2]["weight"].shape == (1152, 8, 16, 10)
    counts = [sum(map(np.size, jax.tree.leaves(own))) for own in params]
    assert counts == [81 * 256 + 256, 81 * 256 * 256 + 256, 1152 * 8 * 16 * 10, 0]
    assert round(sum(counts) / 1e6, 1) == 6.8


@pytest.mark.slow
def test_a_network_learns_from_the_margin_loss_and_tells_its_vectors():
    network = Network((PrimaryCapsules(2, 3, 3, 2), Capsules(4, 5), CapsuleLength()))
    params, _ = network.init(Key(0), (7, 7, 1), np.float64)
    x = np.random.default_rng(0).standard_normal((6, 7, 7, 1))
    signals = network.trace(params, x)
    vectors, lengths = signals[-2].a, signals[-1].a
    assert vectors.shape == (6, 4, 5)
    np.testing.assert_allclose(lengths, np.linalg.norm(vectors, axis=-1), rtol=1e-13)
    np.testing.assert_array_equal(lengths, network.pre_activation(params, x))
    assert network.out_activation == "identity"

    def loss(params):
        h = network.pre_activation(params, x)
        return loss_from_pre_activation(
            "margin", "identity", h, jnp.zeros(6, int)
        ).mean()

    before, slope = jax.value_and_grad(loss)(params)
    after = loss(jax.tree.map(lambda p, g: p - 1e-5 * g, params, slope))
    squared = sum(float(jnp.sum(g * g)) for g in jax.tree.leaves(slope))
    assert float(before - after) == pytest.approx(1e-5 * squared, rel=1e-3)


def test_work_by_hand():
    """û: 2 · 3 a number; s twice and û · v once: 2 more each, for 5 · 4 · 2 numbers."""
    layer = Capsules(2, 4, routings=2)
    params, _ = layer.init(Key(0), (5, 3))
    assert layer.flops(params, (5, 3)) == (2 * 3 + 3 * 2) * 5 * 4 * 2
    primary = PrimaryCapsules(2, 3, 2)
    params, _ = primary.init(Key(0), (5, 4, 1))
    assert primary.flops(params, (5, 4, 1)) == 2 * (2 * 2) * 4 * 6


@pytest.mark.slow
def test_silent_capsules_have_a_gradient_of_0():
    """Blank images: u = 0, so every vector is 0, and nothing becomes NaN."""
    network = Network((PrimaryCapsules(1, 2, 2, 1), Capsules(3, 2), CapsuleLength()))
    params, _ = network.init(Key(0), (3, 3, 1), np.float64)
    value, slope = jax.value_and_grad(
        lambda p: jnp.sum(network(p, jnp.zeros((2, 3, 3, 1))))
    )(params)
    assert value == 0
    assert not any(np.any(g) for g in jax.tree.leaves(slope))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PrimaryCapsules(0), "channels must be a whole number of at least 1"),
        (lambda: PrimaryCapsules(size=0), "size must be a whole number of at least 1"),
        (lambda: PrimaryCapsules(kernel=0), "size must be a whole number of at least"),
        (lambda: PrimaryCapsules(padding="x"), "padding must be one of"),
        (lambda: PrimaryCapsules(initializer="x"), "init must be one of"),
        (lambda: PrimaryCapsules().init(Key(0), (28,)), "needs examples of shape"),
        (lambda: PrimaryCapsules().init(Key(0), (5, 5, 1)), "does not fit"),
        (lambda: Capsules(0), "units must be a whole number of at least 1, got 0"),
        (lambda: Capsules(2, 0), "size must be a whole number of at least 1, got 0"),
        (lambda: Capsules(2, 2, 0), "routings must be a whole number of at least 1"),
        (lambda: Capsules(2, 2, 101), "routings must be at most 100, got 101"),
        (lambda: Capsules(2, initializer="x"), "init must be one of"),
        (
            lambda: Capsules(2).init(Key(0), (4, 4, 8)),
            r"Capsules needs examples of shape \(capsules, size\).*got shape \(4, 4, 8",
        ),
        (
            lambda: CapsuleLength().init(Key(0), (4,)),
            "CapsuleLength needs examples of shape",
        ),
        (
            lambda: Network((Dense(2), CapsuleLength())).init(Key(0), (4,)),
            "CapsuleLength needs",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
