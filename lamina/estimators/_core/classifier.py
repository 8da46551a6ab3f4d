"""What networks for classes share: labels, probabilities, accuracy."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from lamina.estimators._core.class_weights import class_factors
from lamina.estimators._core.feedforward import FeedForward
from lamina.estimators._core.heads import fitting_cross_entropy
from lamina.estimators._core.labels import Labels, check_same_classes, plain
from lamina.estimators._core.missing import with_missing, without_missing
from lamina.estimators._core.shared_parameters import ClassParams
from lamina.estimators._core.training import is_stochastic


class FeedForwardClassifier(ClassifierMixin, ClassParams, FeedForward):
    """A network whose outputs are classes.

    Two classes get one logistic output, more a softmax, several 0/1 columns one
    logistic output each.
    """

    _y_numeric = False

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train the network.

        Parameters
        ----------
        X : inputs of n_samples examples
            What they are is said under *Shapes*.
        y : array-like (n_samples,) of labels, or (n_samples, n_labels) of 0 and 1
        sample_weight : array-like (n_samples,), optional
        X_val, y_val : optional
            A validation set of one's own: ``history_`` then holds its loss and score,
            and with ``early_stopping`` it decides when to stop.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If parameters or data cannot be used, or the checkpoint belongs to another
            run; nothing has been changed then.
        OSError
            If the first checkpoint cannot be written; later that is a warning.

        Warns
        -----
        ConvergenceWarning
            If learning diverged, was interrupted, used up ``max_iter``, or ended
            worse than always predicting the mean.
        """
        return self._fit(X, y, sample_weight, X_val, y_val)

    @available_if(is_stochastic)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Go on learning for one epoch over these examples.

        Parameters
        ----------
        X, y, sample_weight
            As in :meth:`fit`.
        classes : array-like, optional
            All classes; required in the first call, unless ``y`` holds them all. Where
            ``y`` has columns of 0 and 1, their numbers; nothing need be given then.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If ``y`` or ``classes`` do not fit each other or the first call.
        """
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    def predict(self, X):
        """Return the label of each example."""
        outputs = self._predicted(X)
        return self._labels.decode(outputs)

    def score(self, X, y, sample_weight=None):
        """Return the accuracy; where labels are missing (NaN), of those measured.

        A row of several labels is right if all that are measured are.
        """
        y, missing = without_missing(plain(y))
        if missing is None:
            return super().score(X, y, sample_weight)
        return self._score_measured(X, y, missing, sample_weight)

    def predict_proba(self, X):
        """Return probabilities (n_samples, n_classes), or of each label to be on.

        Equations
        ---------
            pⱼ = aⱼ                 softmax; several labels
            p = (1 − a, a)          two classes
            pⱼ = aⱼ / Σₖ aₖ         several classes with logistic outputs, each of which
                                    learns its class against all others; 1 / K if all
                                    aₖ are 0

        Raises
        ------
        AttributeError
            If the outputs are not probabilities (a linear output layer).
        """
        outputs = self._predicted(X)
        head = self.network_.out_activation
        if head not in ("softmax", "logistic"):
            raise AttributeError(
                f"outputs of the activation {head!r} are not probabilities"
            )
        if self._labels.kind == "binary":
            return np.concatenate([1 - outputs, outputs], axis=1)
        if self._labels.kind == "multiclass" and head == "logistic":
            return shares(outputs)
        return outputs

    def predict_log_proba(self, X):
        """Return the logarithm of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    # ---- what differs from regression -----------------------------------------------

    def _head(self) -> str:
        return "softmax" if self._labels.kind == "multiclass" else "logistic"

    def _loss(self) -> Any:
        if self.loss != "log_loss":
            return self.loss
        exclusive = self._labels.kind == "multiclass"
        return fitting_cross_entropy(self.network_.out_activation, exclusive)

    def _encode(
        self, y: Any, missing: Any, first: bool, incremental: bool, classes: Any
    ) -> Any:
        return with_missing(self._codes(y, first, incremental, classes), missing)

    def _codes(self, y: Any, first: bool, incremental: bool, classes: Any) -> Any:
        if first:
            self._labels, codes = Labels.of(y, classes)
            self.classes_ = self._labels.classes
            return codes
        if incremental:
            check_same_classes(classes, self.classes_)
        else:
            self._check_same_classes(y)
        return self._labels.encode(y)

    def _check_same_classes(self, y: Any) -> None:
        found = Labels.of(y)[0].classes
        if not np.array_equal(found, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the "
                f"previous call to fit. Previously got {self.classes_}, `y` has {found}"
            )

    def _n_outputs(self, target: np.ndarray) -> int:
        return self._labels.n_outputs

    def _target(self, target: np.ndarray) -> np.ndarray:
        if self._loss() == "cross_entropy":
            return target
        return self._labels.one_hot(target)

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        return target if target.ndim == 1 else None

    def _class_factors(
        self, target: np.ndarray, rows: np.ndarray | None = None
    ) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        classes = np.arange(2) if target.ndim == 2 else self.classes_
        learnt = target if rows is None else target[rows]
        return class_factors(self.class_weight, classes, learnt)

    def _score_outputs(
        self, target: np.ndarray, outputs: np.ndarray, weight: np.ndarray
    ) -> float:
        right = self._labels.codes(outputs) == target
        if right.ndim == 2:
            missing = np.isnan(target)
            weight = weight * ~missing.all(axis=1)
            right = (right | missing).all(axis=1)
        return float(np.average(right, weights=weight)) if weight.any() else np.nan

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def shares(outputs: np.ndarray) -> np.ndarray:
    """Return each output by the sum of its row, which sums to 1 then.

    Shapes: outputs and what is returned (n, classes), outputs ≥ 0.
    """
    total = outputs.sum(axis=1, keepdims=True)
    even = np.full_like(outputs, 1 / outputs.shape[1])
    return np.divide(outputs, total, out=even, where=total > 0)
