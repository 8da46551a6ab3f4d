"""Flattening of positions and channels to one vector."""

import math
from typing import Any, ClassVar

from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer


@description
class Flatten(Layer):
    """Flatten each example to a vector.

    Equations
    ---------
        a[(i w + j) c + k] = x[i, j, k]      for x of shape (h, w, c)

    The last axis varies fastest, as in NumPy.

    Shapes
    ------
    x (batch, \\*any shape), a (batch, product of that shape).
    """

    portable: ClassVar[bool] = True
    flattens: ClassVar[bool] = True

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the shape of one output."""
        return {}, (math.prod(shape),)

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))
