"""Forecasts of series in time by networks that see a window of the past."""

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
"""Weight decay of the default networks is this number by the number of windows, at most
1: series are short, and what is not shrunk learns their noise. In a backtest of the
airline passengers at 9 ends, mean errors with α = 0.1 and 1 were 20.0 and 16.0."""

SHORTEST = 8
"""Steps of the shortest window by default."""

LEAST_WINDOWS = 8
"""Fewer windows teach nothing; nor do fewer tell how wide intervals are."""

CALIBRATION = 0.25
"""Share of the windows, the last ones, that tell how wide intervals are."""


@estimator
class Forecaster(ProgressParams, Estimator):
    """Forecasts of one or many series, each from a window of its own past.

    Equations
    ---------
        z = ln y, or y                                    log
        dₜ = (zₜ − zₜ₋ₘ − μ) / s                          season m; μ, s of each series
        (d̂ₜ₊₁ … d̂ₜ₊ₕ) = meanⱼ netⱼ(dₜ₋ₚ₊₁ … dₜ)           window p, horizon h, members j
        ẑₜ₊ₖ = ẑₜ₊ₖ₋ₘ + s d̂ₜ₊ₖ + μ

    A network that says 0 repeats the last season with its drift: it has only to learn
    what is more than that. All series teach the same network.

    Shapes
    ------
    y (steps,), one series; (steps, n_series); or a list of n_series arrays of different
    lengths. X, what is known of each step beforehand (a price, a holiday): (steps, k)
    for all series, or a list of such arrays if y is one.

    Attributes
    ----------
    estimators_ : list of regressors
    log_ : bool
    window_ : int
    residuals_ : ndarray (n, horizon) or None
        Errors of forecasts of z that were not learnt from, in units of s; None if there
        are too few for intervals. Only μ, s, and whether logarithms are taken, were
        found with them too.
    n_series_ : int
    interrupted_ : bool
        Whether Ctrl-C ended the fit: members of your own ``estimator`` and intervals
        that were not learnt by then are missing.
    n_compiles_ : int
        Programs that ``fit`` had to compile.

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
        default=12, doc="h, steps that are forecast.", check=COUNT, kw_only=False
    )
    seasonal_period: int = param(
        default=1,
        doc="""m, steps after which the series resembles itself: 12 for months, 7 for
        days, 1 for none.""",
        check=COUNT,
    )
    window: int | None = param(
        default=None,
        doc="""p; one season by default, but at least 8 steps, and ``horizon`` if there
        is X.""",
        check=COUNT | NONE,
    )
    estimator: Any = param(
        default="recurrent",
        doc="""What learns: ``RecurrentRegressor([GRU(16)], pooling="last")``, which
        reads the window step by step; ``MLPRegressor((16,))``, a sliding-window
        network; or a regressor of your own, which is cloned. Estimators of sequences
        get (n, p, 1 + k), others (n, p (1 + k)).""",
        check=option(*KINDS) | having("fit", "a regressor"),
    )
    n_estimators: int = param(
        default=3,
        doc="Networks of other initial weights, whose forecasts are averaged.",
        check=COUNT,
    )
    log: Any = param(
        default="auto",
        doc="""Whether logarithms are forecast. "auto": if all are positive, and
        differences of logarithms keep their size better, from the first half to the
        second, than those of the numbers.""",
        check=BOOLEAN | option("auto"),
    )
    intervals: bool = param(
        default=True,
        doc="Whether to learn how wide intervals are; it takes a second training.",
        check=BOOLEAN,
    )
    callbacks: Any = fixed(default=None, reason="each of its networks has its own")

    # ---- fitting --------------------------------------------------------------------

    def fit(self, y, X=None):
        """Learn from series.

        Parameters
        ----------
        y : one or many series
        X : what is known of each step beforehand, optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is impossible, or a series too short, not finite, or not
            positive where logarithms are asked for; with its number and step.
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
        """Return how many steps a series must have to be learnt from.

        Parameters
        ----------
        knows : bool, default=False
            Whether there is X.

        Raises
        ------
        ValueError
            If a parameter is impossible.
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
        """Keep μ and s of every series, and the scale of what is known beforehand."""
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
        """Return the windows of one series and what comes after them."""
        ahead = self._ahead(None if known is None else known[number])
        d = self._standardised(number, z[number])
        return windows(d, self.window_, self.horizon, ahead)

    def _dataset(self, z: Many, known: Many | None) -> tuple[np.ndarray, np.ndarray]:
        parts = [self._of_series(i, z, known) for i in range(len(z))]
        X, Y = zip(*parts, strict=True)
        return np.concatenate(X), np.concatenate(Y)

    def _trained(self, X: np.ndarray, Y: np.ndarray) -> list[Any]:
        """Return the members, trained."""
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
        """Return an estimator for so many windows."""
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
        """Return errors of forecasts of the last windows, which were not learnt."""
        learnt, later = [], []
        for number in range(len(z)):
            X, Y = self._of_series(number, z, known)
            held = max(1, int(CALIBRATION * len(X)))
            later.append((number, len(X) - held, X[-held:]))
            rest = max(0, len(X) - held - self.horizon + 1)  # none sees what is held
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
            What is known of these steps; more steps are left out.
        y, known : as y and X of :meth:`fit`, optional
            Series to continue instead of those that were learnt: the same ones, longer,
            for instance. Nothing is learnt from them.

        Returns
        -------
        ndarray (horizon,), (horizon, n_series), or a list of n_series arrays, as y was
        """
        paths = self._forecast(X, y, known)
        return self._formed([self._back(z) for z in paths])

    def predict_interval(self, X=None, *, coverage=0.8, y=None, known=None):
        """Return bounds between which a share of the numbers will lie.

        Equations
        ---------
            ẑₜ₊ₖ ± s σₖ q(c),   σₖ² = mean eₖ²,   q a quantile of all |eₖ| / σₖ

        e are the errors of forecasts that were not learnt from, in units of s: bounds
        grow with the horizon as these errors do.

        Parameters
        ----------
        X, y, known : as for :meth:`predict`
        coverage : float, default=0.8
            c, the share.

        Returns
        -------
        lower, upper : as :meth:`predict`

        Raises
        ------
        ValueError
            If intervals were not learnt, or the series were too short for it.
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
                "the model was fitted with X and needs that of the next steps"
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
        """Return the ends of the series to continue, and what is known of them."""
        if y is None:
            return self._tails, self._known
        series, form = as_list(y)
        if len(series) != self.n_series_:
            raise SequenceError(
                f"y must be {self.n_series_} series as those learnt, got {len(series)}"
            )
        size = self.window_ + self.seasonal_period
        for number, one in enumerate(series):
            if len(one) < size:
                needed = f"; {size} are needed to continue it"
                raise OneSequenceError(number, f" has {len(one)} steps{needed}")
            if self.log_ and (one <= 0).any():
                told = " is not positive, but logarithms were learnt"
                raise OneSequenceError(number, told)
        told = beforehand(known, [len(one) for one in series], form)
        if (told is None) != (self._known is None):
            raise ValueError("known must be given with y as X was to fit")
        z = [np.log(one) if self.log_ else one for one in series]
        tails = [one[-size:] for one in z]
        return tails, told and [one[-size:] for one in told]

    def _prolonged(self, X: Any, known: Many) -> Many:
        """Return what is known of the past, and of the steps to forecast."""
        form = "list" if isinstance(X, list) else self._form
        later = beforehand(X, None, form, len(known))
        for number, one in enumerate(later or []):
            if len(one) < self.horizon or one.shape[1] != known[number].shape[1]:
                shape = f"({self.horizon} steps, {known[number].shape[1]})"
                told = f" must be {shape}, got {one.shape}"
                raise OneSequenceError(number, told, before="X of ")
        pairs = zip(known, later or [], strict=True)
        return [np.concatenate([old, new[: self.horizon]]) for old, new in pairs]

    def _mean(self, members: list[Any], X: np.ndarray) -> np.ndarray:
        """Return the mean forecast of d for windows, (n, horizon)."""
        forecasts = [one.predict(_shaped(one, X)) for one in members]
        return np.mean(forecasts, axis=0).reshape(len(X), self.horizon)

    def _path(self, number: int, d: np.ndarray, last: np.ndarray) -> np.ndarray:
        return summed(d * self._spread[number] + self._center[number], last)

    def _back(self, z: np.ndarray) -> np.ndarray:
        return np.exp(z) if self.log_ else z

    def _formed(self, series: Many) -> Any:
        """Return forecasts in the form in which y came."""
        if self._form == "one":
            return series[0]
        return series if self._form == "list" else np.stack(series, axis=1)

    def backtest(self, y, X=None, *, folds=3, step=None, coverage=0.8):
        """Forecast the end of series as if it were not known, and compare.

        Nothing of this estimator is changed: copies of it are fitted to what comes
        before each end.

        Parameters
        ----------
        y, X : as for :meth:`fit`
        folds : int, default=3
            How many ends.
        step : int, optional
            Steps from one end to the next; ``horizon`` by default.
        coverage : float, default=0.8
            Of the intervals.

        Returns
        -------
        dict
            ``scores``: for "model", "naive" (the last number) and "seasonal_naive" (the
            last season) ``mae``, ``rmse`` and ``mase``, whose unit is the mean error of
            the seasonal-naive forecast one season ahead within what was learnt;
            ``coverage``: share of numbers within the intervals, None without;
            ``folds``: a list, one a fold, of ``end`` (steps that were known),
            ``actual``, ``model``, ``naive``, ``seasonal_naive``, ``lower`` and
            ``upper``, each a list of arrays (horizon,), one a series.

        Raises
        ------
        ValueError
            As :meth:`fit`, for the shortest of the pasts.
        """
        return backtest(self, y, X, folds, step, coverage)

    def continued(self, y, X=None):
        """Return errors of forecasts of the last ``horizon`` steps, without learning.

        Parameters
        ----------
        y, X : as for :meth:`fit`
            Their last steps are what is forecast: new ones, as those that were learnt
            from tell nothing of others.

        Returns
        -------
        dict
            For "model", "naive" and "seasonal_naive" ``mae``, ``rmse`` and ``mase``: as
            of :meth:`backtest`.
        """
        check_is_fitted(self)
        return backtest(self, y, X, 1, None, 0.8, learns=False)["scores"]


def _shaped(estimator: Any, X: np.ndarray) -> np.ndarray:
    """Return windows as an estimator of sequences or of rows takes them."""
    return X if isinstance(estimator, SequenceParams) else X.reshape(len(X), -1)
