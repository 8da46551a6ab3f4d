"""Max-norm constraint on the weights into a unit."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from lamina.learning.algorithms.wrappers.wrapper import TINY, Wrapper
from lamina.learning.objectives.weights import is_weight
from lamina.networks.core.arrays import Array
from lamina.networks.core.description import Nested, description, is_number
from lamina.networks.core.layer import Layer


@description
class MaxNorm(Wrapper):
    """Rescale the weights into a unit to a maximum norm after each step.

    Equations
    ---------
        Wⱼ ← Wⱼ min(1, c / ‖Wⱼ‖₂)      Wⱼ: all weights into unit j, no bias

    Parameters
    ----------
    inner : algorithm description
        Whose steps are taken.
    bound : float, default=3
        c.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), Dropout: a simple
    way to prevent neural networks from overfitting, JMLR 15, section 5.1.
    """

    inner: Nested
    bound: float = 3.0

    def check(self) -> None:
        """Reject a bound that is not positive.

        Raises
        ------
        ValueError
            If c ≤ 0.
        """
        if is_number(self.bound) and not self.bound > 0:
            raise ValueError(f"bound must be > 0, got {self.bound}")

    def moved(self, objective: Any, params: Any) -> Any:
        """Return the parameters with the weights into each unit within the bound."""
        # The layer knows along which axes the weights into a unit lie.
        owners = objective.network.owners(params)

        def shortened(path: Sequence[Any], w: Array) -> Any:
            if not is_weight(path):
                return w
            layer, name = owners.get(id(w), (Layer(), ""))
            norm = jnp.sqrt(layer.squared_norms(name, w))
            return w * jnp.minimum(1, self.bound / jnp.maximum(norm, TINY))

        return jax.tree.map_with_path(shortened, params)
