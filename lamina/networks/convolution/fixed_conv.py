"""Convolution with a given kernel, which is not learnt."""

import math
from typing import Any, ClassVar

import numpy as np

from lamina.networks.convolution.rescale import floating
from lamina.networks.convolution.spatial import (
    Padding,
    check_padding,
    padded_positions,
    positions_of,
    windows,
)
from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer
from lamina.networks.functional.activations import namespace

NINTH = 1 / 9

KERNELS: dict[str, tuple] = {
    "blur": ((NINTH, NINTH, NINTH), (NINTH, NINTH, NINTH), (NINTH, NINTH, NINTH)),
    "sharpen": ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    "sharpen_more": ((0, -2, 0), (-2, 9, -2), (0, -2, 0)),
    "edge_enhance": ((0, 0, 0), (-1, 1, 0), (0, 0, 0)),
    "edge_detect": ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
    "emboss": ((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
}
"""Common image filters. Those that sum to 1 keep the brightness."""


@description
class FixedConv(Layer):
    """Convolve every channel with one given kernel; nothing is learnt.

    Equations
    ---------
        a[i, j, c] = Σ_u Σ_v K[u, v] x[i + u − p, j + v − p, c]

    with p zeros of padding before the first position: the cross-correlation with K.

    Shapes
    ------
    x (batch, height, width, channels) with a 2-D kernel, or (batch, time, channels)
    with a 1-D kernel; a the same, without the border if ``padding="valid"``.

    Parameters
    ----------
    kernel : str or tuple, default="sharpen"
        K: a name from :data:`KERNELS`, rows of numbers, or one row for examples with
        one spatial axis.
    padding : {"same", "valid", "full"}, int or tuple, default="same"
        As in :class:`lamina.networks.convolution.conv.Conv`.

    References
    ----------
    Gonzalez & Woods (2018), Digital image processing, 4th edition, chapter 3.
    """

    kernel: str | tuple = "sharpen"
    padding: Padding = "same"

    portable: ClassVar[bool] = True

    def check(self) -> None:
        """Reject an unknown kernel or padding.

        Raises
        ------
        ValueError
            If the name is unknown, or the kernel is not a row or rows of numbers.
        """
        if isinstance(self.kernel, str) and self.kernel not in KERNELS:
            raise ValueError(
                f"kernel must be one of {', '.join(KERNELS)}, or rows of numbers; got "
                f"{self.kernel!r}"
            )
        try:
            numbers = self._numbers()
        except (TypeError, ValueError):
            numbers = np.empty(0)
        if numbers.ndim not in (1, 2) or not numbers.size:
            raise ValueError(
                "kernel must be a row of numbers, or rows of equal length; got "
                f"{self.kernel!r}"
            )
        if not np.all(np.isfinite(numbers)):
            raise ValueError(f"kernel must have finite numbers, got {self.kernel!r}")
        check_padding(self.padding)

    def _numbers(self) -> np.ndarray:
        kernel = KERNELS[self.kernel] if isinstance(self.kernel, str) else self.kernel
        return np.array(kernel, np.float64)

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the shape of one output.

        Raises
        ------
        ValueError
            If the kernel does not have one axis per spatial axis, or does not fit.
        """
        positions, size = positions_of("FixedConv", shape), self._numbers().shape
        if len(size) != len(positions):
            raise ValueError(
                f"kernel must have {len(positions)} axes, as examples of shape "
                f"{tuple(shape)} have {len(positions)} spatial axes; got {len(size)}"
            )
        ones = (1,) * len(size)
        pads = padded_positions(self.padding, positions, size, ones)
        return {}, (*windows(positions, size, ones, pads), shape[-1])

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a, as a sum of shifted images: one for each nonzero weight."""
        x, kernel, xp = floating(x), self._numbers(), namespace(x)
        ones = (1,) * kernel.ndim
        pads = padded_positions(self.padding, x.shape[1:-1], kernel.shape, ones)
        outputs = windows(x.shape[1:-1], kernel.shape, ones, pads)
        x = xp.pad(x, ((0, 0), *pads, (0, 0)))
        a = xp.zeros((x.shape[0], *outputs, x.shape[-1]), x.dtype)
        for start, weight in np.ndenumerate(kernel):
            if weight:
                ends = zip(start, outputs, strict=True)
                window = tuple(slice(i, i + n) for i, n in ends)
                a = a + float(weight) * x[(slice(None), *window)]
        return a

    def flops(self, params: dict, shape: tuple[int, ...]) -> int:
        """Return multiplications and additions of one example of that shape."""
        _, outputs = self.init(Key(0), shape)
        return 2 * int(np.count_nonzero(self._numbers())) * math.prod(outputs)
