"""The up–down algorithm."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from lamina.learning.algorithms.energy.contrastive_divergence import (
    contrast,
    gibbs_step,
)
from lamina.learning.objectives.objective import Batch, Objective, total_weight
from lamina.learning.protocols import FirstOrder, Needs
from lamina.networks.core.description import check_whole, description, is_number
from lamina.networks.core.random_bits import fold_in
from lamina.networks.energy.rbm import RBM, softplus

WAKE, TOP, SLEEP = range(3)
"""Each phase draws from a key of its own."""


@description
class UpDown(FirstOrder):
    """Learning of all layers of a deep belief network at once.

    A contrastive form of wake–sleep: below the top machine the weights of the way up
    (W, b) and of the way down (G, a) are no longer the same.

    Equations
    ---------
        wake:   hˡ ~ σ(hˡ⁻¹ Wˡ + bˡ),  h⁰ = v,   l = 1 … L − 1
                pˡ⁻¹ = ⟨hˡ⁻¹ | hˡ⟩ = σ(hˡ Gˡᵀ + aˡ)          linear if v are numbers
                G ← G + η ⟨(h − p)ᵀ hˡ⟩,   a ← a + η ⟨h − p⟩   h, p of l − 1
        top:    k Gibbs steps of the top machine from hᴸ⁻¹ to sᴸ⁻¹,
                and contrastive divergence between them
        sleep:  sˡ⁻¹ ~ P(hˡ⁻¹ | sˡ),   l = L − 1 … 1
                qˡ = σ(sˡ⁻¹ Wˡ + bˡ)
                W ← W + η ⟨sˡ⁻¹ᵀ (sˡ − qˡ)⟩,   b ← b + η ⟨sˡ − qˡ⟩

    ⟨·⟩ is the mean over examples by their weights. The way down learns to make again
    what was on the way up, the way up to find what a dream was made from. The report's
    ℓ = −Σ_l ⟨log P(hˡ⁻¹ | hˡ)⟩ of the wake phase, but for constants of numbers.

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

    # ℓ is only one of the three phases'.
    needs: ClassVar[Needs] = Needs(first_order=True, lowers_loss=False)

    learning_rate: float = 0.01
    steps: int = 1

    def check(self) -> None:
        """Refuse impossible numbers.

        Raises
        ------
        ValueError
            If the rate is negative or there are no steps.
        """
        check_whole(self, "steps")
        if is_number(self.learning_rate) and not self.learning_rate >= 0:
            raise ValueError(f"learning_rate must be ≥ 0, got {self.learning_rate}")

    def init(self, params: Any) -> dict[str, Any]:
        """Return no state.

        Raises
        ------
        ValueError
            If the network is not a stack of RBMs, whose lower ones have weights of
            a way down.
        """
        *below, top = params
        down = [set(own) >= {"weight", "down", "visible_bias", "bias"} for own in below]
        if not below or not all(down) or "down" in top or "visible_bias" not in top:
            raise ValueError(
                "up–down learning trains RBM layers, all but the last with untied=True"
            )
        return {}

    def update(
        self, objective: Objective, params: Any, state: Any, batch: Batch, key: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds ℓ before it."""
        objective.check_terms("up–down learning")
        *below, top = objective.network.layers
        *own, own_top = params
        share = batch.weight / total_weight(batch)
        keys = [fold_in(key, phase) for phase in (WAKE, TOP, SLEEP)]

        h = [jnp.asarray(batch.x)]
        for number, (rbm, p) in enumerate(zip(below, own, strict=True)):
            h.append(rbm.hidden(p, h[-1], keys[WAKE], number))

        s = [self._gibbs(top, own_top, h[-1], keys[TOP])]
        learnt = [_contrasted(top, own_top, h[-1], s[0], share)]
        loss = jnp.zeros((), share.dtype)
        for number, (rbm, p) in reversed([*enumerate(zip(below, own, strict=True))]):
            s.insert(0, rbm.seen(p, s[0], keys[SLEEP], number))
            wake, sleep = (h[number], h[number + 1]), (s[0], s[1])
            loss = loss + share @ _surprise(rbm, p, *wake)
            down, up = _woken(rbm, p, *wake, share), _slept(rbm, p, *sleep, share)
            learnt.insert(0, down | up)

        def moved(p: Any, g: Any) -> Any:
            return p + self.learning_rate * g

        return jax.tree.map(moved, params, type(params)(learnt)), state, {"loss": loss}

    def _gibbs(self, top: RBM, own: dict, v: Any, key: Any) -> Any:
        """Return v of the top machine after k steps from v."""
        h = top.hidden(own, v, key, 0)

        def step(s: Any, h: Any) -> Any:
            return gibbs_step(top, own, h, key, s)[1]

        h = jax.lax.fori_loop(1, self.steps, step, h) if self.steps > 1 else h
        return top.seen(own, h, key, 2 * self.steps - 1)


def _contrasted(top: RBM, own: dict, v: Any, s: Any, share: Any) -> dict:
    """Return the direction of contrastive divergence from v to s."""
    both, shards = jnp.vstack([v, s]), jnp.concatenate([share, -share])
    _, g = contrast(top, own, both, s, shards, top.pre_activation(own, both))
    return jax.tree.map(jnp.negative, g)


def _woken(rbm: RBM, own: dict, v: Any, h: Any, share: Any) -> dict:
    """Return where the way down goes: to v, from h."""
    off = share[:, None] * (v - rbm.mean(own, h))
    return {"down": off.T @ h, "visible_bias": jnp.sum(off, axis=0)}


def _slept(rbm: RBM, own: dict, v: Any, h: Any, share: Any) -> dict:
    """Return where the way up goes: to h, from v."""
    off = share[:, None] * (h - rbm(own, v))
    return {"weight": v.T @ off, "bias": jnp.sum(off, axis=0)}


def _surprise(rbm: RBM, own: dict, v: Any, h: Any) -> Any:
    """Return −log P(v | h) (batch,), but for the constant of numbers."""
    z = rbm.back(own, h)
    if rbm.visible == "gaussian":
        return 0.5 * jnp.sum((v - z) ** 2, axis=-1)
    return jnp.sum(softplus(z) - v * z, axis=-1)
