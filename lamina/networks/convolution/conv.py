"""The convolutional layer."""

from collections.abc import Callable
from functools import partial
from itertools import product
from math import gcd
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lamina.networks.convolution.spatial import (
    Padding,
    Spatial,
    check_padding,
    interleaved,
    padded_positions,
    per_axis,
    positions_of,
    windows,
)
from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import check_whole, description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Activated
from lamina.networks.functional.activations import activation
from lamina.networks.functional.initializers import initializer

LAYOUT = ("NHWC", "HWIO", "NHWC")


@description
class Conv(Activated):
    """Convolutional layer: the same filters at every position.

    Equations
    ---------
        h[i, j, f] = Σ_u Σ_v Σ_c x[s i + d u − p, s j + d v − p, c] W[u, v, c, f] + b[f]
        a = φ(h)

    with stride s, dilation d and p zeros of padding before the first position. This is
    the cross-correlation of x with W. ``flip=True`` gives the true convolution, which
    uses W[k−1−u, k−1−v] in place of W[u, v]: the same function with the weights rotated
    by 180°. Along an axis of n positions with P zeros of padding in total there are
    ⌊(n − d (k − 1) − 1 + P) / s⌋ + 1 outputs; each filter has one bias.

    Shapes
    ------
    x (batch, height, width, channels) or (batch, time, channels); W (k, k, channels /
    groups, filters) or (k, channels / groups, filters); b (filters,); h and a (batch,
    …, filters).

    Parameters
    ----------
    filters : int
        Number of filters, the channels of the output.
    size : int or tuple of int, default=3
        k: size of the filters along each axis.
    stride : int or tuple of int, default=1
        s: positions from one window to the next.
    padding : {"valid", "same", "full"}, int or tuple, default="valid"
        "valid" adds no zeros, "same" as many as give ⌈n/s⌉ outputs, "full" k − 1 on
        every side. Otherwise a number, one for each axis, or a pair (before, after) for
        each axis.
    dilation : int or tuple of int, default=1
        d: positions from one weight of a filter to the next.
    groups : int, default=1
        Number of separate groups of channels and filters; with as many groups as
        channels this is a depthwise convolution.
    activation : str or callable, default="relu"
    initializer : str, default="glorot_uniform"
        Of W, with fan-in k² channels / groups; b starts at 0.
    use_bias : bool, default=True
    flip : bool, default=False

    References
    ----------
    LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document
    recognition, Proc. IEEE 86, section II. Dumoulin & Visin (2016), A guide to
    convolution arithmetic for deep learning, arXiv:1603.07285 (sizes; docs/errata.md
    lists common misprints of them).
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

    on_one_core: ClassVar[bool] = True  # XLA's convolutions in a loop, on a CPU

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If a number is not an integer or too small, or a name is unknown.
        """
        check_whole(self, "filters", "groups")
        for name in ("size", "stride", "dilation"):
            value = getattr(self, name)
            per_axis(name, value, len(value) if isinstance(value, tuple) else 1)
        check_padding(self.padding)
        activation(self.activation)
        initializer(self.initializer)
        if self.filters % self.groups:
            raise ValueError(
                f"filters must be a multiple of groups, got filters={self.filters} "
                f"and groups={self.groups}"
            )

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output.

        Raises
        ------
        ValueError
            If a filter does not fit, or groups do not divide the channels.
        """
        positions, channels = positions_of("Conv", shape), shape[-1]
        if channels % self.groups:
            raise ValueError(
                f"groups={self.groups} must divide the number of channels, {channels}"
            )
        how = self._how(positions)
        size = per_axis("size", self.size, len(positions))
        kernel = (*size, channels // self.groups, self.filters)
        n = int(np.prod(kernel[:-1]))
        n_out = int(np.prod(size)) * self.filters // self.groups
        draw = initializer(self.initializer)
        params = {"weight": draw(key.fold_in("weight"), kernel, n, n_out)}
        if self.use_bias:
            params["bias"] = np.zeros(self.filters)
        outputs = windows(positions, how.reach(size), how.stride, how.pads)
        return params, (*outputs, self.filters)

    def _how(self, positions: tuple[int, ...]) -> "Geometry":
        axes = len(positions)
        size = per_axis("size", self.size, axes)
        stride = per_axis("stride", self.stride, axes)
        dilation = per_axis("dilation", self.dilation, axes)
        how = Geometry(stride, ((0, 0),) * axes, dilation, self.groups)
        pads = padded_positions(self.padding, positions, how.reach(size), stride)
        return how._replace(pads=pads)

    def pre_activation(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the pre-activation h."""
        weight = params["weight"]
        positions = x.shape[1:-1]
        if self.flip:
            weight = weight[(slice(None, None, -1),) * len(positions)]
        h = convolve(x, weight, self._how(positions))
        return h + params["bias"] if self.use_bias else h

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return the activation a."""
        return activation(self.activation)(self.pre_activation(params, x))

    def flops(self, params: dict, shape: tuple[int, ...]) -> int:
        """Return multiplications and additions of one example of that shape."""
        positions, weight = tuple(shape[:-1]), params["weight"]
        how = self._how(positions)
        outputs = windows(positions, how.reach(weight.shape[:-2]), how.stride, how.pads)
        return 2 * int(np.prod(outputs)) * int(np.prod(weight.shape))


class Geometry(NamedTuple):
    """Geometry of a convolution: stride, padding before and after, dilation, groups."""

    stride: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1

    def reach(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of positions that a filter of that size spans."""
        return tuple(
            [d * (k - 1) + 1 for k, d in zip(size, self.dilation, strict=True)]
        )

    def flat(self) -> "Geometry":
        """Return the same with an axis of height 1 before the time axis."""
        return Geometry(
            (1, *self.stride), ((0, 0), *self.pads), (1, *self.dilation), self.groups
        )


