"""Fitted state of a forecaster."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from lamina.estimators._core.answering import Regressing
from lamina.estimators._core.files.state import Count, Fitted, Number, State
from lamina.estimators._core.parameters.shared import SequenceParams
from lamina.storage.rules import UNSET, Floats, Length, Unset


def _steps(own: Any) -> int:
    """Return the number of last steps that are stored of each series."""
    return own.window + own.seasonal_period


def _known(own: Any) -> int:
    """Return the number of exogenous variables."""
    return len(getattr(own, "known_spread", ()))


@dataclass(kw_only=True, eq=False)
class FittedForecaster(State):
    """Fitted state of a forecaster: its networks, and the ends of the series."""

    named: ClassVar[dict[str, str]] = {
        "form": "_form",
        "center": "_center",
        "spread": "_spread",
        "tails": "_tails",
        "known_spread": "_known_spread",
        "known": "_known",
    }

    log: bool
    window: Count
    n_series: Count
    form: Literal["one", "columns", "list"]
    center: Annotated[np.ndarray, Floats("n_series")]
    spread: Annotated[np.ndarray, Floats("n_series", above=0)]
    tails: Annotated[list[Annotated[np.ndarray, Floats(_steps)]], Length("n_series")]
    known_spread: Annotated[np.ndarray, Floats(None, above=0)] | Unset = UNSET
    known: (
        Annotated[
            list[Annotated[np.ndarray, Floats(_steps, _known)]], Length("n_series")
        ]
        | None
    )
    n_compiles: Number
    interrupted: bool
    estimators: Annotated[list[Fitted], Length(least=1)]
    residuals: Annotated[np.ndarray, Floats(None, "horizon")] | None

    def check(self, estimator: Any) -> None:
        super().check(estimator)
        estimator._check_params()
        known = 0 if self.known is None else len(self.known_spread)  # type: ignore[arg-type]
        for one in self.estimators:
            self._check_member(one, known, estimator.horizon)

    def _check_member(self, one: Any, known: int, horizon: int) -> None:
        """Reject a network that does not fit windows of 1 + ``known`` variables."""
        features = 1 + known
        if not isinstance(one, SequenceParams):
            features *= self.window
        if not isinstance(one, Regressing):
            raise ValueError("the network is not a regressor")
        if (one.n_features_in_, one.n_outputs_) != (features, horizon):
            raise ValueError("the network does not fit the windows")
