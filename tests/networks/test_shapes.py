"""Shapes of layers one after the other, and Flatten where it has to be."""

import pytest

from lamina.networks import Conv, Dense, Flatten, GlobalPool, MaxPool
from lamina.networks.shapes import flattened, shapes_after


def kinds(layers):
    return [type(layer).__name__ for layer in layers]


def test_flatten_stands_before_dense_layers_that_would_see_places():
    layers = (Conv(2), Dense(5), Dense(3, "softmax"))
    assert kinds(flattened(layers, (6, 6, 1))) == ["Conv", "Flatten", "Dense", "Dense"]
    layers = (Conv(2), GlobalPool(), Dense(3, "softmax"))
    assert flattened(layers, (6, 6, 1)) == layers
    layers = (Conv(2), Flatten(), Dense(3, "softmax"))
    assert flattened(layers, (6, 6, 1)) == layers


def test_a_layer_that_does_not_fit_is_named():
    layers = (Conv(2, 3), MaxPool(2), Conv(2, 5), Dense(3, "softmax"))
    with pytest.raises(ValueError, match=r"layers\[2\] = Conv\(filters=2.*\(3, 3, 2\)"):
        flattened(layers, (8, 8, 1))


def test_what_is_no_layer_is_named():
    with pytest.raises(TypeError, match=r"layers\[1\] must be a layer"):
        flattened((Conv(2), None, Dense(3)), (8, 8, 1))


def test_shapes_after_each_layer():
    layers = (Conv(2), MaxPool(2), Dense(3))
    assert shapes_after(layers, (8, 8, 1)) == [(6, 6, 2), (3, 3, 2), (3, 3, 3)]
    assert shapes_after(layers, (8, 8, 1), flat=True)[-1] == (3,)
