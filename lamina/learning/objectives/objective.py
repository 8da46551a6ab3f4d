"""The objective: what learning makes small."""

from collections.abc import Callable
from typing import Any, NamedTuple
from zlib import crc32

import jax
import jax.numpy as jnp
import numpy as np

from lamina.learning.parallel.mesh import AXIS
from lamina.networks.core.description import Nested, description, is_number
from lamina.networks.core.masking import values_of, with_values
from lamina.networks.core.sparse import map_rows
from lamina.networks.functional.losses import find_loss, loss_from_net
from lamina.networks.network import squared_norms

SMOOTHED = ("cross_entropy", "binary_cross_entropy")
"""Losses whose targets are classes, which can be smoothed."""

TINY = 1e-30

CHUNK_ROWS = 2048
"""A larger batch is summed in chunks of at most so many rows. Activations stay in the
cache and never take more memory than a chunk's: 784-256-128-10 on 12,800 rows went from
158,000 to 177,000 rows a second (two cores, Zen 4)."""


class Batch(NamedTuple):
    """Examples that are learnt together.

    x (batch, \\*shape), y (batch, outputs) or (batch,) class numbers, weight (batch,).
    An example of weight 0 is padding: nothing is learnt from it. mask (batch, outputs)
    weighs single outputs where some are not measured; None means all are. With an
    answer at each step y is (batch, time) class numbers, negative where there is no
    label, or (batch, time, outputs), with a mask of that shape.
    """

    x: Any
    y: Any
    weight: Any
    mask: Any = None


