"""Receptive fields: recursions by hand, and what derivatives say."""

from functools import partial

import jax
import numpy as np
import pytest

from lamina.insight.network_view import view_network
from lamina.insight.receptive import box, receptive_field, sources
from lamina.networks import (
    AveragePool,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    FixedConv,
    Flatten,
    GlobalPool,
    GroupNorm,
    Key,
    LayerNorm,
    LocallyConnected,
    MaxPool,
    Network,
    Rescale,
    Residual,
    SkipConnection,
    SumPool,
    Upsample,
)

linear = partial(Conv, activation="identity")


def field(layers, shape, layer, position):
    network = Network(tuple(layers))
    model = network, network.init(Key(0), shape)[0]
    return [
        a.tolist() for a in receptive_field(view_network(model, shape), layer, position)
    ]


def test_sizes_by_hand():
    """Conv 3, pool 2, conv 3: fields of 3, 4 and 8 places, 1, 2 and 2 apart."""
    layers = [Conv(1, 3), MaxPool(2), Conv(1, 3)]
    shape = (20, 20, 1)
    assert field(layers, shape, 0, (0, 5)) == [[0, 1, 2], [5, 6, 7]]
    assert field(layers, shape, 1, (0, 3)) == [[0, 1, 2, 3], [6, 7, 8, 9]]
    assert field(layers, shape, 2, (0, 2)) == [list(range(8)), list(range(4, 12))]


def test_the_border_cuts():
    """Conv 3 with "same" sees one place beyond; of the second layer two."""
    layers = [Conv(1, 3, padding="same"), Conv(1, 3, padding="same")]
    assert field(layers, (5, 5, 1), 1, (0, 4)) == [[0, 1, 2], [2, 3, 4]]


def test_dilation_leaves_gaps():
    """Places −1, 2 and 5 of an axis of 7: −1 is padding."""
    layers = [Conv(1, 3, padding=1, dilation=3)]
    assert field(layers, (7, 7, 1), 0, (0, 1)) == [[2, 5], [0, 3, 6]]


def test_a_layer_without_places_sees_all():
    layers = [Conv(1, 3), Flatten(), Dense(2)]
    assert field(layers, (4, 5, 1), 2, ()) == [[0, 1, 2, 3], [0, 1, 2, 3, 4]]


def test_box_is_around_what_is_seen():
    assert box((np.array([2, 5]), np.array([0]))).tolist() == [[2, 6], [0, 1]]
    assert box((np.array([], int), np.array([0]))).tolist() == [[0, 0], [0, 1]]


def test_sources_of_blocks():
    """f: 1, 2; shortcut: 3; the sum: 4; an inner network has no number of its own."""
    block = Residual((Conv(2, 3), Conv(2, 3)), Conv(2, 5))
    layers = (Conv(1, 3), block, Network((Dropout(), Flatten())), Residual((Dense(8),)))
    params = Network(layers).init(Key(0), (9, 9, 1))[0]
    ways = sources(layers, params)
    assert ways == [(-1,), (0,), (1,), (0,), (2, 3), (4,), (5,), (6,), (7, 6)]


NETWORKS = {
    "conv": [linear(2, 3, 2, "same"), linear(1, 2, 1, 1, 2)],
    "pools": [linear(1, 2), AveragePool(3, 2, "same"), SumPool(2, 1)],
    "full": [linear(1, (2, 3), padding="full"), AveragePool(2)],
    "uneven": [linear(1, 3, (1, 2), ((2, 0), (1, 2))), linear(2, (1, 2))],
    "fixed": [FixedConv("blur"), AveragePool(2), FixedConv("blur", "valid")],
    "local": [LocallyConnected(1, 3, 2, activation="identity")],
    "transposed": [
        AveragePool(2),
        ConvTranspose(2, 3, 2, "same", activation="identity"),
        ConvTranspose(1, 2, 3, 1, 2, activation="identity"),
    ],
    "upsampled": [AveragePool(2), Upsample(3, "bilinear"), linear(1, 2)],
    "nearest": [AveragePool(3), Upsample(2), linear(1, 2)],
    "each place": [Rescale(), linear(3, 2), Dense(2, "identity"), Dropout()],
    "norms": [linear(2, 2), LayerNorm(1), linear(1, 2)],
    "all places": [linear(2, 2), GroupNorm(1)],
    "pooled": [linear(2, 3), GlobalPool(), Dense(2, "identity")],
    "residual": [Residual((linear(2, 3, (3, 2), "same"), linear(1, 3, 1, "same")))],
    "skip": [
        SkipConnection((AveragePool(2, padding="same"), Upsample(2))),
        linear(1, 2, 3),
    ],
    "shortcut": [Residual((linear(1, 2, padding="full"), linear(1, 2)), linear(1, 1))],
}


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_derivatives_are_not_0_just_there(layers, rng):
    """With weights above 0 nothing cancels: ∂h/∂x says which pixels count.

    Normalised numbers may cancel by chance of rounding, hence the tolerance.
    """
    shape = (9, 8, 1)
    network = Network(tuple(layers))
    params = network.init(Key(0), shape)[0]
    params = jax.tree.map(lambda a: rng.uniform(0.5, 1, a.shape).astype("f4"), params)
    x = rng.uniform(0.1, 1, (1, *shape)).astype(np.float32)
    jacobian = jax.jit(jax.jacrev(lambda x: network(params, x)[0]))(x)
    model = view_network((network, params), shape)
    last = len(model.shapes) - 1
    # Every unit of a place, and every channel of a pixel.
    met = np.abs(jacobian).max(axis=(-1, -4)).max(axis=-3)
    assert met.shape == (*model.shapes[-1][:-1], *shape[:2])
    for position in np.ndindex(*model.shapes[-1][:-1]):
        rows, columns = receptive_field(model, last, position)
        expected = np.zeros(shape[:2], bool)
        expected[np.ix_(rows, columns)] = True
        np.testing.assert_array_equal(
            met[position] > 1e-6, expected, f"place {position}"
        )


def test_max_pools_see_each_place_of_some_image(rng):
    """The union over images, for one has its maximum at one place only."""
    shape = (6, 6, 1)
    network = Network((MaxPool(2, 1), linear(1, 2, 2), MaxPool(2)))
    params = network.init(Key(0), shape)[0]
    params = jax.tree.map(lambda a: np.ones_like(a), params)
    x = rng.normal(size=(300, *shape)).astype(np.float32)
    slope = jax.jit(jax.grad(lambda x: network(params, x)[:, 0, 0].sum()))(x)
    met = (np.abs(slope) > 0).any(axis=(0, 3))
    seen = receptive_field(view_network((network, params), shape), 2, (0, 0))
    expected = np.zeros(shape[:2], bool)
    expected[np.ix_(*seen)] = True
    np.testing.assert_array_equal(met, expected)
