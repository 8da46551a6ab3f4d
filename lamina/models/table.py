"""Models of tables."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.data import Table, TableError, TableSchema, read_table
from lamina.estimators._core.estimator import Estimator
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
class TableModel(ColumnParams, PredictiveModel, Estimator):
    """A network for a table, with encoding of its columns and a test score.

    ``lamina fit`` creates one. Column types are inferred, numbers scaled, categories
    one-hot encoded, missing values marked; the task is inferred from the target. Part
    of the rows is held out as a test set and used neither for scaling nor for training
    nor for early stopping.

    Attributes
    ----------
    schema_ : TableSchema
        Types and statistics of the columns.
    estimator_ : MLPClassifier or MLPRegressor
        The fitted network.
    task_ : str
    classes_ : ndarray, for classification
    baseline_ : Baseline
        Majority class or mean, with which the scores are compared.
    scores_, baseline_scores_ : dict of float
        Test scores; training scores if no rows were held out.
    n_train_, n_holdout_ : int
        Numbers of training rows (including validation) and of test rows.
    holdout_rows_ : ndarray of int
        Positions of the test rows in the table; not saved in the model file.
    best_epoch_ : int
        Epoch whose weights were restored.
    notes_ : list of str
        Notes for the user: columns ignored and why, assumptions made.

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
        doc="""An MLPClassifier or MLPRegressor, trained unchanged, except that a
        missing seed is set. The default suits tables from ten rows to millions, with
        early stopping on the loss of ``validation_fraction`` of the training rows.""",
        kw_only=False,
    )

    # ---- fitting --------------------------------------------------------------------

    def fit(self, source: Any, target: Any = None) -> "TableModel":
        """Train on a table to predict a column from the others.

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
            If the table cannot be read or used for training.
        ValueError
            If a parameter is invalid.
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
        """Return scores on a table with the target, and those of the baseline.

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
            If there are categories or classes not seen in training; such classes count
            as errors.
        """
        table = self.read(source)
        present = np.flatnonzero(self.schema_.target_present(table))
        if not len(present):
            raise TableError(f"{table.source}: the target column is empty")
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
        """Read a table in the same way as the training table.

        ``predict`` and ``evaluate`` accept the result.

        Raises
        ------
        TableError
            If it cannot be read.
        """
        check_is_fitted(self)
        return read_table(source, text=self.schema_.text_names)

    def _inputs(self, source: Any) -> np.ndarray:
        return self.schema_.encode(self.read(source))
