"""Networks for pictures when nobody says which: their layers follow from the size."""

from math import prod
from typing import Any

from lamina.networks import Conv, Dense, Dropout, Flatten, Key, MaxPool, Network

FILTERS, MOST_FILTERS = 32, 128
"""Filters of the first block, and at most; each block has twice those before it."""

SMALL = 8
"""An axis of fewer places is not halved any more: 4 to 7 are left of a longer one."""

LARGE = 64
"""Pictures with more places than this along both axes are halved by the first layer."""

UNITS = 128


def default_layers(
    shape: tuple[int, int, int], dropout: float, initializer: str
) -> tuple[Any, ...]:
    """Return layers that end before the output, for pictures of any size.

    Blocks of two convolutions of 3 × 3 and a pool that halves what has 8 places or
    more, until nothing has; then 128 units. Along an axis of one place, as of a signal
    in time, filters are one place wide.

    Parameters
    ----------
    shape : (height, width, channels)
    dropout : float
        Of the 128 units; no layer if 0.
    initializer : str

    References
    ----------
    Simonyan & Zisserman (2015), Very deep convolutional networks for large-scale image
    recognition, ICLR, section 2; decks 002 and 004 (conv, relu, pool, and dense layers
    at the end).
    """
    places, layers = list(shape[:2]), []

    def conv(filters: int, reach: int = 3, stride: int = 1) -> Conv:
        size = tuple([reach if n > 1 else 1 for n in places])
        return Conv(filters, size, stride, "same", initializer=initializer)

    if min(places) > LARGE:
        layers.append(conv(FILTERS, 5, 2))
        places = [-(-n // 2) for n in places]
    filters = FILTERS
    while True:
        layers += [conv(filters), conv(filters)]
        pool = tuple([2 if n >= SMALL else 1 for n in places])
        if max(pool) > 1:
            layers.append(MaxPool(pool))
        places = [n // k for n, k in zip(places, pool, strict=True)]
        if max(places) < SMALL:
            break
        filters = min(2 * filters, MOST_FILTERS)
    layers += [Flatten(), Dense(UNITS, "relu", initializer)]
    return (*layers, Dropout(dropout)) if dropout else tuple(layers)


def flattened(layers: tuple, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Return layers with ``Flatten`` put before each Dense layer that would see places.

    Parameters
    ----------
    layers : layers, the output layer included
    shape : (height, width, channels)

    Raises
    ------
    ValueError
        If a layer cannot take what comes to it; with its number.
    TypeError
        If one is no layer.
    """
    Network(layers)
    found: list[Any] = []
    for i, layer in enumerate(layers):
        if isinstance(layer, Dense) and len(shape) > 1:
            found.append(Flatten())
            shape = (prod(shape),)
        try:
            _, shape = layer.init(Key(0), shape)
        except ValueError as error:
            raise ValueError(
                f"layers[{i}] = {layer!r} cannot take what comes to it, {shape}: "
                f"{error}"
            ) from None
        found.append(layer)
    return tuple(found)
