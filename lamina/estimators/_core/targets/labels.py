"""Labels ↔ class numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from sklearn.utils.multiclass import type_of_target

from lamina.data.tables.levels import UNSEEN, Unseen, positions, warn_unseen
from lamina.data.tables.parsing import numbers, texts
from lamina.storage.codec import register
from lamina.storage.rules import LabelsOf


@register
@dataclass(frozen=True)
class Labels:
    """The classes of a target, and how they are numbered.

    Attributes
    ----------
    kind : "binary" (one class or two), "multiclass" or "multilabel"
    classes : ndarray
        Sorted labels; for multilabel the column numbers.
    """

    kind: Literal["binary", "multiclass", "multilabel"]
    classes: Annotated[np.ndarray, LabelsOf(None)]

    @classmethod
    def of(cls, y: Any, classes: Any = None) -> tuple["Labels", np.ndarray]:
        """Find the classes of a target, and number it.

        Parameters
        ----------
        y : ndarray (n,) of labels, or array or sparse matrix (n, labels) of 0 and 1
        classes : array-like, optional
            All classes, if ``y`` need not hold them all.

        Raises
        ------
        ValueError
            If ``y`` is not a classification target, continuous numbers for instance, or
            ``classes`` do not fit it.
        """
        y = plain(y)
        kind = type_of_target(y, input_name="y")
        if kind == "unknown":
            held = sorted({type(one).__name__ for one in np.ravel(y).tolist()})
            raise ValueError(
                f"Unknown label type: y holds {' and '.join(held)}; labels are all "
                "texts or all whole numbers, and none is missing"
            )
        if kind == "multilabel-indicator":
            labels = cls("multilabel", np.arange(y.shape[1]))
            if classes is not None and not np.array_equal(
                np.unique(classes), labels.classes
            ):
                raise ValueError(
                    f"y has {y.shape[1]} columns of 0 and 1, whose classes are their "
                    f"numbers {labels.classes}; got classes={classes!r}"
                )
            return labels, labels.encode(y)
        if kind not in ("binary", "multiclass"):
            raise ValueError(
                f"Unknown label type: {kind}. y must hold one label an example, or one "
                "0/1 column a label; for continuous numbers use a regressor."
            )
        if classes is not None:
            labels = cls.from_classes(classes)
            return labels, labels.encode(y)
        classes, codes = np.unique(y, return_inverse=True)
        kind = "binary" if len(classes) <= 2 else "multiclass"
        return cls(kind, classes), codes.astype(np.int32)

    @classmethod
    def from_classes(cls, classes: Any) -> "Labels":
        """Number given classes, in sorted order."""
        classes = np.unique(plain(np.asarray(classes)))
        return cls("binary" if len(classes) <= 2 else "multiclass", classes)

    @property
    def n_outputs(self) -> int:
        """Output units: one for two classes, one a class or label otherwise."""
        return 1 if self.kind == "binary" else len(self.classes)

    def encode(self, y: Any) -> np.ndarray:
        """Return class numbers (n,), or 0/1 columns (n, labels).

        Raises
        ------
        ValueError
            If ``y`` is of another kind, or holds a label that is not one of the
            classes.
        """
        y = plain(y)
        if self.kind == "multilabel":
            if y.ndim != 2 or y.shape[1] != len(self.classes):
                raise ValueError(
                    f"y must have {len(self.classes)} 0/1 columns, got shape {y.shape}"
                )
            y = y.toarray() if hasattr(y, "toarray") else y
            if ((y != 0) & (y != 1)).any():
                raise ValueError(
                    f"columns of labels must hold 0 and 1, got {np.unique(y)[:5]}"
                )
            return y.astype(np.int32)
        if y.ndim != 1:
            raise ValueError(
                f"y must hold one label an example, one of the classes {self.classes}; "
                f"got shape {y.shape}"
            )
        found = np.unique(y)
        unknown = np.setdiff1d(found, self.classes)
        if len(unknown):
            raise ValueError(
                f"y has labels that are not among the classes {self.classes}: "
                f"{unknown[:5]}"
            )
        return np.searchsorted(self.classes, y).astype(np.int32)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return the labels that outputs (n, n_outputs) stand for."""
        codes = self.codes(outputs)
        return codes if self.kind == "multilabel" else self.classes[codes]

    def codes(self, outputs: np.ndarray) -> np.ndarray:
        """Return class numbers (n,), or 0/1 columns, that outputs stand for."""
        if self.kind == "multiclass":
            return outputs.argmax(axis=1)
        on = outputs > 0.5
        if self.kind == "multilabel":
            return on.astype(int)
        return np.minimum(on[:, 0], len(self.classes) - 1).astype(int)

    def one_hot(self, codes: np.ndarray) -> np.ndarray:
        """Return dense targets (n, n_outputs) of 0 and 1."""
        if self.kind != "multiclass":
            return codes.reshape(len(codes), -1).astype(float)
        return np.eye(len(self.classes))[codes]


