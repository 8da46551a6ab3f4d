"""Global pooling: one number per channel."""

import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer
from lamina.networks.core.masking import flat_mask
from lamina.networks.functional.activations import namespace

KINDS = ("average", "max")


@description
class GlobalPool(Layer):
    """Pool each channel over all positions.

    Equations
    ---------
        a[c] = (1/n) Σₚ x[p, c]      average, over n positions p
        a[c] = maxₚ x[p, c]          max; ∂a[c]/∂x[p, c] is 1 at the first maximum p,
                                     and 0 elsewhere

    A mask excludes positions (time steps that pad a shorter example).

    Shapes
    ------
    x (batch, \\*positions, channels), mask (batch, \\*positions), a (batch, channels).

    Parameters
    ----------
    kind : {"average", "max"}, default="average"

    References
    ----------
    Lin, Chen & Yan (2014), Network in network, ICLR, section 3.2.
    """

    kind: str = "average"

    portable: ClassVar[bool] = True

    def check(self) -> None:
        """Reject an unknown kind.

        Raises
        ------
        ValueError
            If it is neither "average" nor "max".
        """
        if self.kind not in KINDS:
            raise ValueError(
                f"kind must be one of {', '.join(KINDS)}; got {self.kind!r}"
            )

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the shape of one output.

        Raises
        ------
        ValueError
            If an example has no positions.
        """
        if len(shape) < 2 or 0 in shape:
            raise ValueError(
                "GlobalPool needs examples of shape (positions …, channels), such as "
                f"(28, 28, 1), got shape {tuple(shape)}"
            )
        return {}, (shape[-1],)

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a; 0 for examples whose positions are all masked."""
        pool = _average if self.kind == "average" else _max
        positions = math.prod(x.shape[1:-1])
        real = None if mask is None else flat_mask(mask, x)[..., None]
        return pool(x.reshape(x.shape[0], positions, x.shape[-1]), real)


def _average(x: Array, real: Mask) -> Any:
    if real is None:
        return x.mean(axis=1)
    xp = namespace(x)
    count = xp.maximum(real.sum(axis=1), 1).astype(x.dtype)
    return xp.where(real, x, 0).sum(axis=1) / count


def _max(x: Array, real: Mask) -> Any:
    xp = namespace(x)
    if real is not None:
        # A masked position is never the maximum; examples with nothing else become 0
        # below.
        x = xp.where(real, x, -np.inf)
    a = x.max(axis=1) if xp is np else _first_max(x)
    return a if real is None else xp.where(real.any(axis=1), a, 0).astype(x.dtype)


def _first_max(x: Array) -> Any:
    """Return the maximum over axis 1; its gradient goes to the first maximum only.

    The gradient of ``jnp.max`` is split among equal maxima, and images with a black
    border have many; ``argmax`` takes six times as long on a CPU.
    """
    still = jax.lax.stop_gradient
    position = jnp.arange(x.shape[1])[:, None]
    largest = still(x).max(axis=1, keepdims=True)
    first = jnp.where(still(x) == largest, position, x.shape[1]).min(
        axis=1, keepdims=True
    )
    chosen = jnp.where(position == first, x, 0).sum(axis=1)
    # The value is ``largest``, so a NaN is propagated; the rest is 0 and carries only
    # the gradient.
    return largest[:, 0] + (chosen - still(chosen))
