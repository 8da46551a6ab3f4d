"""The objective: what learning makes small."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lamina.networks.description import Nested, description
from lamina.networks.losses import find_loss, loss_from_net

CHUNK_ROWS = 2048
"""A larger batch is summed in chunks of at most so many rows. Activations stay in the
cache and never take more memory than a chunk's: 784-256-128-10 on 12,800 rows went from
158,000 to 177,000 rows a second (two cores, Zen 4)."""


class Batch(NamedTuple):
    """Examples that are learnt together.

    x (batch, \\*shape), y (batch, outputs) or (batch,) class numbers, weight (batch,).
    An example of weight 0 is padding: nothing is learnt from it.
    """

    x: Any
    y: Any
    weight: Any


@description
class Objective:
    """Weighted mean loss of a batch plus penalties on the weights.

    Equations
    ---------
        E(θ) = [Σᵢ wᵢ ℓ(hᵢ, yᵢ) + ½ α Σ W² + λ Σ |W|] / Σᵢ wᵢ

    ℓ is the loss of one example, W runs over all weights but not over biases. The
    penalties are divided by the batch's total weight as in scikit-learn, so that one
    epoch of mini-batches decays as much as one full batch of the same rate.

    Parameters
    ----------
    network : Network
    loss : str or callable
        See :func:`lamina.networks.losses.loss_from_net`.
    l2 : float, optional
        α. Decks 000, 002 and 004 (weight decay); biases are left out.
    l1 : float, optional
        λ. A penalty of None costs nothing; 0 is a number like any other.
    """

    network: Nested
    loss: str | Callable
    l2: float | None = None
    l1: float | None = None

    def check(self) -> None:
        """Refuse an unknown loss.

        Raises
        ------
        ValueError
            If there is no loss of that name.
        """
        find_loss(self.loss)

    def __call__(self, params: Any, batch: Batch, key: Any = None) -> Any:
        """Return E(θ) of the batch; a key switches dropout and noise on."""
        h = self.network.net(params, batch.x, key=key)
        return (self.total_loss(h, batch) + self.penalty(params)) / total_weight(batch)

    def value_and_grad(self, params: Any, batch: Batch, key: Any) -> tuple[Any, Any]:
        """Return E(θ) and ∇E(θ); a large batch is summed chunk by chunk."""
        rows = batch.weight.shape[0]
        chunks = chunks_of(rows)
        if chunks == 1 or rows % chunks:
            return jax.value_and_grad(self)(params, batch, key)
        size = rows // chunks

        def total(params: Any, i: Any) -> Any:
            chunk = jax.tree.map(
                lambda a: jax.lax.dynamic_slice_in_dim(a, i * size, size), batch
            )
            chunk_key = None if key is None else jax.random.fold_in(key, i)
            h = self.network.net(params, chunk.x, key=chunk_key)
            return self.total_loss(h, chunk)

        def add(i: Any, sums: Any) -> Any:
            return jax.tree.map(jnp.add, sums, jax.value_and_grad(total)(params, i))

        begin = jax.value_and_grad(self.penalty)(params)
        value, g = jax.lax.fori_loop(0, chunks, add, begin)
        weight = total_weight(batch)
        return value / weight, jax.tree.map(lambda g: g / weight, g)

    def total_loss(self, h: Any, batch: Batch) -> Any:
        """Return Σᵢ wᵢ ℓ(hᵢ, yᵢ)."""
        losses = loss_from_net(self.loss, self.network.out_activation, h, batch.y)
        return jnp.sum(batch.weight * losses)

    def penalty(self, params: Any) -> Any:
        """Return ½ α Σ W² + λ Σ |W|."""
        weights = decayed(params)
        penalty = jnp.zeros((), jax.tree.leaves(params)[0].dtype)
        if self.l2 is not None:
            penalty += 0.5 * self.l2 * sum(jnp.sum(w * w) for w in weights)
        if self.l1 is not None:
            penalty += self.l1 * sum(jnp.sum(jnp.abs(w)) for w in weights)
        return penalty


def value_and_grad(
    objective: Callable, params: Any, batch: Any, key: Any
) -> tuple[Any, Any]:
    """Return E(θ) and ∇E(θ) of an :class:`Objective`, or of a plain function."""
    if isinstance(objective, Objective):
        return objective.value_and_grad(params, batch, key)
    return jax.value_and_grad(objective)(params, batch, key)


def chunks_of(rows: int) -> int:
    """Return in how many chunks of equal size a batch of so many rows is summed."""
    return max(1, -(-rows // CHUNK_ROWS))


def zeros_like(params: Any) -> Any:
    """Return zeros of the same shapes; on the host as long as nothing is traced.

    A ``jax.numpy`` call a leaf would cost more than a step of a small network.
    """

    def zeros(leaf: Any) -> Any:
        return (
            np.zeros_like(leaf)
            if isinstance(leaf, np.ndarray)
            else jnp.zeros_like(leaf)
        )

    return jax.tree.map(zeros, params)


def total_weight(batch: Batch) -> Any:
    """Return Σᵢ wᵢ, or 1 if all weights are 0."""
    total = jnp.sum(batch.weight)
    return jnp.where(total > 0, total, 1)


def decayed(params: Any) -> list[Any]:
    """Return the arrays that penalties act on: all weights, no biases."""
    return [
        leaf
        for path, leaf in jax.tree.leaves_with_path(params)
        if str(getattr(path[-1], "key", "")).endswith("weight")
    ]
