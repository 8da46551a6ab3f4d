"""Contrastive divergence."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from lamina.learning.objectives.objective import (
    Batch,
    Objective,
    total_weight,
    zeros_like,
)
from lamina.learning.objectives.penalties import L2
from lamina.learning.protocols import FirstOrder, Needs
from lamina.networks.core.arrays import Array
from lamina.networks.core.description import check_whole, description, is_number
from lamina.networks.core.random_bits import bernoulli
from lamina.networks.core.sparse import Examples, SparseRows
from lamina.networks.energy.rbm import RBM, chance
from lamina.networks.network import Network

KEPT = 0.9
"""Decay rate per step of the running mean activity of the hidden units."""


@description
class ContrastiveDivergence(FirstOrder):
    """Contrastive divergence: trains an RBM by short Gibbs chains.

    Equations
    ---------
        h⁰ ~ P(h | v)                                  the chains start at the data,
        h⁰ = the last h of the chains                  or are persistent
        vˢ ~ P(v | hˢ⁻¹),  hˢ ~ P(h | vˢ)              s = 1 … k
        ℓ = ⟨F(v)⟩ − ⟨F(vᵏ)⟩
        g = ∂ℓ/∂θ + α W / Σw                           vᵏ held: as if it were data
        V ← μ V − η g
        θ ← θ + V

    ⟨·⟩ is the mean over examples by their weights w, or over the chains. As k grows,
    the gradient of CD-k approaches that of the likelihood; for any finite k it is
    slightly biased [1]_. Persistent chains [2]_ track the model as it changes, so η
    must be small enough for them to keep up.

    A sparsity target t is the desired mean activity of the hidden units:

        q ← 0.9 q + 0.1 ⟨P(h | v)⟩
        b ← b − η c (q − t),   W ← W − η c ⟨v⟩ (q − t)ᵀ

    with c the ``sparsity_cost`` ([3]_, section 11).

    Parameters
    ----------
    learning_rate : float, default=0.1
        η.
    steps : int, default=1
        k, the Gibbs steps per update.
    chains : int, optional
        Number of persistent chains; by default the chains start at the data.
    momentum : float, optional
        μ in [0, 1); by default there is none, and no V.
    sparsity_target : float, optional
        t in (0, 1).
    sparsity_cost : float, default=0.1
        c.

    References
    ----------
    .. [1] Hinton (2002), Training products of experts by minimizing contrastive
       divergence, Neural Computation 14; Carreira-Perpiñán & Hinton (2005), On
       contrastive divergence learning, AISTATS.
    .. [2] Tieleman (2008), Training restricted Boltzmann machines using approximations
       to the likelihood gradient, ICML; Younes (1999), On the convergence of Markovian
       stochastic algorithms, Stochastics 65.
    .. [3] Hinton (2012), A practical guide to training restricted Boltzmann machines,
       in Neural Networks: Tricks of the Trade.
    """

    # ℓ is a difference of two free energies: it stays around 0 and says nothing about
    # progress.
    needs: ClassVar[Needs] = Needs(first_order=True, lowers_loss=False)

    learning_rate: float = 0.1
    steps: int = 1
    chains: int | None = None
    momentum: float | None = None
    sparsity_target: float | None = None
    sparsity_cost: float = 0.1

    def check(self) -> None:
        """Reject invalid hyperparameters.

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
        mu: Any = self.momentum
        if is_number(mu) and not 0 <= mu < 1:
            raise ValueError(f"momentum must be in [0, 1), got {mu}")
        target: Any = self.sparsity_target
        if is_number(target) and not 0 < target < 1:
            raise ValueError(f"sparsity_target must be in (0, 1), got {target}")

    def init(self, params: Sequence[Any]) -> dict[str, Any]:
        """Return the state before the first step: V = 0, chains at h = 0, q = t.

        Raises
        ------
        ValueError
            If the network is not one restricted Boltzmann machine.
        """
        if len(params) != 1 or set(params[0]) != {"weight", "visible_bias", "bias"}:
            raise ValueError("contrastive divergence trains a network of one RBM layer")
        units, dtype = params[0]["bias"].shape[-1], params[0]["bias"].dtype
        state: dict[str, Any] = {}
        if self.momentum is not None:
            state["velocity"] = zeros_like(params[0])
        if self.chains is not None:
            state["chains"] = np.zeros((self.chains, units), dtype)
        if self.sparsity_target is not None:
            state["activity"] = np.full(units, self.sparsity_target, dtype)
        return state

    def loss_limit(self, network: Network, params: Sequence[Any]) -> float:
        """Return the ℓ beyond which the RBM has diverged: see :func:`loss_limit`."""
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
        (rbm,), (own,) = objective.network.layers, params
        x, total = batch.x, total_weight(batch)
        share, chains = batch.weight / total, self.chains
        sparse = isinstance(x, SparseRows)
        # P(h | v) of the data is needed by itself where the chains start there, and
        # where the rows are sparse: those cannot be stacked with v below.
        by_itself = sparse or chains is None
        of_data: Any = rbm.pre_activation(own, x) if by_itself else None
        if chains is None:
            chain_share, h = share, bernoulli(key, chance(of_data))
        else:
            # A batch of padding only has no step: the chains then count 0 as well.
            real = jnp.sum(batch.weight) > 0
            each = jnp.where(real, 1 / chains, 0).astype(share.dtype)
            chain_share, h = jnp.broadcast_to(each, chains), state["chains"]

        def step(s: Array | int, h: Array) -> Any:
            return gibbs_step(rbm, own, h, key, s)[1]

        # CD-1, the usual case, compiles no loop.
        h = jax.lax.fori_loop(1, self.steps, step, h) if self.steps > 1 else h
        v = rbm.seen(own, h, key, 2 * self.steps - 1)
        # Data and chains go through one matrix product; sparse rows cannot be stacked.
        both = x if sparse else _below(x, v)
        z = (
            jnp.vstack([of_data, rbm.pre_activation(own, v)])
            if by_itself
            else rbm.pre_activation(own, both)
        )
        # The two means as one weighted sum: the chains count negatively.
        s = jnp.concatenate([share, -chain_share])
        loss, g = contrast(rbm, own, both, v, s, z)
        objective.check_terms("contrastive divergence", L2)
        if (l2 := objective.coefficient(L2)) is not None:
            loss = loss + objective.penalty(params) / total
            g["weight"] = g["weight"] + l2 / total * own["weight"]
        moved = jax.tree.map(lambda g: -self.learning_rate * g, g)
        state = dict(state)
        if self.momentum is not None:
            mu = self.momentum
            moved = jax.tree.map(lambda v, m: mu * v + m, state["velocity"], moved)
            state["velocity"] = moved
        changed = jax.tree.map(jnp.add, own, moved)
        if chains is not None:
            # The last rows of z are those of v: P(h | v) is known, and drawing h needs
            # no further product.
            on = chance(z[-chains:])
            state["chains"] = bernoulli(key, on, 2 * self.steps)
        if self.sparsity_target is not None:
            active = share @ chance(z[: len(share)])
            # A running mean, as one small batch says little about how often a unit is
            # on (Hinton 2012, section 11).
            state["activity"] = KEPT * state["activity"] + (1 - KEPT) * active
            changed = self._sparser(changed, state["activity"], x, share)
        return (changed,), state, {"loss": loss}

    def _sparser(self, params: dict, q: Any, x: Examples, share: Array) -> dict:
        """Return the parameters after a step towards the target activity."""
        step = self.learning_rate * self.sparsity_cost * (q - self.sparsity_target)
        weight = params["weight"] - (x.T @ share[:, None]) * step
        return {**params, "weight": weight, "bias": params["bias"] - step}


