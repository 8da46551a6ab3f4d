"""Embedding layer: a trainable vector for each symbol."""

from typing import Any, ClassVar

import jax.numpy as jnp

from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import check_whole, description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer
from lamina.networks.functional.initializers import initializer


@description
class Embedding(Layer):
    """Map each of a fixed number of symbols to a trainable vector.

    Equations
    ---------
        a = E[x],   equal to the one-hot vector of x times E

    Shapes
    ------
    x (batch, …) or (batch, …, 1), integers from 0 to size − 1 of any type; E (size,
    units); a (batch, …, units). Numbers outside this range are clipped to it, and
    fractions are truncated.

    Parameters
    ----------
    size : int
        Number of symbols.
    units : int
        Dimension of the vectors.
    initializer : str, default="normal"
        Initialiser of E.

    References
    ----------
    Bengio, Ducharme, Vincent & Jauvin (2003), A neural probabilistic language model,
    JMLR 3, section 2.
    """

    stepwise: ClassVar[bool] = True

    size: int
    units: int
    initializer: str = "normal"

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If there are no symbols or no units, or the initialiser is unknown.
        """
        check_whole(self, "size", "units")
        initializer(self.initializer)

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output."""
        draw = initializer(self.initializer)
        table = (self.size, self.units)
        weight = draw(key.fold_in("weight"), table, self.size, self.units)
        positions = shape[:-1] if shape[-1:] == (1,) else shape
        return {"weight": weight}, (*positions, self.units)

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        x = x[..., 0] if x.ndim > 1 and x.shape[-1] == 1 else x
        symbols = jnp.asarray(x).astype(jnp.int32)  # first, as size may exceed 255
        return jnp.asarray(params["weight"])[jnp.clip(symbols, 0, self.size - 1)]
