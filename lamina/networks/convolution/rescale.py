"""Rescaling: bytes of an image become values around 0."""

from typing import Any, ClassVar

import jax.numpy as jnp

from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer


def floating(x: Array) -> Any:
    """Return x as floating-point numbers; floats are returned unchanged.

    Integers become JAX's default type: float32, or float64 under ``jax.enable_x64``.
    """
    if jnp.issubdtype(x.dtype, jnp.floating):
        return x
    return x.astype(jnp.result_type(float))


@description
class Rescale(Layer):
    """Shift and scale the inputs.

    Equations
    ---------
        a = (x − shift) factor

    As a first layer it lets images stay bytes, a quarter of the memory, until the
    compiled step. Both numbers are leaves: those of another data set compile nothing.

    Shapes
    ------
    x and a (batch, …), any shape. x may be integers; a is floating-point, see
    :func:`floating`.

    Parameters
    ----------
    shift : float, default=0
        Subtracted; for instance the mean of the training data.
    factor : float, default=1/255
        The default maps bytes to [0, 1].
    """

    shift: float = 0.0
    factor: float = 1 / 255

    portable: ClassVar[bool] = True
    stepwise: ClassVar[bool] = True

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the unchanged shape."""
        return {}, shape

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        x = floating(x)
        return ((x - self.shift) * self.factor).astype(x.dtype)
