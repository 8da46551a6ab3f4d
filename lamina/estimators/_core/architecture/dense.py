"""Fully connected networks, by the sizes of their layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lamina.estimators._core.architecture.architecture import Architecture
from lamina.estimators._core.architecture.output import with_head
from lamina.estimators._core.inputs.inputs import Inputs
from lamina.estimators._core.targets.target import Target
from lamina.networks import Dense, Dropout, Network


@dataclass(frozen=True)
class DenseArchitecture(Architecture):
    """Layers of given sizes, or given layers, and the output layer.

    Parameters
    ----------
    sizes : int or list of int
        Units of each hidden layer.
    activation : str, callable, or list
        φ of the hidden layers, one for all or one each.
    dropout : float or list of float
        Dropout rate of the hidden layers; likewise.
    input_dropout : float
        Dropout rate of the inputs.
    layers : list of layers or None
        The layers, in place of ``sizes``.
    initializer : str
        "auto" is "glorot_uniform".
    """

    sizes: Any
    activation: Any
    dropout: Any
    input_dropout: float
    layers: Sequence[Any] | None
    initializer: str

    @property
    def given(self) -> tuple[str, Sequence[Any] | None]:
        return "layers", self.layers

    def network(self, inputs: Inputs, target: Target) -> Network:
        start = "glorot_uniform" if self.initializer == "auto" else self.initializer
        layers = self._hidden(start) if self.layers is None else tuple(self.layers)
        return Network(with_head(layers, target.head, target.n_outputs, start))

    def _hidden(self, initializer: str) -> tuple:
        sizes = _as_list(self.sizes)
        activations = per_layer("activation", self.activation, len(sizes))
        rates = per_layer("dropout", self.dropout, len(sizes))
        layers: list[Any] = []
        if self.input_dropout:
            layers.append(Dropout(self.input_dropout))
        for units, activation, rate in zip(sizes, activations, rates, strict=True):
            layers.append(Dense(units, activation, initializer))
            layers += [Dropout(rate)] if rate else []
        return tuple(layers)


def _as_list(sizes: Any) -> list[int]:
    return [int(size) for size in (sizes if hasattr(sizes, "__iter__") else [sizes])]


def per_layer(name: str, value: Any, n: int) -> list[Any]:
    """Return one value for each of n hidden layers.

    Raises
    ------
    ValueError
        If it is a list of another length.
    """
    if not isinstance(value, list | tuple):
        return [value] * n
    if len(value) != n:
        raise ValueError(
            f"{name} has {len(value)} entries for {n} hidden layers: give one for "
            "each, or one for all"
        )
    return list(value)
