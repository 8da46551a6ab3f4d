"""What models of tables and of pictures share: held-out rows, scores, files."""

from abc import ABC, abstractmethod
from difflib import get_close_matches
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from lamina.data.target import TASKS
from lamina.estimators import scores
from lamina.estimators.defaults import MIN_HELD_OUT
from lamina.estimators.holdout import hold_out
from lamina.estimators.saved import Saved
from lamina.estimators.scores import Baseline
from lamina.networks import Key


class SourceModel(Saved, BaseEstimator, ABC):
    """A model that is fitted to a source, and knows how well it does.

    A subclass reads its source (a table, pictures), encodes it, and trains
    ``estimator_`` with what is here; its ``_inputs`` returns what ``estimator_`` takes.
    """

    _transient = ("holdout_rows_",)

    estimator: Any
    settings: Any
    holdout: float
    random_state: Any
    verbose: Any
    callbacks: Any
    checkpoint: Any

    task_: str | None
    notes_: list[str]
    estimator_: Any

    @abstractmethod
    def _inputs(self, source: Any) -> Any:
        """Return what ``estimator_`` takes for a source."""

    # ---- fitting --------------------------------------------------------------------

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _split(
        self, key: Key, y: np.ndarray, task: str | None
    ) -> tuple[np.ndarray, np.ndarray]:
        if not self.holdout or len(y) < MIN_HELD_OUT:
            return np.arange(len(y)), np.arange(0)
        return hold_out(key, y, self.holdout, task == "classification")

    def _chosen(self, default: Any, task: str | None, seed: Key) -> Any:
        """Return the estimator to train: a person's own, or the default with settings.

        Raises
        ------
        ValueError
            If both are given, or the own one is for the other task.
        """
        if self.estimator is None:
            estimator = default.set_params(
                **checked_settings(default, self.settings or {})
            )
        elif self.settings:
            raise ValueError("give an estimator or settings, not both")
        else:
            estimator: Any = clone(self.estimator)
            self._check_task(estimator, task)
        if estimator.random_state is None:
            estimator.set_params(random_state=seed.seed)
        return estimator

    def _check_task(self, estimator: Any, task: str | None) -> None:
        kind = estimator.__sklearn_tags__().estimator_type
        if kind != ("classifier" if task == "classification" else "regressor"):
            raise ValueError(
                f"the target calls for {task}, but the estimator is a "
                f"{type(estimator).__name__}"
            )

    def _train(self, estimator: Any, X: Any, y: np.ndarray) -> None:
        """Train the network with the progress and the callbacks asked for."""
        names = ("callbacks", "verbose", "checkpoint")
        own = {name: getattr(estimator, name) for name in names}
        estimator.set_params(
            callbacks=[*(estimator.callbacks or ()), *(self.callbacks or ())],
            verbose=self.verbose or estimator.verbose,
            checkpoint=self.checkpoint or estimator.checkpoint,
        )
        self.best_epoch_ = estimator.fit(X, y).best_epoch_
        self.estimator_ = estimator.set_params(**own)

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
        self.n_train_, self.n_holdout_ = len(train), len(held)
        rows = held if len(held) else train
        self.scores_ = self._scores(some(X, rows), y[rows])
        self.baseline_scores_ = self._baseline(y[rows])
        if not len(held):
            self.notes_.append(
                "no rows are held out: the scores are of the rows that were learnt"
            )

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

    def _check_loaded(self) -> None:
        """Refuse a file whose parts do not fit each other."""
        estimator, baseline = self.estimator_, self.baseline_
        if not hasattr(estimator, "network_") or not isinstance(baseline, Baseline):
            raise ValueError("the network or the baseline is not readable")
        if self.task_ not in TASKS:
            raise ValueError("the task is not readable")
        shares = self.task_ == "classification"
        known: Any = baseline.shares if shares else baseline.mean
        if np.shape(known) != (len(self.classes_) if shares else estimator.n_outputs_,):
            raise ValueError("the baseline does not fit the network")
        if shares and not np.array_equal(self.classes_, estimator.classes_):
            raise ValueError("the classes do not fit the network")

    # ---- application ----------------------------------------------------------------

    def predict(self, source: Any) -> Any:
        """Return labels or numbers, one a row; several targets are columns.

        Raises
        ------
        ValueError
            If the source cannot be read, or is not of the kind learnt.
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


def some(X: Any, rows: np.ndarray) -> Any:
    """Return some rows: of what is stored without reading them."""
    return X.take(rows) if hasattr(X, "is_pictures") else X[rows]


def checked_settings(estimator: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings that an estimator has.

    Raises
    ------
    ValueError
        If it has not: with the nearest ones.
    """
    names = estimator.get_params()
    for name in settings:
        if name.split("__")[0] not in names:
            near = get_close_matches(name, names, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else ""
            raise ValueError(
                f"{type(estimator).__name__} has no setting {name!r}; "
                f"{hint or 'there are: ' + ', '.join(sorted(names))}"
            )
    return settings
