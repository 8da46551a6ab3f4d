"""One number a channel: pooling over all places."""

import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer
from lamina.networks.core.masking import flat_mask
from lamina.networks.functional.activations import namespace

KINDS = ("average", "max")


@description
class GlobalPool(Layer):
    """Pool each channel over all places.

    Equations
    ---------
        a[c] = (1/n) Σₚ x[p, c]      average, over n places p
        a[c] = maxₚ x[p, c]          max; ∂a[c]/∂x[p, c] is 1 at the first maximum p,
                                     and 0 elsewhere

    A mask leaves out places (time steps that only pad a shorter example).

    Shapes
    ------
    x (batch, \\*places, channels), mask (batch, \\*places), a (batch, channels).

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
        """Refuse an unknown kind.

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
            If an example has no places.
        """
        if len(shape) < 2 or 0 in shape:
            raise ValueError(
                "GlobalPool needs examples of shape (places …, channels), such as "
                f"(28, 28, 1), got shape {tuple(shape)}"
            )
        return {}, (shape[-1],)

    def __call__(
        self, params: dict, x: Any, *, key: Any = None, mask: Any = None
    ) -> Any:
        """Return a; 0 for examples of which every place is masked."""
        pool = _average if self.kind == "average" else _max
        positions = math.prod(x.shape[1:-1])
        real = None if mask is None else flat_mask(mask, x)[..., None]
        return pool(x.reshape(x.shape[0], positions, x.shape[-1]), real)


def _average(x: Any, real: Any) -> Any:
    if real is None:
        return x.mean(axis=1)
    xp = namespace(x)
    count = xp.maximum(real.sum(axis=1), 1).astype(x.dtype)
    return xp.where(real, x, 0).sum(axis=1) / count


def _max(x: Any, real: Any) -> Any:
    xp = namespace(x)
    if real is not None:
        x = xp.where(real, x, -np.inf)
    a = x.max(axis=1) if xp is np else _first_max(x)
    return a if real is None else xp.where(real.any(axis=1), a, 0).astype(x.dtype)


def _first_max(x: Any) -> Any:
    """Return the maximum over axis 1, whose derivative goes to its first place only.

    The derivative of ``jnp.max`` is shared among equal places, and images with a
    black border have many; and ``argmax`` takes six times as long on a CPU.
    """
    still = jax.lax.stop_gradient
    position = jnp.arange(x.shape[1])[:, None]
    largest = still(x).max(axis=1, keepdims=True)
    first = jnp.where(still(x) == largest, position, x.shape[1]).min(
        axis=1, keepdims=True
    )
    chosen = jnp.where(position == first, x, 0).sum(axis=1)
    # The value is ``largest``, which also says so where a number is NaN.
    return largest[:, 0] + (chosen - still(chosen))
