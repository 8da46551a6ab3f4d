"""What networks for numbers share: the scale of targets, and R²."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from lamina.estimators.checks import check_fits_float32, check_floats
from lamina.estimators.feedforward import FeedForward
from lamina.estimators.missing import with_missing, without_missing
from lamina.estimators.training import is_stochastic


class FeedForwardRegressor(RegressorMixin, FeedForward):
    """A network whose outputs are numbers, one or several."""

    loss: Any = "squared_error"
    scale_target: bool = False

    _y_numeric = True

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train the network: see :meth:`lamina.MLPClassifier.fit`; y holds numbers."""
        return self._fit(X, y, sample_weight, X_val, y_val)

    @available_if(is_stochastic)
    def partial_fit(self, X, y, sample_weight=None):
        """Go on learning for one epoch over these examples."""
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Return float64 numbers (n_samples,), or (n_samples, n_outputs)."""
        outputs = self._predicted(X)
        return self._decode(outputs)

    def score(self, X, y, sample_weight=None):
        """Return R²; where targets are missing (NaN), of those measured."""
        y, missing = without_missing(y)
        if missing is None:
            return super().score(X, y, sample_weight)
        return self._score_measured(X, y, missing, sample_weight)

    # ---- what differs from classification -------------------------------------------

    def _head(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _loss(self) -> Any:
        return self.loss

    def _encode(
        self, y: Any, missing: Any, first: bool, incremental: bool, classes: Any
    ) -> Any:
        y = with_missing(y, missing)
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError("loss='poisson' needs targets ≥ 0")
        if first:
            self._y_ndim = y.ndim
        return y.reshape(len(y), -1)

    def _start(self, X: Any, target: np.ndarray, weight: Any) -> None:
        super()._start(X, target, weight)
        self.target_mean_, self.target_scale_ = self._scaling(target)

    def _scaling(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.scale_target and self.loss == "poisson":
            raise ValueError("scale_target cannot be used with loss='poisson'")
        if self.scale_target:
            return scaling(y, True)
        return resolved(self, y)

    def _n_outputs(self, target: np.ndarray) -> int:
        return target.shape[1]

    def _target(self, target: np.ndarray) -> np.ndarray:
        scaled = (target - self.target_mean_) / self.target_scale_
        if self._dtype() == np.float32:
            check_fits_float32(np.nan_to_num(scaled, posinf=np.inf), "y")
        return scaled

    def _decode(self, outputs: np.ndarray) -> np.ndarray:
        numbers = outputs.astype(np.float64) * self.target_scale_ + self.target_mean_
        return numbers[:, 0] if self._y_ndim == 1 else numbers

    def _strata(self, target: np.ndarray) -> None:
        return None

    def _score_outputs(
        self, target: np.ndarray, outputs: np.ndarray, weight: np.ndarray
    ) -> float:
        numbers = outputs.astype(np.float64) * self.target_scale_ + self.target_mean_
        return r2(target, numbers, weight)

    def _check_loaded(self) -> None:
        super()._check_loaded()
        if hasattr(self, "params_"):
            check_target_scale(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def check_target_scale(estimator: Any) -> None:
    """Refuse a scale of the targets that does not fit the outputs of the network.

    Raises
    ------
    ValueError
        Naming what is not readable.
    """
    outputs = (estimator.n_outputs_,)
    check_floats("the mean of the targets", estimator.target_mean_, outputs)
    check_floats("the scale of the targets", estimator.target_scale_, outputs)
    if estimator._y_ndim not in (1, 2):
        raise ValueError("the shape of the targets is not readable")


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


def resolved(estimator: Any, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and scale of targets that cannot be learnt as they are, or 0 and 1.

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
    estimator : a regressor with a network
    y : ndarray (n,) or (n, outputs)
        NaN where it is not measured.
    """
    y = y.reshape(len(y), -1).astype(np.float64)
    mean, scale = np.zeros(y.shape[1]), np.ones(y.shape[1])
    algorithm = estimator._algorithm_in_use
    double = getattr(algorithm, "double", False)
    linear = estimator.network_.out_activation == "identity"
    single = double or estimator._dtype() == np.float32
    if not (linear and single and estimator.loss in SHIFTED):
        return mean, scale
    known = ~np.isnan(y)
    count = np.maximum(1, known.sum(axis=0))
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers refused later
        middle = np.where(known, y, 0).sum(axis=0) / count
        off = np.where(known, y - middle, 0)
        deviation = np.sqrt((off * off).sum(axis=0) / count)
        sound = (deviation > 0) & np.isfinite(deviation)
        mean = np.where(sound & (np.abs(middle) > FAR * deviation), middle, mean)
    if double and not getattr(algorithm, "closed_form", False):
        logarithm = np.log2(np.where(sound, deviation, 1))
        usual = np.abs(logarithm) <= np.log2(USUAL)
        scale = np.where(usual, 1.0, 2.0 ** np.round(logarithm))
    return mean, scale


def r2(target: np.ndarray, numbers: np.ndarray, weight: np.ndarray) -> float:
    """Return R², averaged over the outputs of which something is measured.

    Shapes: target (n, outputs), NaN where it is not measured; numbers (n, outputs);
    weight (n,).
    """
    if not weight.any() or not np.isfinite(numbers).all():
        return np.nan
    known = ~np.isnan(target) * weight[:, None]
    counts = known.any(axis=0)
    if not counts.any():
        return np.nan
    known, numbers = known[:, counts], numbers[:, counts]
    target, measured = np.nan_to_num(target[:, counts]), known.sum(axis=0)
    mean = (known * target).sum(axis=0) / measured
    rest = (known * (target - numbers) ** 2).sum(axis=0) / measured
    spread = (known * (target - mean) ** 2).sum(axis=0) / measured
    varies = spread > 0
    ratio = np.divide(rest, spread, out=(rest > 0).astype(float), where=varies)
    return float(np.mean(1 - ratio))
