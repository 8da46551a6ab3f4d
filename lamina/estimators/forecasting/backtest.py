"""Backtests: forecasts of past values, compared with naive forecasts."""

from typing import Any

import numpy as np
from sklearn.base import clone

from lamina.data.sequences.ragged_array import SequenceError
from lamina.data.timeseries.time_series import Many, as_list, beforehand
from lamina.data.timeseries.windows import differences
from lamina.estimators._core.parameters.checks import check_integer


def backtest(
    model: Any,
    y: Any,
    X: Any,
    folds: int,
    step: Any,
    coverage: float,
    learns: bool = True,
) -> dict[str, Any]:
    """Forecast the ends of series by copies of a model fitted to the steps before.

    If ``learns`` is False, the fitted model itself forecasts them. Ctrl-C ends the
    backtest. See :meth:`lamina.Forecaster.backtest`.
    """
    check_integer("folds", folds, 1)
    step = model.horizon if step is None else step
    check_integer("step", step, 1)
    series, form = as_list(y)
    known = beforehand(X, [len(one) for one in series], form)
    found = [
        _fold(model, series, known, model.horizon + step * back, coverage, learns)
        for back in reversed(range(folds))
    ]
    inside = [share for fold in found for share in fold.pop("inside")]
    return {
        "scores": _scores(found, series, model.seasonal_period),
        "coverage": float(np.mean(inside)) if inside else None,
        "folds": found,
    }


def _fold(
    like: Any,
    series: Many,
    known: Many | None,
    left_out: int,
    coverage: float,
    learns: bool,
) -> dict[str, Any]:
    """Forecast the steps after the last ``left_out`` steps are withheld."""
    ends = [len(one) - left_out for one in series]
    if min(ends) < 1:
        raise SequenceError(
            f"a series of {min(map(len, series))} steps has no history {left_out} "
            "steps before its end; use fewer folds"
        )
    past = [one[:end] for one, end in zip(series, ends, strict=True)]
    before = later = None
    if known is not None:
        pairs = list(zip(known, ends, strict=True))
        before = [one[:end] for one, end in pairs]
        later = [one[end : end + like.horizon] for one, end in pairs]
    model: Any = like
    now: dict[str, Any] = {"y": past, "known": before}
    if learns:
        model = clone(like)
        model.fit(past, before)
        if model.interrupted_:
            raise KeyboardInterrupt
        now = {}
    actual = [
        one[end : end + like.horizon] for one, end in zip(series, ends, strict=True)
    ]
    fold: dict[str, Any] = {
        "end": ends,
        "actual": actual,
        "model": _listed(model.predict(later, **now)),
        "naive": [np.full(like.horizon, one[-1]) for one in past],
        "seasonal_naive": [
            np.resize(one[-like.seasonal_period :], like.horizon) for one in past
        ],
        "lower": None,
        "upper": None,
        "inside": [],
    }
    if model.residuals_ is not None:
        bounds = model.predict_interval(later, coverage=coverage, **now)
        lower, upper = map(_listed, bounds)
        fold |= {"lower": lower, "upper": upper}
        triples = zip(lower, actual, upper, strict=True)
        fold["inside"] = [np.mean((a <= t) & (t <= b)) for a, t, b in triples]
    return fold


def _listed(forecasts: Any) -> list[np.ndarray]:
    """Return the forecasts as a list with one array per series."""
    if isinstance(forecasts, list):
        return forecasts
    return [forecasts] if forecasts.ndim == 1 else list(forecasts.T)


def _scores(
    folds: list[dict[str, Any]], series: Many, seasonal_period: int
) -> dict[str, dict[str, float]]:
    """Return the errors of each method over all folds and series."""
    scores = {}
    for method in ("model", "naive", "seasonal_naive"):
        errors, scaled = [], []
        for fold in folds:
            for number, actual in enumerate(fold["actual"]):
                error = actual - fold[method][number]
                past = series[number][: fold["end"][number]]
                unit = np.abs(differences(past, seasonal_period)).mean()
                errors.append(error)
                scaled.append(np.abs(error).mean() / (unit or 1.0))
        flat = np.concatenate(errors)
        scores[method] = {
            "mae": float(np.abs(flat).mean()),
            "rmse": float(np.sqrt(np.mean(flat**2))),
            "mase": float(np.mean(scaled)),
        }
    return scores
