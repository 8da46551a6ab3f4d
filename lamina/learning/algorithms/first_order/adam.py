"""Adam."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamina.learning.objectives.objective import value_and_grad, zeros_like
from lamina.learning.protocols import FirstOrder
from lamina.networks.core.arrays import Array, Params, RandomKey
from lamina.networks.core.description import description, is_number


@description
class Adam(FirstOrder):
    """Adaptive moment estimation: each weight has its own step size.

    Equations
    ---------
        g = ∇E(θ),   t ← t + 1
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        θ ← θ − η · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)

    Parameters
    ----------
    learning_rate : float, default=0.001
        η.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay rates of the moments, in [0, 1).
    epsilon : float, default=1e-8

    References
    ----------
    Kingma & Ba (2015), Adam: a method for stochastic optimization, ICLR, algorithm 1.
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def check(self) -> None:
        """Reject invalid rates.

        Raises
        ------
        ValueError
            If the learning rate is negative or a decay rate not in [0, 1).
        """
        if is_number(self.learning_rate) and not self.learning_rate >= 0:
            raise ValueError(f"learning_rate must be ≥ 0, got {self.learning_rate}")
        for name in ("beta_1", "beta_2"):
            beta = getattr(self, name)
            if is_number(beta) and not 0 <= beta < 1:
                raise ValueError(f"{name} must be in [0, 1), got {beta}")

    def init(self, params: Params) -> dict[str, Any]:
        """Return the state before the first step: t = 0, m = v = 0."""
        zeros = zeros_like(params)
        return {"t": np.zeros((), np.int32), "m": zeros, "v": zeros}

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
        b1, b2 = self.beta_1, self.beta_2
        t = state["t"] + 1
        m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state["m"], g)
        v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state["v"], g)
        power = t.astype(loss.dtype)
        m_scale, v_scale = 1 / (1 - b1**power), 1 / (1 - b2**power)

        def step(p: Array, m: Array, v: Array) -> Any:
            size = self.learning_rate * m_scale
            return p - size * m / (jnp.sqrt(v * v_scale) + self.epsilon)

        params = jax.tree.map(step, params, m, v)
        return params, {"t": t, "m": m, "v": v}, {"loss": loss}
