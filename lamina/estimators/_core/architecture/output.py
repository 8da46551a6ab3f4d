"""The output layer: marked by ``Output``, or added; and the loss that fits it."""

import warnings
from typing import Any

from lamina.estimators._core.reporting.callers import callers_level
from lamina.networks import Dense, Output
from lamina.networks.core.layer import Activated

OUTPUTS = ("softmax", "logistic", "identity", "exp")
"""Activations that output layers commonly have."""


def split(layers: tuple) -> tuple[tuple, Any]:
    """Return the layers before the output, and the output layer if one is marked."""
    if layers and isinstance(layers[-1], Output):
        return layers[:-1], layers[-1].layer
    return layers, None


def with_head(
    layers: tuple, activation: str, n_outputs: int, initializer: str
) -> tuple:
    """Return layers that end in the output layer: the marked one, or one that is added.

    Raises
    ------
    ValueError
        If the marked one is a softmax of one output.
    """
    hidden, head = split(layers)
    if head is None:
        return (*hidden, Dense(n_outputs, activation, initializer))
    if n_outputs == 1 and head.activation == "softmax":
        raise ValueError(
            f"the output of {head!r} is always 1; two classes have one logistic output"
        )
    return (*hidden, head)


def check_shape(head: Any, made: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Reject an output layer whose number of outputs does not fit the target.

    Raises
    ------
    ValueError
        Naming both shapes.
    """
    if made == wanted:
        return
    many = wanted[-1]
    hint = "; two classes have one logistic output" if many == 1 else ""
    raise ValueError(
        f"the output layer must have {many} outputs, shape {wanted}; {head!r} makes "
        f"{made} of an example{hint}"
    )


def check_unmarked(name: str, layers: Any, n_outputs: int) -> None:
    """Reject an unmarked softmax at the end; warn of a layer that looks like an output.

    The network does not depend on it: a layer that is not marked is a hidden layer.

    Parameters
    ----------
    name : str
        Of the parameter.
    layers : its value, a list of layers or None
    n_outputs : int

    Raises
    ------
    ValueError
        If the last layer is a softmax.

    Warns
    -----
    UserWarning
        If the last layer has as many units as there are outputs and an activation that
        output layers commonly have.
    """
    last = layers[-1] if layers else None
    units = getattr(last, "units", getattr(last, "filters", None))
    if not isinstance(last, Activated) or (phi := last.activation) not in OUTPUTS:
        return
    if phi == "softmax":
        raise ValueError(
            f"{name} must end before the output layer, which is added, or mark it; the "
            f"last layer is {last!r}: remove it, or write Output({last!r})"
        )
    if units == n_outputs:
        warnings.warn(
            f"the last of {name}, {last!r}, is a hidden layer, and an output layer is "
            f"added; if it is the output layer, write Output({last!r})",
            UserWarning,
            stacklevel=callers_level(),
        )
