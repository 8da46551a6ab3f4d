"""Hebb's rule."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from lamina.learning.algorithms.single_layer.one_layer import check_one_layer
from lamina.learning.objectives.objective import Batch, Objective, total_weight
from lamina.learning.protocols import FirstOrder, Needs
from lamina.networks.core.arrays import RandomKey
from lamina.networks.core.description import description, is_number


@description
class HebbRule(FirstOrder):
    """Supervised Hebbian learning: neurons that fire together wire together.

    Equations
    ---------
        W ← (1 − γ) W + η ⟨x yᵀ⟩
        b ← (1 − γ) b + η ⟨y⟩

    ⟨·⟩ is the mean over the batch by the examples' weights. x is the presynaptic
    activity, and the target y takes the place of the postsynaptic activity: the rule
    never uses the layer's output. The bias is the weight of a unit that is always 1.
    Class numbers are one-hot encoded; a unit with target 0 learns nothing, so −1 and +1
    are the better encoding where there is a choice.

    One pass over examples x₁ … x_Q one at a time, from W = 0 with η = 1, γ = 0 and no
    bias, gives W = Σ x_q y_qᵀ, the linear associator: if the x_q are orthonormal, x_qᵀ
    W = y_qᵀ and every pattern is recalled exactly. Patterns that are not orthogonal
    interfere with each other; :class:`~lamina.learning.algorithms.first_order.sgd.SGD`,
    which follows the error, has no such limit.

    Without decay W grows with every pass. With decay W tends to (η / γ) ⟨x yᵀ⟩, and
    patterns that no longer occur are forgotten.

    Shapes
    ------
    x (batch, n), y (batch, units) or (batch,) class numbers, W (n, units), b (units,).

    Parameters
    ----------
    learning_rate : float, default=1
        η.
    decay : float, default=0
        γ in [0, 1].

    References
    ----------
    Hebb (1949), The Organization of Behavior, Wiley, chapter 4; Anderson (1972), A
    simple neural network generating an interactive memory, Mathematical Biosciences 14
    (the linear associator); Hagan, Demuth, Beale & De Jesús (2014), Neural Network
    Design, 2nd edition, chapter 7 (supervised Hebbian learning, with the decay among
    its variations).
    """

    # Correlation, not error, moves the weights.
    needs: ClassVar[Needs] = Needs(first_order=True, lowers_loss=False)

    learning_rate: float = 1.0
    decay: float = 0.0

    def check(self) -> None:
        """Reject invalid rates.

        Raises
        ------
        ValueError
            If the learning rate is not positive or the decay not in [0, 1].
        """
        if is_number(self.learning_rate) and not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be > 0, got {self.learning_rate}")
        if is_number(self.decay) and not 0 <= self.decay <= 1:
            raise ValueError(f"decay must be in [0, 1], got {self.decay}")

    def init(self, params: Sequence[Any]) -> dict[str, Any]:
        """Return the state, which is empty.

        Raises
        ------
        ValueError
            If the network is not one fully connected layer.
        """
        reason = ", as targets do not give the activity of hidden layers"
        check_one_layer(params, "Hebb's rule", reason)
        return {}

    def update(
        self,
        objective: Objective,
        params: Sequence[Any],
        state: dict,
        batch: Batch,
        key: RandomKey,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds the loss before it."""
        (layer,) = params
        loss = objective(params, batch, key)
        y = batch.y
        if y.ndim == 1:
            y = jax.nn.one_hot(y, layer["weight"].shape[-1], dtype=batch.x.dtype)
        eta = self.learning_rate / total_weight(batch)
        # A batch of padding only is not a step, so the weights do not decay either.
        kept = jnp.where(jnp.sum(batch.weight) > 0, 1 - self.decay, 1)
        y = batch.weight[:, None] * y
        moved = {"weight": kept * layer["weight"] + eta * (batch.x.T @ y)}
        if "bias" in layer:
            moved["bias"] = kept * layer["bias"] + eta * jnp.sum(y, axis=0)
        return (moved,), state, {"loss": loss}
