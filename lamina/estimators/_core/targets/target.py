"""What every kind of target can do."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import column_or_1d

from lamina.estimators._core.targets.missing import without_missing
from lamina.learning.protocols import Needs

Loss = str | Callable


class TargetValues(NamedTuple):
    """Validated values of a target, not encoded.

    Parameters
    ----------
    values : ndarray or sparse matrix, 0 where a value is missing
    missing : ndarray of bool of the same shape, or None if none is
    """

    values: Any
    missing: np.ndarray | None = None


@dataclass(eq=False)
class Target(ABC):
    """What the outputs of a network mean: encoded, scored, decoded.

    Parameters
    ----------
    dtype : str
        Type that the network computes in.
    loss : str or callable
        As the parameter of the estimator.
    """

    unit: ClassVar[str] = ""
    """What has its own target within an example: "pixel", "step", or nothing."""

    dtype: str
    loss: Loss

    # ---- validation and encoding ----------------------------------------------------

    @abstractmethod
    def check(self, owner: Any, y: Any, X: Any) -> TargetValues:
        """Validate targets, and that they belong to validated examples X."""

    @abstractmethod
    def learn(self, answers: TargetValues, classes: Any) -> tuple["Target", Any]:
        """Return the fitted target, and the encoded values.

        Parameters
        ----------
        answers : TargetValues
        classes : array-like or None
            All classes, as given to ``partial_fit``.
        """

    @abstractmethod
    def encode(self, answers: TargetValues) -> Any:
        """Return values as numbers, one row per example; NaN where one is missing."""

    def resume(self, answers: TargetValues, incremental: bool, classes: Any) -> Any:
        """Return encoded values of a later fit; refuse those of another target."""
        return self.encode(answers)

    def measure(self, y: Any, activation: Any, needs: Needs) -> "Target":
        """Return a target with the scale of encoded values, if it is scaled.

        Parameters
        ----------
        y : encoded values of the first fit
        activation : str or callable
            Of the output layer, which bounds what can be reached.
        needs : Needs
            Of the algorithm.
        """
        return self

    def for_loss(self, y: Any, activation: Any) -> Any:
        """Return encoded values as the loss takes them."""
        return y

    def join(self, parts: tuple) -> Any:
        """Concatenate encoded values."""
        return np.concatenate(parts)

    # ---- the output layer and the loss ----------------------------------------------

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """The number of output units."""

    @property
    @abstractmethod
    def head(self) -> str:
        """The default activation of the output layer."""

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the outputs for an example of some shape."""
        return (self.n_outputs,)

    def loss_for(self, activation: Any) -> Loss:
        """Return the loss for the activation of the output layer."""
        return self.loss

    @property
    def mean_over(self) -> int:
        """Over how many outputs the loss that is reported is a mean."""
        return 1

    def check_needs(self, needs: Needs, solver: Any) -> None:
        """Refuse an algorithm that does not support this target.

        Raises
        ------
        ValueError
            Naming the solver.
        """
        if self.unit and needs.one_target:
            raise ValueError(
                f"solver={solver!r} needs one answer an example, not one a "
                f"{self.unit}; try 'adam' or 'sgd'"
            )

    # ---- weights and splits ---------------------------------------------------------

    def weights(self, y: Any, rows: np.ndarray | None = None) -> "Weights":
        """Return the weights of targets, computed from some rows."""
        return Weights()

    def strata(self, y: Any) -> np.ndarray | None:
        """Return the classes by which validation rows are stratified, or None."""
        return None

    # ---- predictions and score ------------------------------------------------------

    @abstractmethod
    def decode(self, outputs: Any, dtype: np.dtype) -> Any:
        """Return predictions in the form in which targets were given.

        Parameters
        ----------
        outputs : as ``Inputs.outputs`` returns them
        dtype : dtype
            Of X.
        """

    @abstractmethod
    def score(self, y: Any, outputs: Any, weight: np.ndarray) -> float:
        """Return the score of outputs, NaN if the weights are all 0.

        Shapes: y encoded values; weight (n,) of the examples.
        """


class Weights:
    """Equal weights."""

    def __call__(self, weight: np.ndarray | None, y: Any) -> np.ndarray | None:
        """Return sample weights multiplied by those of the encoded values."""
        return weight

    def __bool__(self) -> bool:
        return False


def require(owner: Any, y: Any) -> None:
    """Refuse targets that are None.

    Raises
    ------
    ValueError
        Naming the estimator.
    """
    if y is None:
        raise ValueError(
            f"{type(owner).__name__} requires y to be passed, but the target y is None"
        )


def checked_target(owner: Any, y: Any, X: Any, numeric: bool) -> TargetValues:
    """Return targets as an array of finite values, or a sparse one, as long as X."""
    require(owner, y)
    y, missing = without_missing(y)
    how: dict[str, Any] = {"accept_sparse": "csr", "dtype": None}
    y = check_array(y, ensure_2d=False, input_name="y", estimator=owner, **how)
    if numeric and y.dtype.kind == "O":
        y = y.astype(float)
    check_consistent_length(X, y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    return TargetValues(y, missing)
