"""What networks for numbers share: the scale of targets, and R²."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from lamina.estimators._core.callers import callers_level
from lamina.estimators._core.checks import check_fits_float32
from lamina.estimators._core.feedforward import FeedForward
from lamina.estimators._core.missing import with_missing, without_missing
from lamina.estimators._core.shared_parameters import NumberParams
from lamina.estimators._core.training import is_stochastic

REACH = {"logistic": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""Between which numbers the outputs are; targets are scaled to that."""

UNSCALED = ("exp", "relu", "sign", "softmax", "threshold")
"""Activations whose outputs are bounded in another way."""

CLOSE = 1e-6


class FeedForwardRegressor(RegressorMixin, NumberParams, FeedForward):
    """A network whose outputs are numbers, one or several."""

    _y_numeric = True

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train the network: see :meth:`lamina.MLPClassifier.fit`; y holds numbers."""
        return self._fit(X, y, sample_weight, X_val, y_val)

    @available_if(is_stochastic)
    def partial_fit(self, X, y, sample_weight=None):
        """Go on learning for one epoch over these examples."""
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Return numbers (n_samples,), or (n_samples, n_outputs).

        They are float32 where X is and nothing is lost by it: see
        :func:`lamina.estimators._core.regressor.answer_dtype`.
        """
        if not hasattr(self, "params_"):
            check_is_fitted(self)  # raises; asking it costs 15 µs
        X = self._check_inputs(X, reset=False)
        return self._decode(self._outputs(X)).astype(answer_dtype(self, X), copy=False)

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

    def _mean_over(self) -> int:
        return self.n_outputs_ if self.loss == "squared_error" else 1

    def _encode(
        self, y: Any, missing: Any, first: bool, incremental: bool, classes: Any
    ) -> Any:
        y = with_missing(y, missing)
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError("loss='poisson' needs targets ≥ 0")
        if first:
            self._y_ndim = y.ndim
        elif y.reshape(len(y), -1).shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has shape {y.shape}, but the network has {self.n_outputs_} outputs"
            )
        return y.reshape(len(y), -1)

    def _start(self, X: Any, target: np.ndarray, weight: Any) -> None:
        super()._start(X, target, weight)
        self.target_mean_, self.target_scale_ = self._scaling(target)

    def _scaling(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.scale_target and self.loss == "poisson":
            raise ValueError("scale_target cannot be used with loss='poisson'")
        if self.scale_target:
            return scaling_for(self.network_.out_activation, y)
        return resolved(self, y)

    def _n_outputs(self, target: np.ndarray) -> int:
        return target.shape[1]

    def _target(self, target: np.ndarray) -> np.ndarray:
        scaled = (target - self.target_mean_) / self.target_scale_
        if self.scale_target:
            warn_unreached(self.network_.out_activation, scaled)
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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def answer_dtype(estimator: Any, X: Any) -> type[np.floating]:
    """Return the type of predicted numbers: float32 for float32 inputs, else float64.

    float64 also for numbers that a network of ``dtype="float64"`` has computed, and for
    targets that were scaled: a large mean and a small deviation need its digits.
    """
    single = X.dtype == estimator._dtype() == np.float32
    scaled = estimator.target_mean_.any() or (estimator.target_scale_ != 1).any()
    return np.float32 if single and not scaled else np.float64


def scaling_for(activation: Any, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is subtracted from targets, and what they are divided by.

    Equations
    ---------
        (y − μ) / σ                                    linear outputs
        (y − min y) / (max y − min y)                  logistic: in [0, 1]
        (y − ½ (max y + min y)) / ½ (max y − min y)    tanh: in [−1, 1]

    of each output by itself.

    Parameters
    ----------
    activation : str or callable
        Of the output layer.
    y : ndarray (n,) or (n, outputs)
        NaN where it is not measured.

    Raises
    ------
    ValueError
        If no scaled targets are within reach of the outputs.
    """
    if activation in UNSCALED:
        raise ValueError(
            f"scale_target=True needs outputs that are linear, logistic or tanh, not "
            f"{activation!r}: set scale_target=False"
        )
    if activation not in REACH:
        return scaling(y, True)
    y = y.reshape(len(y), -1).astype(np.float64)
    low, high = np.nanmin(y, axis=0), np.nanmax(y, axis=0)
    begin, end = REACH[activation]
    scale = np.where(high > low, (high - low) / (end - begin), 1.0)
    return low - begin * scale, scale


def warn_unreached(activation: Any, scaled: np.ndarray) -> None:
    """Warn of scaled targets that the outputs cannot reach."""
    if activation not in REACH:
        return
    begin, end = REACH[activation]
    if ((scaled < begin - CLOSE) | (scaled > end + CLOSE)).any():
        warnings.warn(
            f"y has values beyond the smallest and the largest target of the first "
            f"call, which {activation} outputs cannot reach; take a linear output "
            "layer, or call fit with targets of the whole range",
            UserWarning,
            stacklevel=callers_level(),
        )


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
    double = algorithm.needs.float64
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
    if double and not algorithm.needs.closed_form:
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
