"""Targets that are the inputs themselves."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.estimators._core.inputs.scaled import ScaledInputs, dense
from lamina.estimators._core.targets.target import Loss, Target, TargetValues
from lamina.learning.protocols import Needs
from lamina.metrics.scores import mean_squares


@dataclass(eq=False)
class InputTarget(Target):
    """The inputs as the network sees them.

    Parameters
    ----------
    inputs : ScaledInputs
        Fitted.
    """

    inputs: ScaledInputs

    def check(self, owner: Any, y: Any, X: Any) -> TargetValues:
        return TargetValues(X)

    def learn(self, answers: TargetValues, classes: Any) -> tuple["InputTarget", Any]:
        return self, answers.values

    def encode(self, answers: TargetValues) -> Any:
        self.inputs.check_unit(answers.values)
        return answers.values

    def join(self, parts: tuple) -> Any:
        return self.inputs.join(parts)

    def check_needs(self, needs: Needs, solver: Any) -> None:
        if self.inputs.given_layers is not None and needs.one_target:
            raise ValueError(
                f"solver={solver!r} is for encoder=, not for layers=; try 'adam'"
            )

    @property
    def n_outputs(self) -> int:
        return self.inputs.shape[-1]

    @property
    def head(self) -> str:
        in_unit = self.inputs.found_loss == "binary_cross_entropy"
        return "logistic" if in_unit else "identity"

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape

    def loss_for(self, activation: Any) -> Loss:
        return self.inputs.found_loss

    def decode(self, outputs: Any, dtype: np.dtype) -> Any:
        return self.inputs.restore(outputs)

    def score(self, y: Any, outputs: Any, weight: np.ndarray) -> float:
        """Return minus the mean squared error of an example's numbers."""
        if not weight.any():
            return np.nan
        errors = mean_squares(dense(self.inputs.encode(y)), outputs)
        return -float(np.average(errors, weights=weight))