def loss_limit(network: Network, params: Sequence[Any]) -> float:
    """Return the ℓ beyond which binary RBMs have diverged from their data.

    Equations
    ---------
        ℓ = ⟨log P(chains) − log P(data)⟩ ≤ 2 N ln 2      N units of all layers

    If all units were fair coins, every state would have log P = −N ln 2, and ℓ = 0. No
    such bound is known for Gaussian visible units; their limit is infinite.
    """
    first, *_ = network.layers
    if first.visible == "gaussian":
        return math.inf
    units = params[0]["visible_bias"].size + sum(
        layer.units for layer in network.layers
    )
    return 2 * math.log(2) * units


def contrast(
    rbm: RBM, params: dict, both: Any, v: Array, s: Array, z: Array
) -> tuple[Any, dict]:
    """Return ℓ = Σ s F(v) over the data and the chains, and its gradient.

    Equations
    ---------
        ∂F/∂W = −v σ(z),   ∂F/∂b = −σ(z),   ∂F/∂a = −v      of Gaussian v + a
        ℓ = a·∂ℓ/∂a − Σ s log(1 + exp z)                    + ½ Σ s ‖v‖²
        log(1 + exp z) = max(z, 0) − log max(σ(z), 1 − σ(z))

    as Σ s = 0: s are the shares of the data, and then those of the chains, negative.

    Shapes
    ------
    ``both`` (rows + chains, n): the data, then the chains; or the data alone (rows, n)
    as sparse rows; v (chains, n), s (rows + chains,), z (rows + chains, units).
    """
    p = chance(z)
    of_z = -s[:, None] * p
    if isinstance(both, SparseRows):
        n = both.shape[0]
        of_weight = both.T @ of_z[:n] + v.T @ of_z[n:]
        of_a = (both.T @ -s[:n, None])[:, 0] + v.T @ -s[n:]
    else:
        of_weight, of_a = both.T @ of_z, -jnp.sum(s[:, None] * both, axis=0)
    # σ(z) is known: log(1 + exp z) from it needs no further exponential.
    softplus = jnp.maximum(z, 0) - jnp.log(jnp.maximum(p, 1 - p))
    loss = params["visible_bias"] @ of_a - s @ jnp.sum(softplus, axis=-1)
    if rbm.visible == "gaussian":
        loss = loss + 0.5 * s @ jnp.sum(both * both, axis=-1)
    return loss, {
        "weight": of_weight,
        "visible_bias": of_a,
        "bias": jnp.sum(of_z, axis=0),
    }


def _below(x: Array, v: Array) -> Any:
    """Return x and v stacked; the barrier keeps XLA from computing them twice."""
    return jax.lax.optimization_barrier(jnp.vstack([x, v]))


def gibbs_step(
    rbm: RBM, params: dict, h: Array, key: Array, s: Array | int
) -> tuple[Any, Any]:
    """Return v and h of Gibbs chains (chains, units) after step s = 1, 2, … from h.

    A step uses two draws of the key; draw 0 is reserved for the start of the chains.
    """
    v = rbm.seen(params, h, key, 2 * s - 1)
    return v, rbm.hidden(params, v, key, 2 * s)
