"""The deep Boltzmann machine: RBMs whose energies add up.

Functions of a stack of :class:`lamina.networks.RBM` layers and their parameters. Layer
0 holds the inputs, layer l = 1 … L the hidden units of RBM l. Given the odd layers, the
even layers are independent of each other, and vice versa.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from lamina.networks.core.arrays import Array
from lamina.networks.core.random_bits import bernoulli
from lamina.networks.energy.rbm import RBM, chance

Layers = Sequence[RBM]

TINY = 1e-30
"""Lower bound of probabilities in logarithms, so that 0 log 0 becomes 0, not NaN."""


def energy(layers: Layers, params: Sequence[dict], states: Sequence[Any]) -> Any:
    """Return E (batch,) of the states of all layers.

    Equations
    ---------
        E(v, h¹, …, h^L) = Σ_l E_l(h^{l−1}, h^l),   h⁰ = v

    with E_l that of RBM l. A hidden unit below the top has two biases, one of its RBM
    and one of the RBM above, which add up.

    References
    ----------
    Salakhutdinov & Hinton (2009), Deep Boltzmann machines, AISTATS, section 3.
    """
    pairs = zip(layers, params, states, states[1:], strict=False)
    return sum(rbm.energy(own, below, above) for rbm, own, below, above in pairs)


def pre_activation(
    layers: Layers, params: Sequence[dict], states: Sequence[Any], at: int
) -> Any:
    """Return the pre-activation of hidden layer ``at``, from below and above."""
    z = layers[at - 1].pre_activation(params[at - 1], states[at - 1])
    if at < len(layers):
        upper = params[at]
        z = z + states[at + 1] @ upper["weight"].T + upper["visible_bias"]
    return z


def mean_field(
    layers: Layers, params: Sequence[dict], v: Array, updates: Array | int
) -> list:
    """Return v and the mean-field means μ of the hidden layers.

    Equations
    ---------
        Q(h | v) = Π μᵢ^hᵢ (1 − μᵢ)^(1 − hᵢ)
        μ^l ← σ(μ^{l−1} W^l + b^l + μ^{l+1} W^{l+1}ᵀ + a^{l+1}),   l = 1 … L, repeated

    Each step raises the bound of :func:`bound` or leaves it unchanged. μ is initialised
    by a bottom-up pass in which W counts twice where input from above is missing, as in
    Salakhutdinov & Hinton (2009), section 3.2.
    """
    means = [v]
    for number, (rbm, own) in enumerate(zip(layers, params, strict=True)):
        z = rbm.pre_activation(own, means[-1])
        # W counts twice where the input from above is missing (Salakhutdinov & Hinton
        # 2009, section 3.2); the bias does not.
        missing = number < len(layers) - 1
        means.append(chance(2 * z - own["bias"] if missing else z))

    def turn(_: Array, hidden: Any) -> Any:
        states = [v, *hidden]
        for at in range(1, len(states)):
            states[at] = chance(pre_activation(layers, params, states, at))
        return tuple(states[1:])

    return [v, *jax.lax.fori_loop(0, updates, turn, tuple(means[1:]))]


def bound(layers: Layers, params: Sequence[dict], means: Sequence[Any]) -> Any:
    """Return −⟨E⟩ + H(Q) (batch,): minus log Z it is a lower bound of log P(v).

    Equations
    ---------
        log P(v) ≥ −E(v, μ) + H(μ) − log Z,   H = −Σ μ log μ + (1 − μ) log(1 − μ)
    """

    def entropy(p: Array) -> Any:
        p = jnp.clip(p, TINY, 1)
        q = jnp.clip(1 - p, TINY, 1)
        return -jnp.sum(p * jnp.log(p) + q * jnp.log(q), axis=-1)

    return sum(map(entropy, means[1:])) - energy(layers, params, means)


def sweep(
    layers: Layers,
    params: Sequence[dict],
    odd: Sequence[Any],
    key: Array,
    s: Array | int,
) -> list:
    """Return all layers after Gibbs step s = 1, 2, …: even samples and odd means.

    ``odd`` holds h¹, h³ …, from which the even layers are sampled; :func:`drawn`
    samples the odd ones from the returned means. A step uses one draw of the key per
    layer.
    """
    depth = len(layers)
    states: list[Any] = [None] * (depth + 1)
    states[1::2] = odd
    first = s * (depth + 1) - 1
    states[0] = layers[0].seen(params[0], states[1], key, first)
    for at in range(2, depth + 1, 2):
        p = chance(pre_activation(layers, params, states, at))
        states[at] = bernoulli(key, p, first + at)
    for at in range(1, depth + 1, 2):
        states[at] = chance(pre_activation(layers, params, states, at))
    return states


def drawn(means: Sequence[Any], key: Array, s: Array | int) -> tuple[Any, ...]:
    """Return the odd layers, sampled from their means, at the end of step s."""
    depth = len(means) - 1
    first = s * (depth + 1) - 1
    return tuple(
        [bernoulli(key, means[at], first + at) for at in range(1, depth + 1, 2)]
    )
