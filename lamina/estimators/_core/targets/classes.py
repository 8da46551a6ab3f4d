"""Targets that are classes, one an example or several yes and no."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lamina.estimators._core.parts import learnt
from lamina.estimators._core.targets.class_weights import (
    class_factors,
    weights_by_class,
)
from lamina.estimators._core.targets.labels import Labels, check_same_classes
from lamina.estimators._core.targets.losses import fitting_cross_entropy
from lamina.estimators._core.targets.missing import with_missing
from lamina.estimators._core.targets.target import (
    Loss,
    Target,
    TargetValues,
    Weights,
    checked_target,
)


@dataclass(eq=False)
class ClassTarget(Target):
    """Classes: two have one logistic output, more a softmax, several columns of 0 and 1
    one logistic output each.

    Parameters
    ----------
    class_weight : "balanced", dict, list of dicts or None
        See :func:`lamina.estimators._core.targets.class_weights.class_factors`.
    """

    class_weight: Any = None
    labels: Labels = learnt("_labels")
    classes: np.ndarray = learnt("classes_")

    def check(self, owner: Any, y: Any, X: Any) -> TargetValues:
        return checked_target(owner, y, X, numeric=False)

    def learn(self, answers: TargetValues, classes: Any) -> tuple["ClassTarget", Any]:
        labels, codes = Labels.of(answers.values, classes)
        known = replace(self, labels=labels, classes=labels.classes)
        return known, with_missing(codes, answers.missing)

    def encode(self, answers: TargetValues) -> Any:
        return with_missing(self.labels.encode(answers.values), answers.missing)

    def resume(self, answers: TargetValues, incremental: bool, classes: Any) -> Any:
        if incremental:
            check_same_classes(classes, self.classes)
            return self.encode(answers)
        found = Labels.of(answers.values)[0].classes
        if not np.array_equal(found, self.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the "
                f"previous call to fit. Previously got {self.classes}, `y` has {found}"
            )
        return self.encode(answers)

    def for_loss(self, y: Any, activation: Any) -> Any:
        if self.loss_for(activation) == "cross_entropy":
            return y
        return self.labels.one_hot(y)

    @property
    def n_outputs(self) -> int:
        return self.labels.n_outputs

    @property
    def head(self) -> str:
        return "softmax" if self.labels.kind == "multiclass" else "logistic"

    def loss_for(self, activation: Any) -> Loss:
        if self.loss != "log_loss":
            return self.loss
        exclusive = self.labels.kind == "multiclass"
        return fitting_cross_entropy(activation, exclusive)

    def weights(self, y: Any, rows: np.ndarray | None = None) -> Weights:
        if self.class_weight is None:
            return Weights()
        classes = np.arange(2) if y.ndim == 2 else self.classes
        counted = y if rows is None else y[rows]
        return ClassWeights(class_factors(self.class_weight, classes, counted))

    def strata(self, y: Any) -> np.ndarray | None:
        return y if y.ndim == 1 else None

    def decode(self, outputs: Any, dtype: np.dtype) -> Any:
        return self.labels.decode(outputs)

    def score(self, y: Any, outputs: Any, weight: np.ndarray) -> float:
        """Return the accuracy; a row of labels is right if all measured ones are."""
        right = self.labels.codes(outputs) == y
        if right.ndim == 2:
            missing = np.isnan(y)
            weight = weight * ~missing.all(axis=1)
            right = (right | missing).all(axis=1)
        return float(np.average(right, weights=weight)) if weight.any() else np.nan

    def probabilities(self, outputs: np.ndarray, activation: Any) -> np.ndarray:
        """Return probabilities (n, classes), or of each label to be on.

        Raises
        ------
        AttributeError
            If outputs of this activation are not probabilities.
        """
        if activation not in ("softmax", "logistic"):
            raise AttributeError(
                f"outputs of the activation {activation!r} are not probabilities"
            )
        if self.labels.kind == "binary":
            return np.concatenate([1 - outputs, outputs], axis=1)
        if self.labels.kind == "multiclass" and activation == "logistic":
            return shares(outputs)
        return outputs


class ClassWeights(Weights):
    """Sample weights by class; see :func:`weights_by_class`."""

    def __init__(self, factors: np.ndarray) -> None:
        self.factors = factors

    def __call__(self, weight: np.ndarray | None, y: Any) -> np.ndarray | None:
        by_class = weights_by_class(self.factors, y)
        return by_class if weight is None else by_class * weight

    def __bool__(self) -> bool:
        return True


def shares(outputs: np.ndarray) -> np.ndarray:
    """Return each output by the sum of its row, which sums to 1 then.

    Shapes: outputs and what is returned (n, classes), outputs ≥ 0.
    """
    total = outputs.sum(axis=1, keepdims=True)
    even = np.full_like(outputs, 1 / outputs.shape[1])
    return np.divide(outputs, total, out=even, where=total > 0)
