"""Layers that follow from the size of images, and Flatten where it has to be."""

import jax
import numpy as np
import pytest

from lamina.estimators._core.architecture.default_layers import (
    capsule_layers,
    default_layers,
    segmenting_layers,
)
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


def kinds(layers):
    return [type(layer).__name__ for layer in layers]


def test_digits_of_28_pixels_get_two_blocks_by_hand():
    def block(filters):
        return [Conv(filters, (3, 3), 1, "same", initializer="he")] * 2

    assert default_layers((28, 28, 1), 0.5, "he") == (
        *block(32),
        MaxPool((2, 2)),
        *block(64),
        MaxPool((2, 2)),
        Flatten(),
        Dense(128, "relu", "he"),
        Dropout(0.5),
    )


@pytest.mark.parametrize(
    ("shape", "left"),
    [
        ((8, 8, 1), (4, 4, 32)),  # 8 → 4
        ((28, 28, 1), (7, 7, 64)),  # 28 → 14 → 7
        ((32, 32, 3), (4, 4, 128)),  # 32 → 16 → 8 → 4
        ((96, 96, 3), (6, 6, 128)),  # first layer 96 → 48, then → 24 → 12 → 6
        ((65, 70, 3), (4, 4, 128)),  # → 33 × 35 → 16 × 17 → 8 × 8 → 4 × 4
        ((5, 200, 1), (5, 6, 128)),  # 200 → 100 → 50 → 25 → 12 → 6
        ((1, 1, 1), (1, 1, 32)),
        ((1, 30, 2), (1, 7, 64)),  # 30 → 15 → 7
        ((300, 7, 1), (4, 7, 128)),  # 300 → 150 → 75 → 37 → 18 → 9 → 4
        ((2, 2, 1), (2, 2, 32)),
    ],
)
def test_every_size_gives_a_network(shape, left):
    layers = default_layers(shape, 0.5, "he")
    params, out = Network(layers).init(Key(0), shape)
    assert out == (128,)
    before = layers[: layers.index(Flatten())]
    x = jax.ShapeDtypeStruct((1, *shape), np.float32)
    places = jax.eval_shape(Network(before), params[: len(before)], x).shape[1:]
    assert places == left


def test_filters_see_one_place_along_an_axis_of_one_place():
    first = default_layers((1, 30, 1), 0.0, "he")[0]
    assert first.size == (1, 3)


def test_no_dropout_is_no_layer():
    assert kinds(default_layers((8, 8, 1), 0.0, "he"))[-1] == "Dense"


def test_segmenting_layers_of_16_pixels_by_hand():
    def conv(filters):
        return Conv(filters, 3, padding="same", initializer="he")

    pool, up = MaxPool(2, padding="same"), Upsample(2)
    assert segmenting_layers((16, 16, 1), "he") == (
        conv(16),
        conv(16),
        SkipConnection((pool, conv(32), conv(32), up)),
        conv(16),
        conv(16),
    )


@pytest.mark.parametrize(
    ("shape", "halvings"),
    [((32, 32, 1), 2), ((7, 7, 1), 0), ((17, 50, 3), 1), ((256, 256, 3), 4)],
)
def test_segmenting_layers_keep_any_size(shape, halvings):
    layers = segmenting_layers(shape, "he")
    net = Network(layers)
    params, out = net.init(Key(0), shape)
    assert out[:2] == shape[:2]
    skips = [
        layer for layer, _ in net.walk(params) if isinstance(layer, SkipConnection)
    ]
    assert len(skips) == halvings
    x = jax.ShapeDtypeStruct((1, 13, 21, shape[2]), np.float32)
    assert jax.eval_shape(net, params, x).shape[:3] == (1, 13, 21)


@pytest.mark.parametrize(
    ("shape", "capsules"),
    [
        ((28, 28, 1), 6 * 6 * 8),  # 28 → 20 → 6
        ((8, 8, 1), 4 * 4 * 8),  # 8 → 6 → 4
        ((1, 1, 1), 8),
        ((1, 40, 1), 12 * 8),  # 40 → 32 → 12
        ((96, 96, 3), 11 * 11 * 8),  # 96 → 30 → 11
    ],
)
def test_capsule_layers_fit_every_size(shape, capsules):
    _, out = Network(capsule_layers(shape, "he")).init(Key(0), shape)
    assert out == (capsules, 8)
