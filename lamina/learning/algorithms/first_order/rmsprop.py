"""RMSProp."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from lamina.learning.objectives.objective import value_and_grad, zeros_like
from lamina.learning.protocols import FirstOrder
from lamina.networks.core.arrays import Array, Params, RandomKey
from lamina.networks.core.description import description, is_number


@description
class RMSProp(FirstOrder):
    """Gradients divided by a running root of their mean square.

    Equations
    ---------
        g = ∇E(θ)
        v ← ρ v + (1 − ρ) g²
        m ← μ m + η g / (√v + ε)
        θ ← θ − m

    ε is outside the root, as in PyTorch and in Adam; optax puts it inside unless
    ``eps_in_sqrt=False``. With v = 0 at the start the first step has the length
    η / √(1 − ρ) whatever the gradient, about three times that of later ones.

    Parameters
    ----------
    learning_rate : float, default=0.001
        η.
    decay : float, default=0.9
        ρ in [0, 1).
    momentum : float, default=0
        μ in [0, 1].
    epsilon : float, default=1e-8
        ε.

    References
    ----------
    Tieleman & Hinton (2012), Lecture 6.5 – RMSProp: divide the gradient by a running
    average of its recent magnitude, Coursera: Neural Networks for Machine Learning;
    with momentum Graves (2013), Generating sequences with recurrent neural networks,
    arXiv 1308.0850, section 4.2.
    """

    learning_rate: float = 0.001
    decay: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-8

    def check(self) -> None:
        """Reject invalid rates.

        Raises
        ------
        ValueError
            If the learning rate or ε is negative, the decay not in [0, 1) or the
            momentum not in [0, 1].
        """
        for name in ("learning_rate", "epsilon"):
            value = getattr(self, name)
            if is_number(value) and not value >= 0:
                raise ValueError(f"{name} must be ≥ 0, got {value}")
        if is_number(self.decay) and not 0 <= self.decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {self.decay}")
        if is_number(self.momentum) and not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum must be in [0, 1], got {self.momentum}")

    def init(self, params: Params) -> dict[str, Any]:
        """Return the state before the first step: v = m = 0."""
        zeros = zeros_like(params)
        return {"v": zeros, "m": zeros}

    def update(
        self,
        objective: Callable,
        params: Params,
        state: dict,
        batch: Any,
        key: RandomKey,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds the loss before it."""
        loss, g = value_and_grad(objective, params, batch, key)
        eta, rho, mu = self.learning_rate, self.decay, self.momentum
        v = jax.tree.map(lambda v, g: rho * v + (1 - rho) * g * g, state["v"], g)

        def velocity(m: Array, g: Array, v: Array) -> Any:
            return mu * m + eta * g / (jnp.sqrt(v) + self.epsilon)

        m = jax.tree.map(velocity, state["m"], g, v)
        params = jax.tree.map(lambda p, m: p - m, params, m)
        return params, {"v": v, "m": m}, {"loss": loss}
