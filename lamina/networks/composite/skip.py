"""Skip connections that concatenate the input with the output of layers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from lamina.networks.core.arrays import Array, Mask, RandomKey, Shifts
from lamina.networks.core.description import Nested, description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Composite
from lamina.networks.functional.activations import namespace
from lamina.networks.network import Network, Signal


@description
class SkipConnection(Composite):
    """Concatenate the channels of the input with those of the layers' output.

    Equations
    ---------
        a[p, :n] = x[p],   a[p, n:] = f(x)[p]      for all positions p of x

    f is the stack of layers. Positions of f(x) beyond those of x are dropped: pools
    with ``padding="same"`` and an ``Upsample`` of the same factor give one position too
    many if their number is odd, so inputs of any size work. With pools and further
    skips inside, f has a large receptive field, and x has the exact positions:

        SkipConnection([MaxPool(2, padding="same"), Conv(32), Upsample(2)])

    Shapes
    ------
    x (batch, \\*positions, n), f(x) (batch, \\*at least as many positions, m), a
    (batch, \\*positions, n + m).

    Parameters
    ----------
    layers : tuple of layer descriptions
        f.

    References
    ----------
    Ronneberger, Fischer & Brox (2015), U-Net: convolutional networks for biomedical
    image segmentation, MICCAI, section 2. Long, Shelhamer & Darrell (2015), Fully
    convolutional networks for semantic segmentation, CVPR, section 4.2.
    """

    layers: Nested

    @property
    def portable(self) -> bool:  # pyright: ignore
        """Whether all layers run on NumPy arrays as well."""
        return Network(self.layers).portable

    def check(self) -> None:
        """Reject what is not a layer, or no layers.

        Raises
        ------
        TypeError
            If one of the layers is not a layer description.
        ValueError
            If there are no layers.
        """
        Network(self.layers)
        if self.layers == ():
            raise ValueError("a SkipConnection needs at least one layer")

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output.

        Raises
        ------
        ValueError
            If the layers do not keep all positions of the input.
        """
        params, out = Network(self.layers).init(
            key.fold_in("layers"), shape, np.float64
        )
        same_axes = len(out) == len(shape)
        if not same_axes or any(m < n for m, n in zip(out, shape[:-1], strict=False)):
            raise ValueError(
                f"the layers of a SkipConnection map shape {tuple(shape)} to "
                f"{tuple(out)}: they must keep all positions; convolutions need "
                "padding='same', a pool needs an Upsample of its size after it"
            )
        return {"layers": params}, (*shape[:-1], shape[-1] + out[-1])

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        return _beside(x, Network(self.layers)(params["layers"], x, key=key, mask=mask))

    def start(self, batch: int, dtype: DTypeLike = np.float32) -> Any:
        """Return the states of the layers before the first step."""
        return Network(self.layers).start(batch, dtype)

    def run(
        self,
        params: dict,
        x: Array,
        state: Sequence[Any],
        *,
        key: RandomKey = None,
        mask: Mask = None,
    ) -> tuple[Any, Any]:
        """Return a for a part of a sequence, and the states of the layers after it."""
        inner, how = Network(self.layers), {"key": key, "mask": mask}
        f, state = inner.run(params["layers"], x, state, **how)
        return _beside(x, f), state

    def branches(self, params: dict) -> list[tuple[tuple[Any, ...], Any]]:
        """Return the stack f and its parameters."""
        return [(self.layers, params["layers"])]

    def walk(self, params: dict) -> list[tuple[Any, Any]]:
        """Return (layer, parameters) of all layers, this one last."""
        return [*Network(self.layers).walk(params["layers"]), (self, {})]

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
        signals = inner.trace(params["layers"], x, key=key, mask=mask, shifts=shifts)
        return [*signals, Signal(None, _beside(x, signals[-1].a))]


def _beside(x: Array, f: Array) -> Any:
    """Return the channels of x and of f, at the positions of x."""
    # An odd number of positions comes back from a pool and an Upsample with one more.
    within = tuple([slice(n) for n in x.shape[1:-1]])
    f = f[(slice(None), *within)]
    return namespace(x).concatenate([x, f], axis=-1)
