"""Forecasts of time series in a table with one row per time step."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.data import (
    ForecastTable,
    SequenceError,
    Table,
    TableError,
    read_forecast,
    read_table,
)
from lamina.data.errors import Message, Setting
from lamina.data.sequences.ragged_array import OneSequenceError
from lamina.data.tables.levels import UNSEEN, positions, similar
from lamina.data.tables.parsing import is_missing, moments
from lamina.data.tables.table import as_names, shorten
from lamina.data.tables.time_column import time_values
from lamina.estimators._core.estimator import Estimator
from lamina.estimators._core.parameters.checks import NONE, TEXT, check_number, integer
from lamina.estimators._core.parameters.constraints import COUNT, NAMES
from lamina.estimators._core.parameters.table import estimator, param
from lamina.estimators.forecasting.forecaster import Forecaster
from lamina.models.model_parameters import SettingsParams
from lamina.models.source_model import checked_settings
from lamina.models.state import FittedForecast, as_times

OWN = ("horizon", "seasonal_period", "random_state")
"""Parameters of a Forecaster that the model sets itself."""

FEW_ODD = 0.1
"""A column with a smaller share of invalid dates is a date column with errors."""


@estimator
class ForecastModel(SettingsParams, Estimator):
    """Forecasts of a column of a table with one row per time step.

    ``lamina fit airline.csv --forecast passengers`` creates one. The time column is
    detected, the seasonal period inferred from it (12 for months, 4 for quarters, 7 for
    days, 24 for hours), and the forecaster is backtested on the last steps.

    Attributes
    ----------
    forecaster_ : Forecaster
        Fitted to the targets of the first series, then those of the second, and so on.
    scores_, baseline_scores_ : dict of float, or None
        Backtest errors ``mae``, ``rmse`` and ``mase`` over all folds, of the network
        and of the seasonal naive forecast. See :meth:`lamina.Forecaster.backtest`.
    coverage_ : float or None
        Fraction of actual values covered by the 80 % prediction intervals.
    backtest_ : list of dict
        Each fold; not saved in the model file.
    targets_ : list of str
        The columns to forecast.
    time_ : str or None
        The time column.
    spacing_ : str or None
        Time between steps, "1 month".
    series_ : list of str or None
        Names of the series, if there are several.
    seasonal_period_, n_steps_, n_series_ : int
        Seasonal period, steps of the longest series, and number of series.
    notes_ : list of str
        Notes for the user.

    Examples
    --------
    >>> from lamina import ForecastModel
    >>> model = ForecastModel("passengers", folds=1, random_state=0).fit("airline")
    >>> model.scores_["mase"] < model.baseline_scores_["mase"]
    True
    """

    _state_type = FittedForecast

    kind = "forecast"

    target: Any = param(
        default=None,
        doc="Column to forecast, or several.",
        check=NAMES | NONE,
        kw_only=False,
    )
    time: str | None = param(
        default=None,
        doc="Time column; by default the first column of dates, if there is one.",
        check=TEXT | NONE,
    )
    series: Any = param(
        default=None,
        doc="""Column that identifies the series of each row, if there are several. The
        networks are shared by all series and all targets.""",
        check=NAMES | NONE,
    )
    exogenous: Any = param(
        default=(),
        doc="""Exogenous columns; rows after the last target give their values for the
        steps to forecast.""",
        check=NAMES,
    )
    horizon: int = param(default=12, doc="Number of steps to forecast.", check=COUNT)
    seasonal_period: int | None = param(
        default=None,
        doc="Seasonal period in steps; inferred from the times if None.",
        check=COUNT | NONE,
    )
    settings: Any = param(
        default=None,
        doc="""Parameters of :class:`lamina.Forecaster` to change, ``{"estimator":
        "mlp"}``.""",
    )
    folds: int = param(
        default=3,
        doc="""Number of backtest folds, fewer if the shortest series is too short; 0
        skips the backtest.""",
        check=integer(0),
    )

    def fit(self, source: Any, y: None = None) -> "ForecastModel":
        """Fit a forecaster to columns of a table.

        Parameters
        ----------
        source : path, data frame, dict of arrays, Table or name of a data set
            See :func:`lamina.data.read_table`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the table cannot be used or a parameter is invalid.
        """
        self._check_params()
        targets = as_names(self.target)
        if not targets:
            raise ValueError("target must name a column to forecast")
        table = read_table(source, text=as_names(self.series))
        used = [*targets, *as_names(self.series), *as_names(self.exogenous)]
        time = _times_of(table, used) if self.time is None else self.time
        self._check_names(targets, time)
        found = self._read(table, time)
        seasonal_period = self._seasonal_period(found)
        forecaster, notes = self._forecaster(seasonal_period), []
        each, known, later = _lists(found)
        with _called_by_name(found):
            forecaster.fit(each, known)
            tried = self._tried(forecaster, each, known, notes)
        if time is None:
            notes.append("no time column: rows are taken in their order")
        if seasonal_period == 1 and self.seasonal_period is None:
            notes.append(
                Message(
                    "no seasonal period was inferred; set it with ",
                    Setting("seasonal_period"),
                )
            )
        self.kind_, self.forecaster_, self.notes_ = self.kind, forecaster, notes
        scores = tried["scores"]
        self.scores_, self.baseline_scores_ = scores["model"], scores["seasonal_naive"]
        self.coverage_, self.backtest_ = tried["coverage"], tried["folds"]
        self.targets_, self.series_ = list(found.targets), found.series
        self.time_, self.seasonal_period_ = time, seasonal_period
        self.spacing_ = None if found.spacing is None else str(found.spacing)
        self.n_steps_ = max(map(len, each))
        self.n_series_ = len(each) // len(targets)
        self._later, self._ahead = later, _as_text(self._steps_ahead(found))
        return self

    def _check_names(self, targets: list[str], time: str | None) -> None:
        """Refuse names that would occur twice in the table of forecasts."""
        given = [*as_names(self.series), *as_names(time), *targets]
        made = [f"{name} {word}" for name in targets for word in ("low", "high")]
        twice = sorted({*made, *([] if time else ["step"])} & set(given))
        if twice:
            raise ValueError(
                f"column {twice[0]!r} would be duplicated in the table of forecasts; "
                "rename it in the data"
            )

    def _read(self, source: Any, time: str | None) -> ForecastTable:
        target: Any = self.target
        now = source, target, time, self.exogenous
        return read_forecast(*now, series=self.series)

    def _seasonal_period(self, found: ForecastTable) -> Any:
        seasonal_period = (
            found.period if self.seasonal_period is None else self.seasonal_period
        )
        return 1 if seasonal_period is None else seasonal_period

    def _forecaster(self, seasonal_period: Any) -> Any:
        settings = dict(self.settings or {})
        for name in OWN:
            if name in settings:
                raise ValueError(
                    f"{name} is a parameter of ForecastModel, not a setting"
                )
        model = Forecaster(
            self.horizon,
            seasonal_period=seasonal_period,
            random_state=self.random_state,
        )
        return model.set_params(**checked_settings(model, settings))

    def _tried(
        self, model: Forecaster, y: list[Any], known: Any, notes: list[str]
    ) -> dict[str, Any]:
        """Backtest with as many folds as the series allow, at most ``folds``."""
        room = (min(map(len, y)) - model.shortest(known is not None)) // model.horizon
        folds = min(self.folds, room)
        nothing = {"model": None, "seasonal_naive": None}
        nothing = {"scores": nothing, "coverage": None, "folds": []}
        if model.interrupted_ or not self.folds:
            return nothing
        if not folds:
            notes.append("no backtest: the series are too short")
            return nothing
        if folds < self.folds:
            notes.append(
                f"the series are long enough for only {folds} of {self.folds} folds"
            )
        try:
            return model.backtest(y, known, folds=folds)
        except KeyboardInterrupt:
            notes.append("interrupted before the backtest")
            return nothing

    def _steps_ahead(self, found: ForecastTable) -> list[np.ndarray]:
        """Return the times of the steps to forecast, or their numbers from 1."""
        steps, several = self.forecaster_.horizon, found.series is not None
        if found.times is None:
            return [np.arange(1, steps + 1)] * (len(found.y) if several else 1)
        times = found.future(steps)
        return times if several else [times]

    # ---- application ----------------------------------------------------------------

    def predict(self, source: Any = None, *, coverage: float = 0.8) -> dict[str, Any]:
        """Return forecasts and prediction intervals, with their times.

        Parameters
        ----------
        source : as for :meth:`fit`, optional
            Series to forecast, for example later rows of the same series; nothing is
            refitted. By default the training data.
        coverage : float, default=0.8
            Nominal coverage of the prediction intervals.

        Returns
        -------
        dict of ndarray
            Columns of a table with ``horizon`` rows per series: ``series`` if there are
            several, the time (or ``step``, from 1), and for each target its forecast,
            ``… low`` and ``… high``.

        Raises
        ------
        ValueError
            If the table cannot be read, is too short to forecast from, or its series or
            time step differ from the training data.
        """
        check_is_fitted(self)
        check_number("coverage", coverage, 0, 1, open_low=True, open_high=True)
        model, found = self.forecaster_, None
        later, ahead, now = self._later, as_times(self._ahead), {}
        if source is not None:
            found = self._alike(source)
            y, known, later = _lists(found)
            ahead, now = self._steps_ahead(found), {"y": y, "known": known}
        if later is not None:
            self._check_known(later, "" if found is None else f"{found.source}: ")
        parts: dict[str, Any] = {}
        with _called_by_name(found):
            parts[""] = model.predict(later, **now)
            if model.residuals_ is not None:
                bounds = model.predict_interval(later, coverage=coverage, **now)
                parts[" low"], parts[" high"] = bounds
        columns: dict[str, Any] = {}
        if self.series_ is not None:
            names = np.array(self.series_, object)
            columns[str(self.series)] = np.repeat(names, model.horizon)
        columns[self.time_ or "step"] = np.concatenate(ahead)
        for i, name in enumerate(self.targets_):
            for word, each in parts.items():
                columns[f"{name}{word}"] = np.concatenate(each[i :: len(self.targets_)])
        return columns

    def _alike(self, source: Any) -> ForecastTable:
        """Read the same series as in training, in the same order.

        Raises
        ------
        ValueError
            If the series or their time step differ.
        """
        found = self._read(source, self.time_)
        apart = None if found.spacing is None else str(found.spacing)
        if apart is not None and apart != self.spacing_:
            raise ValueError(
                f"{found.source}: the time step is {apart}, but it was {self.spacing_} "
                "in training"
            )
        if found.series is None or self.series_ is None:
            return found
        known = positions(np.array(found.series, object), self.series_).tolist()
        if sorted(known) != list(range(len(self.series_))):
            odd = _odd_series(found.series, known, self.series_)
            raise ValueError(
                f"{found.source}: the series {odd}; the model forecasts "
                f"{len(self.series_):,} series together"
            )
        order = [known.index(number) for number in range(len(self.series_))]
        parts = {
            part: values and [values[number] for number in order]
            for part in ("y", "exogenous", "later", "times", "series")
            for values in [getattr(found, part)]
        }
        return replace(found, **parts)

    def _check_known(self, later: list[np.ndarray], place: str) -> None:
        """Refuse too few steps of the exogenous columns."""
        steps, fewest = self.forecaster_.horizon, min(map(len, later))
        if fewest < steps:
            names = ", ".join(map(repr, as_names(self.exogenous)))
            raise ValueError(
                f"{place}{names} must have values for {steps} steps after the last "
                f"target, in rows without a target; got {fewest}"
            )

    def evaluate(self, source: Any) -> dict[str, Any]:
        """Return the errors of forecasts of the last ``horizon`` steps of a table.

        Nothing is refitted: the forecasts start before these steps.

        Returns
        -------
        dict
            ``task``, ``source``, ``rows``, ``skipped``, ``scores`` and ``baseline``:
            mae, rmse and mase, of the network and of the seasonal naive forecast;
            ``notes``: one if some of these steps were in the training data.

        Raises
        ------
        ValueError
            As :meth:`predict`.
        """
        check_is_fitted(self)
        found = self._alike(source)
        y, known, _ = _lists(found)
        with _called_by_name(found):
            scores = self.forecaster_.continued(y, known)
        return {
            "task": "forecast",
            "source": found.source,
            "rows": sum(map(len, y)) // len(self.targets_),
            "skipped": 0,
            "scores": scores["model"],
            "baseline": scores["seasonal_naive"],
            "notes": self._notes_of_learnt(found),
        }

    def _notes_of_learnt(self, found: ForecastTable) -> list[str]:
        """Return a note if some of the last steps were in the training data."""
        steps, times = self.forecaster_.horizon, found.times
        if times is None:
            return []
        pairs = zip(
            [times] if found.series is None else times,
            as_times(self._ahead),
            strict=True,
        )
        if not any(each[-steps] < ahead[0] for each, ahead in pairs):
            return []
        return [
            f"some of the last {steps} steps were used for training; errors on new "
            "steps may be larger"
        ]


def _odd_series(names: list[str], known: list[int], learnt: list[str]) -> str:
    """Say which series is missing, unknown or duplicated."""
    missing = [name for i, name in enumerate(learnt) if i not in known]
    strange = [name for name, i in zip(names, known, strict=True) if i == UNSEEN]
    if not missing and not strange:
        twice = next(n for n, i in zip(names, known, strict=True) if known.count(i) > 1)
        return f"{shorten(twice)} is spelt in two ways"
    name = min(missing + strange)
    if name in missing:
        return f"{shorten(name)} is missing"
    near = similar(name, learnt)
    hint = f" (did you mean {' or '.join(map(shorten, near))}?)" if near else ""
    return f"{shorten(name)} was not in the training data{hint}"


def _lists(found: ForecastTable) -> tuple[Any, Any, Any]:
    """Return all targets of all series, with exogenous values for them and later.

    The targets of a series follow each other.
    """

    def of_each(values: Any) -> list[Any]:
        return [values] if found.series is None else list(values)

    y = [column for one in of_each(found.y) for column in _columns(one)]
    known, later = (
        None
        if values is None
        else [one for one in of_each(values) for _ in found.targets]
        for values in (found.exogenous, found.later)
    )
    return y, known, later


def _columns(values: np.ndarray) -> list[np.ndarray]:
    return [values] if values.ndim == 1 else list(values.T)


@contextmanager
def _called_by_name(found: ForecastTable | None) -> Iterator[None]:
    """Name a series as in the table, instead of by its number, in errors."""
    try:
        yield
    except OneSequenceError as error:
        if found is None:
            raise
        series, target = divmod(error.number, len(found.targets))
        name = f"column {found.targets[target]!r}"
        if found.series is not None:
            name = f"series {found.series[series]!r}"
        raise error.called(name, where=found.source) from None
    except SequenceError as error:
        if found is None:
            raise
        raise SequenceError(error.problem, where=found.source) from None


def _as_text(ahead: list[np.ndarray]) -> list[np.ndarray]:
    """Return times as saved in a file: numbers, or dates as text."""
    dates = [times.dtype.kind == "M" for times in ahead]
    return [np.datetime_as_string(times) for times in ahead] if all(dates) else ahead


def _times_of(table: Table, others: list[str]) -> str | None:
    """Return the first column of dates, or None.

    A column with a few missing or invalid dates counts: reading it names them.
    """
    for name in table.names:
        values = table.column(name)
        if name in others or values.dtype.kind == "f":
            continue
        present = table.take(~is_missing(values))
        if not present.n_rows:
            continue
        try:
            dates = time_values(present, name).dtype.kind == "M"
        except TableError:
            dates = moments(present.column(name))[1].mean() < FEW_ODD
        if dates:
            return name
    return None
