"""Convolutional networks with one output per image, or one per pixel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lamina.estimators._core.architecture.architecture import Architecture
from lamina.estimators._core.architecture.default_layers import (
    default_layers,
    segmenting_layers,
)
from lamina.estimators._core.architecture.output import with_head
from lamina.estimators._core.inputs.inputs import Inputs
from lamina.estimators._core.targets.target import Target
from lamina.networks import Network
from lamina.networks.shapes import flattened, shapes_after


@dataclass(frozen=True)
class ConvolutionalArchitecture(Architecture):
    """Given layers, or default layers for the image size, and the output layer.

    Parameters
    ----------
    layers : list of layers or None
        None: those of
        :func:`lamina.estimators._core.architecture.default_layers.default_layers`.
    initializer : str
        "auto" is "he", and "glorot_uniform" for the output layer.
    dropout : float
        Dropout of the default layers.
    """

    layers: Sequence[Any] | None
    initializer: str
    dropout: float = 0.0

    @property
    def given(self) -> tuple[str, Sequence[Any] | None]:
        return "layers", self.layers

    @property
    def initializers(self) -> tuple[str, str]:
        """The initialisers of hidden layers and of the output layer."""
        given = self.initializer
        return ("he", "glorot_uniform") if given == "auto" else (given, given)

    def network(self, inputs: Inputs, target: Target) -> Network:
        hidden, output = self.initializers
        layers = self.layers
        if layers is None:
            layers = default_layers(inputs.shape, self.dropout, hidden)
        ended = with_head(tuple(layers), target.head, target.n_outputs, output)
        return Network((*inputs.layers(), *flattened(ended, inputs.shape)))


@dataclass(frozen=True)
class SegmentingArchitecture(ConvolutionalArchitecture):
    """The same with an output for each pixel: the layers keep height and width."""

    def network(self, inputs: Inputs, target: Target) -> Network:
        hidden, output = self.initializers
        shape, layers = inputs.shape, self.layers
        layers = segmenting_layers(shape, hidden) if layers is None else tuple(layers)
        layers = with_head(layers, target.head, target.n_outputs, output)
        made = shapes_after(layers, shape)[-1]
        if made != (*shape[:2], target.n_outputs):
            raise ValueError(
                f"the layers make {made} of {shape}: they have to keep "
                "height and width; convolutions need padding='same', a pool an "
                "Upsample of its size"
            )
        return Network((*inputs.layers(), *layers))
