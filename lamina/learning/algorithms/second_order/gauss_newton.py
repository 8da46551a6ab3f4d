"""Gauss-Newton: a quadratic model of an objective that is a sum of squares.

It applies to every loss whose curvature has a matrix square root: see
:func:`lamina.networks.functional.losses.curvature_root`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from lamina.learning.objectives.objective import (
    Batch,
    Objective,
    total_weight,
)
from lamina.learning.objectives.penalties import L2
from lamina.learning.objectives.weights import is_weight
from lamina.learning.protocols import Algorithm
from lamina.networks.core.arrays import Array, Params
from lamina.networks.core.layer import Layer
from lamina.networks.functional.losses import curvature_root

CHUNK_NUMBERS = 2**20
"""JᵀJ is summed over chunks of J of at most this many numbers (8 MiB in float64)."""


class Quadratic(NamedTuple):
    """The quadratic model of an objective around θ.

    Equations
    ---------
        E(θ − s) ≈ E(θ) − gᵀs + ½ sᵀ (JᵀJ + diag c) s
        J = √(wᵢ / Σw) Bᵢ ∂hᵢ/∂θ,   r = √(wᵢ / Σw) ρᵢ
        g = Jᵀr + c ∘ θ,   c = α / Σw for weights, 0 for biases

    with B and ρ of :func:`lamina.networks.functional.losses.curvature_root`, so that g
    is the objective's gradient, penalty included.

    Shapes
    ------
    θ, g, c, u (N,); JᵀJ (N, N); J (M, N), M = examples · outputs; r (M,).

    Attributes
    ----------
    loss : E(θ)
    g, c : as above
    JTJ : JᵀJ; None where M < N
    J, r : as above; None where M ≥ N
    decay : c ∘ θ
    """

    loss: Any
    g: Any
    c: Any
    decay: Any
    JTJ: Any = None
    J: Any = None
    r: Any = None

    def largest_curvature(self) -> Any:
        """Return the largest element of the diagonal of JᵀJ."""
        if self.JTJ is None:
            return jnp.max(jnp.sum(self.J * self.J, axis=0))
        return jnp.max(jnp.diag(self.JTJ))

    def damped_step(self, damping: Array | float) -> Any:
        """Return s with (JᵀJ + D) s = g, where D = λ I + diag c; NaN if it fails.

        Equations
        ---------
        By a Cholesky factor of the N × N matrix or, where M < N, of an M × M one:

            s = u + D⁻¹ Jᵀ (I + J D⁻¹ Jᵀ)⁻¹ (r − J u),   u = D⁻¹ (c ∘ θ)

        which is Woodbury's identity applied to r instead of g = Jᵀr + c ∘ θ: it avoids
        a cancellation that would lose precision when λ is small.
        """
        D = damping + self.c
        if self.JTJ is not None:
            return _solve(self.JTJ + jnp.diag(D), self.g)
        J, u = self.J, self.decay / D
        JD = J / D
        K = JD @ J.T + jnp.eye(J.shape[0], dtype=J.dtype)
        return u + JD.T @ _solve(K, self.r - J @ u)


def _solve(positive_definite: Array, b: Array) -> Any:
    factor = jax.scipy.linalg.cho_factor(positive_definite, lower=True)
    return jax.scipy.linalg.cho_solve(factor, b)


def quadratic(objective: Objective, params: Params, batch: Batch) -> Quadratic:
    """Return the model of the objective around the parameters.

    It holds JᵀJ where that is the smaller matrix, summed over chunks of rows so that J
    is never in memory as a whole; otherwise J itself, for JJᵀ.
    """
    batch = batch._replace(x=jnp.asarray(batch.x))  # sparse rows raise an error here
    theta, _ = ravel_pytree(params)
    c = _decay_rates(objective, params, batch)
    outputs = jax.eval_shape(objective.network.pre_activation, params, batch.x).shape[
        -1
    ]
    M, N = batch.weight.shape[0] * outputs, theta.size
    decay = c * theta
    penalty = objective.penalty(params) / total_weight(batch)
    # Fewer residuals than parameters: the M × M system of Woodbury's identity is the
    # smaller one, and JᵀJ is never formed.
    if M < N:
        loss, J, r = _rows(objective, params, batch, total_weight(batch))
        return Quadratic(loss + penalty, J.T @ r + decay, c, decay, J=J, r=r)
    loss, JTr, JTJ = _summed(objective, params, batch, outputs * N)
    return Quadratic(loss + penalty, JTr + decay, c, decay, JTJ=JTJ)


def _decay_rates(objective: Objective, params: Params, batch: Batch) -> Any:
    """Return c."""
    l2 = objective.coefficient(L2)
    alpha = 0.0 if l2 is None else l2 / total_weight(batch)

    def rate(path: Sequence[Any], leaf: Array) -> Any:
        return jnp.full(leaf.shape, alpha if is_weight(path) else 0.0, leaf.dtype)

    return ravel_pytree(jax.tree.map_with_path(rate, params))[0]


def _summed(
    objective: Objective, params: Params, batch: Batch, numbers: int
) -> tuple[Any, Any, Any]:
    """Return E without penalty, Jᵀr, JᵀJ; an example has ``numbers`` entries of J."""
    rows, total = batch.weight.shape[0], total_weight(batch)
    chunks = -(-rows // max(1, CHUNK_NUMBERS // numbers))

    def products(chunk: Batch) -> tuple[Any, Any, Any]:
        loss, J, r = _rows(objective, params, chunk, total)
        # XLA multiplies row by row faster, but would undo a plain transposition: 1-20-1
        # on 200 rows 86 → 61 µs, 10-8-1 on 442 rows 317 → 272 µs (Zen 4).
        JT = jax.lax.optimization_barrier(J.T)
        return loss, JT @ r, JT @ JT.T

    if chunks == 1:
        return products(batch)
    size = -(-rows // chunks)
    padding = chunks * size - rows  # examples of weight 0
    padded = jax.tree.map(
        lambda a: jnp.pad(a, [(0, padding)] + [(0, 0)] * (a.ndim - 1)), batch
    )

    def part(i: Array | int) -> tuple[Any, Any, Any]:
        chunk = jax.tree.map(
            lambda a: jax.lax.dynamic_slice_in_dim(a, i * size, size), padded
        )
        return products(chunk)

    def add(i: Array | int, sums: tuple) -> Any:
        return jax.tree.map(jnp.add, sums, part(i))

    zero = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(part, 0))
    return jax.lax.fori_loop(0, chunks, add, zero)


def _rows(
    objective: Objective, params: Params, batch: Batch, total: Array
) -> tuple[Any, Any, Any]:
    """Return Σᵢ wᵢ ℓᵢ / Σw, J and r of some examples; ``total`` is Σw of all."""
    theta, unravel = ravel_pytree(params)
    network = objective.network

    def of_one(example: Batch) -> tuple[Any, Any, Any]:
        def net(theta: Any) -> Any:
            return network.pre_activation(unravel(theta), example.x[None])[0]

        # Reverse mode, one pass per output, as outputs are few and weights many: 60 µs
        # per iteration against 105 with `jacfwd`.
        h, back = jax.vjp(net, theta)
        B, rho = _root_of_one(objective, h, example)
        root = jnp.sqrt(example.weight / total)
        return h, jax.vmap(back)(root * B)[0], root * rho

    h, J, r = jax.vmap(of_one)(batch)
    loss = objective.total_loss(h, batch) / total
    return loss, J.reshape(-1, theta.size), r.ravel()


def _root_of_one(objective: Objective, h: Array, example: Batch) -> tuple[Any, Any]:
    """Return B (outputs, outputs) and ρ (outputs,) of one example."""
    loss, phi = objective.loss, objective.network.out_activation
    if example.mask is None:
        B, rho = curvature_root(loss, phi, h[None], example.y[None])
        return B[0], rho[0]
    # As in ``Objective.total_loss``: each output is an example of one output.
    B, rho = curvature_root(loss, phi, h[:, None], example.y[:, None])
    root = jnp.sqrt(example.mask)
    return jnp.diag(root * B[:, 0, 0]), root * rho[:, 0]


def check_smooth(algorithm: Algorithm, objective: Any) -> None:
    """Reject objectives that a second-order method cannot minimise.

    Raises
    ------
    ValueError
        If the objective is not an :class:`Objective`, has terms other than quadratic
        penalties, uses dropout, or sees only a shard of a batch.
    """
    name = type(algorithm).__name__
    if not isinstance(objective, Objective):
        raise ValueError(f"{name} needs an Objective, got {objective!r}")
    objective.check_terms(name, L2)
    if objective.shards is not None:  # sums would cover one shard only
        raise ValueError(f"{name} needs all examples on one device")
    if any(map(_drops, jax.tree.leaves(objective.network, is_leaf=_drops))):
        raise ValueError(
            f"{name} cannot train a network with Dropout: it needs an objective that "
            "is the same in every evaluation"
        )


def _drops(node: Any) -> bool:
    """Whether a node of a network's tree is a layer that drops units."""
    return isinstance(node, Layer) and node.drops
