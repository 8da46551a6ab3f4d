"""Autoencoders: an encoder, and a decoder that mirrors it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lamina.estimators._core.architecture.architecture import Architecture
from lamina.estimators._core.architecture.output import split, with_head
from lamina.estimators._core.inputs.scaled import ScaledInputs
from lamina.estimators._core.parts import learnt
from lamina.estimators._core.targets.target import Target
from lamina.learning.objectives.sparsity import KLSparsity
from lamina.learning.protocols import Term
from lamina.networks import Conv, Dense, Flatten, Network
from lamina.networks.composite.mirror import Tied, mirrored
from lamina.networks.core.layer import Layer
from lamina.networks.shapes import flattened, shapes_after


@dataclass(frozen=True)
class AutoencoderArchitecture(Architecture):
    """An encoder, by the sizes of its layers or as a list, and a decoder.

    Parameters
    ----------
    units : list of int
        Units of the encoder's layers, the latent layer last.
    activation, latent_activation : str or callable
        φ of the hidden layers and of the latent layer.
    layers : list of layers or None
        The encoder, in place of ``units``.
    decoder : list of layers and of numbers of units, or None
        The decoder, if it is not the mirrored encoder.
    tied : bool
        Whether the decoder has the weights of the encoder, transposed.
    initializer : str
        "auto" is "glorot_uniform".
    sparsity : Term or None
        Penalty on the activities of the latent layer.
    """

    units: Sequence[int]
    activation: str | Callable
    latent_activation: str | Callable
    layers: Sequence[Any] | None
    decoder: Sequence[Any] | None
    tied: bool
    initializer: str
    sparsity: Term | None
    n_encoder: int = learnt("_n_encoder")

    @property
    def given(self) -> tuple[str, Sequence[Any] | None]:
        return "decoder", self.decoder

    def learn(self, inputs: Any) -> "AutoencoderArchitecture":
        encoder = self.encoder(inputs)
        self._check_latent_layer(encoder)
        return replace(self, n_encoder=len(inputs.layers()) + len(encoder))

    def _check_latent_layer(self, encoder: tuple) -> None:
        """Reject KL sparsity if the latent units are not logistic."""
        phis = [layer.activation for layer in encoder if layer.activation is not None]
        phi = phis[-1] if phis else None
        if isinstance(self.sparsity, KLSparsity) and phi != "logistic":
            name = (
                "latent_activation" if self.layers is None else "the activation of it"
            )
            raise ValueError(
                f"sparsity={self.sparsity!r} is about units between 0 and 1: "
                f"{name} must be 'logistic', got {phi!r}"
            )

    def network(self, inputs: Any, target: Target) -> Network:
        encoder, shape, head = self.encoder(inputs), inputs.shape, target.head
        if self.tied:
            tied = Tied(encoder, mirrored(encoder, shape, head))
            return Network((*inputs.layers(), tied))
        decoder = self._decoder(encoder, shape, head)
        return Network((*inputs.layers(), *encoder, *decoder))

    def encoder(self, inputs: ScaledInputs) -> tuple[Any, ...]:
        """Return the layers from the inputs to the latent layer.

        Raises
        ------
        ValueError
            If there are none, or they do not accept these inputs.
        """
        if self.layers is None:
            *hidden, code = [int(units) for units in self.units]
            layers = [self._dense(units) for units in hidden]
            start = self._start
            return (*layers, Dense(code, self.latent_activation, start))
        layers = tuple(self.layers)
        if not layers:
            raise ValueError("layers must have at least one layer, the code")
        if inputs.are_images:
            layers = flattened(layers, inputs.image_shape)
            return layers[1:] if layers[0].flattens else layers
        try:
            shapes_after(layers, inputs.shape)
        except ValueError as error:
            raise ValueError(
                f"{error}; images are given as (n, height, width) or (n, height, "
                "width, channels)"
            ) from None
        return layers

    def _decoder(
        self, encoder: tuple, shape: tuple[int, ...], head: str
    ) -> tuple[Any, ...]:
        """Return the decoder, output layer included.

        Raises
        ------
        ValueError
            If its outputs do not have the shape of the inputs.
        """
        if self.decoder is None:
            return mirrored(encoder, shape, head)
        layers = tuple(
            [
                layer if isinstance(layer, Layer) else self._dense(int(layer))
                for layer in self.decoder
            ]
        )
        hidden, marked = split(layers)
        code = shapes_after(encoder, shape)[-1]
        if len(shape) == 1:
            made = shapes_after(hidden, code)[-1] if hidden else code
            flat = (Flatten(),) if len(made) > 1 else ()
            ended = (*hidden, *flat, *layers[len(hidden) :])
            return with_head(ended, head, shape[0], self._start)
        how: dict[str, Any] = {"activation": head, "initializer": self._start}
        last = marked or Conv(shape[-1], padding="same", **how)
        made = shapes_after((*hidden, last), code)[-1]
        if made != shape:
            raise ValueError(f"decoder makes {made} of the code, not {shape}")
        return (*hidden, last)

    def _dense(self, units: int) -> Dense:
        return Dense(units, self.activation, self._start)

    @property
    def _start(self) -> str:
        auto = self.initializer == "auto"
        return "glorot_uniform" if auto else self.initializer
