"""Time series as examples: seasonal differences, and sliding windows over them.

Equations
---------
    dₜ = zₜ − zₜ₋ₘ                       the seasonal difference with period m
    (dₜ₋ₚ₊₁ … dₜ) → (dₜ₊₁ … dₜ₊ₕ)        from a window of p steps to the next h
    zₜ₊ₖ = zₜ₊ₖ₋ₘ + dₜ₊ₖ                  and the inverse, step by step

With m = 1 these are ordinary differences.

References
----------
Box, Jenkins, Reinsel & Ljung (2015), Time series analysis, Wiley, chapter 9 (seasonal
differences); Sejnowski & Rosenberg (1987), Parallel networks that learn to pronounce
English text, Complex Systems 1 (sliding windows).
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lamina.data.sequences.ragged_array import OneSequenceError
from lamina.data.timeseries.time_series import Many


def differences(z: np.ndarray, season: int) -> np.ndarray:
    """Return d (steps − m, …) of z (steps, …)."""
    return z[season:] - z[:-season]


def summed(d: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return z of the steps with the given differences.

    Parameters
    ----------
    d : ndarray (…, steps)
    last : ndarray (m,)
        z of the season before the first step.
    """
    season = len(last)
    z = np.concatenate([np.broadcast_to(last, (*d.shape[:-1], season)), d], axis=-1)
    for k in range(season, z.shape[-1]):
        z[..., k] += z[..., k - season]
    return z[..., season:]


def windows(
    d: np.ndarray, size: int, horizon: int, ahead: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return all windows of a series and the values after each.

    Parameters
    ----------
    d : ndarray (steps,)
    size, horizon : int
        p and h.
    ahead : ndarray (steps, k), optional
        Exogenous variables of each step: those of step t + h are combined with dₜ.

    Returns
    -------
    X : ndarray (n, size, 1 + k)
    Y : ndarray (n, horizon)
    """
    n = len(d) - size - horizon + 1
    X = sliding_window_view(d, size)[:n, :, None]
    if ahead is not None:
        later = sliding_window_view(ahead[horizon:], size, axis=0)[:n]
        X = np.concatenate([X, later.transpose(0, 2, 1)], axis=2)
    # Copies: windows are overlapping, read-only views of the series.
    return np.ascontiguousarray(X), sliding_window_view(d[size:], horizon)[:n].copy()


def last_window(
    d: np.ndarray, size: int, horizon: int, ahead: np.ndarray | None = None
) -> np.ndarray:
    """Return the window before the first unknown step, (size, 1 + k).

    ``ahead`` (steps + horizon, k) extends to the last step to forecast.
    """
    x = d[-size:, None]
    if ahead is None:
        return x
    return np.concatenate([x, ahead[-size:]], axis=1)


def takes_logarithms(log: Any, series: Many, season: int) -> bool:
    """Return whether to forecast logarithms of the series.

    Raises
    ------
    ValueError
        If they are requested but a number is not positive, or ``log`` is invalid.
    """
    if isinstance(log, bool | np.bool_):
        log = bool(log)
    elif not isinstance(log, str) or log != "auto":
        raise ValueError(f'log must be True, False or "auto", got {log!r}')
    positive = [bool((one > 0).all()) for one in series]
    if log is True and not all(positive):
        number = positive.index(False)
        step = int(np.argmax(series[number] <= 0))
        problem = f", step {step}: {series[number][step]:g} has no logarithm; "
        raise OneSequenceError(number, f"{problem}set log=False")
    if log != "auto" or not all(positive):
        return log is True
    plain = np.median([_growth(one, season) for one in series])
    return bool(np.median([_growth(np.log(one), season) for one in series]) < plain)


def _growth(z: np.ndarray, season: int) -> float:
    """Return |ln| of the ratio of mean |d| in the second half to the first."""
    d = np.abs(differences(z, season))
    half = len(d) // 2
    first, second = d[:half].mean(), d[half:].mean()
    return abs(float(np.log(second / first))) if first > 0 and second > 0 else 0.0
