"""What models that know their sources share: held-out rows, settings, training."""

from abc import ABC, abstractmethod
from difflib import get_close_matches
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from lamina.data.images.image_files import ERRORS
from lamina.data.images.image_schema import RESIZES
from lamina.data.tables.target import TASKS
from lamina.estimators._core.checks import (
    BOOLEAN,
    NONE,
    TEXT,
    Check,
    declared,
    each,
    having,
    number,
    option,
)
from lamina.estimators._core.holdout import hold_out
from lamina.estimators._core.parameters import COUNT, NAMES, SETTINGS, Checked, sides
from lamina.estimators._core.saved import Saved
from lamina.models.defaults import MIN_HELD_OUT
from lamina.networks import Key


class SourceModel(Saved, Checked, ABC):
    """A model that is fitted to a source, and knows how well it does.

    A subclass reads its source (a table, pictures), encodes it, and trains
    ``estimator_`` with what is here.
    """

    _parameters = declared(
        target=NAMES | NONE,
        estimator=having("fit", "an estimator") | NONE,
        settings=SETTINGS,
        task=option(*TASKS) | NONE,
        series=TEXT | NONE,
        time=TEXT | NONE,
        per_step=BOOLEAN | NONE,
        exclude=each(TEXT, "a list of column names"),
        kinds=Check(
            "a dict of kinds by column",
            lambda v: isinstance(v, dict) and all(map(TEXT.accepts, (*v, *v.values()))),
        )
        | NONE,
        size=COUNT | sides("height", "width") | NONE,
        channels=Check("1 or 3", lambda v: COUNT.accepts(v) and v in (1, 3)) | NONE,
        resize=option(*RESIZES),
        errors=option(*ERRORS),
        holdout=number(0, 0.9),
    )

    estimator: Any
    settings: Any
    holdout: float
    random_state: Any
    verbose: Any
    callbacks: Any
    checkpoint: Any

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
        """Return the estimator to train: a person's own, or the default with settings.

        Raises
        ------
        ValueError
            If both are given, or the own one is for something else.
        """
        if self.estimator is None:
            estimator = default.set_params(
                **checked_settings(default, self.settings or {})
            )
        elif self.settings:
            raise ValueError("give an estimator or settings, not both")
        else:
            estimator: Any = clone(self.estimator)
            self._check_own(estimator, task)
        if isinstance(estimator, Checked):
            estimator._check_params()
        if estimator.random_state is None:
            estimator.set_params(random_state=seed.seed)
        return estimator

    @abstractmethod
    def _check_own(self, estimator: Any, task: str | None) -> None:
        """Refuse a person's own estimator that is for something else."""

    def _train(self, estimator: Any, X: Any, y: np.ndarray | None) -> None:
        """Train the network with the progress and the callbacks asked for."""
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

    def _scored(self, train: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Return the rows to score: the held-out ones, or else those learnt."""
        self.n_train_, self.n_holdout_ = len(train), len(held)
        if not len(held):
            self.notes_.append(
                "no rows are held out: the scores are of the rows that were learnt"
            )
        return held if len(held) else train


def some(X: Any, rows: np.ndarray) -> Any:
    """Return some rows: of what is stored without reading them."""
    return X.take(rows) if hasattr(X, "is_pictures") else X[rows]


def checked_settings(estimator: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings that an estimator has, typed values as it takes them.

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
    table = estimator._table()
    return {
        name: table[name].read(value) if name in table else value
        for name, value in settings.items()
    }
