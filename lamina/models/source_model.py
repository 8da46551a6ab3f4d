"""The base of models trained on files: test split, settings, training."""

from abc import ABC, abstractmethod
from difflib import get_close_matches
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from lamina.data.errors import UserError
from lamina.estimators._core.estimator import Estimator
from lamina.estimators._core.holdout import hold_out
from lamina.estimators._core.parameters.table import (
    missing_parameters,
    parameters,
)
from lamina.models.defaults import MIN_HELD_OUT
from lamina.models.model_parameters import ModelParams
from lamina.networks import Key


class SourceModel(ModelParams, ABC):
    """The part of a model that fits it to a source and tests it on a part of that.

    A subclass reads its source (a table, images), encodes it, and trains
    ``estimator_`` with these methods.
    """

    kind: ClassVar[str] = "table"
    """The kind of data of a model, unless the command line sets another one."""

    kind_: str
    notes_: list[str]
    estimator_: Any

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
        """Return the estimator to train: the user's own, or the default with settings.

        Raises
        ------
        ValueError
            If both are given, or the user's own does not fit the task.
        """
        if self.estimator is None:
            estimator = default.set_params(
                **checked_settings(default, self.settings or {})
            )
        elif self.settings:
            raise ValueError("give either an estimator or settings, not both")
        else:
            estimator: Any = clone(self.estimator)
            self._check_own(estimator, task)
        if isinstance(estimator, Estimator):
            estimator._check_params()
        if estimator.random_state is None:
            estimator.set_params(random_state=seed.seed)
        return estimator

    @abstractmethod
    def _check_own(self, estimator: Any, task: str | None) -> None:
        """Refuse a user's own estimator that does not fit the task."""

    def _train(self, estimator: Any, X: Any, y: np.ndarray | None) -> None:
        """Train the network with the requested progress and callbacks."""
        names = ("callbacks", "verbose", "checkpoint")
        own = {name: getattr(estimator, name) for name in names}
        estimator.set_params(
            callbacks=[*(estimator.callbacks or ()), *(self.callbacks or ())],
            verbose=self.verbose or estimator.verbose,
            checkpoint=self.checkpoint or estimator.checkpoint,
        )
        estimator.fit(X, y)
        self.best_epoch_ = getattr(estimator, "best_epoch_", estimator.n_iter_)
        self.estimator_ = estimator.set_params(**own)
        self.kind_ = self.kind

    def _scored(self, train: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Return the rows to score: the test rows, or else the training rows."""
        self.n_train_, self.n_holdout_ = len(train), len(held)
        if not len(held):
            self.notes_.append("no test set: the scores are training scores")
        return held if len(held) else train


def subset(X: Any, rows: np.ndarray) -> Any:
    """Return some rows; images on disk are not read."""
    return X.take(rows) if hasattr(X, "is_images") else X[rows]


def checked_settings(estimator: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with typed values parsed for an estimator.

    Raises
    ------
    ValueError
        If it has no such setting; the message suggests similar ones.
    """
    names, missing = estimator.get_params(), missing_parameters(type(estimator))
    for name in settings:
        if name.split("__")[0] not in names:
            near = get_close_matches(name, names, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else None
            hint = missing.get(name, hint)
            raise UserError(
                f"{type(estimator).__name__} has no setting {name!r}",
                parameter=name,
                value=settings[name],
                hint=hint or f"the settings are: {', '.join(sorted(names))}",
            )
    checks = {row.name: row.check for row in parameters(type(estimator))}
    return {
        name: checks[name].read(value) if name in checks else value
        for name, value in settings.items()
    }
