"""Reshaping of examples; the inverse of Flatten."""

import math
from typing import Any, ClassVar

from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer


@description
class Reshape(Layer):
    """Reshape each example.

    Equations
    ---------
        a[i, j, k] = x[(i w + j) c + k]      for shape (h, w, c)

    The last axis varies fastest, as in :class:`Flatten`, whose inverse this is.

    Shapes
    ------
    x (batch, \\*any shape of the same size), a (batch, \\*shape).

    Parameters
    ----------
    shape : tuple of int
        Shape of one example, without the batch axis.
    """

    shape: tuple | list  # stored as a tuple

    portable: ClassVar[bool] = True

    def check(self) -> None:
        """Reject an invalid shape.

        Raises
        ------
        ValueError
            If it is not a tuple of integers of at least 1.
        """
        sides = self.shape if isinstance(self.shape, tuple) else ()
        if not sides or not all(type(n) is int and n > 0 for n in sides):
            raise ValueError(
                "shape must be whole numbers of at least 1, one per axis; got "
                f"{self.shape!r}"
            )

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the shape of one output.

        Raises
        ------
        ValueError
            If an example has a different size.
        """
        if math.prod(shape) != math.prod(self.shape):
            raise ValueError(
                f"cannot reshape examples of shape {tuple(shape)}, which have "
                f"{math.prod(shape)} numbers, to {self.shape}, which has "
                f"{math.prod(self.shape)}"
            )
        return {}, tuple(self.shape)

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        return x.reshape(x.shape[0], *self.shape)
