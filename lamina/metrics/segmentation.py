"""Intersection over union of classes of pixels.

Equations
---------
    IoU_c = #{ŷ = c and y = c} / #{ŷ = c or y = c}
    mean IoU: over the classes c that are in y or ŷ

References
----------
Everingham, Van Gool, Williams, Winn & Zisserman (2010), The PASCAL visual object
classes challenge, International Journal of Computer Vision 88, section 4.3.
"""

from typing import Any

import numpy as np


def confusion_matrix(
    codes: np.ndarray, found: np.ndarray, K: int, weight: Any = None
) -> np.ndarray:
    """Return how many pixels of class c (row) of K are taken for d (column).

    Parameters
    ----------
    codes : ndarray of int (n, …)
        True class numbers; negative ones do not count.
    found : ndarray of int (n, …)
        Predicted class numbers.
    K : int
    weight : array-like (n,), optional
    """
    known = codes >= 0
    pairs = K * codes[known] + found[known]
    if weight is not None:
        rows = (len(codes), *[1] * (codes.ndim - 1))
        weight = np.broadcast_to(np.reshape(weight, rows), codes.shape)[known]
    return np.bincount(pairs, weight, K * K).reshape(K, K)


def intersection_over_union(confusion: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each class, NaN if there is no union."""
    both = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    with np.errstate(invalid="ignore"):
        return np.where(union > 0, both / union, np.nan)


def mean_of_present(shares: np.ndarray) -> float:
    """Return the mean over the classes that are present, NaN if none is."""
    return float(np.nanmean(shares)) if np.isfinite(shares).any() else np.nan
