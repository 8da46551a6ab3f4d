"""The perceptron learning rule."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from lamina.learning.algorithms.single_layer.one_layer import check_one_layer
from lamina.learning.objectives.objective import (
    Batch,
    Objective,
    total_weight,
    zeros_like,
)
from lamina.learning.objectives.penalties import L1, L2
from lamina.learning.protocols import FirstOrder, Needs
from lamina.networks.core.arrays import Array, RandomKey
from lamina.networks.core.description import description, is_number
from lamina.networks.functional.activations import sign


def perceptron_loss(h: Array, y: Array):
    """ℓ = Σⱼ max(0, −yⱼ hⱼ): distances of misclassified examples to their hyperplanes.

    Shapes: pre-activations h and targets y (batch, units), ℓ (batch,).
    """
    return jnp.sum(jnp.maximum(0, -y * h), axis=-1)


@description
class PerceptronRule(FirstOrder):
    """Rosenblatt's learning rule for one layer of threshold units.

    Equations
    ---------
        h = x W + b,   a = c · sign(h),   c = |y|       a tie, h = 0, counts as +1
        e = y − a
        W ← W + ½ η x eᵀ,   b ← b + ½ η e

    Targets y are −1 and +1, so c = 1; a target of another size c makes this unit's
    steps for this example c times as large. Weights change only where the output is
    wrong, and then by η x. For several examples at once the steps, times the examples'
    weights, are summed. Textbooks also write the rule for targets and outputs 0 and 1,
    whose errors are half as large, without the ½ and with a threshold θ = −b; if such a
    unit fires only above its threshold, a tie counts as 0.

    If the data are linearly separable, training from W = 0 makes at most (R/γ)²
    mistakes (R the largest norm of an example, γ the distance of the nearest example to
    the best hyperplane); otherwise training never ends by itself.

    With penalties ½ α Σ W² + λ Σ |W| in the objective, a step is, for each weight,

        W ← max(0, 1 − η α) W,   then the step above
        u ← u + η λ                        the total penalty due so far
        W ← max(0, W − (u + q)) if W > 0,  min(0, W + (u − q)) if W < 0
        q ← q + the change of W            the penalty applied so far

    so a penalty moves a weight to 0 and never beyond; what is left is applied later.
    This is scikit-learn's rule for dense data, here for sparse data too. Biases are not
    penalised, and a batch of weight 0 is not a step.

    Shapes
    ------
    x (batch, n), W (n, units), b (units,), y, h, a and e (batch, units).

    Parameters
    ----------
    learning_rate : float, default=1
        η. From W = 0 it only scales W and b.

    References
    ----------
    Rosenblatt (1958), The perceptron: a probabilistic model for information storage and
    organization in the brain, Psychological Review 65; Rosenblatt (1962), Principles of
    Neurodynamics, chapter 5; Novikoff (1962), On convergence proofs on perceptrons,
    Symposium on the Mathematical Theory of Automata; Tsuruoka, Tsujii & Ananiadou
    (2009), Stochastic gradient descent training for L1-regularized log-linear models
    with cumulative penalty, ACL, section 3.1.
    """

    # The loss is 0 for weights of 0, where training starts.
    needs: ClassVar[Needs] = Needs(first_order=True, lowers_loss=False)

    learning_rate: float = 1.0

    def check(self) -> None:
        """Reject an invalid rate.

        Raises
        ------
        ValueError
            If the learning rate is not positive.
        """
        if is_number(self.learning_rate) and not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be > 0, got {self.learning_rate}")

    def init(self, params: Sequence[Any]) -> dict[str, Any]:
        """Return the state before the first step: no penalty due or applied.

        Raises
        ------
        ValueError
            If the network is not one fully connected layer.
        """
        check_one_layer(params, "the perceptron rule")
        weight = params[0]["weight"]
        return {"owed": np.zeros((), weight.dtype), "paid": zeros_like(weight)}

    def update(
        self,
        objective: Objective,
        params: Sequence[Any],
        state: dict,
        batch: Batch,
        key: RandomKey,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds loss and mistakes per example before it."""
        objective.check_terms("the perceptron rule", L2, L1)
        l2, l1 = objective.coefficient(L2), objective.coefficient(L1)
        (layer,) = params
        h = objective.network.pre_activation(params, batch.x)
        e = batch.y - jnp.abs(batch.y) * sign(h)
        report = _report(objective, params, h, e, batch)
        # A batch of padding only is not a step: it owes no penalty.
        rate = jnp.where(jnp.sum(batch.weight) > 0, self.learning_rate, 0)
        step = 0.5 * self.learning_rate * batch.weight[:, None] * e
        weight = layer["weight"]
        if l2 is not None:
            weight = jnp.maximum(0, 1 - rate * l2) * weight
        weight = weight + batch.x.T @ step
        if l1 is not None:
            owed = state["owed"] + rate * l1
            weight, state = _truncated(weight, owed, state["paid"])
        moved = {"weight": weight}
        if "bias" in layer:
            moved["bias"] = layer["bias"] + jnp.sum(step, axis=0)
        return (moved,), state, report


def _report(
    objective: Objective, params: Sequence[Any], h: Array, e: Array, batch: Batch
) -> dict[str, Any]:
    """Return loss, penalties included, and number of wrong outputs per example."""
    losses = jnp.sum(batch.weight * perceptron_loss(h, batch.y))
    wrong = jnp.sum((e != 0).astype(h.dtype), axis=-1)
    total = total_weight(batch)
    return {
        "loss": (losses + objective.penalty(params)) / total,
        "mistakes": jnp.sum(batch.weight * wrong) / total,
    }


def _truncated(
    weight: Array, owed: Array | float, paid: Array
) -> tuple[Any, dict[str, Any]]:
    """Apply to each weight the L1 penalty that is due, down to 0 and not beyond."""
    positive = jnp.maximum(0, weight - (owed + paid))
    negative = jnp.minimum(0, weight + (owed - paid))
    rest = jnp.where(weight > 0, positive, jnp.where(weight < 0, negative, weight))
    return rest, {"owed": owed, "paid": paid + (rest - weight)}
