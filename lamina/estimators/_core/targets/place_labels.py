"""Targets with a label at each place of an example, its pixels or its steps."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lamina.estimators._core.parts import learnt
from lamina.estimators._core.targets.labels import check_same_classes, class_numbers
from lamina.estimators._core.targets.target import Loss, Target, TargetValues
from lamina.networks.functional.losses import UNKNOWN


@dataclass(eq=False)
class PlaceLabels(Target):
    """Labels of pixels or steps, some of which may have none.

    Encoded targets are class numbers, ``UNKNOWN`` where there is no label.

    Parameters
    ----------
    ignore_label : Any
        What stands for "not labelled"; None if all places have labels.
    """

    error: ClassVar[type[ValueError]] = ValueError
    """What bad labels raise."""

    ignore_label: Any = None
    classes: np.ndarray = learnt("classes_")

    def learn(self, answers: TargetValues, classes: Any) -> tuple["PlaceLabels", Any]:
        values = self._labels(answers)
        known = self._classes_of(values if classes is None else classes)
        target = replace(self, classes=known)
        return target, target.encode(answers)

    def resume(self, answers: TargetValues, incremental: bool, classes: Any) -> Any:
        if incremental:
            known = None if classes is None else self._classes_of(classes)
            check_same_classes(known, self.classes)
            return self.encode(answers)
        y = self.encode(answers)
        found = self._classes_of(self._labels(answers))
        if not np.array_equal(found, self.classes):
            raise ValueError(
                "warm_start can only be used with the same classes: previously "
                f"{self.classes}, now {found}"
            )
        return y

    def encode(self, answers: TargetValues) -> Any:
        labels = self._labels(answers)
        known = self.labelled(labels)
        strange = np.setdiff1d(labels[known], self.classes)
        if len(strange):
            raise self.error(
                f"y has labels that are not among the classes {self.classes}: "
                f"{strange[:5]}"
            )
        codes = self._no_labels(labels.shape)
        codes[known] = np.searchsorted(self.classes, labels[known])
        return self._formed(codes, answers)

    def encode_any(self, answers: TargetValues) -> Any:
        """Return class numbers; labels not seen in training have the number K.

        Warns
        -----
        UnseenWarning
            Of these labels.
        """
        labels = self._labels(answers)
        known = self.labelled(labels)
        codes = self._no_labels(labels.shape)
        codes[known] = class_numbers(labels[known], self.classes, self.unit)
        return self._formed(codes, answers)

    @abstractmethod
    def _labels(self, answers: TargetValues) -> np.ndarray:
        """Return the labels of all places."""

    @abstractmethod
    def _formed(self, codes: np.ndarray, answers: TargetValues) -> Any:
        """Return class numbers in the form that the loss takes."""

    def _no_labels(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.full(shape, UNKNOWN, np.int32)

    def labelled(self, labels: np.ndarray) -> np.ndarray:
        """Return where there is a label, an array of bool."""
        if self.ignore_label is None:
            return np.ones(labels.shape, bool)
        return np.asarray(labels != self.ignore_label) & np.ones(labels.shape, bool)

    def _classes_of(self, labels: Any) -> np.ndarray:
        found = np.unique(labels)
        found = found[self.labelled(found)]
        if not len(found):
            raise self.error(f"y has no labels: all {self.unit}s have the ignore_label")
        return found

    @property
    def n_outputs(self) -> int:
        return len(self.classes)

    @property
    def head(self) -> str:
        return "softmax"

    def loss_for(self, activation: Any) -> Loss:
        return "cross_entropy"
