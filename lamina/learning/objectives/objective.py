"""The objective: the function that training minimises."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lamina.learning.protocols import Term
from lamina.networks.core.arrays import Array, Params, RandomKey
from lamina.networks.core.description import Nested, description
from lamina.networks.core.masking import values_of, with_values
from lamina.networks.core.sparse import map_rows
from lamina.networks.functional.losses import find_loss, loss_from_pre_activation

CHUNK_ROWS = 2048
"""A larger batch is summed in chunks of at most this many rows. The activations of a
chunk fit into the cache, and memory is bounded by a chunk: 784-256-128-10 on 12,800
rows went from 158,000 to 177,000 rows per second (two cores, Zen 4)."""


class Batch(NamedTuple):
    """The examples of one step.

    x (batch, \\*shape), y (batch, outputs) or (batch,) class numbers, weight (batch,).
    An example of weight 0 is padding: it does not affect training. mask (batch,
    outputs) weights single outputs where some targets are missing; None means none are.
    With a target at each step, y is (batch, time) class numbers, negative where there
    is no label, or (batch, time, outputs), with a mask of that shape.
    """

    x: Any
    y: Any
    weight: Any
    mask: Any = None


@description
class Objective:
    """Weighted mean loss of a batch, plus terms.

    Equations
    ---------
        E(θ) = [Σᵢ wᵢ ℓ(hᵢ, yᵢ) + P(θ)] / Σᵢ wᵢ

    ℓ is the loss of one example, P the sum of the terms' penalties. They are divided by
    the batch's total weight, as in scikit-learn. With missing targets, ℓ = Σⱼ mᵢⱼ
    ℓⱼ(hᵢⱼ, yᵢⱼ). If outputs and targets are images, ℓ covers all their values.

    In training (with a key) terms perturb first the weights, then the inputs, then the
    targets, and then replace the loss of the inputs, each in their order. Penalties on
    the activities of a layer count in training and in E, but not in the validation
    loss.

    Parameters
    ----------
    network : Network
    loss : str or callable
        See :func:`lamina.networks.functional.losses.loss_from_pre_activation`.
    terms : tuple of Term, default=()
        Such as :class:`lamina.L2`: see :class:`lamina.learning.protocols.Term`.
    outputs : int, default=1
        K, the number of outputs over which the reported loss is averaged: see
        :meth:`reported`.
    shards : Shards, optional
        How to sum over examples if several devices share a batch: see
        :class:`lamina.learning.parallel.mesh.Shards`. None: a single device.
    """

    network: Nested
    loss: str | Callable
    terms: Nested = ()
    outputs: int = 1
    shards: Any = None

    def check(self) -> None:
        """Reject an unknown loss, invalid terms, and terms that do not fit the loss.

        Raises
        ------
        ValueError
            If the loss is unknown, or a term rejects it.
        TypeError
            If a term is not a :class:`~lamina.learning.protocols.Term`.
        """
        find_loss(self.loss)
        if isinstance(self.terms, Term | str | int | float):
            raise TypeError(f"terms must be a list of terms, got {self.terms!r}")
        if not isinstance(self.terms, tuple):
            return  # a pytree under construction
        for term in self.terms:
            if not isinstance(term, Term):
                raise TypeError(f"terms must be Terms such as L2(1e-4), got {term!r}")
            term.check_loss(self.loss)

    def coefficient(self, kind: type) -> Any:
        """Return the strength of all penalties of this kind, None if there is none."""
        found = [term.strength for term in self.terms if isinstance(term, kind)]
        return sum(found) if found else None

    def check_terms(self, by: str, *kinds: type) -> None:
        """Reject terms that an algorithm does not support.

        Raises
        ------
        ValueError
            Naming the algorithm and the term.
        """
        for term in self.terms:
            if not isinstance(term, kinds):
                names = " and ".join(kind.__name__ for kind in kinds) or "none"
                raise ValueError(
                    f"{by} does not support {type(term).__name__}; "
                    f"the terms it supports: {names}"
                )

    def __call__(self, params: Params, batch: Batch, key: RandomKey = None) -> Any:
        """Return E(θ) of the batch; a key switches on dropout and perturbations."""
        total = self.training_loss(params, batch, key) + self.penalty(params)
        return total / total_weight(batch)

    def reported(self, loss: Array | float, params: Params, batch: Batch) -> Any:
        """Return E(θ) with the mean over K outputs in place of their sum.

        Equations
        ---------
            (E(θ) − P(θ) / Σᵢ wᵢ) / K + P(θ) / Σᵢ wᵢ

        Training minimises E; this is only the number for history and stopping rules, as
        in scikit-learn.
        """
        if self.outputs == 1:
            return loss
        weight = _or_one(self.over_shards(jnp.sum(batch.weight)))
        penalty = self.penalty(params) / weight
        return (loss - penalty) / self.outputs + penalty

    def value_and_grad(
        self, params: Params, batch: Batch, key: RandomKey
    ) -> tuple[Any, Any]:
        """Return E(θ) and ∇E(θ); a large batch is summed chunk by chunk."""
        rows = batch.weight.shape[0]
        chunks = chunks_of(rows)
        at_once = any(term.of_batch for term in self.terms)
        # Padded full batches divide evenly (`padded_size`); any other batch is summed
        # at once.
        chunks = 1 if rows % chunks or at_once else chunks
        if self.shards is not None:
            return self._shared(params, batch, key, chunks)
        if chunks > 1:
            return self._summed(params, batch, key, chunks)
        return jax.value_and_grad(self)(params, batch, key)

    def over_shards(self, sums: Any) -> Any:
        """Return sums over this device's examples as sums over all devices."""
        return sums if self.shards is None else self.shards.total(sums)

    def _shared(
        self, params: Params, batch: Batch, key: RandomKey, chunks: int
    ) -> tuple[Any, Any]:
        """Return E(θ) and ∇E(θ) of a batch that several devices share."""
        if key is not None:
            key = self.shards.own_key(key)
        sums = self._sums(params, batch, key, chunks, begin=None)
        sums, weight = self.over_shards((sums, jnp.sum(batch.weight)))
        penalty = jax.value_and_grad(self.penalty)(params)
        # After the sum over devices, each of which would add the whole penalty.
        return _divided(jax.tree.map(jnp.add, sums, penalty), weight)

    def _summed(
        self, params: Params, batch: Batch, key: RandomKey, chunks: int
    ) -> tuple[Any, Any]:
        penalty = jax.value_and_grad(self.penalty)(params)
        sums = self._sums(params, batch, key, chunks, begin=penalty)
        return _divided(sums, jnp.sum(batch.weight))

    def _sums(
        self, params: Params, batch: Batch, key: RandomKey, chunks: int, begin: Any
    ) -> tuple[Any, Any]:
        """Return Σᵢ wᵢ ℓ(hᵢ, yᵢ) and its gradient, added to ``begin``."""
        if begin is None and chunks == 1:
            return jax.value_and_grad(self.training_loss)(params, batch, key)
        size = batch.weight.shape[0] // chunks

        def total(params: Params, i: Array | int) -> Any:
            chunk = map_rows(
                lambda a: jax.lax.dynamic_slice_in_dim(a, i * size, size), batch
            )
            chunk_key = None if key is None else jax.random.fold_in(key, i)
            return self.training_loss(params, chunk, chunk_key)

        def add(i: Array | int, sums: Any) -> Any:
            return jax.tree.map(jnp.add, sums, jax.value_and_grad(total)(params, i))

        if begin is None:
            begin = (
                jnp.zeros((), batch.weight.dtype),
                jax.tree.map(jnp.zeros_like, params),
            )
        return jax.lax.fori_loop(0, chunks, add, begin)

    def training_loss(self, params: Params, batch: Batch, key: RandomKey) -> Any:
        """Return Σᵢ wᵢ ℓ(hᵢ, yᵢ) with all perturbations and terms of training."""
        if key is None:
            h, activity = self._pre_activation(params, batch.x, batch.weight, None)
            return self.total_loss(h, batch) + activity
        keys = [self._own_key(i, key) for i in range(len(self.terms))]
        terms = list(zip(self.terms, keys, strict=True))
        for term, own in terms:
            params = term.disturb_params(params, own)
        for term, own in terms:
            batch = term.disturb_inputs(batch, own)

        def loss(values: Any) -> Any:
            x, y = with_values(batch.x, values), batch.y
            h, activity = self._pre_activation(params, x, batch.weight, key)
            for term in self.terms:
                y = term.smooth(y, h, self.loss)
            return self.total_loss(h, batch._replace(y=y)) + activity

        for term, own in terms:
            loss = term.around(loss, own)
        return loss(values_of(batch.x))

    def _own_key(self, i: int, key: Array) -> Any:
        """Return the key of term i: terms of the same class draw different numbers."""
        before = [type(term) for term in self.terms[:i]].count(type(self.terms[i]))
        return jax.random.fold_in(key, before) if before else key

    def _pre_activation(
        self, params: Params, x: Any, weight: Array, key: RandomKey
    ) -> tuple[Any, Any]:
        """Return h, and the penalty on activities to add to the sum of losses."""
        watching = [term for term in self.terms if term.layer is not None]
        if not watching:  # a trace is slower to compile
            return self.network.pre_activation(params, x, key=key), 0.0
        signals = self.network.trace(params, x, key=key)
        added = [
            term.activity(signals[term.layer].a, weight, self.over_shards)
            for term in watching
        ]
        return signals[-1].h, sum(added)

    def total_loss(self, h: Array, batch: Batch) -> Any:
        """Return Σᵢ wᵢ ℓ(hᵢ, yᵢ) over known targets."""
        activation, y, weight = self.network.out_activation, batch.y, batch.weight
        if batch.mask is not None:  # the loss of each output by itself
            each = weight.reshape(-1, *[1] * (batch.mask.ndim - 1))
            h, y, weight = h[..., None], y[..., None], each * batch.mask
        elif y.ndim == h.ndim > 2 and self.loss != "cross_entropy":
            # The loss of an image covers all its values.
            h, y = h.reshape(h.shape[0], -1), y.reshape(y.shape[0], -1)
        return jnp.sum(weight * loss_from_pre_activation(self.loss, activation, h, y))

    def penalty(self, params: Params) -> Any:
        """Return P(θ)."""
        penalty = jnp.zeros((), jax.tree.leaves(params)[0].dtype)
        for term in self.terms:
            penalty += term.penalty(params)
        return penalty


