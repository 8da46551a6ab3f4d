"""The up–down algorithm."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from lamina.learning.algorithms.energy.contrastive_divergence import (
    contrast,
    gibbs_step,
)
from lamina.learning.objectives.objective import Batch, Objective, total_weight
from lamina.learning.protocols import FirstOrder, Needs
from lamina.networks.core.arrays import Array
from lamina.networks.core.description import check_whole, description, is_number
from lamina.networks.core.random_bits import fold_in
from lamina.networks.energy.rbm import RBM, softplus

WAKE, TOP, SLEEP = range(3)
"""Phases; each draws random numbers with its own key."""


@description
class UpDown(FirstOrder):
    """The up–down algorithm: trains all layers of a deep belief network at once.

    A contrastive form of wake–sleep: below the top RBM, the recognition weights (W, b)
    and the generative weights (G, a) are no longer tied.

    Equations
    ---------
        wake:   hˡ ~ σ(hˡ⁻¹ Wˡ + bˡ),  h⁰ = v,   l = 1 … L − 1
                pˡ⁻¹ = ⟨hˡ⁻¹ | hˡ⟩ = σ(hˡ Gˡᵀ + aˡ)          linear for Gaussian v
                G ← G + η ⟨(h − p)ᵀ hˡ⟩,   a ← a + η ⟨h − p⟩   h, p of l − 1
        top:    k Gibbs steps of the top RBM from hᴸ⁻¹ to sᴸ⁻¹,
                and contrastive divergence between them
        sleep:  sˡ⁻¹ ~ P(hˡ⁻¹ | sˡ),   l = L − 1 … 1
                qˡ = σ(sˡ⁻¹ Wˡ + bˡ)
                W ← W + η ⟨sˡ⁻¹ᵀ (sˡ − qˡ)⟩,   b ← b + η ⟨sˡ − qˡ⟩

    ⟨·⟩ is the mean over examples by their weights. The generative weights learn to
    reconstruct the states of the wake phase; the recognition weights learn to infer the
    causes of the samples of the sleep phase. The report holds ℓ = −Σ_l ⟨log
    P(hˡ⁻¹ | hˡ)⟩ of the wake phase, without the constants of Gaussian units.

    Parameters
    ----------
    learning_rate : float, default=0.01
        η.
    steps : int, default=1
        k.

    References
    ----------
    Hinton, Osindero & Teh (2006), A fast learning algorithm for deep belief nets,
    Neural Computation 18, section 5 and appendix B; Hinton, Dayan, Frey & Neal (1995),
    The wake–sleep algorithm for unsupervised neural networks, Science 268.
    """

    # ℓ belongs to the wake phase; the other two phases may raise it.
    needs: ClassVar[Needs] = Needs(first_order=True, lowers_loss=False)

    learning_rate: float = 0.01
    steps: int = 1

    def check(self) -> None:
        """Reject invalid hyperparameters.

        Raises
        ------
        ValueError
            If the rate is negative or there are no steps.
        """
        check_whole(self, "steps")
        if is_number(self.learning_rate) and not self.learning_rate >= 0:
            raise ValueError(f"learning_rate must be ≥ 0, got {self.learning_rate}")

    def init(self, params: Sequence[Any]) -> dict[str, Any]:
        """Return no state.

        Raises
        ------
        ValueError
            If the network is not a stack of RBMs whose lower layers have generative
            weights.
        """
        *below, top = params
        down = [set(own) >= {"weight", "down", "visible_bias", "bias"} for own in below]
        if not below or not all(down) or "down" in top or "visible_bias" not in top:
            raise ValueError(
                "up–down learning trains RBM layers, all but the last with untied=True"
            )
        return {}

    def update(
        self,
        objective: Objective,
        params: Any,
        state: dict,
        batch: Batch,
        key: Any,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds ℓ before it."""
        objective.check_terms("up–down learning")
        *below, top = objective.network.layers
        *own, own_top = params
        share = batch.weight / total_weight(batch)
        keys = [fold_in(key, phase) for phase in (WAKE, TOP, SLEEP)]

        # Wake: sample upwards with the recognition weights, below the top RBM.
        h = [jnp.asarray(batch.x)]
        for number, (rbm, p) in enumerate(zip(below, own, strict=True)):
            h.append(rbm.hidden(p, h[-1], keys[WAKE], number))

        # Top: contrastive divergence from the highest sample.
        s = [self._gibbs(top, own_top, h[-1], keys[TOP])]
        learnt = [_contrasted(top, own_top, h[-1], s[0], share)]
        loss = jnp.zeros((), share.dtype)
        # Sleep: sample downwards with the generative weights. All steps follow from the
        # old weights; `moved` takes them together.
        for number, (rbm, p) in reversed([*enumerate(zip(below, own, strict=True))]):
            s.insert(0, rbm.seen(p, s[0], keys[SLEEP], number))
            wake, sleep = (h[number], h[number + 1]), (s[0], s[1])
            loss = loss + share @ _surprise(rbm, p, *wake)
            down, up = _woken(rbm, p, *wake, share), _slept(rbm, p, *sleep, share)
            learnt.insert(0, down | up)

        def moved(p: Array, g: Array) -> Any:
            return p + self.learning_rate * g

        return jax.tree.map(moved, params, type(params)(learnt)), state, {"loss": loss}

    def _gibbs(self, top: RBM, own: dict, v: Array, key: Array) -> Any:
        """Return v of the top RBM after k Gibbs steps from v."""
        h = top.hidden(own, v, key, 0)

        def step(s: Array | int, h: Array) -> Any:
            return gibbs_step(top, own, h, key, s)[1]

        h = jax.lax.fori_loop(1, self.steps, step, h) if self.steps > 1 else h
        return top.seen(own, h, key, 2 * self.steps - 1)


def _contrasted(top: RBM, own: dict, v: Array, s: Array, share: Array) -> dict:
    """Return the negative gradient of contrastive divergence from v to s."""
    both, shards = jnp.vstack([v, s]), jnp.concatenate([share, -share])
    _, g = contrast(top, own, both, s, shards, top.pre_activation(own, both))
    return jax.tree.map(jnp.negative, g)


def _woken(rbm: RBM, own: dict, v: Array, h: Array, share: Array) -> dict:
    """Return the step of the generative weights: they predict v from h."""
    off = share[:, None] * (v - rbm.mean(own, h))
    return {"down": off.T @ h, "visible_bias": jnp.sum(off, axis=0)}


def _slept(rbm: RBM, own: dict, v: Array, h: Array, share: Array) -> dict:
    """Return the step of the recognition weights: they predict h from v."""
    off = share[:, None] * (h - rbm(own, v))
    return {"weight": v.T @ off, "bias": jnp.sum(off, axis=0)}


def _surprise(rbm: RBM, own: dict, v: Array, h: Array) -> Any:
    """Return −log P(v | h) (batch,), without the constant of Gaussian units."""
    z = rbm.back(own, h)
    if rbm.visible == "gaussian":
        return 0.5 * jnp.sum((v - z) ** 2, axis=-1)
    return jnp.sum(softplus(z) - v * z, axis=-1)
