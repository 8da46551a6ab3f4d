"""Gradient clipping."""

from typing import Any

import jax
import jax.numpy as jnp

from lamina.learning.algorithms.wrappers.wrapper import TINY, Wrapper
from lamina.networks.core.arrays import Params
from lamina.networks.core.description import Nested, description, is_number


@description
class ClipValue(Wrapper):
    """Clip each component of the gradient to [−c, c].

    Equations
    ---------
        g ← clip(g, −c, c)

    Parameters
    ----------
    inner : algorithm description
        Whose steps follow g.
    bound : float, default=1
        c.
    """

    inner: Nested
    bound: float = 1.0

    def check(self) -> None:
        """Reject a bound that is not positive.

        Raises
        ------
        ValueError
            If c ≤ 0.
        """
        _check_bound(self)

    def gradient(self, g: Params) -> Any:
        """Return g, clipped."""
        c = self.bound
        return jax.tree.map(lambda g: jnp.clip(g, -c, c), g)


@description
class ClipNorm(Wrapper):
    """Clip the norm of the gradient of all parameters together.

    Equations
    ---------
        g ← g min(1, c / ‖g‖₂)

    Parameters
    ----------
    inner : algorithm description
        Whose steps follow g.
    bound : float, default=1
        c.

    References
    ----------
    Pascanu, Mikolov & Bengio (2013), On the difficulty of training recurrent neural
    networks, ICML, algorithm 1.
    """

    inner: Nested
    bound: float = 1.0

    def check(self) -> None:
        """Reject a bound that is not positive.

        Raises
        ------
        ValueError
            If c ≤ 0.
        """
        _check_bound(self)

    def gradient(self, g: Params) -> Any:
        """Return g, rescaled if it is too long."""
        norm = jnp.sqrt(sum(jnp.sum(leaf * leaf) for leaf in jax.tree.leaves(g)))
        factor = jnp.minimum(1, self.bound / jnp.maximum(norm, TINY))
        return jax.tree.map(lambda g: factor * g, g)


def _check_bound(wrapper: ClipNorm | ClipValue) -> None:
    if is_number(wrapper.bound) and not wrapper.bound > 0:
        raise ValueError(f"bound must be > 0, got {wrapper.bound}")
