"""Convolution: worked examples, and its hand-written gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import Conv, Key

pytestmark = pytest.mark.usefixtures("x64")

K = np.array([[6, 2, 1], [0, -2, 3], [2, -1, -4]])
X = np.array([[4, 1, 0, 2, 5], [1, -1, 6, -2, 4], [-3, 4, 1, 3, 2], [0, -3, 0, 5, -1]])
FULL = [
    [-16, -8, 7, -6, -22, -1, 10],
    [8, -2, -23, 6, 9, -18, 8],
    [19, -9, 32, -15, 16, 18, 34],
    [-8, 31, 8, -15, 35, 3, 22],
    [-3, -11, -3, 44, 1, 24, 12],
    [0, -3, -6, -13, 9, 28, -6],
]


def correlated(x, kernel, **how):
    """One image, one channel, one filter, no bias: a matrix from a matrix."""
    layer = Conv(1, kernel.shape[0], activation="identity", use_bias=False, **how)
    params, shape = layer.init(Key(0), (*x.shape, 1))
    params = {"weight": kernel[:, :, None, None].astype(float)}
    h = layer(params, jnp.asarray(x, float)[None, :, :, None])
    assert h.shape == (1, *shape)
    return np.asarray(h)[0, :, :, 0]


def by_hand(x, weight, bias, stride, pads, dilation, groups):
    """The equation of the docstring, sum by sum."""
    x = np.pad(x, ((0, 0), *pads, (0, 0)))
    *size, inner, filters = weight.shape
    counts = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(x.shape[1:-1], size, stride, dilation, strict=True)
    ]
    h = np.zeros((len(x), *counts, filters))
    for position in np.ndindex(*counts):
        for f in range(filters):
            first = f // (filters // groups) * inner
            for u in np.ndindex(*size):
                at = tuple(
                    s * i + d * v
                    for s, i, d, v in zip(stride, position, dilation, u, strict=True)
                )
                seen = x[(slice(None), *at, slice(first, first + inner))]
                h[(slice(None), *position, f)] += seen @ weight[(*u, slice(None), f)]
    return h + bias


def test_golden_g1_full_cross_correlation():
    np.testing.assert_array_equal(correlated(X, K, padding="full"), FULL)


def test_golden_g1_true_convolution():
    flipped = correlated(X, K, padding="full", flip=True)
    np.testing.assert_array_equal(flipped[0], [24, 14, 6, 13, 34, 12, 5])
    turned = correlated(X, K[::-1, ::-1], padding="full")
    np.testing.assert_array_equal(flipped, turned)


def test_golden_g2_same_and_valid():
    same = [row[1:-1] for row in FULL[1:-1]]
    np.testing.assert_array_equal(correlated(X, K, padding="same"), same)
    valid = correlated(X, K, padding="valid")
    np.testing.assert_array_equal(valid, [[32, -15, 16], [8, -15, 35]])


def test_golden_g3_stride_2():
    x = np.vstack([X, [5, 2, -2, 1, 0]])
    right = [[-2, 6, -18], [31, -15, 3], [-7, -6, 28]]
    np.testing.assert_array_equal(correlated(x, K, padding=1, stride=2), right)
    printed = np.vstack([X, [5, 2, 2, 1, 0]])  # the row that gives the lecture's −14
    assert correlated(printed, K, padding=1, stride=2)[2, 1] == -14


def test_golden_g6():
    x = np.array(
        [
            [1, 1, 1, 0, 0],
            [0, 1, 1, 1, 0],
            [0, 0, 1, 1, 1],
            [0, 0, 1, 1, 0],
            [0, 1, 1, 0, 0],
        ]
    )
    kernel = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    right = [[4, 3, 4], [2, 4, 3], [2, 3, 4]]
    np.testing.assert_array_equal(correlated(x, kernel), right)


EVERY_WAY = [
    (1, 1, "same", 1),
    (1, 2, "valid", 1),
    (2, 1, "full", 2),
    (2, 2, 1, 1),
    (2, 3, "same", 2),
    (3, 1, "valid", 2),
    (3, 1, 1, 1),
    (3, 2, "full", 1),
    (3, 2, "same", 2),
    (3, 3, 1, 2),
]
"""Size, stride, padding and dilation: every pair of their values occurs."""


@pytest.mark.slow
@pytest.mark.parametrize("channels", [3, 5])
def test_a_channel_more_changes_nothing(channels):
    """Odd numbers of channels are computed with another one, of zeros."""
    rng = np.random.default_rng(0)
    layer = Conv(4, 3, 2, "same", activation="identity", use_bias=False)
    params, _ = layer.init(Key(0), (7, 6, channels))
    x = jnp.asarray(rng.standard_normal((2, 7, 6, channels)))

    def one_by_one(x, weight):
        each = np.split(np.arange(channels), channels)
        parts = [
            layer.pre_activation({"weight": weight[:, :, c]}, x[..., c]) for c in each
        ]
        return sum(parts)

    def at_once(x, weight):
        return layer.pre_activation({"weight": weight}, x)

    weight = jnp.asarray(params["weight"])
    delta = jnp.asarray(rng.standard_normal((2, 4, 3, 4)), x.dtype)
    (wanted, back), (found, own) = (
        jax.vjp(way, x, weight) for way in (one_by_one, at_once)
    )
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    for got, right in zip(own(delta), back(delta), strict=True):
        assert got.shape == right.shape
        np.testing.assert_allclose(got, right, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("groups", [1, 2], ids=lambda g: f"{g}groups")
@pytest.mark.parametrize("axes", [1, 2], ids=["1d", "2d"])
def test_every_way_is_the_equation(axes, groups):
    """And the written-out derivatives are those of automatic differentiation."""
    rng = np.random.default_rng(0)
    shape = (7, 6, 4)[2 - axes :]
    letters = ("NWC", "WIO", "NWC") if axes == 1 else ("NHWC", "HWIO", "NHWC")
    for size, stride, padding, dilation in EVERY_WAY:
        layer = Conv(4, size, stride, padding, dilation, groups, "identity")
        params, out = layer.init(Key(0), shape)
        params["bias"] = rng.standard_normal(4)
        x = jnp.asarray(rng.standard_normal((2, *shape)))
        how = layer._how(shape[:-1])

        def automatic(x, weight, how=how):
            return jax.lax.conv_general_dilated(
                x,
                weight,
                how.stride,
                how.pads,
                rhs_dilation=how.dilation,
                dimension_numbers=letters,
                feature_group_count=groups,
            )

        def ours(x, weight, layer=layer, bias=params["bias"]):
            return layer.pre_activation({"weight": weight, "bias": bias}, x)

        @jax.jit
        def derivatives(x, weight, delta, ours=ours, automatic=automatic):
            h, back = jax.vjp(ours, x, weight)
            return h, back(delta), jax.vjp(automatic, x, weight)[1](delta)

        delta = jnp.asarray(rng.standard_normal((2, *out)))
        h, gradients, automatic_ones = derivatives(x, params["weight"], delta)
        right = by_hand(
            x,
            params["weight"],
            params["bias"],
            how.stride,
            how.pads,
            how.dilation,
            groups,
        )
        np.testing.assert_allclose(h, right, atol=1e-13)
        for g, right in zip(gradients, automatic_ones, strict=True):
            np.testing.assert_allclose(g, right, atol=1e-13)


@pytest.mark.parametrize(
    ("size", "stride", "padding"),
    [(3, 3, 1), (4, 4, 1), (2, 1, ((2, 0), (2, 0)))],
)
def test_the_input_gradient_in_single_precision_is_that_in_double(
    size, stride, padding
):
    """XLA computes it in another way, which fails where zeros replace what is cut."""
    rng = np.random.default_rng(0)
    layer = Conv(8, size, stride, padding, activation="identity")
    params, out = layer.init(Key(0), (12, 10, 4))
    delta = rng.standard_normal((2, *out))

    def gradient(dtype):
        own = {name: jnp.asarray(p, dtype) for name, p in params.items()}
        x = jnp.zeros((2, 12, 10, 4), dtype)
        back = jax.jit(lambda d: jax.vjp(lambda x: layer(own, x), x)[1](d)[0])
        return back(jnp.asarray(delta, dtype))

    np.testing.assert_allclose(gradient(np.float32), gradient(np.float64), atol=1e-5)


def test_sizes_may_differ_by_axis():
    layer = Conv(2, (3, 1), (1, 2), ((1, 0), 0), activation="identity")
    params, shape = layer.init(Key(0), (5, 6, 3))
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 3))
    right = by_hand(x, params["weight"], 0, (1, 2), ((1, 0), (0, 0)), (1, 1), 1)
    np.testing.assert_allclose(layer(params, x), right, atol=1e-14)
    assert shape == right.shape[1:] == (4, 3, 2)


def test_a_1_by_1_filter_is_a_dense_layer_at_every_place():
    layer = Conv(5, 1, activation="tanh")
    params, _ = layer.init(Key(0), (4, 4, 3))
    x = np.random.default_rng(0).standard_normal((2, 4, 4, 3))
    dense = np.tanh(x @ params["weight"][0, 0] + params["bias"])
    np.testing.assert_allclose(layer(params, x), dense, rtol=1e-12)


def test_number_of_parameters():
    """(k² d' + 1) d: every filter has k² d' weights and a bias."""
    params, _ = Conv(7, 5).init(Key(0), (9, 9, 3))
    assert sum(p.size for p in params.values()) == (25 * 3 + 1) * 7


def test_initial_weights_know_their_fans():
    params, _ = Conv(64, 5, initializer="he").init(Key(0), (9, 9, 32))
    assert np.std(params["weight"]) == pytest.approx(np.sqrt(2 / 800), rel=0.02)
    params, _ = Conv(64, 5, groups=32, initializer="lecun").init(Key(0), (9, 9, 32))
    assert np.std(params["weight"]) == pytest.approx(np.sqrt(1 / 25), rel=0.05)


def test_flops_count_what_is_computed():
    layer = Conv(4, 3, 2, "same", groups=2)
    params, shape = layer.init(Key(0), (8, 8, 6))
    assert shape == (4, 4, 4)
    assert layer.flops(params, (8, 8, 6)) == 2 * 4 * 4 * 9 * 3 * 4


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"filters": 0}, "filters must be a whole number"),
        ({"size": 0}, "size must be a whole number"),
        ({"stride": (1, 0)}, "stride must be a whole number"),
        ({"dilation": 0}, "dilation must be a whole number"),
        ({"groups": 3}, "filters must be a multiple of groups"),
        ({"padding": "mirror"}, "padding must be one of"),
        ({"activation": "swoosh"}, "activation must be one of"),
        ({"initializer": "best"}, "init must be one of"),
    ],
)
def test_impossible_fields_are_refused(fields, complaint):
    with pytest.raises(ValueError, match=complaint):
        Conv(**{"filters": 4, **fields})


@pytest.mark.parametrize(
    ("layer", "shape", "complaint"),
    [
        (Conv(4, 3), (2, 8, 1), "3 × 3 does not fit into an input of 2 × 8"),
        (Conv(4, (3, 3)), (8, 1), "1 numbers, one per axis"),
        (Conv(4, 3), (8,), "needs examples of shape"),
        (Conv(4, 3, groups=2), (8, 8, 3), "must divide the number of channels, 3"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(layer, shape, complaint):
    with pytest.raises(ValueError, match=complaint):
        layer.init(Key(0), shape)
