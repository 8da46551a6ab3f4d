"""The adjoint of a convolution: by definition, by hand, and as a peer computes it."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import Conv, ConvTranspose, Key

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.slow
def test_one_axis_by_hand():
    """Stride 2, filter (1, 10, 100): places 0, 2 and 4 begin a copy each."""
    y = jnp.array([[[1.0], [2.0], [-3.0]]])
    weight = jnp.array([1.0, 10.0, 100.0]).reshape(3, 1, 1)
    layer = ConvTranspose(1, 3, 2, activation="relu")
    h = layer.pre_activation({"weight": weight, "bias": jnp.array([0.5])}, y)
    expected = [1, 10, 100 + 2, 20, 200 - 3, -30, -300]
    np.testing.assert_allclose(h[0, :, 0], np.array(expected) + 0.5, rtol=1e-15)
    a = layer({"weight": weight, "bias": jnp.array([0.5])}, y)
    assert a[0, 5, 0] == 0


GEOMETRIES = [
    ((6, 5, 4), {}),
    ((7, 6, 4), {"stride": 2, "padding": "same"}),
    ((8, 6, 4), {"stride": (2, 3), "padding": "same", "size": (2, 3)}),
    ((7, 9, 4), {"stride": 2, "padding": 1}),
    ((7, 8, 4), {"padding": ((0, 2), 1), "size": (2, 4), "groups": 2}),
    ((9, 8, 4), {"dilation": (2, 1), "padding": 2, "groups": 2, "flip": True}),
    ((6, 5, 4), {"padding": "full", "size": (2, 3)}),
    ((9, 4), {"stride": 2, "padding": 1}),
    ((9, 4), {"dilation": 3, "size": 2, "flip": True}),
]


def ids(value):
    return "-".join(f"{k}={v}" for k, v in value.items()) if type(value) is dict else ""


@pytest.mark.parametrize(("shape", "fields"), GEOMETRIES, ids=ids)
def test_it_is_the_adjoint_of_the_convolution(shape, fields):
    """⟨Conv x, y⟩ = ⟨x, ConvTranspose y⟩, and Conv leads back to as many places."""
    conv = Conv(6, activation="identity", use_bias=False, **fields)
    back = ConvTranspose(4, activation="identity", use_bias=False, **fields)
    _, small = conv.init(Key(0), shape)
    params, large = back.init(Key(0), small)
    assert conv.init(Key(0), large)[1] == small
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, *large)), rng.standard_normal((2, *small))
    there = np.vdot(conv(params, jnp.asarray(x)), y)
    again = np.vdot(x, back(params, jnp.asarray(y)))
    assert again == pytest.approx(there, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "fields"), GEOMETRIES[3:6], ids=ids)
def test_gradients_are_those_of_automatic_differentiation(shape, fields):
    """Of the sum of the transposed convolution, written as that of a derivative."""
    back = ConvTranspose(4, activation="identity", use_bias=False, **fields)
    conv = Conv(shape[-1], activation="identity", use_bias=False, **fields)
    params, large = back.init(Key(0), shape)
    rng = np.random.default_rng(0)
    y = jnp.asarray(rng.standard_normal((2, *shape)))
    probe = jnp.asarray(rng.standard_normal((2, *large)))
    params = {"weight": jnp.asarray(params["weight"])}

    def ours(weight, y):
        return jnp.sum(probe * back({"weight": weight}, y))

    def by_definition(weight, y):
        return jnp.sum(conv({"weight": weight}, probe) * y)

    got = jax.grad(ours, (0, 1))(params["weight"], y)
    expected = jax.grad(by_definition, (0, 1))(params["weight"], y)
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-11, atol=1e-12)


@pytest.mark.slow
def test_other_devices_compute_the_same(monkeypatch):
    """They keep the derivatives that automatic differentiation writes."""
    back = ConvTranspose(4, 3, 2, "same", groups=2, activation="tanh")
    params, _ = back.init(Key(0), (3, 4, 2))
    y = jnp.asarray(np.random.default_rng(0).standard_normal((2, 3, 4, 2)))

    def slopes():
        return jax.grad(lambda p, y: jnp.sum(back(p, y) ** 2), (0, 1))(params, y)

    here = slopes()
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    for g, e in zip(*map(jax.tree.leaves, (slopes(), here)), strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-11, atol=1e-12)


def pattern(shape, step, modulus):
    """Whole numbers that look random: ((0, 1, 2, …) · step) mod modulus, around 0."""
    n = np.arange(math.prod(shape))
    return jnp.asarray((n * step % modulus - modulus // 2).reshape(shape) * 1.0)


# torch.nn.functional.conv_transpose2d of PyTorch 2.13.0 in double precision, with
# y.permute(0, 3, 1, 2) and weight.permute(3, 2, 0, 1), the result permuted back; here
# one image a filter.
TORCH = [
    (
        (1, 3, 4, 2),
        (3, 2, 2, 2),
        {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)},
        [
            [
                [25, 10, -27, -54, 20, 8],
                [43, 24, -28, -109, 8, 23],
                [20, 5, -36, 3, 16, 4],
                [33, 3, -33, 7, 13, 17],
                [15, 0, -45, 49, 12, -22],
            ],
            [
                [-31, -25, 27, 42, -13, -4],
                [-62, -6, 55, 52, -25, -7],
                [-29, 10, 32, 3, -10, -1],
                [-58, 20, 65, -37, -19, 21],
                [-27, 12, 37, -47, -7, 13],
            ],
        ],
    ),
    (
        (1, 2, 1, 4),
        (2, 3, 1, 4),
        {"stride": 2, "groups": 2},
        [
            [[28, 7, 25], [-22, 22, -25], [-3, -17, -5], [20, -7, 18]],
            [[-28, 19, -25], [22, -22, 25], [16, -8, 20], [-4, 24, 0]],
        ],
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("y", "weight", "fields", "expected"), TORCH)
def test_pytorch_computes_the_same(y, weight, fields, expected):
    layer = ConvTranspose(
        2, weight[:2], activation="identity", use_bias=False, **fields
    )
    a = layer({"weight": pattern(weight, 5, 13)}, pattern(y, 7, 11))
    np.testing.assert_array_equal(np.moveaxis(a[0], -1, 0), expected)
    params, shape = layer.init(Key(0), y[1:])
    assert (params["weight"].shape, shape) == (weight, a.shape[1:])


@pytest.mark.parametrize(
    ("n", "fields", "expected"),
    [
        (5, {}, 7),
        (5, {"stride": 2}, 11),
        (5, {"stride": 2, "padding": "same"}, 10),
        (5, {"stride": 3, "padding": "same", "size": 2}, 15),
        (5, {"padding": "full"}, 3),
        (5, {"dilation": 2, "padding": 1}, 7),
    ],
)
def test_number_of_places(n, fields, expected):
    assert ConvTranspose(1, **fields).init(Key(0), (n, 1))[1] == (expected, 1)


def test_single_precision_and_the_bounds_of_the_weights():
    layer = ConvTranspose(8, 4, 2, "same")
    params, _ = layer.init(Key(0), (5, 5, 16))
    bound = math.sqrt(6 / (16 * 16 / 4 + 16 * 8))
    assert 0.99 * bound < np.abs(params["weight"]).max() <= bound
    params = jax.tree.map(lambda p: p.astype(np.float32), params)
    assert layer(params, jnp.ones((1, 5, 5, 16), np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ConvTranspose(0), "filters must be a whole number of at least 1"),
        (lambda: ConvTranspose(4, groups=3), "filters must be a multiple of groups"),
        (lambda: ConvTranspose(4, activation="x"), "activation must be one of"),
        (
            lambda: ConvTranspose(1).init(Key(0), (4,)),
            "ConvTranspose needs examples of shape",
        ),
        (
            lambda: ConvTranspose(2, groups=2).init(Key(0), (4, 3)),
            "groups=2 must divide the number of channels, 3",
        ),
        (
            lambda: ConvTranspose(2, padding="full").init(Key(0), (9, 2, 1)),
            r"maps \(9, 2\) positions to \(7, 0\) with padding='full'",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
