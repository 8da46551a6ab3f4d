"""Scores over what is measured: targets may hold NaN, and examples have weights."""

import numpy as np


def r2(target: np.ndarray, numbers: np.ndarray, weight: np.ndarray) -> float:
    """Return R², averaged over the outputs of which something is measured.

    Shapes: target (n, outputs), NaN where it is not measured; numbers (n, outputs);
    weight (n,).
    """
    if not weight.any() or not np.isfinite(numbers).all():
        return np.nan
    known = ~np.isnan(target) * weight[:, None]
    counts = known.any(axis=0)
    if not counts.any():
        return np.nan
    known, numbers = known[:, counts], numbers[:, counts]
    target, measured = np.nan_to_num(target[:, counts]), known.sum(axis=0)
    mean = (known * target).sum(axis=0) / measured
    rest = (known * (target - numbers) ** 2).sum(axis=0) / measured
    spread = (known * (target - mean) ** 2).sum(axis=0) / measured
    varies = spread > 0
    ratio = np.divide(rest, spread, out=(rest > 0).astype(float), where=varies)
    return float(np.mean(1 - ratio))
