"""The partition function of a restricted Boltzmann machine, exact or estimated.

Z = Σ over all v and h of exp(−E(v, h)),   log P(v) = −F(v) − log Z
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamina.networks.core.arrays import Array
from lamina.networks.energy.rbm import RBM, softplus

MOST_UNITS = 22
"""Maximum number of units whose states are enumerated: 4 million states."""

STATES = 2**12
"""States per chunk, to bound memory."""


def enumerable(rbm: RBM, params: dict) -> bool:
    """Whether one side of the RBM is small enough to enumerate its states."""
    return _smaller(rbm, params) <= MOST_UNITS


def _smaller(rbm: RBM, params: dict) -> int:
    n, units = params["weight"].shape
    return min(n, units) if rbm.visible == "binary" else units


def exact(rbm: RBM, params: dict) -> Any:
    """Return log Z, summed over all states of the smaller side.

    Equations
    ---------
        Z = Σ_v exp(−F(v)) = Σ_h exp(h·b) Πᵢ (1 + exp((h Wᵀ + a)ᵢ))       binary v
        Z = Σ_h exp(h·b) (2π)^(n/2) exp(½ ‖h Wᵀ + a‖² − ½ ‖a‖²)           Gaussian v

    Raises
    ------
    ValueError
        If that side has more than :data:`MOST_UNITS` units.
    """
    if not enumerable(rbm, params):
        raise ValueError(
            f"the smaller side has {_smaller(rbm, params)} units, more than the "
            f"{MOST_UNITS} whose states can be enumerated: use annealed importance "
            "sampling"
        )
    n, units = params["weight"].shape
    over_hidden = rbm.visible == "gaussian" or units <= n
    width = units if over_hidden else n
    size = min(STATES, 2**width)

    # All 2^width states at once would need too much memory, hence the chunks; exp(−F)
    # overflows, hence logsumexp.
    def chunk(first: Array) -> Any:
        number = first + jnp.arange(size)
        state = (number[:, None] >> jnp.arange(width)) & 1
        state = state.astype(params["weight"].dtype)
        of = -rbm.free_energy(params, state) if not over_hidden else None
        return jax.nn.logsumexp(_of_hidden(rbm, params, state) if of is None else of)

    return jax.nn.logsumexp(jax.lax.map(chunk, jnp.arange(0, 2**width, size)))


def _of_hidden(rbm: RBM, params: dict, h: Array) -> Any:
    """Return log Σ_v exp(−E(v, h)) (batch,); the integral for Gaussian v."""
    a = params["visible_bias"]
    z = h @ params["weight"].T + a
    alone = h @ params["bias"]
    if rbm.visible == "binary":
        return alone + jnp.sum(softplus(z), axis=-1)
    volume = 0.5 * len(a) * np.log(2 * np.pi)
    return alone + volume + 0.5 * (jnp.sum(z * z, axis=-1) - a @ a)


def annealed(
    rbm: RBM,
    params: dict,
    base: Array,
    chains: int,
    temperatures: Array | int,
    key: Array,
) -> tuple[Any, Any]:
    """Estimate log Z by annealed importance sampling.

    Equations
    ---------
        f_β(v) = −F(v) of the RBM β W, β b, (1 − β) a₀ + β a
        v⁰ ~ exp f₀,   log w ← Σ_k f_{β_k}(v^{k−1}) − f_{β_{k−1}}(v^{k−1})
        v^k: one Gibbs step of the RBM β_k from v^{k−1},   β_k = k / K
        Z ≈ Z₀ ⟨w⟩,   Z₀ = 2^units Πᵢ (1 + exp(a₀)ᵢ), or 2^units (2π)^(n/2)

    The estimate of Z is unbiased for any K; more temperatures reduce its variance.

    Parameters
    ----------
    rbm, params
        The RBM.
    base : array (n,)
        a₀: ideally the biases of an RBM without hidden units that matches the means of
        the data.
    chains, temperatures : int
        Number of w, and K.
    key : jax.random key

    Returns
    -------
    log Z, and its standard error as estimated from the w

    References
    ----------
    Neal (2001), Annealed importance sampling, Statistics and Computing 11;
    Salakhutdinov & Murray (2008), On the quantitative analysis of deep belief networks,
    ICML, section 4.1.
    """
    n, units = params["weight"].shape

    def machine(beta: Array | float) -> dict:
        return {
            "weight": beta * params["weight"],
            "bias": beta * params["bias"],
            "visible_bias": (1 - beta) * base + beta * params["visible_bias"],
        }

    def step(k: Array | int, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        v, log_w = carry
        before, now = machine((k - 1) / temperatures), machine(k / temperatures)
        log_w += rbm.free_energy(before, v) - rbm.free_energy(now, v)
        h = rbm.hidden(now, v, key, 2 * k - 1)
        return rbm.seen(now, h, key, 2 * k), log_w

    none = jnp.zeros((chains, units), params["weight"].dtype)
    start = rbm.seen(machine(0.0), none, key)
    zeros = jnp.zeros(chains, params["weight"].dtype)
    _, log_w = jax.lax.fori_loop(1, temperatures + 1, step, (start, zeros))
    volume = (
        jnp.sum(softplus(base))
        if rbm.visible == "binary"
        else 0.5 * n * np.log(2 * np.pi)
    )
    # Relative to the largest w, as exp(log w) overflows.
    w = jnp.exp(log_w - jnp.max(log_w))
    log_mean = jnp.max(log_w) + jnp.log(jnp.mean(w))
    error = jnp.std(w) / jnp.mean(w) / np.sqrt(chains)
    return units * np.log(2) + volume + log_mean, error
