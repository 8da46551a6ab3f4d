"""Gibbs chains of trained Boltzmann machines: samples and likelihood estimates."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from lamina.learning.algorithms.energy.contrastive_divergence import gibbs_step
from lamina.learning.parallel.compilation import Compiled, count_compilation
from lamina.networks.core.arrays import Array
from lamina.networks.core.keys import device_key
from lamina.networks.core.sparse import Examples
from lamina.networks.energy import dbm
from lamina.networks.energy import log_partition as partition
from lamina.networks.energy.dbm import Layers
from lamina.networks.energy.rbm import RBM
from lamina.networks.network import Network


def walk(rbm: RBM, params: dict, h: Array, steps: Array | int, key_words: Array) -> Any:
    """Return v and h of Gibbs chains, and the mean of v of the last step.

    Parameters
    ----------
    rbm, params : the RBM
    h : array (chains, units)
        Initial state of the chains.
    steps : int
        Number of Gibbs steps, each v and then h.
    key_words : uint32 array (2,)
    """
    count_compilation()
    key = device_key(key_words)

    def step(s: Array | int, h: Array) -> Any:
        return gibbs_step(rbm, params, h, key, s)[1]

    before = jax.lax.fori_loop(1, steps, step, h)
    v, h = gibbs_step(rbm, params, before, key, steps)
    return v, h, rbm.mean(params, before)


def descent(
    network: Network, params: Sequence[dict], h: Array, key_words: Array
) -> Any:
    """Return v and the mean of v, sampled RBM by RBM from the top down.

    Parameters
    ----------
    network : Network of RBM layers
    params : their parameters
    h : array (chains, units)
        Hidden units of the top RBM.
    key_words : uint32 array (2,)
    """
    count_compilation()
    key, mean = device_key(key_words), h
    pairs = list(zip(network.layers, params, strict=True))
    for number, (rbm, own) in reversed(list(enumerate(pairs))):
        mean = rbm.mean(own, h)
        h = rbm.seen(own, h, key, number)
    return h, mean


def made_again(network: Network, params: Sequence[dict], v: Examples) -> Any:
    """Return the reconstruction v̂, the mean of v given its features, RBM by RBM.

    Equations
    ---------
        hˡ = P(hˡ = 1 | hˡ⁻¹),  h⁰ = v;   ĥˡ⁻¹ = ⟨hˡ⁻¹ | ĥˡ⟩,  ĥᴸ = hᴸ;   v̂ = ĥ⁰

    Shapes: v and v̂ (batch, n).
    """
    count_compilation()
    mean = network(params, v)
    for rbm, own in reversed(list(zip(network.layers, params, strict=True))):
        mean = rbm.mean(own, mean)
    return mean


def deep_made_again(
    layers: Layers, params: Sequence[dict], updates: Array | int, v: Array
) -> Any:
    """Return ⟨v | μ¹⟩, where μ are the mean-field means given v (batch, n)."""
    count_compilation()
    lowest = dbm.mean_field(layers, params, v, updates)[1]
    return layers[0].mean(params[0], lowest)


def deep_walk(
    layers: Layers,
    params: Sequence[dict],
    odd: Sequence[Any],
    steps: Array | int,
    key_words: Array,
) -> tuple[Any, Any]:
    """Return v of Gibbs chains of a deep Boltzmann machine, and its mean.

    Parameters
    ----------
    layers, params : the layers of the deep Boltzmann machine
    odd : tuple of arrays (chains, units)
        Initial state of the hidden layers 1, 3 ….
    steps : int
    key_words : uint32 array (2,)
    """
    count_compilation()
    key = device_key(key_words)

    def step(s: Array | int, odd: Sequence[Any]) -> Any:
        return dbm.drawn(dbm.sweep(layers, params, odd, key, s), key, s)

    odd = jax.lax.fori_loop(1, steps, step, odd)
    v = dbm.sweep(layers, params, odd, key, steps)[0]
    return v, layers[0].mean(params[0], odd[0])


def means(
    layers: Layers, params: Sequence[dict], updates: Array | int, v: Array
) -> Any:
    """Return the mean-field means of the top layer (batch, units)."""
    count_compilation()
    return dbm.mean_field(layers, params, v, updates)[-1]


def bounds(
    layers: Layers, params: Sequence[dict], updates: Array | int, v: Array
) -> Any:
    """Return the mean-field bound on log P(v) + log Z (batch,)."""
    count_compilation()
    found = dbm.mean_field(layers, params, v, updates)
    return dbm.bound(layers, params, found)


def turned(rbm: RBM, params: dict, v: jax.Array, at: Array) -> Any:
    """Return F(ṽ) − F(v) of every row, where ṽ is v with the input ``at`` flipped.

    Shapes: v (batch, n) of numbers in [0, 1], at (batch,); vₐ becomes 1 − vₐ.
    """
    count_compilation()
    rows = jnp.arange(len(at))
    other = v.at[rows, at].set(1 - v[rows, at])
    return rbm.free_energy(params, other) - rbm.free_energy(params, v)


def free_energy(rbm: RBM, params: dict, v: Examples) -> Any:
    """Return F(v) of every row."""
    count_compilation()
    return rbm.free_energy(params, v)


def exact(rbm: RBM, params: dict) -> Any:
    """Return log Z: see :func:`lamina.networks.energy.log_partition.exact`."""
    count_compilation()
    return partition.exact(rbm, params)


def annealed(
    rbm: RBM,
    params: dict,
    base: Array,
    log_w: Array,
    temperatures: Array | int,
    key_words: Array,
) -> Any:
    """Return log Z and its standard error, from one chain per entry of ``log_w``.

    See :func:`lamina.networks.energy.log_partition.annealed`.
    """
    count_compilation()
    key = device_key(key_words)
    # The number of chains is a shape, so it has to be known when compiled: it comes as
    # the length of an array.
    return partition.annealed(rbm, params, base, len(log_w), temperatures, key)


compiled_walk = Compiled(walk)
compiled_descent = Compiled(descent)
compiled_made_again = Compiled(made_again)
compiled_deep_made_again = Compiled(deep_made_again)
compiled_deep_walk = Compiled(deep_walk)
compiled_means = Compiled(means)
compiled_bounds = Compiled(bounds)
compiled_turned = Compiled(turned)
compiled_free_energy = Compiled(free_energy)
compiled_exact = Compiled(exact)
compiled_annealed = Compiled(annealed)
