"""Learning of deep Boltzmann machines."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from lamina.learning.algorithms.energy.contrastive_divergence import loss_limit
from lamina.learning.objectives.objective import (
    Batch,
    Objective,
    total_weight,
    zeros_like,
)
from lamina.learning.protocols import FirstOrder, Needs
from lamina.networks.core.arrays import Array
from lamina.networks.core.description import check_whole, description, is_number
from lamina.networks.energy import dbm
from lamina.networks.network import Network


@description
class MeanFieldLearning(FirstOrder):
    """Variational training of a deep Boltzmann machine with persistent chains.

    Equations
    ---------
        μ = mean field of v                           see lamina.networks.energy.dbm
        even layers ~ P(even | odd)                   k Gibbs steps
        odd layers ~ P(odd | even)
        ℓ = ⟨E(v, μ)⟩ − ⟨E(even, P(odd | even))⟩
        g = ∂ℓ/∂θ + α W / Σw                          μ and the chains held constant
        V ← μ₀ V − η g,   θ ← θ + V

    ⟨·⟩ is the mean over examples by their weights w, or over the chains. A step raises
    the mean-field bound on the likelihood. With a single RBM this is persistent
    contrastive divergence.

    Parameters
    ----------
    learning_rate : float, default=0.01
        η; keep it small, as the chains have to track the model.
    steps : int, default=1
        k.
    chains : int, default=100
    updates : int, default=10
        Mean-field updates per example.
    momentum : float, optional
        μ₀ in [0, 1); by default there is none, and no V.

    References
    ----------
    Salakhutdinov & Hinton (2009), Deep Boltzmann machines, AISTATS, section 2.2 and
    algorithm 1.
    """

    # ℓ is a difference of two energies: it stays around 0 and says nothing about
    # progress.
    needs: ClassVar[Needs] = Needs(first_order=True, lowers_loss=False)

    learning_rate: float = 0.01
    steps: int = 1
    chains: int = 100
    updates: int = 10
    momentum: float | None = None

    def check(self) -> None:
        """Reject invalid hyperparameters.

        Raises
        ------
        ValueError
            If the rate is negative, the momentum not in [0, 1), or there are no steps,
            chains or updates.
        """
        check_whole(self, "steps", "chains", "updates")
        if is_number(self.learning_rate) and not self.learning_rate >= 0:
            raise ValueError(f"learning_rate must be ≥ 0, got {self.learning_rate}")
        momentum: Any = self.momentum
        if is_number(momentum) and not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {momentum}")

    def init(self, params: Sequence[Any]) -> dict[str, Any]:
        """Return the state before the first step: V = 0, all chains off.

        Raises
        ------
        ValueError
            If the network is not a stack of RBMs.
        """
        names = {"weight", "visible_bias", "bias"}
        if not params or any(set(own) != names for own in params):
            raise ValueError("mean-field learning trains a network of RBM layers")
        odd = [own["bias"] for own in params[::2]]
        shapes = [(self.chains, bias.shape[-1]) for bias in odd]
        state: dict[str, Any] = {
            "chains": tuple([np.zeros(shape, odd[0].dtype) for shape in shapes])
        }
        if self.momentum is not None:
            state["velocity"] = zeros_like(params)
        return state

    def loss_limit(self, network: Network, params: Sequence[Any]) -> float:
        """Return the ℓ beyond which the model has diverged.

        See :func:`lamina.learning.algorithms.energy.contrastive_divergence.loss_limit`.
        """
        return loss_limit(network, params)

    def update(
        self,
        objective: Objective,
        params: Sequence[Any],
        state: dict,
        batch: Batch,
        key: Any,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds ℓ before it, the penalty included."""
        layers, total = objective.network.layers, total_weight(batch)
        share, real = batch.weight / total, jnp.sum(batch.weight) > 0
        x = jnp.asarray(batch.x)  # raises on sparse rows: μ is dense
        means = dbm.mean_field(layers, params, x, self.updates)
        # A batch of padding only has no step: the chains then count 0 as well.
        chain_share = jnp.where(real, 1 / self.chains, 0)

        def step(s: Array | int, odd: tuple) -> Any:
            return dbm.drawn(dbm.sweep(layers, params, odd, key, s), key, s)

        odd = jax.lax.fori_loop(1, self.steps, step, state["chains"])
        states = dbm.sweep(layers, params, odd, key, self.steps)

        # `means` and `states` enter as constants, so the gradient does not pass through
        # the mean-field updates.
        def contrast(params: Any) -> Any:
            data = jnp.sum(share * dbm.energy(layers, params, means))
            model = jnp.sum(chain_share * dbm.energy(layers, params, states))
            return data - model + objective.penalty(params) / total

        loss, g = jax.value_and_grad(contrast)(params)
        moved = jax.tree.map(lambda g: -self.learning_rate * g, g)
        state = {**state, "chains": dbm.drawn(states, key, self.steps)}
        if self.momentum is not None:
            mu = self.momentum
            moved = jax.tree.map(lambda v, m: mu * v + m, state["velocity"], moved)
            state["velocity"] = moved
        return jax.tree.map(jnp.add, params, moved), state, {"loss": loss}
