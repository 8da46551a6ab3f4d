"""Scores of predictions and of a trivial baseline.

The baseline only uses the training target: it always predicts the most frequent class
(its probabilities are the class frequencies), or the mean.

Equations
---------
    accuracy           fraction of correct rows (multi-label: all labels correct)
    balanced accuracy  mean over the classes of the fraction of their correct rows
    log loss           −mean ln p(true class)
    R²                 1 − Σ (y − ŷ)² / Σ (y − ȳ)²
    RMSE, MAE          √mean (y − ŷ)², mean |y − ŷ|, in the units of the target

For several targets, R², RMSE and MAE are means over the targets. Targets that are NaN
are ignored: a multi-label row is correct if all known labels are.

References
----------
Brodersen, Ong, Stephan & Buhmann (2010), The balanced accuracy and its posterior
distribution, ICPR (balanced accuracy).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

Scores = dict[str, float | None]

OF_CLASSES = ("accuracy", "balanced_accuracy", "log_loss")
OF_NUMBERS = ("r2", "rmse", "mae")
OF_FORECASTS = ("mae", "rmse", "mase")

SMALLEST = 1e-7
"""Lower bound of probabilities in the log loss, so that a single row cannot make it
infinite; about the precision of float32."""


@dataclass(frozen=True)
class Baseline:
    """The prediction without any input.

    Attributes
    ----------
    shares : ndarray (n_classes,) or (n_labels,), for classes
        Class frequencies in training; for multi-label targets, how often each is 1.
    mean : ndarray (n_targets,), for numbers
    """

    shares: np.ndarray | None = None
    mean: np.ndarray | None = None

    @classmethod
    def of_classes(cls, y: np.ndarray, classes: np.ndarray) -> "Baseline":
        """Fit the class frequencies."""
        if y.ndim == 2:
            return cls(shares=np.nanmean(y, axis=0))
        codes = np.searchsorted(classes, y)
        return cls(shares=np.bincount(codes, minlength=len(classes)) / len(y))

    @classmethod
    def of_numbers(cls, y: np.ndarray) -> "Baseline":
        """Fit the mean."""
        return cls(mean=np.nanmean(y.reshape(len(y), -1), axis=0))

    def probabilities(self, n: int) -> np.ndarray:
        """Return the class frequencies for each of n rows."""
        return np.tile(self.shares, (n, 1))  # type: ignore[arg-type]

    def numbers(self, like: np.ndarray) -> np.ndarray:
        """Return the mean in the shape of a target."""
        return np.broadcast_to(self.mean, (len(like), len(self.mean))).reshape(  # type: ignore[arg-type]
            like.shape
        )


def class_scores(
    y: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray, classes: np.ndarray
) -> Scores:
    """Return the scores of predicted classes.

    A row of a class that is not in ``classes`` counts as wrong, with probability 0.

    Parameters
    ----------
    y, predicted : ndarray (n,) of labels
    probabilities : ndarray (n, n_classes)
    classes : ndarray (n_classes,), sorted
    """
    right = y == predicted
    codes = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    known = classes[codes] == y
    given = np.where(known, probabilities[np.arange(len(y)), codes], 0)
    return {
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean([right[y == c].mean() for c in set(y)])),
        "log_loss": float(-np.log(np.clip(given, SMALLEST, 1)).mean()),
    }


def label_scores(
    y: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray
) -> Scores:
    """Return the scores of multi-label targets, all (n, n_labels)."""
    known = ~np.isnan(y)
    p = np.clip(np.where(y == 1, probabilities, 1 - probabilities), SMALLEST, 1)
    right = y == predicted
    by_value = [right[y == v].mean() for v in (0, 1) if (y == v).any()]
    return {
        "accuracy": float((right | ~known).all(axis=1).mean()),
        "balanced_accuracy": float(np.mean(by_value)),
        "log_loss": float(-np.sum(np.log(p), axis=1, where=known).mean()),
    }


def number_scores(y: np.ndarray, predicted: np.ndarray) -> Scores:
    """Return the scores of predicted numbers (n,) or (n, n_targets).

    R² is None if a target is constant, for instance with a single row.
    """
    y, predicted = (a.reshape(len(a), -1) for a in (y, predicted))
    some = ~np.isnan(y).all(axis=0)
    y, predicted = y[:, some], predicted[:, some]
    rest = np.nanmean((y - predicted) ** 2, axis=0)
    spread = np.nanvar(y, axis=0)
    constant = bool((spread <= 0).any())
    r2 = None if constant else float((1 - rest / spread).mean())
    return {
        "r2": r2,
        "rmse": float(np.sqrt(rest).mean()),
        "mae": float(np.nanmean(np.abs(y - predicted), axis=0).mean()),
    }


def baseline_scores(
    baseline: Baseline, y: np.ndarray, classes: np.ndarray | None
) -> Scores:
    """Return the scores of the trivial baseline on a target."""
    if classes is None:
        return number_scores(y, baseline.numbers(y))
    probabilities = baseline.probabilities(len(y))
    if y.ndim == 2:
        return label_scores(y, (probabilities > 0.5).astype(int), probabilities)
    majority = classes[int(np.argmax(baseline.shares))]  # type: ignore[arg-type]
    predicted = np.full(len(y), majority, dtype=classes.dtype)
    return class_scores(y, predicted, probabilities, classes)


def mean_squares(x: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Return 1/d Σⱼ (xᵢⱼ − x̂ᵢⱼ)² of every example i, (n,)."""
    off = (x - made).reshape(len(x), -1).astype(np.float64)
    return np.mean(off * off, axis=1)


def main_score(scores: Any) -> str:
    """Return the name of the main score."""
    return "accuracy" if "accuracy" in scores else "r2"
