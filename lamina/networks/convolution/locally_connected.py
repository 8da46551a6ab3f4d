"""The locally connected layer: a convolution with untied weights."""

import math
from collections.abc import Callable
from itertools import product
from typing import Any, ClassVar

import numpy as np

from lamina.networks.convolution.spatial import (
    Padding,
    Spatial,
    check_padding,
    padded_positions,
    per_axis,
    positions_of,
    windows,
)
from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import check_whole, description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Activated
from lamina.networks.functional.activations import activation, namespace
from lamina.networks.functional.initializers import initializer


@description
class LocallyConnected(Activated):
    """Locally connected layer: a convolution with untied weights.

    Equations
    ---------
        h[i, j, f] = Σ_u Σ_v Σ_c x[s i + u − p, s j + v − p, c] W[i, j, u, v, c, f]
                     + b[i, j, f]
        a = φ(h)

    with stride s and p zeros of padding before the first position. Every position has
    its own weights and biases, so what is learnt at one position does not transfer to
    another. It suits images whose parts are always at the same position, such as faces.

    Shapes
    ------
    x (batch, height, width, channels) or (batch, time, channels); h and a (batch,
    \\*outputs, filters). W (\\*outputs, k² channels, filters), or (outputs, k channels,
    filters), has one axis for all weights of a window, in the order (u, v, c); b
    (\\*outputs, filters).

    Parameters
    ----------
    filters : int
        Number of units at each position.
    size : int or tuple of int, default=3
        k: size of a unit's receptive field along each axis.
    stride : int or tuple of int, default=1
        s: positions from one window to the next.
    padding : {"valid", "same", "full"}, int or tuple, default="valid"
        As in :class:`lamina.networks.convolution.conv.Conv`.
    activation : str or callable, default="relu"
    initializer : str, default="glorot_uniform"
        Of W, with fan-in k² channels and fan-out k² filters; b starts at 0.
    use_bias : bool, default=True

    Notes
    -----
    The windows are copied into an array (\\*outputs, batch, k² channels) and multiplied
    by the weights in one batched product. They take batch / filters times the memory of
    the weights themselves. Adding k² products of shifted images instead took 0.9 and
    1.4 times as long (28 × 28 × 1, 5 × 5, 8 filters; 12 × 12 × 16, 3 × 3, 32 filters;
    batches of 64, two cores) and two to three times as long to compile.

    References
    ----------
    LeCun (1989), Generalization and network design strategies, in Connectionism in
    perspective, Elsevier. Taigman, Yang, Ranzato & Wolf (2014), DeepFace, CVPR, section
    3. Le et al. (2012), Building high-level features using large scale unsupervised
    learning, ICML, section 3 ("untied weights").
    """

    filters: int
    size: Spatial = 3
    stride: Spatial = 1
    padding: Padding = "valid"
    activation: str | Callable = "relu"
    initializer: str = "glorot_uniform"
    use_bias: bool = True

    portable: ClassVar[bool] = True

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If a number is not an integer or too small, or a name is unknown.
        """
        check_whole(self, "filters")
        for name in ("size", "stride"):
            value = getattr(self, name)
            per_axis(name, value, len(value) if isinstance(value, tuple) else 1)
        check_padding(self.padding)
        activation(self.activation)
        initializer(self.initializer)

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output.

        Raises
        ------
        ValueError
            If a window does not fit.
        """
        positions, channels = positions_of("LocallyConnected", shape), shape[-1]
        size, stride, pads = self._how(positions)
        outputs = windows(positions, size, stride, pads)
        n, n_out = math.prod(size) * channels, math.prod(size) * self.filters
        draw = initializer(self.initializer)
        kernel = (*outputs, n, self.filters)
        params = {"weight": draw(key.fold_in("weight"), kernel, n, n_out)}
        if self.use_bias:
            params["bias"] = np.zeros((*outputs, self.filters))
        return params, (*outputs, self.filters)

    def _how(self, positions: tuple[int, ...]) -> tuple[Any, Any, Any]:
        """Return size, stride and padding of each axis."""
        size = per_axis("size", self.size, len(positions))
        stride = per_axis("stride", self.stride, len(positions))
        return size, stride, padded_positions(self.padding, positions, size, stride)

    def pre_activation(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the pre-activation h."""
        size, stride, pads = self._how(x.shape[1:-1])
        xp, weight = namespace(x), params["weight"]
        if weight.shape[-2] != math.prod(size) * x.shape[-1]:
            raise ValueError(
                f"weights of shape {weight.shape} do not fit windows of size {size} "
                f"with {x.shape[-1]} channels"
            )
        # One batched product over copied windows: adding k² products of shifted images
        # takes 0.9 to 1.4 times as long, and two to three times as long to compile.
        seen = _windows_of(xp.pad(x, ((0, 0), *pads, (0, 0))), size, stride)
        h = xp.moveaxis(seen @ weight, -2, 0)
        return h + params["bias"] if self.use_bias else h

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the activation a."""
        return activation(self.activation)(self.pre_activation(params, x))

    def squared_norms(self, name: str, weight: Array) -> Any:
        """Return ‖W‖² of each unit at each position: over the axis of its window."""
        return (weight * weight).sum(axis=-2, keepdims=True)

    def flops(self, params: dict, shape: tuple[int, ...]) -> int:
        """Return multiplications and additions of one example: two per weight."""
        return 2 * int(np.size(params["weight"]))


def _windows_of(x: Array, size: tuple[int, ...], stride: tuple[int, ...]) -> Any:
    """Return the inputs of each window: (\\*outputs, batch, weights of a window)."""
    xp = namespace(x)
    x = xp.moveaxis(x, 0, -2)
    axes = list(zip(x.shape, size, stride, strict=False))
    parts = []
    for start in product(*map(range, size)):
        cut = [
            slice(u, n - k + u + 1, s) for u, (n, k, s) in zip(start, axes, strict=True)
        ]
        parts.append(x[tuple(cut)])
    return xp.concatenate(parts, -1)
