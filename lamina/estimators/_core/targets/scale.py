"""The scale of targets that are numbers."""

import warnings
from typing import Any

import numpy as np

from lamina.estimators._core.reporting.callers import callers_level
from lamina.learning.protocols import Needs

REACH = {"logistic": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""Between which numbers the outputs are; targets are scaled to that."""

UNSCALED = ("exp", "relu", "sign", "softmax", "threshold")
"""Activations whose outputs are bounded in another way."""

# The extreme targets themselves are rounded when they are scaled.
CLOSE = 1e-6


def scaling_for(activation: Any, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is subtracted from targets, and what they are divided by.

    Equations
    ---------
        (y − μ) / σ                                    linear outputs
        (y − min y) / (max y − min y)                  logistic: in [0, 1]
        (y − ½ (max y + min y)) / ½ (max y − min y)    tanh: in [−1, 1]

    of each output by itself.

    Parameters
    ----------
    activation : str or callable
        Of the output layer.
    y : ndarray (n,) or (n, outputs)
        NaN where it is not measured.

    Raises
    ------
    ValueError
        If the outputs cannot reach any scaled targets.
    """
    if activation in UNSCALED:
        raise ValueError(
            f"scale_target=True needs outputs that are linear, logistic or tanh, not "
            f"{activation!r}: set scale_target=False"
        )
    if activation not in REACH:
        return scaling(y, True)
    y = y.reshape(len(y), -1).astype(np.float64)
    low, high = np.nanmin(y, axis=0), np.nanmax(y, axis=0)
    begin, end = REACH[activation]
    scale = np.where(high > low, (high - low) / (end - begin), 1.0)
    return low - begin * scale, scale


def warn_unreached(activation: Any, scaled: np.ndarray) -> None:
    """Warn of scaled targets that the outputs cannot reach."""
    if activation not in REACH:
        return
    begin, end = REACH[activation]
    if ((scaled < begin - CLOSE) | (scaled > end + CLOSE)).any():
        warnings.warn(
            f"y has values beyond the smallest and the largest target of the first "
            f"call, which {activation} outputs cannot reach; take a linear output "
            "layer, or call fit with targets of the whole range",
            UserWarning,
            stacklevel=callers_level(),
        )


def scaling(y: np.ndarray, scales: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each output, or 0 and 1.

    Shapes: y (n,) or (n, outputs), NaN where it is not measured.
    """
    y = y.reshape(len(y), -1).astype(np.float64)
    if not scales:
        return np.zeros(y.shape[1]), np.ones(y.shape[1])
    scale = np.nanstd(y, axis=0)
    return np.nanmean(y, axis=0), np.where(scale > 0, scale, 1)


SHIFTED = ("squared_error", "sum_squared_error", "absolute_error")
"""Losses of the difference of output and target alone."""

FAR = 2.0**13
"""Mean over deviation from which float32 has fewer than 1,000 numbers a deviation."""

USUAL = 2.0**10
"""Tolerances of methods in double precision are for deviations up to this, or from its
inverse on."""


def resolved(
    y: np.ndarray, loss: Any, activation: Any, needs: Needs, dtype: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and scale of targets beyond float32 or the tolerances, or 0 and 1.

    Equations
    ---------
        μ = ȳ                       if |ȳ| > 2¹³ σ, in float32
        s = 2ᵏ, k = round(log₂ σ)   if σ > 2¹⁰ or σ < 2⁻¹⁰, by iterations in float64

    of each output by itself. The network learns (y − μ) / s. That is the same function
    but for its output layer, whose numbers are then W / s and (b − μ) / s: float32 has
    no digits for the differences of numbers such as 10⁸ + x, and the damping and the
    tolerances of Levenberg-Marquardt are for differences of about 1.

    Parameters
    ----------
    y : ndarray (n,) or (n, outputs)
        NaN where it is not measured.
    loss, activation : str or callable
        Of the network.
    needs : Needs
        Of the algorithm.
    dtype : str
        Type that the network computes in.
    """
    y = y.reshape(len(y), -1).astype(np.float64)
    mean, scale = np.zeros(y.shape[1]), np.ones(y.shape[1])
    single = needs.float64 or dtype == "float32"
    if not (activation == "identity" and single and loss in SHIFTED):
        return mean, scale
    known = ~np.isnan(y)
    count = np.maximum(1, known.sum(axis=0))
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers refused later
        middle = np.where(known, y, 0).sum(axis=0) / count
        off = np.where(known, y - middle, 0)
        deviation = np.sqrt((off * off).sum(axis=0) / count)
        sound = (deviation > 0) & np.isfinite(deviation)
        mean = np.where(sound & (np.abs(middle) > FAR * deviation), middle, mean)
    if needs.float64 and not needs.closed_form:
        logarithm = np.log2(np.where(sound, deviation, 1))
        usual = np.abs(logarithm) <= np.log2(USUAL)
        # A power of two, as dividing by it loses no digit.
        scale = np.where(usual, 1.0, 2.0 ** np.round(logarithm))
    return mean, scale
