"""Penalties on the size of weights."""

from typing import Any

import jax.numpy as jnp

from lamina.learning.objectives.weights import decayed
from lamina.learning.protocols import Term
from lamina.networks.core.arrays import Params
from lamina.networks.core.description import description, is_number


@description
class L2(Term):
    """L2 penalty (weight decay).

    Equations
    ---------
        P(θ) = ½ α Σ W²      over all weights, no biases

    Parameters
    ----------
    strength : float, default=1e-4
        α.
    """

    strength: float = 1e-4

    def check(self) -> None:
        """Reject a negative strength.

        Raises
        ------
        ValueError
            If α < 0.
        """
        _check_strength(self)

    def penalty(self, params: Params) -> Any:
        """Return ½ α Σ W²."""
        return 0.5 * self.strength * sum(jnp.sum(w * w) for w in decayed(params))


@description
class L1(Term):
    """L1 penalty (lasso): it drives many weights to 0.

    Equations
    ---------
        P(θ) = λ Σ |W|      over all weights, no biases

    Parameters
    ----------
    strength : float, default=1e-4
        λ.
    """

    strength: float = 1e-4

    def check(self) -> None:
        """Reject a negative strength.

        Raises
        ------
        ValueError
            If λ < 0.
        """
        _check_strength(self)

    def penalty(self, params: Params) -> Any:
        """Return λ Σ |W|."""
        return self.strength * sum(jnp.sum(jnp.abs(w)) for w in decayed(params))


def penalties(l2: float | None, l1: float | None = None) -> tuple[Term, ...]:
    """Return penalties of these strengths, without those of 0 or None."""
    return (*([L2(l2)] if l2 else []), *([L1(l1)] if l1 else []))


def _check_strength(term: L1 | L2) -> None:
    if is_number(term.strength) and not term.strength >= 0:
        raise ValueError(f"strength must be ≥ 0, got {term.strength}")
