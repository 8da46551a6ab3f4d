"""Forecasts at the command line: fit, predict, evaluate."""

from typing import Any

from lamina.app.reports import Report, chain, count, plain, size


def fit_report(
    model: Any, source: str, seconds: float, out: str, notes: list
) -> Report:
    """Say what a fit of a ForecastModel came to."""
    first = model.forecaster_.estimators_[0]
    known = hasattr(first, "network_")
    return {
        "command": "fit",
        "data": source,
        "rows": model.n_steps_,
        "series": model.n_series_,
        "target": model.targets_,
        "task": "forecast",
        "time": model.time_,
        "season": model.season_,
        "horizon": model.horizon,
        "network": chain(first) if known else type(first).__name__,
        "members": len(model.forecaster_.estimators_),
        "parameters": count(first) if known else None,
        "scores": plain(model.scores_),
        "baseline": plain(model.baseline_scores_),
        "folds": len(model.backtest_),
        "coverage": model.coverage_,
        "seconds": round(seconds, 3),
        "programs_compiled": model.forecaster_.n_compiles_,
        "notes": [*model.notes_, *notes],
        "stopped": "finished",
        "model": out,
        "model_bytes": size(out),
    }


def summary_report(model: Any, path: str) -> Report:
    """Describe a ForecastModel."""
    from lamina.app.reports import layers

    first = model.forecaster_.estimators_[0]
    known = hasattr(first, "network_")
    return {
        "command": "summary",
        "model": path,
        "model_bytes": size(path),
        "estimator": "Forecaster",
        "task": "forecast",
        "target": model.targets_,
        "rows": model.n_steps_,
        "series": model.n_series_,
        "time": model.time_,
        "season": model.season_,
        "horizon": model.horizon,
        "members": len(model.forecaster_.estimators_),
        "layers": layers(first) if known else [],
        "parameters": count(first) if known else None,
        "scores": plain(model.scores_),
        "baseline": plain(model.baseline_scores_),
        "coverage": model.coverage_,
        "notes": list(model.notes_),
    }
