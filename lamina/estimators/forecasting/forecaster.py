"""Time series forecasts by networks that see a window of the past."""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from lamina.data.sequences.ragged_array import OneSequenceError, SequenceError
from lamina.data.timeseries.time_series import Many, as_list, beforehand
from lamina.data.timeseries.windows import (
    differences,
    last_window,
    summed,
    takes_logarithms,
    windows,
)
from lamina.estimators._core.estimator import Estimator
from lamina.estimators._core.parameters.checks import (
    BOOLEAN,
    NONE,
    check_number,
    having,
    option,
)
from lamina.estimators._core.parameters.constraints import COUNT
from lamina.estimators._core.parameters.shared import ProgressParams, SequenceParams
from lamina.estimators._core.parameters.table import estimator, fixed, param
from lamina.estimators._core.together import fit_together
from lamina.estimators.forecasting.backtest import backtest
from lamina.estimators.forecasting.state import FittedForecaster
from lamina.estimators.perceptrons.mlp import MLPRegressor
from lamina.estimators.sequences.recurrent import RecurrentRegressor
from lamina.networks import GRU

KINDS = ("recurrent", "mlp")
UNITS = 16

DECAY = 100
"""The weight decay of the default networks is this constant divided by the number of
windows, at most 1. Series are short, and without strong decay a network fits their
noise: in a backtest of the airline passengers with 9 folds, the mean errors with
α = 0.1 and 1 were 20.0 and 16.0."""

SHORTEST = 8
"""Minimum length of the default window, in steps."""

LEAST_WINDOWS = 8
"""Minimum number of windows, both for training and to calibrate the intervals."""

CALIBRATION = 0.25
"""Fraction of the windows, the last ones, that calibrate the intervals."""


