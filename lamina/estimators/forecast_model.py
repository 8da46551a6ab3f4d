"""A table with a row a time step in, a forecaster out."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from lamina.data import ForecastTable, TableError, read_forecast, read_table
from lamina.data.table import as_names
from lamina.data.time_column import time_values
from lamina.estimators.checks import check_integer
from lamina.estimators.forecaster import Forecaster
from lamina.estimators.saved import Saved


class ForecastModel(Saved, BaseEstimator):
    """Forecasts of a column of a table, one row a time step.

    ``lamina fit airline.csv --forecast passengers`` makes one of these. Times are
    found, the season follows from them (12 for months, 4 for quarters, 7 for days, 24
    for hours), and the forecaster is tried on ends of the series that are known.

    Parameters
    ----------
    target : str or list of str
        Column to forecast, or several.
    time : str, optional
        Column of times; by default the first one that holds dates, if there is one.
    series : str, optional
        Column that says to which of several series a row belongs.
    exogenous : sequence of str, default=()
        Columns that are known beforehand; rows after the last target hold those of the
        steps to forecast.
    horizon : int, default=12
        Steps to forecast.
    season : int, optional
        Steps after which the series resembles itself; found from the times.
    settings : dict, optional
        Parameters of :class:`lamina.Forecaster` to change, ``{"estimator": "mlp"}``.
    folds : int, default=3
        Ends on which the forecaster is tried; 0 tries none.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    forecaster_ : Forecaster
    scores_, baseline_scores_ : dict of float, or None
        ``mae``, ``rmse`` and ``mase`` over all folds: of the forecasts, and of the
        seasonal-naive ones. See :meth:`lamina.Forecaster.backtest`.
    coverage_ : float or None
        Share of the numbers that lay within the intervals of 80 %.
    backtest_ : list of dict
        Each fold; not kept in a file.
    targets_ : list of str
        The columns that are forecast.
    time_ : str or None
        The column of times.
    season_, n_steps_, n_series_ : int
    notes_ : list of str

    Examples
    --------
    >>> from lamina import ForecastModel
    >>> model = ForecastModel("passengers", folds=1, random_state=0).fit("airline")
    >>> model.scores_["mase"] < model.baseline_scores_["mase"]
    True
    """

    _transient = ("backtest_",)

    def __init__(
        self,
        target=None,
        *,
        time=None,
        series=None,
        exogenous=(),
        horizon=12,
        season=None,
        settings=None,
        folds=3,
        random_state=None,
    ):
        self.target = target
        self.time = time
        self.series = series
        self.exogenous = exogenous
        self.horizon = horizon
        self.season = season
        self.settings = settings
        self.folds = folds
        self.random_state = random_state

    def fit(self, source: Any, y: None = None) -> "ForecastModel":
        """Learn to continue a column of a table.

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
            If the table or a parameter cannot be used: one line that says why.
        """
        check_integer("folds", self.folds, 0)
        if not self.target:
            raise ValueError("target must name a column to forecast")
        table = read_table(source)
        used = [*as_names(self.target), *as_names(self.series), *self.exogenous]
        time = _times_of(table, used) if self.time is None else self.time
        found = self._read(table, time)
        season = self._season(found)
        settings = dict(self.settings or {})
        forecaster = Forecaster(
            self.horizon, season=season, random_state=self.random_state
        )
        model: Any = forecaster.set_params(**settings)
        self.scores_ = self.baseline_scores_ = self.coverage_ = None
        self.backtest_, self.notes_ = [], []
        self._try(model, found)
        self.forecaster_ = model.fit(found.y, found.exogenous)
        self.targets_ = list(found.targets)
        self.time_, self.season_ = time, season
        lengths = [len(one) for one in _each(found, found.y)]
        self.n_steps_, self.n_series_ = max(lengths), self.forecaster_.n_series_
        if time is None:
            self.notes_.append("no column of times: rows are taken as they come")
        if season == 1 and self.season is None:
            self.notes_.append("no season was found from the times; season= says it")
        return self

    def _read(self, source: Any, time: str | None) -> ForecastTable:
        target: Any = self.target
        now = source, target, time, self.exogenous
        return read_forecast(*now, series=self.series)

    def _season(self, found: ForecastTable) -> int:
        season = found.period if self.season is None else self.season
        return 1 if season is None else season

    def _try(self, model: Any, found: ForecastTable) -> None:
        """Keep how good forecasts of known ends are, as many as there is room for."""
        for folds in range(self.folds, 0, -1):
            try:
                tried = model.backtest(found.y, found.exogenous, folds=folds)
            except ValueError:
                continue
            if folds < self.folds:
                self.notes_.append(
                    f"the series are long enough for {folds} of {self.folds} folds"
                )
            self.scores_ = tried["scores"]["model"]
            self.baseline_scores_ = tried["scores"]["seasonal_naive"]
            self.coverage_, self.backtest_ = tried["coverage"], tried["folds"]
            return
        if self.folds:
            self.notes_.append("the series are too short to try forecasts on their end")

    # ---- application ----------------------------------------------------------------

    def predict(self, source: Any = None, *, coverage: float = 0.8) -> dict[str, Any]:
        """Return forecasts and their bounds, with the times they are for.

        Parameters
        ----------
        source : as for :meth:`fit`
            What to continue: later rows of the same series, for instance. Nothing is
            learnt from them.
        coverage : float, default=0.8
            Share of the numbers that will lie between the bounds.

        Returns
        -------
        dict of ndarray
            Columns of a table of ``horizon`` rows a series: ``series`` if there are
            several, the time, and for each target its forecast, ``… low`` and
            ``… high``.
        """
        check_is_fitted(self)
        found = self._read(source, self.time_)
        model = self.forecaster_
        later = found.later if self.exogenous else None
        y, known = found.y, found.exogenous
        forecast = model.predict(later, y=y, known=known)
        columns: dict[str, Any] = {}
        each = _each(found, forecast)
        if found.series is not None:
            columns[str(self.series)] = np.repeat(
                np.array(found.series, object), self.horizon
            )
        if self.time_ is not None:
            times = found.future(self.horizon)
            columns[self.time_] = np.concatenate(_each(found, times))
        else:
            columns["step"] = np.tile(np.arange(1, self.horizon + 1), len(each))
        bounds: Any = None
        if model.residuals_ is not None:
            bounds = model.predict_interval(later, coverage=coverage, y=y, known=known)
        for i, name in enumerate(found.targets):
            columns[name] = _column(each, i)
            if bounds is not None:
                for side, word in zip(bounds, ("low", "high"), strict=True):
                    columns[f"{name} {word}"] = _column(_each(found, side), i)
        return columns

    def evaluate(self, source: Any) -> dict[str, Any]:
        """Return errors of forecasts of the last ``horizon`` steps of a table.

        Nothing is learnt from it: series are continued from before these steps.

        Returns
        -------
        dict
            ``task``, ``source``, ``rows``, ``skipped``, ``scores`` and ``baseline``:
            mae, rmse and mase, of the model and of the season before.

        Raises
        ------
        ValueError
            As :meth:`predict`.
        """
        check_is_fitted(self)
        found = self._read(source, self.time_)
        scores = self.forecaster_.continued(found.y, found.exogenous)
        return {
            "task": "forecast",
            "source": found.source,
            "rows": sum(len(one) for one in _each(found, found.y)),
            "skipped": 0,
            "scores": scores["model"],
            "baseline": scores["seasonal_naive"],
        }


def _each(found: ForecastTable, values: Any) -> list[Any]:
    """Return what belongs to each series, as a list."""
    return [values] if found.series is None else list(values)


def _column(each: list[np.ndarray], number: int) -> np.ndarray:
    """Return one target of all series, one below the other."""
    return np.concatenate([one if one.ndim == 1 else one[:, number] for one in each])


def _times_of(table: Any, others: list[str]) -> str | None:
    """Return the first column that holds dates, or None."""
    for name in table.names:
        if name in others:
            continue
        try:
            times = time_values(table, name)
        except TableError:
            continue
        if times.dtype.kind == "M":
            return name
    return None
