"""Untied weights: by hand, and as convolutions where the weights are equal."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import Conv, Key, LocallyConnected

pytestmark = pytest.mark.usefixtures("x64")

X = np.array([[[1.0], [2.0], [4.0]]])
PLACES = [np.asarray, jnp.asarray]


@pytest.mark.parametrize("position", PLACES, ids=["numpy", "jax"])
def test_one_axis_by_hand(position):
    """x = (1, 2, 4); windows (1, 2) and (2, 4), each with weights of its own."""
    x = position(X)
    params = {
        "weight": np.array([[[3.0, 0.0], [-1.0, 1.0]], [[10.0, 0.5], [1.0, -2.0]]]),
        "bias": np.array([[0.0, 0.25], [-1.0, 0.0]]),
    }
    h = [[[3 - 2, 2.25], [20 + 4 - 1, 1 - 8]]]
    layer = LocallyConnected(2, 2)
    assert layer.pre_activation(params, x).tolist() == h
    assert layer(params, x).tolist() == np.maximum(h, 0).tolist()


def test_two_axes_and_two_channels_by_hand():
    """The order of a window's weights is (u, v, c)."""
    x = np.arange(12.0).reshape(1, 2, 3, 2)
    layer = LocallyConnected(1, (2, 2), activation="identity", use_bias=False)
    params, shape = layer.init(Key(0), (2, 3, 2))
    assert shape == (1, 2, 1)
    assert {k: v.shape for k, v in params.items()} == {"weight": (1, 2, 8, 1)}
    tens = 10.0 ** np.arange(8)
    weight = np.stack([tens, -tens])[None, ..., None]
    # window 0 sees columns 0 and 1 of both rows, window 1 columns 1 and 2
    seen = [[0, 1, 2, 3, 6, 7, 8, 9], [2, 3, 4, 5, 8, 9, 10, 11]]
    expected = [[[np.dot(seen[0], tens)], [-np.dot(seen[1], tens)]]]
    np.testing.assert_allclose(layer({"weight": weight}, x), [expected], rtol=1e-15)


@pytest.mark.parametrize(
    ("shape", "fields"),
    [
        ((5, 6, 2), {}),
        ((5, 6, 2), {"padding": "same", "stride": (2, 1)}),
        ((5, 6, 2), {"padding": ((0, 1), (2, 0)), "size": (2, 3)}),
        ((5, 6, 2), {"padding": "full", "stride": 2, "size": (3, 2)}),
        ((7, 2), {"stride": 3, "size": 2}),
        ((7, 2), {"padding": "same", "stride": 2}),
    ],
)
def test_equal_weights_at_every_place_are_a_convolution(shape, fields):
    conv, local = Conv(3, **fields), LocallyConnected(3, **fields)
    own, conv_shape = conv.init(Key(0), shape)
    params, local_shape = local.init(Key(0), shape)
    assert local_shape == conv_shape
    flat = own["weight"].reshape(-1, 3)
    params = {
        "weight": np.broadcast_to(flat, params["weight"].shape),
        "bias": np.full(params["bias"].shape, 0.25),
    }
    x = np.random.default_rng(0).standard_normal((4, *shape))
    expected = conv({**own, "bias": np.full(3, 0.25)}, jnp.asarray(x))
    np.testing.assert_allclose(local(params, x), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.slow
def test_a_place_learns_from_its_own_window_only():
    layer = LocallyConnected(2, 2, activation="identity")
    params, _ = layer.init(Key(0), (4, 3))
    x = jnp.ones((1, 4, 3))
    slope = jax.grad(lambda p: layer(p, x)[0, 1, 0])(params)
    assert np.flatnonzero(np.any(slope["weight"] != 0, axis=(1, 2))).tolist() == [1]
    assert slope["weight"][1].tolist() == [[1, 0]] * 6
    assert slope["bias"].tolist() == [[0, 0], [1, 0], [0, 0]]


def test_weights_start_within_the_bounds_of_a_window():
    params, _ = LocallyConnected(4, 5).init(Key(0), (28, 28, 1))
    bound = np.sqrt(6 / (25 * 1 + 25 * 4))
    assert params["weight"].shape == (24, 24, 25, 4)
    assert 0.999 * bound < np.abs(params["weight"]).max() <= bound
    assert not params["bias"].any()


def test_each_weight_is_met_once():
    layer = LocallyConnected(4, 5)
    params, _ = layer.init(Key(0), (28, 28, 1))
    assert layer.flops(params, (28, 28, 1)) == 2 * 24 * 24 * 25 * 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LocallyConnected(0), "filters must be a whole number of at least 1"),
        (lambda: LocallyConnected(1, 0), "size must be a whole number of at least 1"),
        (lambda: LocallyConnected(1, stride=(1, 0)), "stride must be a whole number"),
        (lambda: LocallyConnected(1, padding="some"), "padding must be one of"),
        (lambda: LocallyConnected(1, activation="swish"), "activation must be one of"),
        (lambda: LocallyConnected(1, initializer="x"), "init must be one of"),
        (
            lambda: LocallyConnected(1).init(Key(0), (9,)),
            "LocallyConnected needs examples of shape",
        ),
        (lambda: LocallyConnected(1).init(Key(0), (2, 9, 1)), "does not fit"),
        (
            lambda: LocallyConnected(1, 2)({"weight": np.ones((2, 3, 1))}, X),
            r"weights of shape \(2, 3, 1\) do not fit windows of size \(2,\) with 1",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
