"""Channels beside channels, by hand; sizes that do not divide; what is inside."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import (
    Conv,
    Dense,
    Dropout,
    Flatten,
    Key,
    MaxPool,
    Network,
    SkipConnection,
    Upsample,
)
from tests.model_files import through_json

pytestmark = pytest.mark.usefixtures("x64")

HALVED = SkipConnection((MaxPool(2, padding="same"), Upsample(2)))


def test_channels_by_hand():
    """f(x) = 2 x₁ + 3 x₂ beside (x₁, x₂) at each of two places."""
    params = {"layers": ({"weight": np.array([[2.0], [3.0]]), "bias": np.zeros(1)},)}
    x = np.array([[[1.0, -1.0], [0.5, 2.0]]])
    a = SkipConnection((Dense(1, "identity"),))(params, x)
    assert type(a) is np.ndarray
    assert a.tolist() == [[[1, -1, -1], [0.5, 2, 7]]]


@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_an_odd_number_of_places_is_cut_by_hand(position):
    """Pools of (1, 4), (3, 2) and 5: the sixth place of f(x) is left out."""
    x = position(np.array([1.0, 4, 3, 2, 5]).reshape(1, 5, 1))
    a = np.asarray(HALVED({"layers": ({}, {})}, x))
    assert a[0].T.tolist() == [[1, 4, 3, 2, 5], [4, 4, 3, 3, 5]]


@pytest.mark.parametrize("positions", [(1, 1), (2, 3), (7, 4), (8, 8), (13, 1)])
def test_any_size_goes_through(positions):
    pool = MaxPool(2, padding="same")
    inner = SkipConnection((pool, Conv(3, padding="same"), Upsample(2)))
    net = Network((Conv(2, padding="same"), SkipConnection((pool, inner, Upsample(2)))))
    params, shape = net.init(Key(0), (*positions, 1), np.float64)
    assert shape == (*positions, 2 + 2 + 3)
    assert net(params, jnp.ones((2, *positions, 1))).shape == (2, *shape)


def test_trace_walk_and_branches():
    layer = SkipConnection((Dense(2, "tanh"), Dropout(0.5)))
    params, _ = layer.init(Key(0), (3,))
    assert [type(one).__name__ for one, _ in layer.walk(params)] == [
        "Dense",
        "Dropout",
        "SkipConnection",
    ]
    assert layer.branches(params) == [(layer.layers, params["layers"])]
    x, key = jnp.ones((2, 3)), Key(1).device()
    signals = layer.trace(params, x, key=key)
    assert len(signals) == 3
    np.testing.assert_array_equal(signals[-1].a, layer(params, x, key=key))
    assert signals[-1].h is None
    shifts = [jnp.ones((2, 2)), None, None]
    moved = layer.trace(params, x, shifts=shifts)
    np.testing.assert_allclose(moved[0].h, signals[0].h + 1, rtol=1e-15)


def test_derivatives_take_both_ways():
    """a = (x, w x), so that ∂(a₁ + a₂)/∂x = 1 + w."""
    layer = SkipConnection((Dense(1, "identity", use_bias=False),))
    params = {"layers": ({"weight": jnp.array([[0.25]])},)}
    slope = jax.grad(lambda x: layer(params, x).sum())(jnp.ones((1, 1)))
    assert slope.tolist() == [[1.25]]


def test_layers_that_lose_places_are_refused():
    for layers in ((Conv(2, 3),), (MaxPool(2),), (Flatten(),)):
        with pytest.raises(ValueError, match="must keep all positions"):
            SkipConnection(layers).init(Key(0), (4, 4, 1))


def test_what_is_no_layer_is_refused():
    with pytest.raises(ValueError, match="at least one layer"):
        SkipConnection(())
    with pytest.raises(TypeError, match=r"layers\[0\] must be a layer"):
        SkipConnection((None,))


def test_json_keeps_layers_within():
    again = through_json(HALVED)
    assert again == HALVED
    assert hash(again) == hash(HALVED)
