"""Recurrent networks with one output per sequence, or one per step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lamina.estimators._core.architecture.architecture import Architecture
from lamina.estimators._core.architecture.output import split, with_head
from lamina.estimators._core.inputs.sequence import SequenceInputs
from lamina.estimators._core.targets.target import Target
from lamina.networks import (
    GRU,
    Bidirectional,
    Dropout,
    Embedding,
    LastStep,
    Network,
    TemporalMean,
)
from lamina.networks.core.description import is_description
from lamina.networks.recurrent.recurrent import Recurrent
from lamina.networks.shapes import shapes_after

UNITS = 64
"""Units of the default layer, in each direction."""

EMBEDDED = 32
"""Default size of the vector of a character."""

POOLING = {"mean": TemporalMean, "last": LastStep}


@dataclass(frozen=True)
class RecurrentArchitecture(Architecture):
    """Given layers, or ``Bidirectional(GRU(64))``, a pool, and the output layer.

    Parameters
    ----------
    layers : list of layers or None
    initializer : str
        "auto" is "glorot_uniform".
    dropout : float or None
        Dropout between the default layers and the output layer.
    pooling : "mean", "last" or None
        How the outputs of all steps are combined; None for an output at each step.
    tbptt : int or None
        Maximum number of steps over which errors are propagated, for all recurrent
        layers.
    """

    layers: Sequence[Any] | None
    initializer: str
    dropout: float | None
    pooling: str | None
    tbptt: int | None

    @property
    def given(self) -> tuple[str, Sequence[Any] | None]:
        return "layers", self.layers

    def network(self, inputs: Any, target: Target) -> Network:
        start = "glorot_uniform" if self.initializer == "auto" else self.initializer
        layers = self._hidden(inputs, start)
        body, _ = split(layers)
        output = layers[len(body) :]
        made = [inputs.shape, *shapes_after(body, inputs.shape)][-1]
        if self.pooling is not None and len(made) == 2:
            body = (*body, POOLING[self.pooling]())
        ended = with_head((*body, *output), target.head, target.n_outputs, start)
        network = Network(ended)
        if self.pooling is None:
            _check_steps(network, inputs.shape)
        return network if self.tbptt is None else truncated(network, self.tbptt)

    def _hidden(self, inputs: SequenceInputs, initializer: str) -> tuple[Any, ...]:
        if self.layers is not None:
            return tuple(self.layers)
        size = inputs.table_size
        embedding = () if size is None else (Embedding(size, EMBEDDED),)
        both = Bidirectional(GRU(UNITS, initializer=initializer))
        pool = () if self.pooling is None else (POOLING[self.pooling](),)
        dropout = (Dropout(self.dropout),) if self.dropout else ()
        return (*embedding, both, *pool, *dropout)


def _check_steps(network: Network, shape: tuple[int, ...]) -> None:
    """Reject layers without an output at each step."""
    made = shapes_after(network.layers, shape)
    for layer, one in zip(network.layers, made, strict=True):
        if len(one) != 2:
            raise ValueError(
                f"{layer!r} has one answer for a whole sequence, but here there "
                "has to be one for each step"
            )


def truncated(layer: Any, tbptt: int) -> Any:
    """Return a layer whose recurrent layers truncate backpropagation through time."""
    if isinstance(layer, Recurrent):
        return replace(layer, tbptt=tbptt)  # type: ignore[type-var]
    if isinstance(layer, tuple):
        return tuple([truncated(one, tbptt) for one in layer])
    if not is_description(layer):
        return layer
    fields = {name: truncated(value, tbptt) for name, value in vars(layer).items()}
    return replace(layer, **fields)
