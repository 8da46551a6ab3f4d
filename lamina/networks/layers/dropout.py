"""Dropout."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from lamina.networks.core.arrays import Mask, RandomKey
from lamina.networks.core.description import description, is_number
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer
from lamina.networks.core.sparse import Examples, SparseRows


@description
class Dropout(Layer):
    """Set each unit to zero at random in every training step.

    Equations
    ---------
        a = m ∘ x / (1 − p),   mᵢ ~ Bernoulli(1 − p)   in training
        a = x                                          in inference mode

    Dividing by 1 − p keeps the expected pre-activation of the next layer, so that no
    rescaling is needed in inference mode.

    Shapes
    ------
    x and a (batch, …), any shape. Sparse rows stay sparse and drop the same entries as
    dense rows.

    Parameters
    ----------
    rate : float, default=0.5
        p, the fraction of units set to zero; 0.2 is usual for inputs.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), Dropout, JMLR 15,
    section 4.
    """

    rate: float = 0.5

    portable: ClassVar[bool] = True
    stepwise: ClassVar[bool] = True
    drops: ClassVar[bool] = True

    def check(self) -> None:
        """Reject invalid rates.

        Raises
        ------
        ValueError
            If the rate is not in [0, 1).
        """
        if is_number(self.rate) and not 0 <= self.rate < 1:
            raise ValueError(f"a dropout rate must be in [0, 1), got {self.rate}")

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the unchanged shape."""
        return {}, shape

    def __call__(
        self, params: dict, x: Examples, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a; without a key, x itself."""
        if key is None:
            return x
        if isinstance(x, SparseRows):
            return x.dropped(key, self.rate)
        kept = jax.random.bernoulli(key, 1 - self.rate, x.shape)
        return jnp.where(kept, x / (1 - self.rate), 0).astype(x.dtype)
