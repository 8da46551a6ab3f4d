"""Targets that are numbers, one an example or several."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lamina.estimators._core.parameters.checks import check_fits_float32
from lamina.estimators._core.parts import learnt
from lamina.estimators._core.targets.missing import with_missing
from lamina.estimators._core.targets.scale import resolved, scaling_for, warn_unreached
from lamina.estimators._core.targets.target import Target, TargetValues, checked_target
from lamina.learning.protocols import Needs
from lamina.metrics.measured import r2


@dataclass(eq=False)
class NumberTarget(Target):
    """Numbers, scaled where that is asked for or needed.

    Parameters
    ----------
    scale_target : bool
        Whether the scale follows from the first answers:
        see :func:`lamina.estimators._core.targets.scale.scaling_for`.
    """

    scale_target: bool = False
    n_columns: int = learnt("n_outputs_")
    ndim: int = learnt("_y_ndim")
    mean: np.ndarray = learnt("target_mean_")
    scale: np.ndarray = learnt("target_scale_")

    def check(self, owner: Any, y: Any, X: Any) -> TargetValues:
        return checked_target(owner, y, X, numeric=True)

    def learn(self, answers: TargetValues, classes: Any) -> tuple["NumberTarget", Any]:
        y = self._table(answers)
        known = {"n_columns": y.shape[1], "ndim": answers.values.ndim}
        return replace(self, **known), y

    def encode(self, answers: TargetValues) -> Any:
        y = self._table(answers)
        if y.shape[1] != self.n_columns:
            raise ValueError(
                f"y has shape {answers.values.shape}, but the network has "
                f"{self.n_columns} outputs"
            )
        return y

    def _table(self, answers: TargetValues) -> np.ndarray:
        """Return targets as a table, NaN where one is missing."""
        y = with_missing(answers.values, answers.missing)
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError("loss='poisson' needs targets ≥ 0")
        return y.reshape(len(y), -1)

    @property
    def scales(self) -> bool:
        """Whether targets are scaled."""
        if self.scale_target and self.loss == "poisson":
            raise ValueError("scale_target cannot be used with loss='poisson'")
        return self.scale_target

    def measure(self, y: Any, activation: Any, needs: Needs) -> "NumberTarget":
        if self.scales:
            mean, scale = scaling_for(activation, y)
        else:
            mean, scale = resolved(y, self.loss, activation, needs, self.dtype)
        return replace(self, mean=mean, scale=scale)

    def for_loss(self, y: Any, activation: Any) -> Any:
        scaled = (y - self.mean) / self.scale
        if self.scales:
            warn_unreached(activation, scaled)
        if self.dtype == "float32":
            check_fits_float32(np.nan_to_num(scaled, posinf=np.inf), "y")
        return scaled

    @property
    def n_outputs(self) -> int:
        return self.n_columns

    @property
    def head(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    @property
    def mean_over(self) -> int:
        return self.n_columns if self.loss == "squared_error" else 1

    def decode(self, outputs: Any, dtype: np.dtype) -> Any:
        """Return numbers (n,) or (n, outputs), as targets were given.

        They are float32 where X is and nothing is lost by it: float64 for a network
        that has computed so, and for targets that were scaled, as a large mean and a
        small deviation need its digits.
        """
        numbers = self._restored(outputs).astype(self._answer_dtype(dtype), copy=False)
        return numbers[:, 0] if self.ndim == 1 else numbers

    def _restored(self, outputs: np.ndarray) -> np.ndarray:
        return outputs.astype(np.float64) * self.scale + self.mean

    def _answer_dtype(self, dtype: np.dtype) -> type[np.floating]:
        single = dtype == self.dtype == "float32"
        scaled = self.mean.any() or (self.scale != 1).any()
        return np.float32 if single and not scaled else np.float64

    def score(self, y: Any, outputs: Any, weight: np.ndarray) -> float:
        """Return R², averaged over the outputs."""
        return r2(y, self._restored(outputs), weight)
