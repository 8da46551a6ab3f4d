"""The way back: shapes, activations, and tied weights by hand."""

import jax
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from lamina.networks import (
    AveragePool,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    Flatten,
    Key,
    LayerNorm,
    MaskingNoise,
    MaxPool,
    Network,
    Reshape,
    Residual,
    SumPool,
    Tied,
    Upsample,
)
from lamina.networks.composite.mirror import mirrored

PLAIN = (Dense(5, "tanh", "he"), Dense(3, "relu"), Dense(2, "identity"))


def test_dense_layers_come_back_in_the_opposite_order():
    assert mirrored(PLAIN, (7,), "logistic") == (
        Dense(3, "relu"),
        Dense(5, "tanh"),
        Dense(7, "logistic", "he"),
    )


def test_images_come_back():
    layers = (
        Conv(4, 3, padding="same", activation="tanh"),
        MaskingNoise(0.1),
        MaxPool(2),
        Conv(6, 2, 2),
        Dropout(0.2),
        Flatten(),
        Dense(3, "identity"),
    )
    back = mirrored(layers, (8, 12, 2), "logistic")
    assert back == (
        Dense(2 * 3 * 6, "relu"),
        Reshape((2, 3, 6)),
        ConvTranspose(4, 2, 2, activation="tanh"),
        Upsample(2),
        ConvTranspose(2, 3, padding="same", activation="logistic"),
    )
    _, shape = Network((*layers, *back)).init(Key(0), (8, 12, 2))
    assert shape == (8, 12, 2)


@pytest.mark.parametrize(
    "layer",
    [
        Conv(3, 3),
        Conv(3, (2, 3), (2, 1), 1),
        Conv(4, 3, 1, "full", 2, 2),
        Conv(3, 3, padding="same", flip=True, use_bias=False),
        AveragePool((2, 3)),
        SumPool(2),
        Upsample((2, 1)),
        Reshape((48, 2)),
    ],
    ids=repr,
)
def test_each_layer_has_a_way_back_to_its_shape(layer):
    shape = (4, 12, 2)
    if isinstance(layer, AveragePool):
        shape = (4, 9, 2)
    layers = (Conv(shape[-1], 1), layer)
    stack = (*layers, *mirrored(layers, shape, "identity"))
    assert Network(stack).init(Key(0), shape)[1] == shape


@pytest.mark.parametrize(
    ("layers", "position"),
    [
        ((Conv(2, 1), MaxPool(2)), 1),  # 5 places → 2 → 4
        ((Conv(2, 3, 2, 1), Conv(2, 2, 2)), 1),
        ((Conv(2, 1), MaxPool(3, 2)), 1),
        ((Conv(2, 1), LayerNorm()), 1),
        ((Residual((Conv(1, 3, padding="same"),)),), 0),
    ],
)
def test_what_cannot_be_mirrored_asks_for_a_decoder(layers, position):
    with pytest.raises(ValueError, match=rf"layers\[{position}\] = .*decoder=\[…\]"):
        mirrored(layers, (5, 5, 1), "logistic")


def test_a_layer_that_does_not_fit_says_which():
    with pytest.raises(ValueError, match=r"layers\[1\] = Conv.* does not fit"):
        mirrored((MaxPool(2), Conv(2, 3)), (4, 4, 1), "identity")


# ---- tied weights -------------------------------------------------------------------

DEEP = (Dense(3, "tanh"), Dense(2, "logistic"))


def tied(layers, shape, activation="logistic"):
    layer = Tied(layers, mirrored(layers, shape, activation))
    params, made = layer.init(Key(0), shape)
    assert made == shape
    rng = np.random.default_rng(1)
    return layer, jax.tree.map(lambda p: p + rng.normal(size=p.shape), params)


def sigma(h):
    return 1 / (1 + np.exp(-h))


@pytest.mark.usefixtures("x64")
def test_tied_weights_by_hand():
    layer, params = tied(DEEP, (4,))
    x = np.random.default_rng(0).normal(size=(6, 4))
    W, V = (p["weight"] for p in params["layers"])
    b, c = (p["bias"] for p in params["layers"])
    d, e = (p["bias"] for p in params["back"])
    z = sigma(np.tanh(x @ W + b) @ V + c)
    h = np.tanh(z @ V.T + d) @ W.T + e
    np.testing.assert_allclose(layer.pre_activation(params, x), h, rtol=1e-12)
    np.testing.assert_allclose(layer(params, x), sigma(h), rtol=1e-12)
    signals = layer.trace(params, x)
    np.testing.assert_allclose(signals[1].a, z, rtol=1e-12)
    np.testing.assert_allclose(signals[-1].h, h, rtol=1e-12)
    assert len(layer.walk(params)) == len(signals) == 4


def test_tied_weights_are_counted_once():
    """4·3 + 3·2 weights, and biases 3 + 2 + 3 + 4."""
    layer, params = tied(DEEP, (4,))
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert count == 18 + 12
    inside = sum(leaf.size for leaf in jax.tree.leaves(layer.branches(params)[0][1]))
    assert inside == 18 + 5


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        (DEEP, (4,)),
        ((Conv(2, 2, 2, activation="tanh"), Flatten(), Dense(3, "tanh")), (4, 2, 1)),
    ],
)
def test_gradients_of_shared_weights_are_finite_differences(layers, shape):
    layer, params = tied(layers, shape)
    x = np.random.default_rng(0).uniform(size=(5, *shape))

    def loss(flat):
        return jax.numpy.sum((layer(unravel(flat), x) - x) ** 2)

    flat, unravel = ravel_pytree(params)
    steps = 1e-6 * np.eye(flat.size)
    values = jax.vmap(loss)
    differences = (values(flat + steps) - values(flat - steps)) / 2e-6
    np.testing.assert_allclose(jax.grad(loss)(flat), differences, atol=1e-8)


@pytest.mark.usefixtures("x64")
def test_the_way_back_of_a_convolution_is_its_adjoint():
    conv = Conv(3, 2, 2, activation="identity")
    layer, params = tied((conv,), (4, 6, 2), "identity")
    params = jax.tree.map(np.asarray, params)
    params["layers"][0]["bias"][:] = 0
    params["back"][0]["bias"][:] = 0
    x, y = np.random.default_rng(2).normal(size=(2, 1, 4, 6, 2))
    z = conv(params["layers"][0], y)
    # ⟨back(conv x), y⟩ = ⟨conv x, conv y⟩
    np.testing.assert_allclose(
        np.sum(np.asarray(layer(params, x)) * y),
        np.sum(np.asarray(conv(params["layers"][0], x)) * z),
        rtol=1e-12,
    )


def test_what_cannot_be_tied_is_refused():
    with pytest.raises(ValueError, match="must begin with Dense or Conv"):
        Tied((MaxPool(2), Conv(2, 1)), (ConvTranspose(1, 1), Upsample(2)))
    with pytest.raises(ValueError, match="does not fit the weights"):
        Tied((Dense(2),), (Dense(2), Dense(4))).init(Key(0), (4,))
    with pytest.raises(TypeError, match="must be a layer"):
        Tied((3,), (Dense(4),))