@estimator
class Forecaster(ProgressParams, Estimator):
    """Forecast one or many time series, each from a window of its own past.

    Equations
    ---------
        z = ln y, or y                                    see ``log``
        dₜ = (zₜ − zₜ₋ₘ − μ) / s                          period m; μ, s of each series
        (d̂ₜ₊₁ … d̂ₜ₊ₕ) = meanⱼ netⱼ(dₜ₋ₚ₊₁ … dₜ)           window p, horizon h, network j
        ẑₜ₊ₖ = ẑₜ₊ₖ₋ₘ + s d̂ₜ₊ₖ + μ

    The networks model seasonal differences: an output of 0 is the seasonal naive
    forecast plus drift, so only deviations from it have to be learnt. All series share
    the same networks.

    Shapes
    ------
    y: (steps,), one series; (steps, n_series); or a list of n_series arrays of
    different lengths. X, exogenous variables whose future values are known (a price, a
    holiday): (steps, k) for all series, or a list of such arrays if y is a list.

    Attributes
    ----------
    estimators_ : list of regressors
        The fitted networks.
    log_ : bool
        Whether the networks forecast logarithms.
    window_ : int
        Length of the window.
    residuals_ : ndarray (n, horizon) or None
        Errors of forecasts of z for windows that were held out, in units of s; None if
        there are too few windows for intervals. The held-out values had an influence
        only on μ, s, and the decision to take logarithms.
    n_series_ : int
    interrupted_ : bool
        Whether Ctrl-C ended the fit. Networks of your own ``estimator`` that were not
        fitted by then, and the intervals, are missing.
    n_compiles_ : int
        Number of programs that ``fit`` compiled.

    References
    ----------
    Box, Jenkins, Reinsel & Ljung (2015), Time series analysis, Wiley; Hewamalage,
    Bergmeir & Bandara (2021), Recurrent neural networks for time series forecasting,
    Int. J. Forecasting 37 (one network for all series, windows, several outputs);
    Hyndman & Koehler (2006), Another look at measures of forecast accuracy, Int. J.
    Forecasting 22 (MASE).

    Examples
    --------
    >>> from lamina import Forecaster, data
    >>> y = data.load("airline").y
    >>> model = Forecaster(horizon=12, seasonal_period=12, random_state=0).fit(y[:132])
    >>> bool(abs(model.predict() - y[132:]).mean() < abs(y[120:132] - y[132:]).mean())
    True
    """

    _state_type = FittedForecaster

    horizon: int = param(
        default=12, doc="Number of steps to forecast, h.", check=COUNT, kw_only=False
    )
    seasonal_period: int = param(
        default=1,
        doc="""Seasonal period m in steps: 12 for monthly data, 7 for daily data, 1 for
        no season.""",
        check=COUNT,
    )
    window: int | None = param(
        default=None,
        doc="""Length p of the window in steps; by default one season, but at least 8
        steps, and at least ``horizon`` if X is given.""",
        check=COUNT | NONE,
    )
    estimator: Any = param(
        default="recurrent",
        doc="""The network. "recurrent" is ``RecurrentRegressor([GRU(16)],
        pooling="last")``, which reads the window step by step; "mlp" is
        ``MLPRegressor((16,))``, a sliding-window network; a regressor of your own is
        cloned. Estimators for sequences are fitted to windows (n, p, 1 + k), others to
        (n, p (1 + k)).""",
        check=option(*KINDS) | having("fit", "a regressor"),
    )
    n_estimators: int = param(
        default=3,
        doc="""Number of networks with different initial weights, whose forecasts are
        averaged.""",
        check=COUNT,
    )
    log: Any = param(
        default="auto",
        doc="""Whether to forecast logarithms. "auto" does so if all values are positive
        and the size of seasonal differences changes less, from the first half of a
        series to the second, with logarithms than without.""",
        check=BOOLEAN | option("auto"),
    )
    intervals: bool = param(
        default=True,
        doc="""Whether to calibrate prediction intervals, which needs a second
        training.""",
        check=BOOLEAN,
    )
    callbacks: Any = fixed(default=None, reason="each of its networks has its own")

    # ---- fitting --------------------------------------------------------------------

    def fit(self, y, X=None):
        """Fit the networks to one or many series.

        Parameters
        ----------
        y : one or many series
        X : exogenous variables of each step, optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is invalid, or if a series is too short, not finite, or not
            positive with ``log=True``. The message names the series, and the step if
            there is one.
        """
        self._check_params()
        series, form = as_list(y)
        known = beforehand(X, [len(one) for one in series], form)
        size = self._window_size(known is not None)
        self._check_lengths(series, size)
        log = takes_logarithms(self.log, series, self.seasonal_period)
        z = [np.log(one) if log else one for one in series]
        self.log_, self.window_, self.n_series_, self._form = log, size, len(z), form
        self._measure(z, known)
        self._tails = [one[-size - self.seasonal_period :] for one in z]
        self._known = known and [one[-size - self.seasonal_period :] for one in known]
        self.n_compiles_, self.interrupted_ = 0, False
        self.estimators_ = self._trained(*self._dataset(z, known))
        calibrates = self.intervals and not self.interrupted_
        self.residuals_ = self._calibrated(z, known) if calibrates else None
        return self

    def _window_size(self, knows: bool) -> int:
        size = (
            max(self.seasonal_period, SHORTEST) if self.window is None else self.window
        )
        if knows and self.window is not None and size < self.horizon:
            raise ValueError(
                f"with X, window must be at least horizon={self.horizon}, got {size}"
            )
        return max(size, self.horizon) if knows else size

    def shortest(self, knows=False):
        """Return the minimum number of steps of a series for :meth:`fit`.

        Parameters
        ----------
        knows : bool, default=False
            Whether X is given.

        Raises
        ------
        ValueError
            If a parameter is invalid.
        """
        self._check_params()
        return self._least(self._window_size(knows))

    def _least(self, size: int) -> int:
        return self.seasonal_period + size + self.horizon + LEAST_WINDOWS - 1

    def _check_lengths(self, series: Many, size: int) -> None:
        least = self._least(size)
        for number, one in enumerate(series):
            if len(one) < least:
                raise OneSequenceError(
                    number,
                    f" has {len(one)} steps; with "
                    f"seasonal_period={self.seasonal_period}, window={size} "
                    f"and horizon={self.horizon} at least {least} are needed",
                )

    def _measure(self, z: Many, known: Many | None) -> None:
        """Store μ and s of every series, and the scale of exogenous variables."""
        d = [differences(one, self.seasonal_period) for one in z]
        self._center = np.array([one.mean() for one in d])
        self._spread = np.array([one.std() or 1.0 for one in d])
        if known is not None:
            spread = np.concatenate(
                [differences(one, self.seasonal_period) for one in known]
            ).std(axis=0)
            self._known_spread = np.where(spread > 0, spread, 1.0)

    def _standardised(self, number: int, z: np.ndarray) -> np.ndarray:
        d = differences(z, self.seasonal_period)
        return (d - self._center[number]) / self._spread[number]

    def _ahead(self, known: np.ndarray | None) -> np.ndarray | None:
        if known is None:
            return None
        return differences(known, self.seasonal_period) / self._known_spread

    def _of_series(
        self, number: int, z: Many, known: Many | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the windows of one series, and the values after each."""
        ahead = self._ahead(None if known is None else known[number])
        d = self._standardised(number, z[number])
        return windows(d, self.window_, self.horizon, ahead)

    def _dataset(self, z: Many, known: Many | None) -> tuple[np.ndarray, np.ndarray]:
        parts = [self._of_series(i, z, known) for i in range(len(z))]
        X, Y = zip(*parts, strict=True)
        return np.concatenate(X), np.concatenate(Y)

    def _trained(self, X: np.ndarray, Y: np.ndarray) -> list[Any]:
        """Return the trained networks."""
        seeds = check_random_state(self.random_state).randint(
            2**31, size=self.n_estimators
        )
        members = [self._fresh(len(X), seed) for seed in seeds.tolist()]
        y = Y[:, 0] if self.horizon == 1 else Y
        found = fit_together(members, _shaped(members[0], X), y)
        self.n_compiles_ += sum(getattr(one, "n_compiles_", 0) for one in found)
        ends = [getattr(one, "stop_reason_", None) for one in found]
        self.interrupted_ = "interrupted" in ends
        return found

    def _fresh(self, n: int, seed: int) -> Any:
        """Return an unfitted estimator for n windows."""
        if not isinstance(self.estimator, str):
            one: Any = clone(self.estimator)
            if "random_state" in one.get_params():
                one.set_params(random_state=seed)
            return one
        how: dict[str, Any] = {
            "alpha": min(1.0, DECAY / n),
            "stopping": (),
            "random_state": seed,
            "verbose": self.verbose,
        }
        if self.estimator == "mlp":
            return MLPRegressor(
                hidden_layer_sizes=(UNITS,),
                learning_rate_init=0.005,
                max_iter=150,
                **how,
            )
        layers = [GRU(UNITS)]
        return RecurrentRegressor(layers, pooling="last", max_iter=60, **how)

    def _calibrated(self, z: Many, known: Many | None) -> np.ndarray | None:
        """Return the forecast errors on the last windows, held out from training."""
        learnt, later = [], []
        for number in range(len(z)):
            X, Y = self._of_series(number, z, known)
            held = max(1, int(CALIBRATION * len(X)))
            later.append((number, len(X) - held, X[-held:]))
            rest = max(0, len(X) - held - self.horizon + 1)  # no overlap with held ones
            learnt.append((X[:rest], Y[:rest]))
        X, Y = (np.concatenate(part) for part in zip(*learnt, strict=True))
        if min(len(X), sum(len(held) for _, _, held in later)) < LEAST_WINDOWS:
            return None
        members = self._trained(X, Y)
        if self.interrupted_:
            return None
        parts = []
        for number, first, held in later:
            begin = first + self.window_
            for k, d in enumerate(self._mean(members, held)):
                last = z[number][begin + k : begin + k + self.seasonal_period]
                end = begin + k + self.seasonal_period
                truth = z[number][end : end + self.horizon]
                path = self._path(number, d, last)
                parts.append((truth - path) / self._spread[number])
        return np.array(parts)

    # ---- application ----------------------------------------------------------------

    def predict(self, X=None, *, y=None, known=None):
        """Return forecasts of the next ``horizon`` steps of every series.

        Parameters
        ----------
        X : (horizon, k), or a list of such arrays, if ``fit`` had X
            Exogenous variables of these steps; further steps are ignored.
        y, known : as y and X of :meth:`fit`, optional
            Series to continue instead of the training series, such as the same series
            with newer steps. The networks are not changed.

        Returns
        -------
        ndarray (horizon,), (horizon, n_series), or a list of n_series arrays, as y was
        """
        paths = self._forecast(X, y, known)
        return self._formed([self._back(z) for z in paths])

    def predict_interval(self, X=None, *, coverage=0.8, y=None, known=None):
        """Return prediction intervals.

        Equations
        ---------
            ẑₜ₊ₖ ± s σₖ q(c),   σₖ² = mean eₖ²,   q a quantile of all |eₖ| / σₖ

        e are the errors of forecasts on held-out windows, in units of s: intervals
        widen with the horizon as these errors do.

        Parameters
        ----------
        X, y, known : as for :meth:`predict`
        coverage : float, default=0.8
            c, the fraction of actual values that should lie within the intervals.

        Returns
        -------
        lower, upper : as :meth:`predict`

        Raises
        ------
        ValueError
            If there are no intervals: ``intervals`` was False, the series were too
            short, or the fit was interrupted.
        """
        check_is_fitted(self)
        check_number("coverage", coverage, 0, 1, open_low=True, open_high=True)
        if self.residuals_ is None:
            why = "the series are too short" if self.intervals else "intervals=False"
            why = "the fit was interrupted" if self.interrupted_ else why
            raise ValueError(f"there are no intervals: {why}")
        sigma = np.sqrt(np.mean(self.residuals_**2, axis=0))
        ratio = self.residuals_ / np.where(sigma > 0, sigma, 1.0)
        reach = np.quantile(np.abs(ratio), coverage)
        paths = self._forecast(X, y, known)
        lower, upper = (
            self._formed(
                [
                    self._back(z + side * s * sigma * reach)
                    for z, s in zip(paths, self._spread, strict=True)
                ]
            )
            for side in (-1, 1)
        )
        return lower, upper

    def _forecast(self, X: Any, y: Any, past: Any) -> Many:
        """Return ẑ of every series."""
        check_is_fitted(self)
        tails, known = self._past(y, past)
        if (X is None) != (self._known is None):
            raise ValueError(
                "the model was fitted with X and needs X of the next steps"
                if X is None
                else "the model was fitted without X"
            )
        if known is not None:
            known = self._prolonged(X, known)
        found = []
        for number, z in enumerate(tails):
            ahead = self._ahead(None if known is None else known[number])
            d = self._standardised(number, z)
            x = last_window(d, self.window_, self.horizon, ahead)
            d = self._mean(self.estimators_, x[None])[0]
            found.append(self._path(number, d, z[-self.seasonal_period :]))
        return found

    def _past(self, y: Any, known: Any) -> tuple[Many, Many | None]:
        """Return the ends of the series to continue, and of their X."""
        if y is None:
            return self._tails, self._known
        series, form = as_list(y)
        if len(series) != self.n_series_:
            raise SequenceError(
                f"y must have {self.n_series_} series, as in fit; got {len(series)}"
            )
        size = self.window_ + self.seasonal_period
        for number, one in enumerate(series):
            if len(one) < size:
                needed = f"; {size} are needed to continue it"
                raise OneSequenceError(number, f" has {len(one)} steps{needed}")
            if self.log_ and (one <= 0).any():
                problem = " is not positive, but the model forecasts logarithms"
                raise OneSequenceError(number, problem)
        future = beforehand(known, [len(one) for one in series], form)
        if (future is None) != (self._known is None):
            raise ValueError("known must be given with y if fit had X, and only then")
        z = [np.log(one) if self.log_ else one for one in series]
        tails = [one[-size:] for one in z]
        return tails, future and [one[-size:] for one in future]

    def _prolonged(self, X: Any, known: Many) -> Many:
        """Return X of the past, followed by X of the steps to forecast."""
        form = "list" if isinstance(X, list) else self._form
        later = beforehand(X, None, form, len(known))
        for number, one in enumerate(later or []):
            if len(one) < self.horizon or one.shape[1] != known[number].shape[1]:
                shape = f"({self.horizon} steps, {known[number].shape[1]})"
                problem = f" must be {shape}, got {one.shape}"
                raise OneSequenceError(number, problem, before="X of ")
        pairs = zip(known, later or [], strict=True)
        return [np.concatenate([old, new[: self.horizon]]) for old, new in pairs]

    def _mean(self, members: list[Any], X: np.ndarray) -> np.ndarray:
        """Return the forecasts of d, averaged over the networks, (n, horizon)."""
        forecasts = [one.predict(_shaped(one, X)) for one in members]
        return np.mean(forecasts, axis=0).reshape(len(X), self.horizon)

    def _path(self, number: int, d: np.ndarray, last: np.ndarray) -> np.ndarray:
        return summed(d * self._spread[number] + self._center[number], last)

    def _back(self, z: np.ndarray) -> np.ndarray:
        return np.exp(z) if self.log_ else z

    def _formed(self, series: Many) -> Any:
        """Return forecasts in the form in which y was given."""
        if self._form == "one":
            return series[0]
        return series if self._form == "list" else np.stack(series, axis=1)

    def backtest(self, y, X=None, *, folds=3, step=None, coverage=0.8):
        """Forecast past values and compare the forecasts with the actual values.

        In each fold, a copy of this estimator is fitted to the steps before the fold
        and forecasts the next ``horizon`` steps. This estimator is not changed.

        Parameters
        ----------
        y, X : as for :meth:`fit`
        folds : int, default=3
            Number of folds; the last one ends with the series.
        step : int, optional
            Steps from one fold to the next; ``horizon`` by default.
        coverage : float, default=0.8
            Nominal coverage of the prediction intervals.

        Returns
        -------
        dict
            ``scores``: ``mae``, ``rmse`` and ``mase`` of "model", "naive" (the last
            value repeated) and "seasonal_naive" (the last season repeated). MASE is in
            units of the mean absolute error of the seasonal naive forecast, one season
            ahead, on the training steps of the fold.
            ``coverage``: fraction of the actual values within the intervals; None if
            there are no intervals.
            ``folds``: one dict per fold, of ``end`` (the number of training steps),
            ``actual``, ``model``, ``naive``, ``seasonal_naive``, ``lower`` and
            ``upper``. Each value is a list with one entry per series, all but ``end``
            arrays (horizon,).

        Raises
        ------
        ValueError
            As :meth:`fit`, for the first fold, which has the fewest training steps.
        """
        return backtest(self, y, X, folds, step, coverage)

    def continued(self, y, X=None):
        """Return the forecast errors on the last ``horizon`` steps, without refitting.

        Parameters
        ----------
        y, X : as for :meth:`fit`
            The last ``horizon`` steps are forecast from those before. They should be
            new: errors on training steps are optimistic.

        Returns
        -------
        dict
            ``mae``, ``rmse`` and ``mase`` of "model", "naive" and "seasonal_naive", as
            in :meth:`backtest`.
        """
        check_is_fitted(self)
        return backtest(self, y, X, 1, None, 0.8, learns=False)["scores"]


def _shaped(estimator: Any, X: np.ndarray) -> np.ndarray:
    """Return windows in the shape that an estimator for sequences or rows takes."""
    return X if isinstance(estimator, SequenceParams) else X.reshape(len(X), -1)
