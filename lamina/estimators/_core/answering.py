"""Prediction and score of classifiers and regressors."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import available_if

from lamina.estimators._core.fitting import fit
from lamina.estimators._core.parts import recall
from lamina.estimators._core.preparation import Request
from lamina.estimators._core.targets.classes import ClassTarget
from lamina.estimators._core.targets.labels import plain
from lamina.estimators._core.targets.missing import without_missing
from lamina.estimators._core.targets.target import Target, TargetValues
from lamina.estimators._core.training import is_stochastic
from lamina.networks import Network


class Classifying(ClassifierMixin):
    """Labels, probabilities and accuracy of a ``TrainedNetwork`` for classes."""

    network_: Network
    _predicted: Callable[[Any], tuple[Any, Any]]
    _target: Callable[[], ClassTarget]

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train the network.

        Parameters
        ----------
        X : inputs of n_samples examples
            See *Shapes*.
        y : array-like (n_samples,) of labels, or (n_samples, n_labels) of 0 and 1
        sample_weight : array-like (n_samples,), optional
        X_val, y_val : optional
            A validation set of your own: ``history_`` then holds its loss and score,
            and with ``early_stopping`` it decides when to stop.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If parameters or data are invalid, or the checkpoint belongs to another run;
            the estimator is unchanged then.
        OSError
            If the first checkpoint cannot be written; later that is a warning.

        Warns
        -----
        ConvergenceWarning
            If training diverged, was interrupted, used up ``max_iter``, or ended worse
            than always predicting the mean.
        """
        return fit(self, Request(X, y, sample_weight, X_val, y_val))

    @available_if(is_stochastic)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train for one more epoch, on these examples.

        Parameters
        ----------
        X, y, sample_weight
            As in :meth:`fit`.
        classes : array-like, optional
            All classes; required in the first call, unless ``y`` contains them all. For
            columns of 0 and 1 they are the column numbers, and may be omitted.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If ``y`` or ``classes`` do not fit each other or the first call.
        """
        how = {"incremental": True, "classes": classes}
        return fit(self, Request(X, y, sample_weight, **how))

    def predict(self, X):
        """Return the label of each example."""
        outputs, X = self._predicted(X)
        return recall(self._target(), self).decode(outputs, X.dtype)

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
        outputs, _ = self._predicted(X)
        target = recall(self._target(), self)
        return target.probabilities(outputs, self.network_.out_activation)

    def predict_log_proba(self, X):
        """Return the logarithm of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def score(self, X, y, sample_weight=None):
        """Return the accuracy; missing labels (NaN) are ignored.

        A row with several labels is correct if all measured labels are.
        """
        answers = TargetValues(*without_missing(plain(y)))
        if answers.missing is None:
            return super().score(X, answers.values, sample_weight)
        outputs, _ = self._predicted(X)
        target = recall(self._target(), self)
        return score_measured(target, outputs, answers, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class Regressing(RegressorMixin):
    """Predictions and R² of a ``TrainedNetwork`` for numbers."""

    n_features_in_: int
    n_outputs_: int
    _predicted: Callable[[Any], tuple[Any, Any]]
    _target: Callable[[], Target]

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train the network: see :meth:`lamina.MLPClassifier.fit`; y holds numbers."""
        return fit(self, Request(X, y, sample_weight, X_val, y_val))

    @available_if(is_stochastic)
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one more epoch, on these examples."""
        return fit(self, Request(X, y, sample_weight, incremental=True))

    def predict(self, X):
        """Return numbers (n_samples,), or (n_samples, n_outputs).

        They are float32 if X is and no precision is lost: float64 for a network with
        ``dtype="float64"``, and for targets that were scaled.
        """
        outputs, X = self._predicted(X)
        return recall(self._target(), self).decode(outputs, X.dtype)

    def score(self, X, y, sample_weight=None):
        """Return R²; missing targets (NaN) are ignored."""
        answers = TargetValues(*without_missing(y))
        if answers.missing is None:
            return super().score(X, answers.values, sample_weight)
        outputs, _ = self._predicted(X)
        target = recall(self._target(), self)
        return score_measured(target, outputs, answers, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def score_measured(
    target: Target, outputs: np.ndarray, answers: TargetValues, sample_weight: Any
) -> float:
    """Return the score over the measured targets.

    Raises
    ------
    ValueError
        If the number of targets and outputs differs.
    """
    y = answers.values
    check_consistent_length(outputs, y, sample_weight)
    if y.shape[1] != outputs.shape[1]:
        raise ValueError(f"y must have {outputs.shape[1]} columns, got {y.shape[1]}")
    weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
    return target.score(target.encode(answers), outputs, weight)
