"""The transposed convolution."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from lamina.networks.convolution.conv import (
    Conv,
    Geometry,
    convolve,
    input_gradient,
    weight_gradient,
)
from lamina.networks.convolution.spatial import (
    Padding,
    Spatial,
    padded_positions,
    per_axis,
    positions_of,
)
from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import check_whole, description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Activated
from lamina.networks.functional.activations import activation, namespace
from lamina.networks.functional.initializers import initializer


@description
class ConvTranspose(Activated):
    """Transposed convolution: the adjoint of the :class:`Conv` with the same fields.

    Equations
    ---------
        ⟨Conv x, y⟩ = ⟨x, ConvTranspose y⟩       for all x and y, without b and φ
        h[i, f] = Σ_o Σ_u Σ_c y[o, c] W[u, f, c] + b[f]     over s o + d u − p = i
        a = φ(h)

    with stride s, dilation d and padding p: each position o of the input y adds its
    weighted filter to the output. It computes what backpropagation through Conv does,
    so it is not an inverse ("deconvolution") of Conv.

    n positions give (n − 1) s + d (k − 1) + 1 − P, with P the total padding: with a
    stride, the smallest size that Conv maps to n positions. ``padding="same"`` gives n
    s, ``"full"`` removes d (k − 1) at either end.

    Shapes
    ------
    y (batch, height, width, channels) or (batch, time, channels); W (k, k,
    filters / groups, channels) or (k, filters / groups, channels), as in the Conv from
    ``filters`` to ``channels``; b (filters,); h and a (batch, …, filters).

    Parameters
    ----------
    filters : int
        Channels of the output.
    size, stride, padding, dilation, groups, activation, use_bias, flip
        As in :class:`Conv`.
    initializer : str, default="glorot_uniform"
        Of W, with fan-in k² channels / (groups s²), the number of weights per output; b
        starts at 0.

    References
    ----------
    Zeiler, Krishnan, Taylor & Fergus (2010), Deconvolutional networks, CVPR. Dumoulin &
    Visin (2016), A guide to convolution arithmetic for deep learning, arXiv:1603.07285,
    chapter 4 (sizes). Long, Shelhamer & Darrell (2015), Fully convolutional networks
    for semantic segmentation, CVPR, section 3.3.
    """

    filters: int
    size: Spatial = 3
    stride: Spatial = 1
    padding: Padding = "valid"
    dilation: Spatial = 1
    groups: int = 1
    activation: str | Callable = "relu"
    initializer: str = "glorot_uniform"
    use_bias: bool = True
    flip: bool = False

    def check(self) -> None:
        """Reject invalid fields, as Conv does.

        Raises
        ------
        ValueError
            If a number is not an integer or too small, or a name is unknown.
        """
        Conv(**vars(self))
        check_whole(self, "filters", "groups")

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output.

        Raises
        ------
        ValueError
            If the padding leaves no positions, or groups do not divide the channels.
        """
        positions, channels = positions_of("ConvTranspose", shape), shape[-1]
        if channels % self.groups:
            raise ValueError(
                f"groups={self.groups} must divide the number of channels, {channels}"
            )
        outputs, how = self._how(positions)
        size = per_axis("size", self.size, len(positions))
        kernel = (*size, self.filters // self.groups, channels)
        # With a stride, only every s-th weight along an axis meets an output.
        met = math.prod(size) * channels // self.groups // math.prod(how.stride)
        n_out = math.prod(size) * self.filters // self.groups
        draw = initializer(self.initializer)
        params = {"weight": draw(key.fold_in("weight"), kernel, max(1, met), n_out)}
        if self.use_bias:
            params["bias"] = np.zeros(self.filters)
        return params, (*outputs, self.filters)

    def _how(self, positions: tuple[int, ...]) -> tuple[tuple[int, ...], Geometry]:
        """Return the positions of the output, and the geometry of the convolution."""
        axes = len(positions)
        stride = per_axis("stride", self.stride, axes)
        dilation = per_axis("dilation", self.dilation, axes)
        how = Geometry(stride, ((0, 0),) * axes, dilation, self.groups)
        reach = how.reach(per_axis("size", self.size, axes))
        if self.padding == "same":
            outputs = tuple([n * s for n, s in zip(positions, stride, strict=True)])
        else:  # the padding does not depend on the positions
            pads = padded_positions(self.padding, positions, reach, stride)
            each = zip(positions, stride, reach, pads, strict=True)
            outputs = tuple([(n - 1) * s + k - sum(p) for n, s, k, p in each])
        if min(outputs) < 1:
            raise ValueError(
                f"ConvTranspose maps {positions} positions to {outputs} with "
                f"padding={self.padding!r}: use less padding or a larger input"
            )
        pads = padded_positions(self.padding, outputs, reach, stride)
        return outputs, how._replace(pads=pads)

    def pre_activation(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the pre-activation h."""
        weight = params["weight"]
        positions = x.shape[1:-1]
        if self.flip:
            weight = weight[(slice(None, None, -1),) * len(positions)]
        outputs, how = self._how(positions)
        h = convolve_back(x, weight, outputs, how)
        return h + params["bias"] if self.use_bias else h

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the activation a."""
        return activation(self.activation)(self.pre_activation(params, x))

    def squared_norms(self, name: str, weight: Array) -> Any:
        """Return ‖W_f‖² of each filter f of each group, over positions and channels."""
        *size, filters, channels = weight.shape
        squares = (weight * weight).sum(axis=tuple(range(len(size))))
        groups = squares.reshape(filters, self.groups, channels // self.groups)
        one = groups.sum(axis=-1, keepdims=True)
        each = namespace(weight).broadcast_to(one, groups.shape)
        return each.reshape(filters, channels)

    def flops(self, params: dict, shape: tuple[int, ...]) -> int:
        """Return multiplications and additions of one example of that shape."""
        return 2 * math.prod(shape[:-1]) * int(np.size(params["weight"]))


def convolve_back(
    x: Array, weight: Array, outputs: tuple[int, ...], how: Geometry
) -> Any:
    """Return the adjoint of ``convolve`` with these weights, applied to x.

    Shapes: x (batch, \\*positions, channels), weight (\\*size, filters / groups,
    channels); the result (batch, \\*outputs, filters).
    """
    if len(how.stride) == 1:  # an image of height 1
        flat = convolve_back(x[:, None], weight[None], (1, *outputs), how.flat())
        return flat[:, 0]
    if jax.default_backend() != "cpu":
        return _spread(how, outputs, x, weight)
    return _convolve_back(how, outputs, x, weight)


def _spread(how: Geometry, outputs: tuple[int, ...], x: Array, weight: Array) -> Any:
    filters = weight.shape[-2] * how.groups
    return input_gradient(x, weight, (x.shape[0], *outputs, filters), how)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _convolve_back(
    how: Geometry, outputs: tuple[int, ...], x: Array, weight: Array
) -> Any:
    """Return the same; its gradients are Conv's forward pass and weight gradient.

    Those of automatic differentiation are slow, see :func:`convolve`: in a compiled
    loop a step took 16 to 32 times as long (three layers of 7 × 7 to 28 × 28 positions,
    batches of 64, two cores).
    """
    return _spread(how, outputs, x, weight)


def _forward(how: Geometry, outputs: tuple[int, ...], x: Array, weight: Array) -> Any:
    return _spread(how, outputs, x, weight), (x, weight)


def _backward(
    how: Geometry, outputs: tuple[int, ...], kept: tuple[Array, Array], delta: Array
) -> tuple[Any, Any]:
    x, weight = kept
    # The adjoint of the adjoint is the convolution itself.
    by_x = convolve(delta, weight, how)
    return by_x, weight_gradient(delta, x, weight.shape, how)


_convolve_back.defvjp(_forward, _backward)
