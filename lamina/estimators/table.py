"""A table in, a trained network out."""

import os
from difflib import get_close_matches
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from lamina.data import Table, TableError, TableSchema, read_table
from lamina.estimators import scores
from lamina.estimators.checks import check_number
from lamina.estimators.defaults import MIN_HELD_OUT, default_estimator
from lamina.estimators.holdout import hold_out
from lamina.estimators.table_input import (
    check_far,
    check_target,
    learnt_from,
    with_target,
)
from lamina.networks import Key


class TableModel(BaseEstimator):
    """A network for a table: columns encoded, a network trained, its score held out.

    ``lamina fit`` makes one of these. Kinds of columns are found, numbers scaled,
    categories coded, missing values marked; the task follows from the target. Part of
    the rows is held out for the scores and seen neither by scaling nor by training nor
    by early stopping.

    Parameters
    ----------
    target : str or list of str, optional
        Column to predict, or several; an embedded data set knows its own.
    estimator : MLPClassifier or MLPRegressor, optional
        Trained as it is, but for its seed if it has none. The default suits tables
        from ten rows to millions and stops early, at the lowest loss on
        ``validation_fraction`` of the training rows.
    settings : dict, optional
        Parameters of the default estimator to change, ``{"max_iter": 50}``.
    task : {"classification", "regression"}, optional
        Found from the target where None.
    exclude : sequence of str, default=()
        Columns to leave out.
    kinds : dict, optional
        Kinds of columns where the one found is wrong: "number", "category", "date".
    holdout : float, default=0.2
        Share of the rows held out, the same of every class; 0 holds out none, and of
        fewer than 20 rows none are held out either.
    random_state : int, RandomState or None, default=None
        The seed of the hold-out split and of the network.
    verbose : bool, default=False
        Shows progress on a terminal or in a notebook.
    callbacks : list of callables, optional
        Called after every epoch with a :class:`lamina.learning.Progress`.
    checkpoint : path, optional
        A folder from which a fit that was killed goes on: see
        :class:`lamina.MLPClassifier`. The table has to be the same.

    Attributes
    ----------
    schema_ : TableSchema
        What was learnt of the columns.
    estimator_ : MLPClassifier or MLPRegressor
        The fitted network.
    task_ : str
    classes_ : ndarray, for classification
    baseline_ : Baseline
        The trivial predictor that scores are compared with.
    scores_, baseline_scores_ : dict of float
        Of the held-out rows; of the training rows if none were held out.
    n_train_, n_holdout_ : int
        Rows that were learnt from, validation rows among them, and held out.
    holdout_rows_ : ndarray of int
        Positions of the held-out rows in the table; not kept in a file.
    best_epoch_ : int
        Epoch whose weights are kept.
    notes_ : list of str
        What a person should know: columns left out and why, guesses made.

    Examples
    --------
    >>> from lamina.estimators import TableModel
    >>> model = TableModel(random_state=0).fit("iris")
    >>> model.scores_["accuracy"] > model.baseline_scores_["accuracy"]
    True
    """

    _transient = ("holdout_rows_",)

    def __init__(
        self,
        target=None,
        estimator=None,
        *,
        settings=None,
        task=None,
        exclude=(),
        kinds=None,
        holdout=0.2,
        random_state=None,
        verbose=False,
        callbacks=None,
        checkpoint=None,
    ):
        self.target = target
        self.estimator = estimator
        self.settings = settings
        self.task = task
        self.exclude = exclude
        self.kinds = kinds
        self.holdout = holdout
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.checkpoint = checkpoint

    # ---- fitting --------------------------------------------------------------------

    def fit(self, source: Any, target: Any = None) -> "TableModel":
        """Learn to predict a column of a table from the others.

        Parameters
        ----------
        source : path, data frame, dict of arrays, Table or name of a data set
            See :func:`lamina.data.read_table`.
        target : str or list of str, optional
            Overrides the parameter of that name.

        Returns
        -------
        self

        Raises
        ------
        TableError
            If the table cannot be read or learnt from: one line that says why.
        ValueError
            If a parameter cannot be used.
        """
        check_number("holdout", self.holdout, 0, 0.9)
        target = self.target if target is None else target
        table, target = with_target(source, target)
        whole = self._schema(table, target)
        rows = np.flatnonzero(whole.target_present(table))
        y = whole.encode_target(table.take(rows))
        check_target(table, whole, y)
        check_far(table, whole)
        seed = Key(self._seed())
        train, held = self._split(seed.fold_in("holdout"), y, whole.task)
        schema = learnt_from(whole, table.take(rows[train]))
        X = schema.encode(table.take(rows))
        estimator = self._estimator(schema, len(train), seed)
        self._train(estimator, X[train], y[train])
        self.schema_, self.task_, self.notes_ = schema, whole.task, list(schema.notes)
        self.n_train_, self.n_holdout_ = len(train), len(held)
        self.holdout_rows_ = rows[held]
        self._score(X, y, train, held)
        return self

    def _schema(self, table: Table, target: Any) -> TableSchema:
        if isinstance(self.exclude, str):
            raise ValueError("exclude must be a list of column names")
        return TableSchema.fit(
            table, target, exclude=self.exclude, kinds=self.kinds, task=self.task
        )

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

    def _estimator(self, schema: TableSchema, n_rows: int, seed: Key) -> Any:
        if self.estimator is not None:
            if self.settings:
                raise ValueError("give an estimator or settings, not both")
            estimator: Any = clone(self.estimator)
            _check_task(estimator, schema.task)
        else:
            estimator = default_estimator(str(schema.task), n_rows, schema.width)
            estimator.set_params(**_known(estimator, self.settings or {}))
        if estimator.random_state is None:
            estimator.set_params(random_state=seed.seed)
        return estimator

    def _train(self, estimator: Any, X: np.ndarray, y: np.ndarray) -> None:
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

    def _score(
        self, X: np.ndarray, y: np.ndarray, train: np.ndarray, held: np.ndarray
    ) -> None:
        if self.task_ == "classification":
            self.classes_ = self.estimator_.classes_
            self.baseline_ = scores.Baseline.of_classes(y[train], self.classes_)
        else:
            self.baseline_ = scores.Baseline.of_numbers(y[train])
        rows = held if len(held) else train
        self.scores_ = self._scores(X[rows], y[rows])
        self.baseline_scores_ = self._baseline(y[rows])
        if not len(held):
            self.notes_.append(
                "no rows are held out: the scores are of the rows that were learnt"
            )

    # ---- application ----------------------------------------------------------------

    def predict(self, source: Any) -> np.ndarray:
        """Return labels or numbers, one a row; several targets are columns.

        Raises
        ------
        TableError
            If a column is missing or a value is not of the kind learnt.
        """
        return self.estimator_.predict(self._features(source))

    def predict_proba(self, source: Any) -> np.ndarray:
        """Return probabilities (n_rows, n_classes).

        Raises
        ------
        ValueError
            If the model predicts numbers.
        """
        check_is_fitted(self)
        if self.task_ != "classification":
            raise ValueError("this model predicts numbers, which have no probabilities")
        return self.estimator_.predict_proba(self._features(source))

    def evaluate(self, source: Any) -> dict[str, Any]:
        """Return scores on a table that holds the target, beside the baseline's.

        Returns
        -------
        dict
            ``task``, ``rows``, ``skipped`` (rows without a target), ``scores`` and
            ``baseline``: accuracy, balanced_accuracy and log_loss, or r2, rmse, mae.

        Raises
        ------
        TableError
            If the target is not in the table, or as :meth:`predict`.
        """
        table = self._read(source)
        present = np.flatnonzero(self.schema_.target_present(table))
        if not len(present):
            raise TableError(
                f"{table.source}: the target has no values to compare with"
            )
        known = table.take(present)
        y = self.schema_.encode_target(known)
        return {
            "task": self.task_,
            "rows": len(y),
            "skipped": table.n_rows - len(y),
            "scores": self._scores(self.schema_.encode(known), y),
            "baseline": self._baseline(y),
        }

    def save(self, path: str | os.PathLike) -> None:
        """Write the model to a ``.lamina`` file; ``lamina.load`` reads it.

        See :func:`lamina.estimators.persistence.save`.
        """
        from lamina.estimators import persistence  # late: it knows all estimators

        persistence.save(self, path)

    def _read(self, source: Any) -> Table:
        check_is_fitted(self)
        return read_table(source, text=self.schema_.text_names)

    def _features(self, source: Any) -> np.ndarray:
        return self.schema_.encode(self._read(source))

    def _scores(self, X: np.ndarray, y: np.ndarray) -> scores.Scores:
        predicted = self.estimator_.predict(X)
        if self.task_ == "regression":
            return scores.number_scores(y, predicted)
        probabilities = self.estimator_.predict_proba(X)
        if y.ndim == 2:
            return scores.label_scores(y, predicted, probabilities)
        return scores.class_scores(y, predicted, probabilities, self.classes_)

    def _baseline(self, y: np.ndarray) -> scores.Scores:
        classes = self.classes_ if self.task_ == "classification" else None
        return scores.baseline_scores(self.baseline_, y, classes)

    def _check_loaded(self) -> None:
        """Refuse a file whose parts do not fit each other."""
        if not hasattr(self, "schema_") or not hasattr(self, "estimator_"):
            return
        if not isinstance(self.schema_, TableSchema):
            raise ValueError("the description of the columns is not readable")
        if self.schema_.width != self.estimator_.n_features_in_:
            raise ValueError("the network does not fit the columns")


def _known(estimator: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Refuse a setting that the estimator does not have, with the nearest ones."""
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


def _check_task(estimator: Any, task: str | None) -> None:
    kind = estimator.__sklearn_tags__().estimator_type
    wanted = "classifier" if task == "classification" else "regressor"
    if kind != wanted:
        raise ValueError(
            f"the target calls for {task}, but the estimator is a "
            f"{type(estimator).__name__}"
        )
