"""From one vector to places and channels: the way back from Flatten."""

import math
from typing import Any, ClassVar

from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer


@description
class Reshape(Layer):
    """Lay the numbers of an example out in another shape.

    Equations
    ---------
        a[i, j, k] = x[(i w + j) c + k]      for shape (h, w, c)

    The last axis runs fastest, as in :class:`Flatten`, which it undoes.

    Shapes
    ------
    x (batch, \\*any shape of as many numbers), a (batch, \\*shape).

    Parameters
    ----------
    shape : tuple of int
        Of one example, the batch left out.
    """

    shape: tuple | list  # kept as a tuple

    portable: ClassVar[bool] = True

    def check(self) -> None:
        """Refuse what is no shape.

        Raises
        ------
        ValueError
            If it is not a tuple of whole numbers of at least 1.
        """
        sides = self.shape if isinstance(self.shape, tuple) else ()
        if not sides or not all(type(n) is int and n > 0 for n in sides):
            raise ValueError(
                "shape must be whole numbers of at least 1, one for each axis; got "
                f"{self.shape!r}"
            )

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the shape of one output.

        Raises
        ------
        ValueError
            If an example has another number of numbers.
        """
        if math.prod(shape) != math.prod(self.shape):
            raise ValueError(
                f"{tuple(shape)} has {math.prod(shape)} numbers, the shape "
                f"{self.shape} has {math.prod(self.shape)}"
            )
        return {}, tuple(self.shape)

    def __call__(
        self, params: dict, x: Any, *, key: Any = None, mask: Any = None
    ) -> Any:
        """Return a."""
        return x.reshape(x.shape[0], *self.shape)
