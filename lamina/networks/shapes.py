"""The shapes of examples on their way through layers."""

from functools import lru_cache
from math import prod
from typing import Any

from lamina.networks.core.keys import Key
from lamina.networks.layers.dense import Dense
from lamina.networks.layers.flatten import Flatten
from lamina.networks.network import Network


def flattened(layers: tuple, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Return layers with ``Flatten`` before each Dense layer whose input has positions.

    Parameters
    ----------
    layers : layers, the output layer included
    shape : (height, width, channels)

    Raises
    ------
    ValueError, TypeError
        As :func:`shapes_after`.
    """
    found: list[Any] = []
    for i, after in enumerate(shapes_after(layers, shape, flat=True)):
        if isinstance(layers[i], Dense) and len(shape) > 1:
            found.append(Flatten())
        found.append(layers[i])
        shape = after
    return tuple(found)


def shapes_after(
    layers: tuple, shape: tuple[int, ...], *, flat: bool = False
) -> list[tuple[int, ...]]:
    """Return the shape of each layer's output.

    Parameters
    ----------
    layers : layers, the output layer included
    shape : (height, width, channels)
    flat : bool
        Whether Dense layers take flattened inputs.

    Raises
    ------
    ValueError
        If a layer does not accept its input; the message names its index.
    TypeError
        If one of them is not a layer.
    """
    Network(layers)
    return list(_shapes_after(layers, tuple(shape), flat))


@lru_cache(maxsize=64)  # layers draw their weights on the way, which takes time
def _shapes_after(layers: tuple, shape: tuple[int, ...], flat: bool) -> tuple:
    shapes = []
    for i, layer in enumerate(layers):
        if flat and isinstance(layer, Dense):
            shape = (prod(shape),)
        try:
            _, shape = layer.init(Key(0), shape)
        except ValueError as error:
            raise ValueError(
                f"layers[{i}] = {layer!r} cannot take what comes to it, {shape}: "
                f"{error}"
            ) from None
        shapes.append(shape)
    return tuple(shapes)
