"""A table in, a trained network out."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.data import Table, TableError, TableSchema, read_table
from lamina.estimators._core.parameters.table import estimator, param
from lamina.estimators._core.targets.labels import compared
from lamina.models.defaults import default_estimator
from lamina.models.inputs.table import (
    check_far,
    check_target,
    learnt_from,
    with_target,
)
from lamina.models.model_parameters import ColumnParams
from lamina.models.predictive_model import PredictiveModel
from lamina.models.state import FittedTable
from lamina.networks import Key


@estimator
class TableModel(ColumnParams, PredictiveModel):
    """A network for a table: columns encoded, a network trained, its score held out.

    ``lamina fit`` makes one of these. Kinds of columns are found, numbers scaled,
    categories coded, missing values marked; the task follows from the target. Part of
    the rows is held out for the scores and seen neither by scaling nor by training nor
    by early stopping.

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
    >>> from lamina import TableModel
    >>> model = TableModel(random_state=0).fit("iris")
    >>> model.scores_["accuracy"] > model.baseline_scores_["accuracy"]
    True
    """

    _state_type = FittedTable

    estimator: Any = param(
        default=None,
        doc="""An MLPClassifier or MLPRegressor, trained as it is, but for its seed if
        it has none. The default suits tables from ten rows to millions and stops early,
        at the lowest loss on ``validation_fraction`` of the training rows.""",
        kw_only=False,
    )

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
        self._check_params()
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
        X, _ = schema.encoded(table.take(rows))
        default = default_estimator(str(whole.task), len(train), schema.width)
        self._train(self._chosen(default, whole.task, seed), X[train], y[train])
        self.schema_, self.task_, self.notes_ = schema, whole.task, list(schema.notes)
        self.holdout_rows_ = rows[held]
        self._keep_scores(X, y, train, held)
        return self

    def _schema(self, table: Table, target: Any) -> TableSchema:
        return TableSchema.fit(
            table,
            target,
            exclude=self.exclude,
            column_types=self.column_types,
            task=self.task,
        )

    # ---- application ----------------------------------------------------------------

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

        Warns
        -----
        UnseenWarning
            Of categories and classes that were not seen in training; the classes count
            as errors.
        """
        table = self.read(source)
        present = np.flatnonzero(self.schema_.target_present(table))
        if not len(present):
            raise TableError(
                f"{table.source}: the target has no values to compare with"
            )
        known = table.take(present)
        y = self.schema_.encode_target(known)
        if self.task_ == "classification":
            y = compared(y, self.classes_, self.schema_.target)
        return {
            "task": self.task_,
            "rows": len(y),
            "skipped": table.n_rows - len(y),
            "scores": self._scores(self.schema_.encode(known), y),
            "baseline": self._baseline(y),
        }

    def read(self, source: Any) -> Table:
        """Read a table as the one that was learnt: with these columns as text.

        ``predict`` and ``evaluate`` take what this returns.

        Raises
        ------
        TableError
            If it cannot be read.
        """
        check_is_fitted(self)
        return read_table(source, text=self.schema_.text_names)

    def _inputs(self, source: Any) -> np.ndarray:
        return self.schema_.encode(self.read(source))
