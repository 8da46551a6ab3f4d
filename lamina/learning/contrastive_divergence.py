"""Contrastive divergence."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamina.learning.objective import Batch, Objective, total_weight, zeros_like
from lamina.networks.description import check_whole, description, is_number
from lamina.networks.rbm import RBM

KEPT = 0.9
"""What the mean activity of hidden units keeps of its past, a step."""


@description
class ContrastiveDivergence:
    """Learning of a restricted Boltzmann machine by short Gibbs chains.

    Equations
    ---------
        h⁰ ~ P(h | v)                                  the chains start at the data,
        h⁰ = the last h of the chains                  or are persistent
        vˢ ~ P(v | hˢ⁻¹),  hˢ ~ P(h | vˢ)              s = 1 … k
        ℓ = ⟨F(v)⟩ − ⟨F(vᵏ)⟩
        g = ∂ℓ/∂θ + α W / Σw                           vᵏ held: as if it were data
        V ← μ V − η g
        θ ← θ + V

    ⟨·⟩ is the mean over examples by their weights w, or over the chains. As k grows the
    gradient of CD-k tends to that of the likelihood; for any k it is a little beside it
    [1]_. Persistent chains [2]_ follow the machine as it changes, and η has to be small
    enough that they can.

    With a sparsity target t, hidden units are to be active so often:

        q ← 0.9 q + 0.1 ⟨P(h | v)⟩
        b ← b − η c (q − t),   W ← W − η c ⟨v⟩ (q − t)ᵀ

    with c the ``sparsity_cost`` ([3]_, section 11).

    Parameters
    ----------
    learning_rate : float, default=0.1
        η.
    steps : int, default=1
        k, Gibbs steps for an update.
    chains : int, optional
        So many persistent chains; by default chains start at the data.
    momentum : float, default=0
        μ in [0, 1).
    sparsity_target : float, optional
        t in (0, 1).
    sparsity_cost : float, default=0.1
        c.

    References
    ----------
    .. [1] Hinton (2002), Training products of experts by minimizing contrastive
       divergence, Neural Computation 14; Carreira-Perpiñán & Hinton (2005), On
       contrastive divergence learning, AISTATS. Decks 003 and 004.
    .. [2] Tieleman (2008), Training restricted Boltzmann machines using approximations
       to the likelihood gradient, ICML; Younes (1999), On the convergence of Markovian
       stochastic algorithms, Stochastics 65.
    .. [3] Hinton (2012), A practical guide to training restricted Boltzmann machines,
       in Neural Networks: Tricks of the Trade.
    """

    learning_rate: float = 0.1
    steps: int = 1
    chains: int | None = None
    momentum: float = 0.0
    sparsity_target: float | None = None
    sparsity_cost: float = 0.1

    def check(self) -> None:
        """Refuse impossible numbers.

        Raises
        ------
        ValueError
            If the rate or the cost is negative, the momentum not in [0, 1), the target
            not between 0 and 1, or there are no steps or chains.
        """
        check_whole(self, "steps")
        if self.chains is not None:
            check_whole(self, "chains")
        for name in ("learning_rate", "sparsity_cost"):
            if is_number(getattr(self, name)) and not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be ≥ 0, got {getattr(self, name)}")
        if is_number(self.momentum) and not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {self.momentum}")
        target: Any = self.sparsity_target
        if is_number(target) and not 0 < target < 1:
            raise ValueError(f"sparsity_target must be in (0, 1), got {target}")

    def init(self, params: Any) -> dict[str, Any]:
        """Return the state before the first step: V = 0, chains at h = 0, q = t.

        Raises
        ------
        ValueError
            If the network is not one restricted Boltzmann machine.
        """
        if len(params) != 1 or set(params[0]) != {"weight", "visible_bias", "bias"}:
            raise ValueError("contrastive divergence trains a network of one RBM layer")
        units, dtype = params[0]["bias"].shape[-1], params[0]["bias"].dtype
        state = {"velocity": zeros_like(params)}
        if self.chains is not None:
            state["chains"] = np.zeros((self.chains, units), dtype)
        if self.sparsity_target is not None:
            state["activity"] = np.full(units, self.sparsity_target, dtype)
        return state

    def update(
        self, objective: Objective, params: Any, state: Any, batch: Batch, key: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds ℓ before it, the penalty included."""
        (rbm,), (own,) = objective.network.layers, params
        total, real = total_weight(batch), jnp.sum(batch.weight) > 0
        share = batch.weight / total
        if self.chains is None:
            h, chain_share = rbm.hidden(own, batch.x, jax.random.fold_in(key, 0)), share
        else:
            h, chain_share = state["chains"], jnp.where(real, 1 / self.chains, 0)
        v, h = gibbs(rbm, own, h, self.steps, key)

        def contrast(params: Any) -> Any:
            (own,) = params
            data = jnp.sum(share * rbm.free_energy(own, batch.x))
            model = jnp.sum(chain_share * rbm.free_energy(own, v))
            return data - model + objective.penalty(params) / total

        loss, g = jax.value_and_grad(contrast)(params)
        eta, mu = self.learning_rate, self.momentum
        velocity = jax.tree.map(lambda v, g: mu * v - eta * g, state["velocity"], g)
        params = jax.tree.map(jnp.add, params, velocity)
        state = {**state, "velocity": velocity}
        if self.chains is not None:
            state["chains"] = h
        if self.sparsity_target is not None:
            params, state["activity"] = self._sparser(rbm, params, own, state, batch)
        return params, state, {"loss": loss}

    def _sparser(
        self, rbm: RBM, params: Any, own: dict, state: Any, batch: Batch
    ) -> tuple[Any, Any]:
        """Return parameters moved towards the target, and q."""
        share = (batch.weight / total_weight(batch))[:, None]
        active = jnp.sum(share * rbm(own, batch.x), axis=0)
        q = KEPT * state["activity"] + (1 - KEPT) * active
        step = self.learning_rate * self.sparsity_cost * (q - self.sparsity_target)
        mean = batch.x.T @ share  # (n, 1)
        (moved,) = params
        moved = {
            **moved,
            "weight": moved["weight"] - mean * step,
            "bias": moved["bias"] - step,
        }
        return (moved,), q


def gibbs(rbm: RBM, params: dict, h: Any, steps: int, key: Any) -> tuple[Any, Any]:
    """Return v and h of Gibbs chains (chains, units) after so many steps, from h."""

    def step(s: Any, v_and_h: tuple[Any, Any]) -> tuple[Any, Any]:
        own_key = jax.random.fold_in(key, s + 1)
        v = rbm.seen(params, v_and_h[1], jax.random.fold_in(own_key, 0))
        return v, rbm.hidden(params, v, jax.random.fold_in(own_key, 1))

    first = step(0, (None, h))
    return jax.lax.fori_loop(1, steps, step, first) if steps > 1 else first
