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


class Answers(NamedTuple):
    """Validated targets as they were given.

    Parameters
    ----------
    values : ndarray or sparse matrix, 0 where an answer is missing
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
        As the estimator's parameter says.
    """

    unit: ClassVar[str] = ""
    """What has an answer of its own within an example: "pixel", "step"; or nothing."""

    dtype: str
    loss: Loss

    # ---- from what was given to what is learnt --------------------------------------

    @abstractmethod
    def check(self, owner: Any, y: Any, X: Any) -> Answers:
        """Validate targets, and that they belong to validated examples X."""

    @abstractmethod
    def learn(self, answers: Answers, classes: Any) -> tuple["Target", Any]:
        """Return the target that knows these answers, and the answers encoded.

        Parameters
        ----------
        answers : Answers
        classes : array-like or None
            All classes, as ``partial_fit`` is told.
        """

    @abstractmethod
    def encode(self, answers: Answers) -> Any:
        """Return answers as numbers, one row an example; NaN where one is missing."""

    def resume(self, answers: Answers, incremental: bool, classes: Any) -> Any:
        """Return encoded answers to go on with; refuse those of another target."""
        return self.encode(answers)

    def measure(self, y: Any, activation: Any, needs: Needs) -> "Target":
        """Return a target that knows the scale of encoded answers, if it has one.

        Parameters
        ----------
        y : encoded answers of the first fit
        activation : str or callable
            Of the output layer, which bounds what can be reached.
        needs : Needs
            Of the algorithm.
        """
        return self

    def for_loss(self, y: Any, activation: Any) -> Any:
        """Return encoded answers as the loss takes them."""
        return y

    def join(self, parts: tuple) -> Any:
        """Return encoded answers one below the other."""
        return np.concatenate(parts)

    # ---- the output layer and the loss ----------------------------------------------

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """The number of output units."""

    @property
    @abstractmethod
    def head(self) -> str:
        """The activation of the output layer, where nobody says another one."""

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
        """Refuse an algorithm that cannot learn such answers.

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
        """Return how much each answer counts, judged by some rows of the answers."""
        return Weights()

    def strata(self, y: Any) -> np.ndarray | None:
        """Return what every validation set should have its share of."""
        return None

    # ---- from outputs to answers ----------------------------------------------------

    @abstractmethod
    def decode(self, outputs: Any, dtype: np.dtype) -> Any:
        """Return what outputs stand for, in the form in which targets were given.

        Parameters
        ----------
        outputs : as ``Inputs.outputs`` returns them
        dtype : dtype
            Of X.
        """

    @abstractmethod
    def score(self, y: Any, outputs: Any, weight: np.ndarray) -> float:
        """Return the score of outputs, NaN if no answer counts.

        Shapes: y encoded answers; weight (n,) of the examples.
        """


class Weights:
    """How much answers count: here all the same."""

    def __call__(self, weight: np.ndarray | None, y: Any) -> np.ndarray | None:
        """Return the weights of examples times those of their encoded answers."""
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


def checked_answers(owner: Any, y: Any, X: Any, numeric: bool) -> Answers:
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
    return Answers(y, missing)
