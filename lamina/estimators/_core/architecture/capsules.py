"""Capsule networks with a decoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from lamina.estimators._core.architecture.architecture import Architecture
from lamina.estimators._core.architecture.default_layers import capsule_layers
from lamina.estimators._core.inputs.inputs import Inputs
from lamina.estimators._core.targets.target import Target
from lamina.networks import Capsules, Dense, Network
from lamina.networks.composite.reconstruction import Reconstruction
from lamina.networks.shapes import shapes_after


@dataclass(frozen=True)
class CapsuleArchitecture(Architecture):
    """Given or default layers, one capsule per class, and a decoder that reconstructs
    the image.

    Parameters
    ----------
    layers : list of layers or None
        None: those of
        :func:`lamina.estimators._core.architecture.default_layers.capsule_layers`.
    initializer : str
        "auto" is "glorot_uniform".
    capsule_size, routings : int
        Of the capsules of the classes.
    decoder : tuple of int
        Units of the decoder's hidden layers.
    """

    layers: Sequence[Any] | None
    initializer: str
    capsule_size: int
    routings: int
    decoder: tuple[int, ...]

    @property
    def given(self) -> tuple[str, Sequence[Any] | None]:
        return "layers", self.layers

    def network(self, inputs: Inputs, target: Target) -> Network:
        start = "glorot_uniform" if self.initializer == "auto" else self.initializer
        size = self.capsule_size, self.routings
        classes = Capsules(target.n_outputs, *size, start)
        layers = self.layers
        layers = capsule_layers(inputs.shape, start) if layers is None else layers
        layers = (*layers, classes)
        shapes_after(layers, inputs.shape)
        decoder = [Dense(units, "relu", start) for units in self.decoder]
        decoder.append(Dense(prod(inputs.shape), "identity", start))
        return Network((*inputs.layers(), Reconstruction(layers, tuple(decoder))))