@description
class Objective:
    """Weighted mean loss of a batch plus penalties on the weights.

    Equations
    ---------
        E(θ) = [Σᵢ wᵢ ℓ(hᵢ, yᵢ) + ½ α Σ W² + λ Σ |W|] / Σᵢ wᵢ

    ℓ is the loss of one example, W runs over all weights but not over biases. The
    penalties are divided by the batch's total weight as in scikit-learn, so that one
    epoch of mini-batches decays as much as one full batch of the same rate. Where
    labels are missing, ℓ = Σⱼ mᵢⱼ ℓⱼ(hᵢⱼ, yᵢⱼ). Where outputs and targets are pictures,
    ℓ is that of all their numbers.

    ``sparsity`` adds a penalty on the activities of one layer, in training and where E
    is asked for, but not to the validation loss. One that needs all examples of a batch
    at once (:class:`lamina.KLSparsity`) has them: the batch is not summed in chunks,
    and sums over examples go over all devices.

    In training (where there is a key) x, W and y may be disturbed:

        x + ε,  ε ~ N(0, σ²)               input_noise σ
        W + ε,  ε ~ N(0, σ²)               weight_noise σ; the gradient is taken there
        (1 − s) y + s / K                  label_smoothing s, K classes; K = 2 for
                                           every yes/no output; not where a place has
                                           no label
        (1 − r) E(x) + r E(x̃)              adversarial

    and the gradient and the weights be kept within bounds:

        g ← clip(g, −c, c)                 clip_value c
        g ← g min(1, c / ‖g‖₂)             clip_norm c, over all parameters
        Wⱼ ← Wⱼ min(1, c / ‖Wⱼ‖₂)          max_norm c: weights into unit j, each step

    Parameters
    ----------
    network : Network
    loss : str or callable
        See :func:`lamina.networks.functional.losses.loss_from_net`.
    l2 : float, optional
        α. Decks 000, 002 and 004 (weight decay); biases are left out.
    l1 : float, optional
        λ. A penalty of None costs nothing; 0 is a number like any other.
    input_noise, weight_noise, label_smoothing : float, optional
    clip_value, clip_norm, max_norm : float, optional
    adversarial : FGSM or PGD, optional
    sparsity : KLSparsity or L1Sparsity, optional
    sparse_layer : int, default=0
        Whose activities it is about: a number in the order of
        :meth:`lamina.networks.network.Network.trace`.
    shares : int, default=1
        Devices that take a share of each batch: sums over examples are over all shares.
    outputs : int, default=1
        K, outputs over which the loss that is reported is the mean: see
        :meth:`reported`.

    References
    ----------
    Noise: Bishop (1995), Training with noise is equivalent to Tikhonov regularization,
    Neural Computation 7; Murray & Edwards (1994), IEEE TNN 5; deck 004. Smoothing:
    Szegedy et al. (2016), Rethinking the Inception architecture, CVPR, section 7.
    Clipping: Pascanu, Mikolov & Bengio (2013), On the difficulty of training recurrent
    neural networks, ICML, algorithm 1. Max-norm: Srivastava et al. (2014), Dropout,
    JMLR 15, section 5.1.
    """

    network: Nested
    loss: str | Callable
    l2: float | None = None
    l1: float | None = None
    input_noise: float | None = None
    weight_noise: float | None = None
    label_smoothing: float | None = None
    clip_value: float | None = None
    clip_norm: float | None = None
    max_norm: float | None = None
    adversarial: Nested = None
    sparsity: Nested = None
    sparse_layer: int = 0
    shares: int = 1
    outputs: int = 1

    def check(self) -> None:
        """Refuse an unknown loss, impossible numbers, and labels that have no classes.

        Raises
        ------
        ValueError
            If there is no loss of that name, it has no classes to smooth, s is not in
            [0, 1), another number is negative or a bound not positive.
        """
        find_loss(self.loss)
        for name in ("l2", "l1", "input_noise", "weight_noise"):
            value = getattr(self, name)
            if is_number(value) and not value >= 0:
                raise ValueError(f"{name} must be ≥ 0, got {value}")
        for name in ("clip_value", "clip_norm", "max_norm"):
            value = getattr(self, name)
            if is_number(value) and not value > 0:
                raise ValueError(f"{name} must be > 0, got {value}")
        s: Any = self.label_smoothing
        if is_number(s) and not 0 <= s < 1:
            raise ValueError(f"label_smoothing must be in [0, 1), got {s}")
        if self.label_smoothing is not None and self.loss not in SMOOTHED:
            raise ValueError(
                f"label_smoothing needs one of the losses {', '.join(SMOOTHED)}; "
                f"got {self.loss!r}"
            )

    def __call__(self, params: Any, batch: Batch, key: Any = None) -> Any:
        """Return E(θ) of the batch; a key switches dropout and noise on."""
        total = self.training_loss(params, batch, key) + self.penalty(params)
        return total / total_weight(batch)

    def reported(self, loss: Any, params: Any, batch: Batch) -> Any:
        """Return E(θ) with the mean over K outputs in place of their sum.

        Equations
        ---------
            (E(θ) − P(θ)) / K + P(θ),   P(θ) = [½ α Σ W² + λ Σ |W|] / Σᵢ wᵢ

        What is learnt from is E: this is only the number that history and stopping
        rules see, as in scikit-learn.
        """
        if self.outputs == 1:
            return loss
        weight = _or_one(self.over_shares(jnp.sum(batch.weight)))
        penalty = self.penalty(params) / weight
        return (loss - penalty) / self.outputs + penalty

    def value_and_grad(self, params: Any, batch: Batch, key: Any) -> tuple[Any, Any]:
        """Return E(θ) and ∇E(θ), clipped; a large batch is summed chunk by chunk."""
        rows = batch.weight.shape[0]
        chunks = chunks_of(rows)
        at_once = self.sparsity is not None and self.sparsity.of_batch
        chunks = 1 if rows % chunks or at_once else chunks
        if self.shares > 1:
            value, g = self._shared(params, batch, key, chunks)
        elif chunks > 1:
            value, g = self._summed(params, batch, key, chunks)
        else:
            value, g = jax.value_and_grad(self)(params, batch, key)
        return value, self._clipped(g)

    def over_shares(self, sums: Any) -> Any:
        """Return sums over examples, of this device's share, as those of all shares."""
        if self.shares == 1:
            return sums
        return jax.lax.psum(sums, AXIS)

    def _shared(
        self, params: Any, batch: Batch, key: Any, chunks: int
    ) -> tuple[Any, Any]:
        """Return E(θ) and ∇E(θ) of a batch of which each device has a share."""
        if key is not None:
            key = jax.random.fold_in(key, jax.lax.axis_index(AXIS))
        sums = self._sums(params, batch, key, chunks, begin=None)
        sums, weight = self.over_shares((sums, jnp.sum(batch.weight)))
        penalty = jax.value_and_grad(self.penalty)(params)
        return _divided(jax.tree.map(jnp.add, sums, penalty), weight)

    def _summed(
        self, params: Any, batch: Batch, key: Any, chunks: int
    ) -> tuple[Any, Any]:
        penalty = jax.value_and_grad(self.penalty)(params)
        sums = self._sums(params, batch, key, chunks, begin=penalty)
        return _divided(sums, jnp.sum(batch.weight))

    def _sums(
        self, params: Any, batch: Batch, key: Any, chunks: int, begin: Any
    ) -> tuple[Any, Any]:
        """Return Σᵢ wᵢ ℓ(hᵢ, yᵢ) and its gradient, added to ``begin``."""
        if begin is None and chunks == 1:
            return jax.value_and_grad(self.training_loss)(params, batch, key)
        size = batch.weight.shape[0] // chunks

        def total(params: Any, i: Any) -> Any:
            chunk = map_rows(
                lambda a: jax.lax.dynamic_slice_in_dim(a, i * size, size), batch
            )
            chunk_key = None if key is None else jax.random.fold_in(key, i)
            return self.training_loss(params, chunk, chunk_key)

        def add(i: Any, sums: Any) -> Any:
            return jax.tree.map(jnp.add, sums, jax.value_and_grad(total)(params, i))

        if begin is None:
            begin = (
                jnp.zeros((), batch.weight.dtype),
                jax.tree.map(jnp.zeros_like, params),
            )
        return jax.lax.fori_loop(0, chunks, add, begin)

    def training_loss(self, params: Any, batch: Batch, key: Any) -> Any:
        """Return Σᵢ wᵢ (ℓ(hᵢ, yᵢ) + Ω) with all that is disturbed in training."""
        if key is None:
            h, sparsity = self._net(params, batch.x, batch.weight, None)
            return self.total_loss(h, batch) + sparsity
        if self.input_noise is not None or self.adversarial is not None:
            batch = batch._replace(x=_as_numbers(batch.x, batch.weight.dtype))
        if self.weight_noise is not None:
            params = _with_noise(params, self.weight_noise, _for("weights", key))
        if self.input_noise is not None:
            x = values_of(batch.x)
            noise = jax.random.normal(_for("inputs", key), x.shape, x.dtype)
            x = with_values(batch.x, x + self.input_noise * noise)
            batch = batch._replace(x=x)

        def loss(values: Any) -> Any:
            x = with_values(batch.x, values)
            h, sparsity = self._net(params, x, batch.weight, key)
            targets = batch._replace(y=self._smoothed(batch.y, h))
            return self.total_loss(h, targets) + sparsity

        clean = loss(values_of(batch.x))
        if self.adversarial is None:
            return clean
        x = jnp.asarray(values_of(batch.x))  # refuses sparse rows: dense gradients
        moved = self.adversarial.attack(loss, x, _for("attack", key))
        share = self.adversarial.share
        return (1 - share) * clean + share * loss(moved)

    def _net(self, params: Any, x: Any, weight: Any, key: Any) -> tuple[Any, Any]:
        """Return h, and what sparsity adds to the sum of losses."""
        if self.sparsity is None:
            return self.network.net(params, x, key=key), 0.0
        signals = self.network.trace(params, x, key=key)
        a = signals[self.sparse_layer].a
        return signals[-1].h, self.sparsity(a, weight, self.over_shares)

    def _smoothed(self, y: Any, h: Any) -> Any:
        s = self.label_smoothing
        if s is None:
            return y
        if self.loss == "binary_cross_entropy":
            return (1 - s) * y + s / 2
        classes = h.shape[-1]
        if y.ndim < h.ndim:
            y = jax.nn.one_hot(y, classes, dtype=h.dtype)
        share = s / classes
        if h.ndim > 2:  # a place without a label has zeros, and keeps them
            share = share * jnp.sum(y, axis=-1, keepdims=True)
        return (1 - s) * y + share

    def _clipped(self, g: Any) -> Any:
        if (c := self.clip_value) is not None:
            g = jax.tree.map(lambda g: jnp.clip(g, -c, c), g)
        if (longest := self.clip_norm) is not None:
            norm = jnp.sqrt(sum(jnp.sum(leaf * leaf) for leaf in jax.tree.leaves(g)))
            factor = jnp.minimum(1, longest / jnp.maximum(norm, TINY))
            g = jax.tree.map(lambda g: factor * g, g)
        return g

    def constrained(self, params: Any) -> Any:
        """Return the parameters with the weights into each unit within ``max_norm``."""
        if (bound := self.max_norm) is None:
            return params

        owners = self.network.owners(params)

        def shortened(path: Any, w: Any) -> Any:
            if not is_weight(path):
                return w
            layer, name = owners.get(id(w), (None, ""))
            norm = jnp.sqrt(squared_norms(layer, name, w))
            return w * jnp.minimum(1, bound / jnp.maximum(norm, TINY))

        return jax.tree.map_with_path(shortened, params)

    def total_loss(self, h: Any, batch: Batch) -> Any:
        """Return Σᵢ wᵢ ℓ(hᵢ, yᵢ), of measured outputs only."""
        activation, y, weight = self.network.out_activation, batch.y, batch.weight
        if batch.mask is not None:  # the loss of each output by itself
            each = weight.reshape(-1, *[1] * (batch.mask.ndim - 1))
            h, y, weight = h[..., None], y[..., None], each * batch.mask
        elif y.ndim == h.ndim > 2 and self.loss != "cross_entropy":
            # One example is all its numbers.
            h, y = h.reshape(h.shape[0], -1), y.reshape(y.shape[0], -1)
        return jnp.sum(weight * loss_from_net(self.loss, activation, h, y))

    def penalty(self, params: Any) -> Any:
        """Return ½ α Σ W² + λ Σ |W|."""
        weights = decayed(params)
        penalty = jnp.zeros((), jax.tree.leaves(params)[0].dtype)
        if self.l2 is not None:
            penalty += 0.5 * self.l2 * sum(jnp.sum(w * w) for w in weights)
        if self.l1 is not None:
            penalty += self.l1 * sum(jnp.sum(jnp.abs(w)) for w in weights)
        return penalty


