"""Sparsity penalties: few active units per example, or few examples per unit."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax.numpy as jnp

from lamina.learning.protocols import Term
from lamina.networks.core.arrays import Array
from lamina.networks.core.description import description, is_number

TINY = 1e-6
"""Mean activities are clipped to this distance from 0 and 1, where KL is infinite."""


@description
class KLSparsity(Term):
    """Penalise units whose mean activity differs from a small target.

    Equations
    ---------
        ρ̂ⱼ = Σᵢ wᵢ aᵢⱼ / Σᵢ wᵢ
        Ω = β Σⱼ KL(ρ ‖ ρ̂ⱼ),   KL(ρ ‖ ρ̂) = ρ ln(ρ / ρ̂) + (1 − ρ) ln((1 − ρ)/(1 − ρ̂))
        E(θ) = Σᵢ wᵢ ℓᵢ / Σᵢ wᵢ + Ω

    The mean is over the examples of a step; with ``batch_size="full"`` it is over all
    examples, as in the reference. Units must be logistic, so that 0 < a < 1.

    Shapes
    ------
    a (batch, …) with units j along all axes but the first, w (batch,).

    Parameters
    ----------
    target : float, default=0.05
        ρ.
    weight : float, default=3
        β.
    layer : int, default=0
        The penalised layer: an index in the order of
        :meth:`lamina.networks.network.Network.trace`.

    References
    ----------
    Ng (2011), Sparse autoencoder, CS294A lecture notes, Stanford, section 3.
    """

    target: float = 0.05
    weight: float = 3.0
    layer: int = 0

    of_batch: ClassVar[bool] = True
    more_than_errors: ClassVar[bool] = True

    def check(self) -> None:
        """Reject invalid hyperparameters.

        Raises
        ------
        ValueError
            If the target is not in (0, 1), or the weight negative.
        """
        if is_number(self.target) and not 0 < self.target < 1:
            raise ValueError(f"target must be in (0, 1), got {self.target}")
        _check_weight(self.weight)

    def activity(self, a: Array, weight: Array, total: Callable) -> Any:
        """Return Ω Σᵢ wᵢ."""
        flat = a.reshape(a.shape[0], -1)
        active, examples = total((weight @ flat, jnp.sum(weight)))
        mean = active / jnp.where(examples > 0, examples, 1)
        mean, rho = jnp.clip(mean, TINY, 1 - TINY), self.target
        on = rho * jnp.log(rho / mean)
        # log1p: 1 − ρ̂ would round small activities away.
        off = (1 - rho) * (jnp.log1p(-rho) - jnp.log1p(-mean))
        return self.weight * jnp.sum(weight) * jnp.sum(on + off)


@description
class L1Sparsity(Term):
    """Penalise activities, so that most of them are near 0 for each example.

    Equations
    ---------
        Ω = λ Σᵢ wᵢ Σⱼ |aᵢⱼ| / Σᵢ wᵢ
        E(θ) = Σᵢ wᵢ ℓᵢ / Σᵢ wᵢ + Ω

    Shapes
    ------
    As of :class:`KLSparsity`.

    Parameters
    ----------
    weight : float, default=0.01
        λ.
    layer : int, default=0
        As of :class:`KLSparsity`.

    Notes
    -----
    Larger weights in the decoder can shrink the penalty without any sparsity; the L2
    penalty (``alpha``) or ``max_norm`` prevents that.

    References
    ----------
    Olshausen & Field (1996), Emergence of simple-cell receptive field properties by
    learning a sparse code for natural images, Nature 381 (S(x) = |x|).
    """

    weight: float = 0.01
    layer: int = 0

    more_than_errors: ClassVar[bool] = True

    def check(self) -> None:
        """Reject invalid weights.

        Raises
        ------
        ValueError
            If the weight is negative.
        """
        _check_weight(self.weight)

    def activity(self, a: Array, weight: Array, total: Callable) -> Any:
        """Return Ω Σᵢ wᵢ."""
        flat = a.reshape(a.shape[0], -1)
        return self.weight * jnp.sum(weight @ jnp.abs(flat))


SPARSITIES = {"kl": KLSparsity, "l1": L1Sparsity}
"""Penalties by name."""


def _check_weight(weight: Any) -> None:
    if is_number(weight) and not 0 <= weight < float("inf"):
        raise ValueError(f"weight must be ≥ 0, got {weight}")
