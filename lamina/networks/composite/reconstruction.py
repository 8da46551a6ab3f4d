"""Capsules with a decoder that reconstructs the image."""

import math
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from lamina.networks.core.arrays import Array, Mask, RandomKey, Shifts
from lamina.networks.core.description import Nested, description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Activated, Composite
from lamina.networks.functional.activations import length
from lamina.networks.functional.losses import margin
from lamina.networks.network import Network, Signal


@description
class Reconstruction(Composite, Activated):
    """Layers that end in one capsule per class, and a decoder of these capsules.

    Equations
    ---------
        v = layers(x)                        one vector per class
        a[k] = ‖v[k]‖                        in inference mode
        d[k] = decoder(v masked: zeros except v[k])
        h = (a[1] … a[K], x, d[1] … d[K])    in training

    The loss (:class:`CapsuleLoss`) picks the true class from h. The decoder therefore
    reconstructs from all classes in training, so that the network is a function of x
    alone.

    Shapes
    ------
    x (batch, \\*shape) of n numbers, v (batch, K, size), a (batch, K), h (batch, K + n
    + K n).

    Parameters
    ----------
    layers : tuple of layer descriptions
        They end in ``Capsules(K)``.
    decoder : tuple of layer descriptions
        Maps K · size numbers to n.

    References
    ----------
    Sabour, Frosst & Hinton (2017), Dynamic routing between capsules, NIPS, section 4.1
    and figure 2.
    """

    layers: Nested
    decoder: Nested

    activation = "identity"

    def check(self) -> None:
        """Reject what is not a layer.

        Raises
        ------
        TypeError
            If one of them is not a layer description.
        """
        Network(self.layers)
        Network(self.decoder)

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output in inference mode.

        Raises
        ------
        ValueError
            If the layers do not end in capsules, or the decoder has a wrong number of
            outputs.
        """
        layers, vectors = Network(self.layers).init(
            key.fold_in("layers"), shape, np.float64
        )
        if len(vectors) != 2:
            raise ValueError(
                "the layers of a Reconstruction must end in Capsules, one per class; "
                f"their output shape is {tuple(vectors)}"
            )
        decoder, drawn = Network(self.decoder).init(
            key.fold_in("decoder"), (math.prod(vectors),), np.float64
        )
        if drawn != (math.prod(shape),):
            raise ValueError(
                f"the decoder's output shape is {drawn}, but an image has "
                f"{math.prod(shape)} numbers"
            )
        return {"layers": layers, "decoder": decoder}, (vectors[0],)

    def vectors(self, params: dict, x: Array, *, key: RandomKey = None) -> Any:
        """Return v."""
        return Network(self.layers)(params["layers"], x, key=key)

    def draw(self, params: dict, v: Array) -> Any:
        """Return the reconstruction d from vectors (batch, K, size), masked or not."""
        flat = v.reshape(v.shape[0], math.prod(v.shape[1:]))
        return Network(self.decoder)(params["decoder"], flat)

    def pre_activation(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return h."""
        return self._beside(params, x, self.vectors(params, x, key=key))

    def _beside(self, params: dict, x: Array, v: Array) -> Any:
        n, K, size = v.shape
        # K copies of v, each with one capsule left: one call of the decoder draws all
        # classes, and the loss picks the true one.
        alone = v[:, :, None, :] * jnp.eye(K, dtype=v.dtype)[:, :, None]
        drawn = self.draw(params, alone.reshape(n * K, K, size))
        return jnp.concatenate(
            [length(v), x.reshape(n, -1), drawn.reshape(n, -1)], axis=1
        )

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        return length(self.vectors(params, x, key=key))

    def branches(self, params: dict) -> list[tuple[tuple[Any, ...], Any]]:
        """Return the layers and their parameters; the decoder does not lead to a."""
        return [(self.layers, params["layers"])]

    def walk(self, params: dict) -> list[tuple[Any, Any]]:
        """Return (layer, parameters) of all layers, this one last with the decoder."""
        inner = Network(self.layers).walk(params["layers"])
        return [*inner, (self, {"decoder": params["decoder"]})]

    def trace(
        self,
        params: dict,
        x: Array,
        *,
        key: RandomKey = None,
        mask: Mask = None,
        shifts: Shifts = None,
    ) -> list[Signal]:
        """Return the signals of every layer, in the order of :meth:`walk`.

        See :meth:`lamina.networks.network.Network.trace`.
        """
        inner = Network(self.layers)
        signals = inner.trace(params["layers"], x, key=key, shifts=shifts)
        h = self._beside(params, x, signals[-1].a)
        if shifts is not None and shifts[len(signals)] is not None:
            h = h + shifts[len(signals)]
        return [*signals, Signal(h, h)]


@dataclass(frozen=True)
class CapsuleLoss:
    """Margin loss of the classes plus the reconstruction error of the true class.

    Equations
    ---------
        ℓ = Σⱼ margin(aⱼ, yⱼ) + r · mean (x − d[y])²

    Parameters
    ----------
    classes : int
        K.
    weight : float
        r.

    References
    ----------
    Sabour, Frosst & Hinton (2017), sections 3 and 4.1, where r times the mean is 0.0005
    times the sum.
    """

    classes: int
    weight: float

    def __call__(self, h: Array, y: Array) -> Any:
        """Return ℓ (batch,) of h from :class:`Reconstruction` and class numbers."""
        K = self.classes
        pixels = (h.shape[1] - K) // (K + 1)
        x, drawn = h[:, K : K + pixels], h[:, K + pixels :]
        drawn = drawn.reshape(len(h), K, pixels)
        right = jnp.take_along_axis(drawn, y[:, None, None], axis=1)[:, 0]
        return margin(h[:, :K], y) + self.weight * jnp.mean((x - right) ** 2, axis=1)
