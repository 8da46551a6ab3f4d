"""What models share that predict a target of their source: scores, answers, files."""

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.metrics import scores
from lamina.models.source_model import SourceModel, subset


class PredictiveModel(SourceModel):
    """A model of a source that predicts a target, beside a trivial baseline.

    A subclass returns what ``estimator_`` takes in its ``_inputs``.
    """

    task_: str | None

    @abstractmethod
    def _inputs(self, source: Any) -> Any:
        """Return what ``estimator_`` takes for a source."""

    # ---- fitting --------------------------------------------------------------------

    def _check_own(self, estimator: Any, task: str | None) -> None:
        kind = estimator.__sklearn_tags__().estimator_type
        if kind != ("classifier" if task == "classification" else "regressor"):
            raise ValueError(
                f"the target calls for {task}, but the estimator is a "
                f"{type(estimator).__name__}"
            )

    def _keep_scores(
        self, X: Any, y: np.ndarray, train: np.ndarray, held: np.ndarray
    ) -> None:
        """Score the held-out rows, or if there are none those that were learnt."""
        if self.task_ == "classification":
            self.classes_ = self.estimator_.classes_
            told = self._told(y[train])
            self.baseline_ = scores.Baseline.of_classes(told, self.classes_)
        else:
            self.baseline_ = scores.Baseline.of_numbers(self._told(y[train]))
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
        return scores.baseline_scores(self.baseline_, self._told(y), classes)

    def _told(self, y: Any) -> Any:
        """Return answers as scores take them: as they are, one below the other."""
        return y

    # ---- application ----------------------------------------------------------------

    def predict(self, source: Any) -> Any:
        """Return labels or numbers, one a row; several targets are columns.

        Raises
        ------
        ValueError
            If the source cannot be read, or is not of the kind learnt.

        Warns
        -----
        UnseenWarning
            Of categories that were not seen in training.
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