class View:
    """A view of an objective with a modified gradient, for an algorithm.

    Parameters
    ----------
    objective : Objective, View or function
    change : function
        Maps the gradient to the modified one.
    """

    def __init__(self, objective: Callable, change: Callable[[Any], Any]) -> None:
        self.objective, self.change = objective, change

    def __call__(self, *args: Any) -> Any:
        """Return E(θ), unmodified."""
        return self.objective(*args)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the objective: its network, its terms …."""
        return getattr(self.objective, name)

    def value_and_grad(
        self, params: Params, batch: Batch, key: RandomKey
    ) -> tuple[Any, Any]:
        """Return E(θ) and the modified gradient."""
        value, g = value_and_grad(self.objective, params, batch, key)
        return value, self.change(g)


def value_and_grad(
    objective: Callable, params: Params, batch: Any, key: RandomKey
) -> tuple[Any, Any]:
    """Return E(θ) and ∇E(θ) of an :class:`Objective`, or of a plain function."""
    if isinstance(objective, Objective | View):
        return objective.value_and_grad(params, batch, key)
    return jax.value_and_grad(objective)(params, batch, key)


def chunks_of(rows: int) -> int:
    """Return the number of equal chunks in which a batch of ``rows`` is summed."""
    return max(1, -(-rows // CHUNK_ROWS))


def zeros_like(params: Params) -> Any:
    """Return zeros of the same shapes, on the host unless the values are traced.

    One ``jax.numpy`` call per leaf would cost more than a step of a small network.
    """

    def zeros(leaf: Array) -> Any:
        return (
            np.zeros_like(leaf)
            if isinstance(leaf, np.ndarray)
            else jnp.zeros_like(leaf)
        )

    return jax.tree.map(zeros, params)


def total_weight(batch: Batch) -> Any:
    """Return Σᵢ wᵢ, or 1 if all weights are 0."""
    return _or_one(jnp.sum(batch.weight))


def _or_one(total: Array | float) -> Any:
    return jnp.where(total > 0, total, 1)


def _divided(sums: Any, weight: Array) -> Any:
    """Return sums over examples divided by their weight."""
    weight = _or_one(weight)
    return jax.tree.map(lambda a: a / weight, sums)
