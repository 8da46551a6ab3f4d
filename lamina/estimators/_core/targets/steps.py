"""Targets for each step of a sequence: labels or numbers."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.utils import check_consistent_length

from lamina.data.sequences.ragged_array import RaggedArray, SequenceError, place_of
from lamina.estimators._core.inputs.sequence import join_series
from lamina.estimators._core.parameters.checks import check_fits_float32
from lamina.estimators._core.targets.numbers import NumberTarget
from lamina.estimators._core.targets.place_labels import PlaceLabels
from lamina.estimators._core.targets.scale import warn_unreached
from lamina.estimators._core.targets.target import TargetValues, require
from lamina.learning.protocols import Needs
from lamina.metrics.measured import r2
from lamina.networks.functional.losses import UNKNOWN


class Steps(NamedTuple):
    """TargetValues of all steps, one sequence behind the other, and steps of each."""

    flat: np.ndarray
    lengths: np.ndarray


def checked_steps(owner: Any, y: Any, X: RaggedArray, labels: bool) -> TargetValues:
    """Return one target for each step of validated sequences."""
    require(owner, y)
    check_consistent_length(X, y)
    return TargetValues(Steps(step_answers(y, X.lengths, labels), X.lengths))


@dataclass(eq=False)
class StepLabels(PlaceLabels):
    """Labels of steps."""

    unit: ClassVar[str] = "step"
    error: ClassVar[type[ValueError]] = SequenceError

    def check(self, owner: Any, y: Any, X: Any) -> TargetValues:
        return checked_steps(owner, y, X, labels=True)

    def _labels(self, answers: TargetValues) -> np.ndarray:
        return answers.values.flat

    def _formed(self, codes: np.ndarray, answers: TargetValues) -> RaggedArray:
        return RaggedArray(codes[:, None], answers.values.lengths)

    def join(self, parts: tuple) -> RaggedArray:
        return join_series(parts)

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0], self.n_outputs)

    def decode(self, outputs: Any, dtype: np.dtype) -> list[np.ndarray]:
        return [self.classes[one.argmax(axis=1)] for one in outputs]

    def score(self, y: Any, outputs: Any, weight: np.ndarray) -> float:
        """Return the accuracy over all steps with a label."""
        each, codes = np.repeat(weight, y.lengths), y.values[:, 0]
        known = codes != UNKNOWN
        if not each[known].any():
            return np.nan
        found = np.concatenate(list(outputs)).argmax(axis=1)
        right = found[known] == codes[known]
        return float(np.average(right, weights=each[known]))


@dataclass(eq=False)
class StepNumbers(NumberTarget):
    """Numbers of steps, one or several, NaN where one is not known."""

    unit: ClassVar[str] = "step"

    def check(self, owner: Any, y: Any, X: Any) -> TargetValues:
        return checked_steps(owner, y, X, labels=False)

    def learn(self, answers: TargetValues, classes: Any) -> tuple["StepNumbers", Any]:
        table, ndim = self._table(answers), answers.values.flat.ndim
        known = replace(self, n_columns=table.shape[1], ndim=ndim)
        return known, RaggedArray(table, answers.values.lengths)

    def encode(self, answers: TargetValues) -> RaggedArray:
        table = self._table(answers)
        if table.shape[1] != self.n_columns:
            raise SequenceError(
                f"y has {table.shape[1]} numbers a step, but {self.n_columns} were "
                "learnt"
            )
        return RaggedArray(table, answers.values.lengths)

    def _table(self, answers: TargetValues) -> np.ndarray:
        return super()._table(TargetValues(answers.values.flat))

    @property
    def scales(self) -> bool:
        return self.scale_target and self.loss != "poisson"

    def measure(self, y: RaggedArray, activation: Any, needs: Needs) -> NumberTarget:
        return super().measure(y.values, activation, needs)

    def for_loss(self, y: RaggedArray, activation: Any) -> RaggedArray:
        scaled = (y.values - self.mean) / self.scale
        if self.scales:
            warn_unreached(activation, scaled)
        if self.dtype == "float32":
            known = np.nan_to_num(scaled, posinf=np.inf)
            check_fits_float32(known, "y", y.lengths)
        return RaggedArray(scaled, y.lengths)

    def join(self, parts: tuple) -> RaggedArray:
        return join_series(parts)

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0], self.n_outputs)

    def decode(self, outputs: Any, dtype: np.dtype) -> list[np.ndarray]:
        return [super(StepNumbers, self).decode(one, dtype) for one in outputs]

    def score(self, y: Any, outputs: Any, weight: np.ndarray) -> float:
        """Return R² over all steps."""
        numbers = self._restored(np.concatenate(list(outputs)))
        return r2(y.values, numbers, np.repeat(weight, y.lengths))


def step_answers(y: Any, lengths: np.ndarray, labels: bool) -> np.ndarray:
    """Return what is said at each step, one sequence behind the other.

    Parameters
    ----------
    y : list of arrays, or array (n, time, …)
        Of an array the first steps of each sequence count.
    lengths : ndarray of int (n,)
        Steps of each sequence.
    labels : bool
        Whether they are labels; otherwise numbers, NaN where there is none.

    Returns
    -------
    ndarray (steps of all,) of labels or numbers, or (steps of all, outputs)

    Raises
    ------
    SequenceError
        If a sequence has another number of answers than steps, or they are of the
        wrong kind; with the sequence's number.
    """
    if not isinstance(y, list | tuple | RaggedArray):
        y = np.asarray(y)  # of a data frame rows are sequences
    of_one_array = isinstance(y, np.ndarray) and y.ndim > 1
    parts = []
    for number, (one, steps) in enumerate(zip(y, lengths, strict=True)):
        one = np.asarray(one)
        one = one[:steps] if of_one_array and one.ndim else one
        if one.ndim == 0 or len(one) != steps:
            found = len(one) if one.ndim else "one answer"
            raise SequenceError(
                f"sequence {number} has {steps} steps, but y has {found} for it; there "
                "has to be one answer for each step"
            )
        parts.append(one)
        if one.shape[1:] != parts[0].shape[1:] or one.ndim > 2 - labels:
            wanted = "(steps,)" if labels else "(steps,) or (steps, n_outputs)"
            raise SequenceError(
                f"the answers of sequence {number} have shape {one.shape}; {wanted} is "
                "expected, the same for all"
            )
    flat = np.concatenate(parts)
    if labels:
        _refuse_missing(flat, lengths)
        if flat.dtype.kind == "f" and not (np.isfinite(flat).all() and _whole(flat)):
            raise SequenceError(
                "y holds numbers that are not labels; for numbers set "
                "loss='squared_error'"
            )
        return flat
    if flat.dtype.kind not in "iufb":
        raise SequenceError(f"numbers are expected, but y holds {flat.dtype}")
    flat = flat.astype(float)
    if np.isinf(flat).any():
        raise SequenceError("y holds infinite numbers")
    if np.isnan(flat).all():
        raise SequenceError("y holds no known number")
    return flat


def _refuse_missing(labels: np.ndarray, lengths: np.ndarray) -> None:
    """Refuse steps whose label is None or NaN, naming the first."""
    if labels.dtype.kind not in "fO":
        return
    missing = np.array([one is None or one != one for one in labels.tolist()], bool)
    if missing.any():
        step = int(np.argmax(missing))
        number, inside = place_of(lengths, step)
        raise SequenceError(
            f"sequence {number}, step {inside}: the label is missing; give such steps "
            "a label of their own, and say which as ignore_label"
        )


def _whole(numbers: np.ndarray) -> bool:
    return bool((numbers == np.floor(numbers)).all())