def convolve(x: Array, weight: Array, how: Geometry) -> Any:
    """Return the cross-correlation of x with the weights, without a bias.

    Shapes: x (batch, \\*positions, channels), weight (\\*size, channels / groups,
    filters).

    Notes
    -----
    In a loop compiled by XLA for a CPU, the gradients that automatic differentiation
    writes for a convolution take 20 to 60 times as long as the convolution itself, as
    no fast kernel has their layout. So they are written here as convolutions in a
    layout that has one. Other devices use automatic differentiation.

    An odd number of channels above one is padded with a channel of zeros: the
    convolution of 3 channels with 32 filters of 3 × 3 then took 0.9 to 1.3 ms for 32
    images of 32 × 32 instead of 3.1, its gradient by the weights half the time (one
    core, Zen 4).
    """
    dtype = jnp.result_type(x, weight)
    x, weight = jnp.asarray(x, dtype), jnp.asarray(weight, dtype)
    if len(how.stride) == 1:  # an image of height 1
        return convolve(x[:, None], weight[None], how.flat())[:, 0]
    # Only on a CPU are the automatic gradients slow: 20 to 60 times as slow as the
    # convolution itself, as no fast kernel has their layout.
    if jax.default_backend() != "cpu":
        return _correlate(x, weight, how)
    channels = x.shape[-1]
    # As a matrix product it takes a half to a third of the time of a convolution.
    if how.groups == 1 and weight.shape[:2] == (1, 1):
        return _pointwise(x, weight[0, 0], how)
    # One more channel, of zeros: 3 channels took 3.1 ms, 4 take 0.9 to 1.3.
    if how.groups == 1 and channels > 1 and channels % 2:
        x = jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, 1)))
        weight = jnp.pad(weight, ((0, 0), (0, 0), (0, 1), (0, 0)))
    return _convolve(how, x, weight)


def _pointwise(x: Array, weight: Array, how: Geometry) -> Any:
    """Return the convolution with filters of size 1: a matrix product.

    In a loop it and its gradients took a half to a third of the time of a convolution
    (64 and 256 channels, 16 and 32 positions; no difference with 16 channels).
    """
    s, t = how.stride
    padded = jnp.pad(x, ((0, 0), *how.pads, (0, 0)))
    return padded[:, ::s, ::t] @ weight