def _as_numbers(x: Any, dtype: Any) -> Any:
    """Return bytes (of pictures) as numbers that can be moved a little."""
    return x.astype(dtype) if x.dtype == jnp.uint8 else x


def _with_noise(params: Any, sigma: Any, key: Any) -> Any:
    """Return W + ε; biases stay as they are."""

    def disturbed(path: Any, leaf: Any) -> Any:
        if not is_weight(path):
            return leaf
        own = _for(jax.tree_util.keystr(path), key)
        return leaf + sigma * jax.random.normal(own, leaf.shape, leaf.dtype)

    return jax.tree.map_with_path(disturbed, params)


def _for(purpose: str, key: Any) -> Any:
    """Return the key of a purpose; layers fold in their numbers."""
    return jax.random.fold_in(key, crc32(purpose.encode()))


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
    return _or_one(jnp.sum(batch.weight))


def _or_one(total: Any) -> Any:
    return jnp.where(total > 0, total, 1)


def _divided(sums: Any, weight: Any) -> Any:
    """Return sums over examples divided by their weight."""
    weight = _or_one(weight)
    return jax.tree.map(lambda a: a / weight, sums)


def is_weight(path: Any) -> bool:
    """Whether a path in the parameters leads to weights, not to a bias."""
    return str(getattr(path[-1], "key", "")).endswith("weight")


def decayed(params: Any) -> list[Any]:
    """Return the arrays that penalties act on: all weights, no biases."""
    paths = jax.tree.leaves_with_path(params)
    return [leaf for path, leaf in paths if is_weight(path)]
