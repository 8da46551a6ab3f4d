"""Upsampling: the counterpart of a pool."""

from typing import Any, ClassVar

from lamina.networks.convolution.spatial import Spatial, per_axis, positions_of
from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer
from lamina.networks.functional.activations import namespace

METHODS = ("nearest", "bilinear")

LARGEST = 256
"""Maximum factor: a larger one is a mistake, and a file may hold any number."""


@description
class Upsample(Layer):
    """Upsample by ``factor`` along each axis.

    Equations
    ---------
        a[i] = x[⌊i / f⌋]                                   nearest
        a[i] = (1 − t) x[q] + t x[q + 1],                   bilinear
               q + t = (i + ½) / f − ½,   q whole, 0 ≤ t < 1

    along each axis in turn, with factor f. Beyond the border x is extended by its
    border values. The centres of new positions are spaced evenly within the old
    position, so that an image neither shifts nor shrinks ("half-pixel centres").

    Shapes
    ------
    x (batch, height, width, channels) or (batch, time, channels); a with f times as
    many positions along each axis.

    Parameters
    ----------
    factor : int or tuple of int, default=2
        f; one for each axis, if they differ.
    method : {"nearest", "bilinear"}, default="nearest"

    References
    ----------
    Gonzalez & Woods (2018), Digital image processing, 4th edition, section 2.4; Odena,
    Dumoulin & Olah (2016), Deconvolution and checkerboard artifacts, Distill: why
    upsampling followed by a convolution works better than a strided transposed
    convolution. Long, Shelhamer & Darrell (2015), Fully convolutional networks for
    semantic segmentation, CVPR, section 3.3.
    """

    factor: Spatial = 2
    method: str = "nearest"

    portable: ClassVar[bool] = True

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If a factor is not an integer or too large, or the method is unknown.
        """
        axes = len(self.factor) if isinstance(self.factor, tuple) else 1
        if max(per_axis("factor", self.factor, axes)) > LARGEST:
            raise ValueError(f"factor must be at most {LARGEST}, got {self.factor!r}")
        if self.method not in METHODS:
            raise ValueError(
                f"method must be one of {', '.join(METHODS)}; got {self.method!r}"
            )

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the shape of one output.

        Raises
        ------
        ValueError
            If an example has no spatial axes, or there are more or fewer factors than
            axes.
        """
        positions = positions_of("Upsample", shape)
        factors = per_axis("factor", self.factor, len(positions))
        more = [n * f for n, f in zip(positions, factors, strict=True)]
        return {}, (*more, shape[-1])

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        finer = _nearest if self.method == "nearest" else _linear
        factors = per_axis("factor", self.factor, x.ndim - 2)
        for axis, factor in enumerate(factors, start=1):
            if factor > 1:
                x = finer(x, axis, factor)
        return x


def _nearest(x: Array, axis: int, factor: int) -> Any:
    """Return x with each position repeated; a broadcast, whose gradient is a sum."""
    xp, before, after = namespace(x), x.shape[: axis + 1], x.shape[axis + 1 :]
    repeated = xp.broadcast_to(xp.expand_dims(x, axis + 1), (*before, factor, *after))
    return repeated.reshape(_more_positions(x, axis, factor))


def _linear(x: Array, axis: int, factor: int) -> Any:
    """Return x interpolated: new position r of an old one mixes it with a neighbour."""
    xp, n = namespace(x), x.shape[axis]
    ahead = (slice(None),) * axis
    first, last = x[(*ahead, slice(0, 1))], x[(*ahead, slice(n - 1, n))]
    left = xp.concatenate([first, x[(*ahead, slice(0, n - 1))]], axis)
    right = xp.concatenate([x[(*ahead, slice(1, n))], last], axis)
    mixed = []
    for r in range(factor):
        off = (r + 0.5) / factor - 0.5  # from the centre of the old position
        neighbour = left if off < 0 else right
        mixed.append((1 - abs(off)) * x + abs(off) * neighbour)
    return xp.stack(mixed, axis + 1).reshape(_more_positions(x, axis, factor))


def _more_positions(x: Array, axis: int, factor: int) -> tuple[int, ...]:
    return (*x.shape[:axis], x.shape[axis] * factor, *x.shape[axis + 1 :])