def _correlate(
    x: Any, weight: Any, how: Geometry, spread: tuple[int, ...] | None = None
) -> Any:
    return jax.lax.conv_general_dilated(
        x,
        weight,
        how.stride,
        how.pads,
        lhs_dilation=spread,
        rhs_dilation=how.dilation,
        dimension_numbers=LAYOUT,
        feature_group_count=how.groups,
    )


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _convolve(how: Geometry, x: Array, weight: Array) -> Any:
    return _correlate(x, weight, how)


def _forward(how: Geometry, x: Array, weight: Array) -> Any:
    return _correlate(x, weight, how), (x, weight)


def _backward(how: Geometry, kept: tuple[Array, Array], delta: Array) -> Any:
    x, weight = kept
    return (
        input_gradient(delta, weight, x.shape, how),
        weight_gradient(x, delta, weight.shape, how),
    )


_convolve.defvjp(_forward, _backward)


def input_gradient(
    delta: Array, weight: Array, shape: tuple[int, ...], how: Geometry
) -> Any:
    """Return ∂ℓ/∂x for δ = ∂ℓ/∂h: δ, dilated by s, convolved with rotated weights.

    Equations
    ---------
        ∂ℓ/∂x[i, c] = Σ_f Σ_{o, u} δ[o, f] W[u, c, f],   s o + d u − p = i
    """
    # Otherwise XLA convolves δ dilated with zeros: fits took 1.2 to 1.4 times as long.
    if max(how.stride) > 1 and jax.default_backend() == "cpu":
        return _input_gradient_by_phases(delta, weight, shape, how)
    pads = []
    for n, o, reach, s, (before, _) in zip(
        shape[1:-1],
        delta.shape[1:-1],
        how.reach(weight.shape[:-2]),
        how.stride,
        how.pads,
        strict=True,
    ):
        first = reach - 1 - before
        pads.append((first, n - 1 - s * (o - 1) + reach - 1 - first))
    # XLA would read past δ: see `_padded`.
    if max(how.stride) == 1 and min(before for before, _ in pads) < 0:
        delta, pads = _padded(delta, pads), [(0, 0)] * len(pads)
    turned = Geometry((1,) * len(pads), tuple(pads), how.dilation, how.groups)
    return _correlate(delta, _turned(weight, how.groups), turned, how.stride)


def _padded(x: Array, pads: list[tuple[int, int]]) -> Any:
    """Return x padded with zeros, or cropped where a number is negative.

    In single precision, XLA's convolution on a CPU reads past its input if the padding
    before is negative and the padding after positive (openxla/xla, issue 48713).
    """
    around = [(0, 0, 0), *[(*pad, 0) for pad in pads], (0, 0, 0)]
    return jax.lax.pad(x, jnp.zeros((), x.dtype), around)


def _input_gradient_by_phases(
    delta: Array, weight: Array, shape: tuple[int, ...], how: Geometry
) -> Any:
    """Return the same, computed for each position modulo the stride and interleaved.

    Equations
    ---------
        s o + d u − p = s (o + q) + r,   q = ⌊(d u − p) / s⌋

    so the weights u with (d u − p) mod s = r affect the positions r, r + s, … of x and
    no others, with a stride of 1. If XLA convolves δ dilated with zeros instead, a fit
    of three convolutions with strides 1, 2 and 2 took 1.2 to 1.4 times as long.
    """
    befores = [before for before, _ in how.pads]
    axes = zip(
        shape[1:-1],
        delta.shape[1:-1],
        weight.shape[:-2],
        how.stride,
        how.dilation,
        befores,
        strict=True,
    )
    parts = []
    for phases in product(*[_phases(*axis) for axis in axes]):
        positions, weights, pads, dilation = zip(*phases, strict=True)
        own, met = (shape[0], *positions, shape[-1]), weight[weights]
        if 0 in own or not met.size:
            parts.append(jnp.zeros(own, delta.dtype))
        else:
            phase = Geometry((1,) * len(pads), pads, dilation, how.groups)
            parts.append(input_gradient(delta, met, own, phase))
    whole = interleaved(parts, how.stride)
    return whole[:, : shape[1], : shape[2]]


