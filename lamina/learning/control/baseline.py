"""The loss of constant outputs: the baseline that training has to beat."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lamina.learning.data.bucketing import answers_filled_up
from lamina.learning.data.dataset import Dataset
from lamina.learning.data.loader import Loader
from lamina.learning.objectives.objective import Objective
from lamina.networks.functional.losses import ABSENT, MARGIN

MOST_NUMBERS = 2**20
"""For larger targets, the loss is estimated from equally spaced rows."""


def constant_loss(objective: Any, loader: Loader) -> float | None:
    """Return the loss of outputs that equal the means of their targets.

    Equations
    ---------
        T = Σᵢ wᵢ Σⱼ mᵢⱼ ℓ(ȳⱼ, yᵢⱼ) / Σᵢ wᵢ,   ȳⱼ = Σᵢ wᵢ mᵢⱼ yᵢⱼ / Σᵢ wᵢ mᵢⱼ

    For squared errors this is half the variance of the targets, for cross entropies the
    entropy of the class frequencies. All positions of an example get the same output.
    The margin loss uses its best constant in place of ȳ.

    Parameters
    ----------
    objective : Objective
        Its loss and label smoothing are used; a constant has no weight penalty.
    loader : Loader
        Its rows are used, up to about :data:`MOST_NUMBERS` targets.

    Returns
    -------
    float, averaged over outputs as :meth:`Objective.reported` does; None for a loss
    that is a function or includes more than errors (sparsity, adversarial examples),
    for targets on disk, and for constant targets
    """
    of_mean, examples = _of_mean(objective), loader.dataset
    if of_mean is None or (examples.stored and examples.y is examples.x):
        return None
    rows = loader.rows[examples.weight[loader.rows] > 0]
    if not len(rows):
        return None
    rows = rows[_at_distances(len(rows), MOST_NUMBERS // _numbers(examples))]
    weight = examples.weight[rows].astype(np.float64)
    y, each = _targets(examples, rows, weight)
    for term in objective.terms:
        y = term.smooth(y, y, objective.loss)
    found = float(of_mean(y, each) / weight.sum()) / objective.outputs
    return found if found > 0 else None


def _of_mean(objective: Any) -> Callable | None:
    if not (isinstance(objective, Objective) and isinstance(objective.loss, str)):
        return None
    if any(term.more_than_errors for term in objective.terms):
        return None
    return _OF_MEAN[objective.loss]


def _numbers(examples: Dataset) -> int:
    """Return the maximum number of target values per example."""
    return max(1, int(np.prod(examples.y.shape[1:])))


def _at_distances(n: int, most: int) -> np.ndarray:
    return np.linspace(0, n - 1, max(1, min(n, most))).astype(int)


def _targets(
    examples: Dataset, rows: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return targets (predictions, outputs) and their weights, of the same shape.

    Class numbers become one column each.
    """
    y: Any = examples.y
    mask = None if examples.mask is None else examples.mask[rows]
    if hasattr(y, "lengths"):
        time = int(y.lengths[rows].max())
        y, mask = answers_filled_up(y, rows, len(rows), slice(None), time, float)
    else:
        y = y[rows]
    y = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    each = weight.reshape(-1, *[1] * (y.ndim - 1))
    if y.dtype.kind in "iu":
        each = each * (y >= 0)
        if y.ndim > 1:  # the mean over the positions that have a label
            places = tuple(range(1, y.ndim))
            each = each / np.maximum(1, (y >= 0).sum(axis=places, keepdims=True))
        known = y >= 0
        numbers, counts = y[known], np.broadcast_to(each, y.shape)[known]
        classes = np.zeros((1, int(numbers.max(initial=0)) + 1))
        # `classes[0, numbers] += counts` would count a repeated class only once.
        np.add.at(classes[0], numbers, counts)
        # 1e-300: no 0/0 if no row has a label.
        return classes / max(counts.sum(), 1e-300), np.full((1, 1), counts.sum())
    each = np.broadcast_to(each if mask is None else each * mask, y.shape)
    columns = -1, y.shape[-1]
    return y.reshape(columns).astype(np.float64), each.reshape(columns)


def _mean(y: np.ndarray, each: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ȳ and Σ w m of each column."""
    counts = np.broadcast_to(each, y.shape).sum(axis=0)
    return (each * y).sum(axis=0) / np.where(counts > 0, counts, 1), counts


def _squared(y: np.ndarray, each: np.ndarray) -> float:
    mean, _ = _mean(y, each)
    return np.sum(each * (y - mean) ** 2)


def _absolute(y: np.ndarray, each: np.ndarray) -> float:
    mean, _ = _mean(y, each)
    return np.sum(each * np.abs(y - mean))


def _entropy(y: np.ndarray, each: np.ndarray) -> float:
    p, counts = _mean(y, each)
    return -np.sum(counts * _x_log_x(p))


def _binary_entropy(y: np.ndarray, each: np.ndarray) -> float:
    p, counts = _mean(y, each)
    return -np.sum(counts * (_x_log_x(p) + _x_log_x(1 - p)))


def _poisson(y: np.ndarray, each: np.ndarray) -> float:
    mean, counts = _mean(y, each)
    return np.sum(each * _x_log_x(y)) - np.sum(counts * _x_log_x(mean))


def _margin(y: np.ndarray, each: np.ndarray) -> float:
    """a = (p m⁺ + λ (1 − p) m⁻) / (p + λ (1 − p)) is the best constant."""
    p, counts = _mean(y, each)
    absent, low = ABSENT * (1 - p), 1 - MARGIN
    return np.sum(counts * p * absent / (p + absent)) * (MARGIN - low) ** 2


def _x_log_x(x: np.ndarray) -> np.ndarray:
    # 0 log 0 = 0: the logarithm of 0 would be −∞, and the product NaN.
    return x * np.log(np.maximum(x, 1e-300))


_OF_MEAN: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "squared_error": lambda y, each: 0.5 * _squared(y, each),
    "sum_squared_error": _squared,
    "absolute_error": _absolute,
    "cross_entropy": _entropy,
    "binary_cross_entropy": _binary_entropy,
    "poisson": _poisson,
    "margin": _margin,
}