def plain(y: Any) -> Any:
    """Return an array of objects that are all numbers as numbers, others as they are.

    One column of texts makes all values of a data frame objects.
    """
    if getattr(getattr(y, "dtype", None), "kind", None) != "O":
        return y
    objects = np.asarray(y)
    numbers = bool | int | float | np.generic
    if not all(isinstance(one, numbers) for one in objects.ravel().tolist()):
        return y
    values = np.asarray(objects.tolist())
    return values if values.dtype.kind in "biuf" else y


def check_same_classes(classes: Any, known: np.ndarray) -> None:
    """Refuse classes that are not those of the calls before; None is the same.

    Raises
    ------
    ValueError
        Naming both.
    """
    if classes is None or np.array_equal(np.unique(classes), known):
        return
    raise ValueError(
        f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
        f"{known!r}"
    )


def compared(y: np.ndarray, classes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return labels of another source as the classes are written; warn of others.

    The class 7 of a file of numbers is the folder "7" of another collection, and the
    text "7.0" of a third. What is none of the classes stays different from all of
    them, so that it counts as an error: a text that states no number is infinite where
    classes are numbers. Missing labels stay missing.

    Parameters
    ----------
    y : ndarray (n,) of labels, or (n, n_labels) of 0 and 1
    classes : ndarray (n_classes,)
    names : of the targets, one a column of ``y``

    Warns
    -----
    UnseenWarning
        Of labels that are none of the classes.
    """
    if y.ndim == 2:
        bits = np.arange(2)
        each = [_found(*one, bits)[1] for one in zip(names, y.T, strict=True)]
    else:
        y, unseen = _found(names[0], y, classes)
        each = [unseen]
    warn_unseen([unseen for unseen in each if unseen is not None])
    return y


def class_numbers(y: np.ndarray, classes: np.ndarray, unit: str) -> np.ndarray:
    """Return class numbers, and one more, K, for labels that are none of K classes.

    Warns
    -----
    UnseenWarning
        Of these labels, counted in steps or in pixels.
    """
    found, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    new = ~np.isin(found, classes)
    if new.any():
        new_counts = dict(zip(as_texts(found[new]), counts[new].tolist(), strict=True))
        known = as_texts(classes).tolist()
        unseen = Unseen.among("y", new_counts, known, target=True, unit=unit)
        warn_unseen([] if unseen is None else [unseen])
    codes_of = np.searchsorted(classes, found)
    codes_of[new] = len(classes)
    return codes_of[codes].reshape(y.shape).astype(np.int32)


def _found(
    name: str, y: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, Unseen | None]:
    """Return labels in the type of the classes, and those that are none of them."""
    shown, known = as_texts(y), as_texts(classes).tolist()
    codes = positions(shown, known)
    like = _in_type_of(classes, y)
    if like.dtype != object:
        like = like.astype(np.result_type(like, classes))
    else:
        like = like.copy()
    like[codes >= 0] = classes[codes[codes >= 0]]
    return like, Unseen.among(name, shown[codes == UNSEEN], known, target=True)


def _in_type_of(classes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return labels as texts where classes are, and else as numbers."""
    words, known = (array.dtype.kind in "OU" for array in (y, classes))
    if words and not known:
        values, bad = numbers(y.astype(object))
        return np.where(bad, np.inf, values)
    return as_texts(y) if known else y


def as_texts(labels: Any) -> np.ndarray:
    """Return labels of any kind as texts."""
    labels = np.asarray(labels)
    if labels.dtype.kind in "iub":
        labels = labels.astype(np.float64)
    return texts(labels.astype(object) if labels.dtype.kind == "U" else labels)