def _phases(n: int, o: int, k: int, s: int, d: int, p: int) -> list[tuple]:
    """Return (number of positions, weights, padding, dilation) of each remainder r."""
    step, apart = (
        s // gcd(s, d),
        d // gcd(s, d),
    )  # of weights, of δ
    found = []
    for r in range(s):
        first = next((u for u in range(step) if (d * u - p) % s == r), k)
        positions, q = len(range(r, n, s)), (d * first - p) // s
        after = o - positions + q + apart * (len(range(first, k, step)) - 1)
        found.append((positions, slice(first, k, step), (-q, after), apart))
    return found


def _turned(weight: Array, groups: int) -> Any:
    """Return weights rotated by 180°, inputs and outputs swapped within each group."""
    *size, inner, filters = weight.shape
    # Without the barrier XLA folds the rotation and the swap into a slow convolution:
    # the gradient by x went from 22.6 to 3.5 ms.
    each = weight[::-1, ::-1].reshape(*size, inner, groups, filters // groups)
    return jax.lax.optimization_barrier(
        each.transpose(0, 1, 4, 3, 2).reshape(*size, filters // groups, groups * inner)
    )


def weight_gradient(
    x: Array, delta: Array, shape: tuple[int, ...], how: Geometry
) -> Any:
    """Return ∂ℓ/∂W for δ = ∂ℓ/∂h: x convolved with δ, summed over the examples.

    Equations
    ---------
        ∂ℓ/∂W[u, c, f] = Σ_n Σ_o x[n, s o + d u − p, c] δ[n, o, f]

    Channels and examples swap their axes, and stride and dilation swap their roles: so
    the sum over examples is the sum over channels of an ordinary convolution.
    """
    if how.groups > 1:
        return _grouped_weight_gradient(x, delta, shape, how)
    pads = []
    for n, o, k, s, d, (before, _) in zip(
        x.shape[1:-1],
        delta.shape[1:-1],
        shape[:-2],
        how.stride,
        how.dilation,
        how.pads,
        strict=True,
    ):
        pads.append((before, s * (o - 1) + 1 + d * (k - 1) - n - before))
    # The barriers make XLA transpose first and then convolve in the layout of its fast
    # kernel; without them it folds the transpositions into a slow convolution. The
    # gradient by W went from 230 to 6.5 ms in a loop.
    x, delta = jax.lax.optimization_barrier(
        (x.transpose(3, 1, 2, 0), delta.transpose(1, 2, 0, 3))
    )
    moved = Geometry(how.dilation, tuple(pads), how.stride)
    gradient = jax.lax.optimization_barrier(_correlate(x, delta, moved))
    return gradient.transpose(1, 2, 0, 3)


def _grouped_weight_gradient(
    x: Array, delta: Array, shape: tuple[int, ...], how: Geometry
) -> Any:
    """Return ∂ℓ/∂W weight by weight, as a product of its inputs and δ."""
    x = jnp.pad(x, ((0, 0), *how.pads, (0, 0)))
    each = delta.reshape(*delta.shape[:-1], how.groups, -1)
    x = x.reshape(*x.shape[:-1], how.groups, -1)
    axes = list(zip(delta.shape[1:-1], how.stride, how.dilation, strict=True))
    gradient = []
    for position in np.ndindex(*shape[:-2]):
        seen = [
            slice(d * u, d * u + s * (o - 1) + 1, s)
            for u, (o, s, d) in zip(position, axes, strict=True)
        ]
        met = x[(slice(None), *seen)]
        gradient.append(jnp.einsum("nijgc,nijgf->cgf", met, each))
    return jnp.stack(gradient).reshape(shape)
