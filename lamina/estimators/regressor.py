"""What networks for numbers share: the scale of targets, and R²."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from lamina.estimators.checks import BOOLEAN, check_fits_float32, check_floats, declared
from lamina.estimators.feedforward import FeedForward
from lamina.estimators.missing import with_missing, without_missing
from lamina.estimators.training import is_stochastic


class FeedForwardRegressor(RegressorMixin, FeedForward):
    """A network whose outputs are numbers, one or several."""

    loss: Any = "squared_error"
    scale_target: bool = False
    _parameters = declared(scale_target=BOOLEAN)

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
            self.target_mean_, self.target_scale_ = self._scaling(y)
        return y.reshape(len(y), -1)

    def _scaling(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.scale_target and self.loss == "poisson":
            raise ValueError("scale_target cannot be used with loss='poisson'")
        return scaling(y, self.scale_target)

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
