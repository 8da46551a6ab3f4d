"""Time series: forecasts of columns of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lamina.data.errors import Message, Setting
from lamina.models.kinds.kind import Fit, Kind, Progress, Reading
from lamina.models.kinds.predictive import NO_IMAGES, PREDICTS
from lamina.models.kinds.shared import FitOptions, SeriesOptions, one_or_all
from lamina.models.options import Given, option
from lamina.models.reports import (
    Backtest,
    Compiled,
    Coverage,
    Ended,
    Forecasting,
    Layers,
    ModelFile,
    NetworkSize,
    Next,
    Notes,
    Part,
    Predictions,
    ScoreColumn,
    Scores,
    Trial,
)


@dataclass(frozen=True, kw_only=True)
class HorizonOptions:
    """What to forecast, how far, and how to backtest."""

    group = "Time series"

    forecast: tuple[str, ...] = option(
        (),
        "Column to forecast (repeatable).",
        metavar="COLUMN",
        parameter="target",
        parse=one_or_all,
    )
    horizon: int = option(12, "Number of steps to forecast.", metavar="N")
    seasonal_period: int | None = option(
        None,
        "Seasonal period in steps, such as 12 for months.",
        metavar="N",
        automatic="inferred from the times",
    )
    exogenous: tuple[str, ...] = option(
        (),
        "Exogenous variable: a column also known for the steps to forecast "
        "(repeatable).",
        metavar="COLUMN",
        parameter="exogenous",
        parse=list,
    )
    folds: int = option(3, "Number of backtest folds.", metavar="N")


@dataclass(frozen=True, kw_only=True)
class ForecastOptions(HorizonOptions, SeriesOptions, FitOptions):
    """Options of a fit of time series."""


INSTEAD = {
    "holdout": Message(Setting("folds"), " sets the number of backtest folds"),
    "target": Message(Setting("forecast"), " names the column to forecast"),
}
NUMBERS = {
    "probabilities": "is a forecaster; forecasts are numbers and have no probabilities"
}


class Forecasts(Kind):
    """One or several time series to forecast."""

    name = "forecast"
    noun = "a time series"
    plural = "time series"
    how = "--forecast COLUMN"
    options = ForecastOptions
    instead = INSTEAD
    lacks = PREDICTS | NO_IMAGES | NUMBERS

    def recognises(self, source: str, given: Given) -> bool:
        if "forecast" in given:
            return True
        return "target" not in given and known_target(source) is not None

    def prepare(
        self, source: str, options: Any, progress: Progress = None
    ) -> tuple[Any, Any]:
        from lamina.data import read_table
        from lamina.models.forecast import ForecastModel

        how = self.parameters(options, ForecastModel)
        how["target"] = how["target"] or known_target(source)
        return ForecastModel(**how), read_table(source)

    def check_learnt(self, model: Any, notes: Sequence[str]) -> None:
        """Do nothing: a fit that was interrupted too early raises KeyboardInterrupt."""

    # ---- reports ---------------------------------------------------------------------

    def report(self, model: Any, fit: Fit) -> list[Part]:
        first, forecaster = _first(model), model.forecaster_
        network, count = type(first).__name__, None
        if _is_network(first):
            from lamina.estimators._core.reporting.summary import chain_of

            network, count = chain_of(first), _count(first)
        folds = len(model.backtest_)
        out = fit.options.out
        return [
            _forecasting(model, fit.source),
            NetworkSize(network, count, n_estimators=len(forecaster.estimators_)),
            Ended(round(fit.seconds, 3)),
            _scores(model, model.scores_, model.baseline_scores_, _backtest(folds)),
            Coverage(model.coverage_),
            Backtest(folds),
            Notes([*model.notes_, *fit.notes]),
            ModelFile(out, fit.model_bytes),
            Compiled(forecaster.n_compiles_),
            Next([["predict", out, fit.source]], fit.model_bytes is not None),
        ]

    def estimator(self, model: Any) -> str:
        return type(model.forecaster_).__name__

    def describe(self, model: Any) -> list[Part]:
        first, members = _first(model), len(model.forecaster_.estimators_)
        rows, count = [], None
        if _is_network(first):
            from lamina.estimators._core.reporting.summary import rows_of

            rows, count = rows_of(first), _count(first)
        return [
            _forecasting(model),
            Layers(rows, count, members),
            _scores(model, model.scores_, model.baseline_scores_, _backtest()),
            Coverage(model.coverage_),
            Notes(list(model.notes_)),
        ]

    # ---- application -----------------------------------------------------------------

    def read(self, model: Any, source: str, reading: Reading) -> Any:
        return source  # the model selects the columns

    def predict(self, model: Any, data: Any, probabilities: bool) -> Predictions:
        columns = model.predict(data)
        return Predictions(list(columns), list(columns.values()))

    def evaluate(self, model: Any, path: str, data: Any) -> list[Part]:
        found = model.evaluate(data)
        return [
            Trial(
                path,
                found["source"],
                found["rows"],
                found["skipped"],
                "rows",
                model.targets_,
                found["task"],
            ),
            _scores(
                model,
                found["scores"],
                found["baseline"],
                f"error over the last {model.horizon} steps",
            ),
            Notes(found["notes"]),
        ]


def known_target(source: str) -> str | None:
    """Return the target of a bundled time series; None for any other source.

    A table does not say what to forecast: the user has to.
    """
    from lamina import data

    if source not in data.names():
        return None
    known = data.load(source)
    return known.target if isinstance(known, data.TimeSeriesDataset) else None


def _forecasting(model: Any, source: str | None = None) -> Forecasting:
    return Forecasting(
        model.n_steps_,
        model.n_series_,
        model.targets_,
        model.time_,
        model.seasonal_period_,
        model.horizon,
        source,
    )


def _scores(model: Any, scores: Any, baseline: Any, title: str) -> Scores:
    naive = "seasonal naive" if model.seasonal_period_ > 1 else "naive (last value)"
    columns = (
        ScoreColumn("scores", "network", scores),
        ScoreColumn("baseline", naive, baseline),
    )
    return Scores(title, columns)


def _backtest(folds: int = 0) -> str:
    """Return what backtest scores are called; a model file does not say the folds."""
    return "backtest error" + (f", {folds} fold{'s' * (folds != 1)}" if folds else "")


def _first(model: Any) -> Any:
    return model.forecaster_.estimators_[0]


def _is_network(estimator: Any) -> bool:
    from lamina.estimators._core.network_estimator import NetworkEstimator

    return isinstance(estimator, NetworkEstimator)


def _count(estimator: Any) -> int:
    from lamina.estimators._core.reporting.summary import rows_of

    return sum(row["parameters"] for row in rows_of(estimator))
