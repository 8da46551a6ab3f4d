"""Series in time: columns of a table that are continued."""

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
    """What is forecast, how far, and how it is tried."""

    group = "Time series"

    forecast: tuple[str, ...] = option(
        (),
        "Column whose next steps are to be told; several times for several.",
        metavar="COLUMN",
        parameter="target",
        parse=one_or_all,
    )
    horizon: int = option(12, "How many steps to forecast.", metavar="N")
    seasonal_period: int | None = option(
        None, "Steps of a season, such as 12; found from the times.", metavar="N"
    )
    exogenous: tuple[str, ...] = option(
        (),
        "Column that is known beforehand, for the steps to forecast too; several times "
        "for several.",
        metavar="COLUMN",
        parameter="exogenous",
        parse=list,
    )
    folds: int = option(3, "On how many known ends a forecast is tried.", metavar="N")


@dataclass(frozen=True, kw_only=True)
class ForecastOptions(HorizonOptions, SeriesOptions, FitOptions):
    """Options of a fit of series."""


INSTEAD = {
    "holdout": Message(
        Setting("folds"), " says on how many known ends a forecast is tried"
    ),
    "target": Message(Setting("forecast"), " names what is to be told"),
}
NUMBERS = {"probabilities": "forecasts are numbers, which have no probabilities"}


class Forecasts(Kind):
    """One or several series, of which the next steps are forecast."""

    name = "forecast"
    noun = "a series to forecast"
    plural = "series to forecast"
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
        """A fit that was interrupted too early is no fit at all."""

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
            _scores(model.scores_, model.baseline_scores_, _ends(folds)),
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
            _scores(model.scores_, model.baseline_scores_),
            Coverage(model.coverage_),
            Notes(list(model.notes_)),
        ]

    # ---- application -----------------------------------------------------------------

    def read(self, model: Any, source: str, reading: Reading) -> Any:
        return source  # which columns are needed the model finds itself

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
            _scores(found["scores"], found["baseline"]),
            Notes(found["notes"]),
        ]


def known_target(source: str) -> str | None:
    """Return what an embedded series is a series of; None of all other sources.

    A table says nothing of the kind: a forecast has to be asked for.
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


def _scores(scores: Any, baseline: Any, of: str = "") -> Scores:
    columns = (
        ScoreColumn("scores", "network", scores),
        ScoreColumn("baseline", "season before", baseline),
    )
    return Scores(f"error of forecasts{of}", columns)


def _ends(folds: int) -> str:
    return f" of {folds} known end{'s' * (folds != 1)}" if folds else ""


def _first(model: Any) -> Any:
    return model.forecaster_.estimators_[0]


def _is_network(estimator: Any) -> bool:
    from lamina.estimators._core.network_estimator import NetworkEstimator

    return isinstance(estimator, NetworkEstimator)


def _count(estimator: Any) -> int:
    from lamina.estimators._core.reporting.summary import rows_of

    return sum(row["parameters"] for row in rows_of(estimator))
