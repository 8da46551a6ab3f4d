"""The output layer: the one that is given, or one that is added."""

from typing import Any

from lamina.networks import Dense

HEADS = ("softmax", "logistic", "identity", "exp")
"""A last ``Dense`` layer with one of these and as many units as there are outputs is
the output layer; otherwise one is added."""


def with_head(
    layers: tuple, activation: str, n_outputs: int, initializer: str
) -> tuple:
    """Return layers that end in an output layer, added unless the last one is one.

    Raises
    ------
    ValueError
        If the last layer is a softmax of another size.
    """
    if layers and is_head(layers[-1], n_outputs):
        return layers
    return (*layers, Dense(n_outputs, activation, initializer))


def is_head(layer: Any, n_outputs: int) -> bool:
    """Whether a layer can be the output layer.

    Raises
    ------
    ValueError
        If it is a softmax of another size.
    """
    named = getattr(layer, "activation", None) in HEADS
    if named and layer.activation == "softmax" and layer.units != n_outputs:
        raise ValueError(
            f"the softmax layer has {layer.units} units, but there are {n_outputs} "
            "outputs"
        )
    return named and getattr(layer, "units", None) == n_outputs
