"""Decoders: layers that mirror the shapes of an encoder.

A decoder that mirrors an encoder has one layer for each of its layers, in reverse
order. Its weights are its own, or (:class:`Tied`) those of the encoder, transposed.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from lamina.networks.convolution.conv import Conv
from lamina.networks.convolution.conv_transpose import ConvTranspose
from lamina.networks.convolution.pooling import AveragePool, MaxPool, SumPool
from lamina.networks.convolution.upsample import Upsample
from lamina.networks.core.arrays import Mask, RandomKey, Shifts
from lamina.networks.core.description import Nested, description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Activated, Composite, Layer
from lamina.networks.core.sparse import Examples
from lamina.networks.layers.corruption import GaussianNoise, MaskingNoise, SaltAndPepper
from lamina.networks.layers.dense import Dense
from lamina.networks.layers.dropout import Dropout
from lamina.networks.layers.flatten import Flatten
from lamina.networks.layers.reshape import Reshape
from lamina.networks.network import Network, Signal

NO_WAY_BACK = (Dropout, MaskingNoise, GaussianNoise, SaltAndPepper)
"""Layers that are the identity in inference mode: they need no counterpart."""

CONVOLUTION = (
    "size",
    "stride",
    "padding",
    "dilation",
    "groups",
    "initializer",
    "use_bias",
    "flip",
)
"""Fields that a convolution and its adjoint share."""


def mirrored(
    layers: tuple, shape: tuple[int, ...], activation: str | Callable
) -> tuple[Any, ...]:
    """Return the layers of a decoder from the outputs of layers back to their inputs.

    Equations
    ---------
        Dense      →  Dense with as many units as inputs
        Conv       →  ConvTranspose with the same fields
        a pool     →  Upsample by its size
        Flatten    →  Reshape

    The counterpart of layer i has the activation of layer i − 1, whose outputs it
    reconstructs; the last one has the given activation. Dropout and corruption have no
    counterpart.

    Parameters
    ----------
    layers : tuple of layer descriptions
    shape : shape of one example
    activation : str or callable
        φ of the outputs.

    Raises
    ------
    ValueError
        If a layer has no counterpart with the right shape.
    """
    back: list[Any] = []
    phi = activation
    for i, layer in enumerate(layers):
        try:
            _, after = layer.init(Key(0), shape)
        except ValueError as error:
            raise ValueError(f"layers[{i}] = {layer!r}: {error}") from None
        found = _way_back(layer, shape, after, phi)
        if found is None or (found and not _leads(found[0], after, shape)):
            raise ValueError(
                f"layers[{i}] = {layer!r} maps shape {shape} to {after}, and lamina "
                "has no layer that maps it back: pass the layers of the decoder as "
                "decoder=[…]"
            )
        back = [*found, *back]
        phi, shape = layer.activation or phi, after
    return tuple(back)


def _way_back(
    layer: Layer, before: tuple[int, ...], after: tuple[int, ...], phi: str | Callable
) -> tuple | None:
    """Return the counterpart of a layer; None if there is none."""
    match layer:
        case Dense():
            return (Dense(before[-1], phi, layer.initializer, layer.use_bias),)
        case Conv():
            same = {name: getattr(layer, name) for name in CONVOLUTION}
            return (ConvTranspose(before[-1], **same, activation=phi),)
        case MaxPool() | AveragePool() | SumPool():
            return (Upsample(layer.size),)
        case Upsample():
            return (AveragePool(layer.factor),)
        case Flatten() | Reshape():
            return (Reshape(before),)
    return () if isinstance(layer, NO_WAY_BACK) else None


def _leads(layer: Layer, start: tuple[int, ...], end: tuple[int, ...]) -> bool:
    try:
        return tuple(layer.init(Key(0), start)[1]) == tuple(end)
    except ValueError:
        return False


@description
class Tied(Composite, Activated):
    """An encoder and a decoder with tied weights: an autoencoder of half the size.

    Equations
    ---------
        z = φ(x W + b),   h = z Wᵀ + c,   a = ψ(h)      for one Dense layer

    and so on, layer by layer in reverse order. W is shared, and its gradient is the sum
    over both uses; b and c are separate. The counterpart of a convolution is its
    adjoint, with the same weights.

    Shapes
    ------
    x (batch, \\*shape), a of the same shape.

    Parameters
    ----------
    layers : tuple of layer descriptions
        The encoder. Layers with weights must be ``Dense`` or ``Conv``.
    back : tuple of layer descriptions
        The decoder, see :func:`mirrored`.

    References
    ----------
    Vincent, Larochelle, Lajoie, Bengio & Manzagol (2010), Stacked denoising
    autoencoders, JMLR 11, section 2.2 ("tied weights").
    """

    layers: Nested
    back: Nested

    ends: ClassVar[tuple[type, ...]] = (Dense, ConvTranspose)

    @property
    def activation(self) -> Any:
        """ψ of the outputs."""
        return self.back[-1].activation

    @property
    def portable(self) -> bool:  # pyright: ignore
        """Whether all layers run on NumPy arrays as well."""
        return self._whole.portable

    @property
    def _whole(self) -> Network:
        return Network((*self.layers, *self.back))

    def check(self) -> None:
        """Reject what is not a layer, and an invalid decoder.

        Raises
        ------
        TypeError
            If one of them is not a layer description.
        ValueError
            If the decoder does not end in a layer with weights.
        """
        Network(self.layers)
        Network(self.back)
        if isinstance(self.back, tuple) and not (
            self.back and isinstance(self.back[-1], self.ends)
        ):
            raise ValueError(
                "tied layers must begin with Dense or Conv, whose counterpart is the "
                f"decoder's last layer; got {self.layers!r}"
            )

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output.

        Raises
        ------
        ValueError
            If the decoder's weights do not have the shapes of the encoder's.
        """
        there, code = Network(self.layers).init(
            key.fold_in("layers"), shape, np.float64
        )
        back, made = Network(self.back).init(key.fold_in("back"), code, np.float64)
        # The decoder keeps only its biases; its weights are the encoder's.
        own = tuple([{k: v for k, v in p.items() if k != "weight"} for p in back])
        params = {"layers": there, "back": own}
        wanted = [np.shape(p["weight"]) for p in back if "weight" in p]
        given = [np.shape(w) for w in self._transposed(params)]
        if wanted != given or made != tuple(shape):
            raise ValueError(
                f"the decoder {self.back!r} does not fit the weights of {self.layers!r}"
            )
        return params, made

    def _transposed(self, params: dict) -> list[Any]:
        """Return the weights of the decoder, in its order.

        ``ConvTranspose`` uses those of its Conv unchanged.
        """
        pairs = zip(self.layers, params["layers"], strict=True)
        weights = [
            p["weight"].T if isinstance(layer, Dense) else p["weight"]
            for layer, p in pairs
            if "weight" in p
        ]
        return weights[::-1]

    def completed(self, params: dict) -> tuple[Any, ...]:
        """Return parameters of encoder and decoder layers, shared ones twice."""
        weights = iter(self._transposed(params))
        back = [
            {"weight": next(weights), **own} if isinstance(layer, self.ends) else own
            for layer, own in zip(self.back, params["back"], strict=True)
        ]
        return (*params["layers"], *back)

    def pre_activation(
        self, params: dict, x: Examples, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return h."""
        return self._whole.pre_activation(self.completed(params), x, key=key, mask=mask)

    def __call__(
        self, params: dict, x: Examples, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        return self._whole(self.completed(params), x, key=key, mask=mask)

    def branches(self, params: dict) -> list[tuple[tuple[Any, ...], Any]]:
        """Return the encoder and its parameters; the decoder has only biases."""
        return [(self.layers, params["layers"])]

    def walk(self, params: dict) -> list[tuple[Any, Any]]:
        """Return (layer, parameters) of all layers of encoder and decoder."""
        return self._whole.walk(self.completed(params))

    def trace(
        self,
        params: dict,
        x: Examples,
        *,
        key: RandomKey = None,
        mask: Mask = None,
        shifts: Shifts = None,
    ) -> list[Signal]:
        """Return the signals of every layer, in the order of :meth:`walk`.

        See :meth:`lamina.networks.network.Network.trace`.
        """
        how = {"key": key, "mask": mask, "shifts": shifts}
        return self._whole.trace(self.completed(params), x, **how)
