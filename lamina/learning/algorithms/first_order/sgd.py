"""Stochastic gradient descent."""

from collections.abc import Callable
from typing import Any

import jax

from lamina.learning.objectives.objective import value_and_grad, zeros_like
from lamina.learning.protocols import FirstOrder
from lamina.networks.core.arrays import Params, RandomKey
from lamina.networks.core.description import description, is_number


@description
class SGD(FirstOrder):
    """Gradient descent on mini-batches, with momentum.

    Equations
    ---------
        g = ∇E(θ)
        v ← μ v − η g
        θ ← θ + v              heavy ball (Polyak)
        θ ← θ + μ v − η g      Nesterov

    With batch size 1 this is online backpropagation (Rumelhart, Hinton & Williams
    1986). All δ are computed from the old weights before any weight changes.

    Parameters
    ----------
    learning_rate : float, default=0.01
        η.
    momentum : float, default=0
        μ in [0, 1].
    nesterov : bool, default=False

    References
    ----------
    Rumelhart, Hinton & Williams (1986), Learning representations by back-propagating
    errors, Nature 323; Polyak (1964), Some methods of speeding up the convergence of
    iteration methods, USSR Computational Mathematics and Mathematical Physics 4;
    Sutskever, Martens, Dahl & Hinton (2013), On the importance of initialization and
    momentum in deep learning, ICML, equations 3 and 4.
    """

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def check(self) -> None:
        """Reject invalid rates.

        Raises
        ------
        ValueError
            If the learning rate is negative or the momentum not in [0, 1].
        """
        if is_number(self.learning_rate) and not self.learning_rate >= 0:
            raise ValueError(f"learning_rate must be ≥ 0, got {self.learning_rate}")
        if is_number(self.momentum) and not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum must be in [0, 1], got {self.momentum}")

    def init(self, params: Params) -> dict[str, Any]:
        """Return the state before the first step: v = 0."""
        return {"velocity": zeros_like(params)}

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
        eta, mu = self.learning_rate, self.momentum
        v = jax.tree.map(lambda v, g: mu * v - eta * g, state["velocity"], g)
        if self.nesterov:
            params = jax.tree.map(lambda p, v, g: p + mu * v - eta * g, params, v, g)
        else:
            params = jax.tree.map(lambda p, v: p + v, params, v)
        return params, {"velocity": v}, {"loss": loss}
