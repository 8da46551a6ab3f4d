"""Pooling layers."""

from abc import ABC, abstractmethod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import DTypeLike

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
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer

Pads = tuple[tuple[int, int], ...]


class _Pool(Layer, ABC):
    """Base of the pooling layers: windows of a size, moved by a stride.

    ``size`` and ``stride`` are numbers, or one for each axis. The stride defaults to
    the size, so that windows are adjacent and do not overlap.
    """

    size: Spatial
    stride: Spatial | None
    padding: Padding

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If a number is not an integer or too small, or the padding is unknown.
        """
        for name in ("size", "stride"):
            value = getattr(self, name)
            if value is not None:
                per_axis(name, value, len(value) if isinstance(value, tuple) else 1)
        check_padding(self.padding)

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the shape of one output.

        Raises
        ------
        ValueError
            If a window does not fit.
        """
        positions = positions_of(type(self).__name__, shape)
        size, stride, pads = self._how(positions)
        if any(max(p) >= k for p, k in zip(pads, size, strict=True)):
            raise ValueError(
                f"padding={self.padding!r} gives windows of padding only: it must be "
                f"smaller than the size, {self.size}"
            )
        return {}, (*windows(positions, size, stride, pads), shape[-1])

    def _how(self, positions: tuple[int, ...]) -> tuple[Any, Any, Pads]:
        size = per_axis("size", self.size, len(positions))
        stride = self.size if self.stride is None else self.stride
        stride = per_axis("stride", stride, len(positions))
        return size, stride, padded_positions(self.padding, positions, size, stride)

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        size, stride, pads = self._how(x.shape[1:-1])
        return self._pool(x, size, stride, pads)

    @abstractmethod
    def _pool(
        self, x: Array, size: tuple[int, ...], stride: tuple[int, ...], pads: Pads
    ) -> Any:
        """Return a for sizes, strides and pads of each axis."""


@description
class MaxPool(_Pool):
    """The maximum of each window, per channel.

    Equations
    ---------
        a[i, j, c] = max_{u, v < k} x[s i + u − p, s j + v − p, c]
        ∂a/∂x = 1 for the first maximum of the window, row by row; 0 elsewhere

    Shapes
    ------
    x (batch, height, width, channels) or (batch, time, channels); a the same with
    ⌊(n − k + P) / s⌋ + 1 positions along an axis of n with total padding P.

    Parameters
    ----------
    size : int or tuple of int, default=2
        k.
    stride : int or tuple of int, optional
        s; the size by default.
    padding : as in :class:`lamina.networks.convolution.conv.Conv`, default="valid"
        Padding is never the maximum.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), Deep Learning, MIT Press, section 9.3.
    """

    size: Spatial = 2
    stride: Spatial | None = None
    padding: Padding = "valid"

    def _pool(
        self, x: Array, size: tuple[int, ...], stride: tuple[int, ...], pads: Pads
    ) -> Any:
        return max_pool(x, size, stride, pads)


@description
class AveragePool(_Pool):
    """The mean of each window, per channel.

    Equations
    ---------
        a[i, j, c] = mean of x[s i + u − p, s j + v − p, c] over u, v < k

    Only positions of x count, not the padding.

    Shapes
    ------
    As :class:`MaxPool`.

    Parameters
    ----------
    size, stride, padding : as in :class:`MaxPool`

    References
    ----------
    LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document
    recognition, Proc. IEEE 86, section II.A.
    """

    size: Spatial = 2
    stride: Spatial | None = None
    padding: Padding = "valid"

    def _pool(
        self, x: Array, size: tuple[int, ...], stride: tuple[int, ...], pads: Pads
    ) -> Any:
        total = sum_pool(x, size, stride, pads)
        return total / _positions_met(x.shape[1:-1], size, stride, pads, x.dtype)


@description
class SumPool(_Pool):
    """The sum of each window, per channel.

    Equations
    ---------
        a[i, j, c] = Σ_{u, v < k} x[s i + u − p, s j + v − p, c]

    Shapes
    ------
    As :class:`MaxPool`.

    Parameters
    ----------
    size, stride, padding : as in :class:`MaxPool`

    References
    ----------
    LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document
    recognition, Proc. IEEE 86, section II.B (layer S2 adds its inputs).
    """

    size: Spatial = 2
    stride: Spatial | None = None
    padding: Padding = "valid"

    def _pool(
        self, x: Array, size: tuple[int, ...], stride: tuple[int, ...], pads: Pads
    ) -> Any:
        return sum_pool(x, size, stride, pads)


def sum_pool(
    x: Array, size: tuple[int, ...], stride: tuple[int, ...], pads: Pads
) -> Any:
    """Return the sum of each window; padding counts as 0."""
    return jax.lax.reduce_window(
        x,
        np.zeros((), x.dtype),
        jax.lax.add,
        (1, *size, 1),
        (1, *stride, 1),
        ((0, 0), *pads, (0, 0)),
    )


