"""The base of models that predict a target: scores and predictions."""

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.metrics import scores
from lamina.models.source_model import SourceModel, subset


class PredictiveModel(SourceModel):
    """A model that predicts a target, and is compared with a baseline.

    A subclass returns the inputs of ``estimator_`` from ``_inputs``.
    """

    task_: str | None

    @abstractmethod
    def _inputs(self, source: Any) -> Any:
        """Return the inputs of ``estimator_`` for a source."""

    # ---- fitting --------------------------------------------------------------------

    def _check_own(self, estimator: Any, task: str | None) -> None:
        kind = estimator.__sklearn_tags__().estimator_type
        if kind != ("classifier" if task == "classification" else "regressor"):
            raise ValueError(
                f"the target requires {task}, but the estimator is a "
                f"{type(estimator).__name__}"
            )

    def _keep_scores(
        self, X: Any, y: np.ndarray, train: np.ndarray, held: np.ndarray
    ) -> None:
        """Score the test rows, or without any the training rows."""
        if self.task_ == "classification":
            self.classes_ = self.estimator_.classes_
            flat = self._flat(y[train])
            self.baseline_ = scores.Baseline.of_classes(flat, self.classes_)
        else:
            self.baseline_ = scores.Baseline.of_numbers(self._flat(y[train]))
        rows = self._scored(train, held)
        self.scores_ = self._scores(subset(X, rows), y[rows])
        self.baseline_scores_ = self._baseline(y[rows])

    def _scores(self, X: Any, y: np.ndarray) -> scores.Scores:
        predicted = self.estimator_.predict(X)
        if self.task_ == "regression":
            return scores.number_scores(y, predicted)
        probabilities = self.estimator_.predict_proba(X)
        if y.ndim == 2:
            return scores.label_scores(y, predicted, probabilities)
        return scores.class_scores(y, predicted, probabilities, self.classes_)

    def _baseline(self, y: np.ndarray) -> scores.Scores:
        classes = self.classes_ if self.task_ == "classification" else None
        return scores.baseline_scores(self.baseline_, self._flat(y), classes)

    def _flat(self, y: Any) -> Any:
        """Return targets as the scores take them: unchanged, one per row."""
        return y

    # ---- application ----------------------------------------------------------------

    def predict(self, source: Any) -> Any:
        """Return labels or numbers, one per row; several targets are columns.

        Raises
        ------
        ValueError
            If the source cannot be read, or does not fit the model.

        Warns
        -----
        UnseenWarning
            If there are categories not seen in training.
        """
        return self.estimator_.predict(self._inputs(source))

    def predict_proba(self, source: Any) -> Any:
        """Return probabilities (n_rows, n_classes).

        Raises
        ------
        ValueError
            If the model predicts numbers.
        """
        check_is_fitted(self)
        if self.task_ != "classification":
            raise ValueError("this model predicts numbers, which have no probabilities")
        return self.estimator_.predict_proba(self._inputs(source))
