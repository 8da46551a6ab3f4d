"""Standardisation of inputs, and weights for inputs that are not standardised."""

from typing import Any

import numpy as np

EPSILON = np.finfo(np.float64).eps


def mean_and_scale(
    x: np.ndarray, weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of each column, in double precision.

    Equations
    ---------
        μⱼ = Σᵢ wᵢ xᵢⱼ / Σᵢ wᵢ,   σⱼ² = Σᵢ wᵢ (xᵢⱼ − μⱼ)² / Σᵢ wᵢ

    A column that is constant up to the rounding of these sums has scale 1: with a scale
    near 0, any other value would later dominate everything.

    Shapes
    ------
    x (n, …, columns), weight (n,) not all 0, mean and scale (columns,). Axes between
    rows and columns are positions, which all count the same.
    """
    rows = x.astype(np.float64, copy=False)
    places = tuple(range(1, x.ndim - 1))
    mean = np.average(rows.mean(axis=places), axis=0, weights=weight)
    off = ((rows - mean) ** 2).mean(axis=places)
    variance = np.average(off, axis=0, weights=weight)
    n = x.size // max(1, x.shape[-1])
    rounding = (n * EPSILON * np.abs(mean)) ** 2
    return mean, np.where(variance > rounding, np.sqrt(variance), 1.0)


def for_unscaled(params: dict, mean: np.ndarray, scale: np.ndarray) -> dict:
    """Return weight and bias for raw inputs v of a layer trained on scaled inputs.

    Equations
    ---------
        W' = D⁻¹ W,   b' = b − μ W',   so that v W' + b' = (v − μ) D⁻¹ W + b

    Parameters
    ----------
    params : dict
        "weight" W (n, units) and "bias" b (units,).
    mean, scale : ndarray (n,)
        μ, and the diagonal of D.
    """
    weight: Any = np.asarray(params["weight"])
    bias = np.asarray(params["bias"])
    if not np.any(mean) and np.all(scale == 1):
        return {"weight": weight, "bias": bias}
    scaled = weight / scale[:, None]
    found = {"weight": scaled, "bias": bias - mean @ scaled}
    return {name: array.astype(weight.dtype) for name, array in found.items()}