def _positions_met(
    positions: tuple[int, ...],
    size: tuple[int, ...],
    stride: tuple[int, ...],
    pads: Pads,
    dtype: DTypeLike,
) -> np.ndarray:
    """Return the number of unpadded positions in each window (\\*windows, 1)."""
    met = np.ones((), dtype)
    counts = windows(positions, size, stride, pads)
    for n, k, s, (before, _), o in zip(
        positions, size, stride, pads, counts, strict=True
    ):
        first = s * np.arange(o) - before
        along = np.minimum(first + k, n) - np.maximum(first, 0)
        met = met[..., None] * along.astype(dtype)
    return met[..., None]


def max_pool(
    x: Array, size: tuple[int, ...], stride: tuple[int, ...], pads: Pads
) -> Any:
    """Return the maximum of each window; see :class:`MaxPool`.

    Notes
    -----
    XLA's own gradient of a maximum over windows takes 15 to 20 times as long. Here the
    forward pass stores the index of the maximum within each window, and the backward
    pass compares it with each position of the window. (Comparing x with the maximum
    would give the gradient to every one of several equal numbers; the borders of MNIST
    are all equal.)
    """
    if len(size) == 1:
        flat = (1, *size), (1, *stride), ((0, 0), *pads)
        return max_pool(x[:, None], *flat)[:, 0]
    return _max_pool(x.shape, size, stride, pads, x)


def _views(
    x: Array, size: tuple[int, ...], stride: tuple[int, ...], pads: Pads
) -> list[Any]:
    """Return, for each position within a window, the values of all windows there."""
    lowest = np.array(-np.inf, x.dtype)
    x = jnp.pad(x, ((0, 0), *pads, (0, 0)), constant_values=lowest)
    axes = zip(x.shape[1:-1], size, stride, strict=True)
    counts = [(n - k) // s + 1 for n, k, s in axes]
    return [
        x[
            :,
            u : u + stride[0] * (counts[0] - 1) + 1 : stride[0],
            v : v + stride[1] * (counts[1] - 1) + 1 : stride[1],
        ]
        for u, v in np.ndindex(*size)
    ]


def _largest(
    x: Array, size: tuple[int, ...], stride: tuple[int, ...], pads: Pads
) -> Any:
    """Return the maximum; without a gradient, this is a fifth faster than by views."""
    return jax.lax.reduce_window(
        x,
        np.array(-np.inf, x.dtype),
        jax.lax.max,
        (1, *size, 1),
        (1, *stride, 1),
        ((0, 0), *pads, (0, 0)),
    )


# With XLA's own gradient, 2 × 2 windows took 7.4 ms instead of 0.36, 3 × 3 windows with
# stride 2 took 13.1 instead of 0.89.
_max_pool = jax.custom_vjp(
    lambda shape, size, stride, pads, x: _largest(x, size, stride, pads),
    nondiff_argnums=(0, 1, 2, 3),
)


def _max_forward(
    shape: tuple[int, ...],
    size: tuple[int, ...],
    stride: tuple[int, ...],
    pads: Pads,
    x: Array,
) -> Any:
    largest, *others = _views(x, size, stride, pads)
    # One byte per winner where that is enough: it is the only thing kept for the
    # backward pass.
    number = np.int8 if len(others) < 127 else np.int32
    winner = jnp.zeros(largest.shape, number)
    for i, view in enumerate(others, 1):
        # `>`, not `≥`: of equal numbers the first one stays the winner, as in PyTorch.
        winner = jnp.where(view > largest, number(i), winner)
        largest = jnp.maximum(largest, view)
    return largest, winner


def _max_backward(
    shape: tuple[int, ...],
    size: tuple[int, ...],
    stride: tuple[int, ...],
    pads: Pads,
    winner: Array,
    delta: Array,
) -> tuple[Any]:
    """Return ∂ℓ/∂x: position s q + r is number r + s m of window q − m, m = 0, 1, …"""
    whole = [
        -(-(n + before) // s)
        for n, (before, _), s in zip(shape[1:-1], pads, stride, strict=True)
    ]
    most = [-(-k // s) for k, s in zip(size, stride, strict=True)]
    margin = [
        (m - 1, max(0, q - o))
        for m, q, o in zip(most, whole, winner.shape[1:-1], strict=True)
    ]
    wide = ((0, 0), *margin, (0, 0))
    # −1 is no index within a window: added windows have no winner.
    winner = jnp.pad(winner, wide, constant_values=-1)
    delta = jnp.pad(delta, wide)

    def gradient(r: tuple[int, ...]) -> Any:
        """Return the gradient at the positions of remainder r."""
        total = jnp.zeros((shape[0], *whole, shape[-1]), delta.dtype)
        for m in np.ndindex(*most):
            position = [ri + s * mi for ri, s, mi in zip(r, stride, m, strict=True)]
            if any(p >= k for p, k in zip(position, size, strict=True)):
                continue
            asked = [
                slice(top - 1 - mi, top - 1 - mi + q)
                for top, mi, q in zip(most, m, whole, strict=True)
            ]
            seen = (slice(None), *asked)
            won = winner[seen] == position[0] * size[1] + position[1]
            total += jnp.where(won, delta[seen], 0)
        return total

    filled = interleaved([gradient(r) for r in np.ndindex(*stride)], stride)
    inner = tuple(
        slice(before, before + n)
        for n, (before, _) in zip(shape[1:-1], pads, strict=True)
    )
    return (filled[(slice(None), *inner)],)


_max_pool.defvjp(_max_forward, _max_backward)
