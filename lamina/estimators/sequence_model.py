"""Sequences in, a trained network out."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.data import SequenceError, Series, SeriesSet, Table, TableSchema, read_table
from lamina.data.series_sources import holds_sequences, read_sequences
from lamina.estimators import scores
from lamina.estimators.checks import check_number
from lamina.estimators.defaults import default_sequence_estimator
from lamina.estimators.source_model import SourceModel
from lamina.estimators.table_input import learnt_from
from lamina.networks import Key

LEAST_SEQUENCES = 2


class SequenceModel(SourceModel):
    """A network for sequences of a file: read, encoded, trained, its score held out.

    ``lamina fit vowels.ts`` makes one of these, and so does ``lamina fit readings.csv
    --series patient``. Part of the sequences is held out for the scores, and seen
    neither by scaling nor by training.

    Parameters
    ----------
    target : str or list of str, optional
        Column of a table to predict; ``.ts`` files and embedded sets know their own.
    estimator : RecurrentClassifier, RecurrentRegressor or RecurrentTagger, optional
        Trained as it is, but for its seed if it has none.
    series : str, optional
        Column of a table that says to which sequence a row belongs.
    time : str, optional
        Column that orders the rows of a sequence; otherwise they stay in their order.
    settings : dict, optional
        Parameters of the default estimator to change, ``{"max_iter": 20}``.
    task : {"classification", "regression"}, optional
        Found from the target where None.
    per_step : bool, optional
        Whether each step has an answer; found from the target where None.
    exclude : sequence of str, default=()
        Columns to leave out.
    kinds : dict, optional
        Kinds of columns where the one found is wrong: "number", "category", "date".
    holdout : float, default=0.2
        Share of the sequences held out, the same of every class.
    random_state : int, RandomState or None, default=None
    verbose : bool, default=False
    callbacks : list of callables, optional
    checkpoint : path, optional
        As of :class:`lamina.TableModel`.

    Attributes
    ----------
    schema_ : TableSchema or None
        What was learnt of the columns of a table.
    estimator_ : the fitted network
    task_ : str
    per_step_ : bool
    target_ : list of str
        What is predicted.
    classes_, baseline_, scores_, baseline_scores_, n_train_, n_holdout_,
    holdout_rows_, best_epoch_, notes_
        As of :class:`lamina.TableModel`; counted in sequences, and scores of single
        steps where each has an answer.

    Examples
    --------
    >>> from lamina import SequenceModel
    >>> model = SequenceModel(settings={"max_iter": 20}, random_state=0)
    >>> model.fit("noisy_sines").scores_["accuracy"] > 0.9
    True
    """

    def __init__(
        self,
        target=None,
        estimator=None,
        *,
        series=None,
        time=None,
        settings=None,
        task=None,
        per_step=None,
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
        self.series = series
        self.time = time
        self.settings = settings
        self.task = task
        self.per_step = per_step
        self.exclude = exclude
        self.kinds = kinds
        self.holdout = holdout
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.checkpoint = checkpoint

    # ---- fitting --------------------------------------------------------------------

    def fit(self, source: Any, target: Any = None) -> "SequenceModel":
        """Learn what sequences tell.

        Parameters
        ----------
        source : path, name of a data set, table, or SeriesSet
            See :func:`lamina.data.read_sequences`.
        target : str or list of str, optional
            Overrides the parameter of that name.

        Returns
        -------
        self

        Raises
        ------
        SequenceError, TableError
            If the sequences cannot be read or learnt from: one line that says why.
        ValueError
            If a parameter cannot be used.
        """
        check_number("holdout", self.holdout, 0, 0.9)
        source, found = self._read_training(source, target)
        _check_learnable(found)
        seed, gap = Key(self._seed()), _gap(found)
        y = _answers(found, gap)
        train, held = self._split(
            seed.fold_in("holdout"), y, None if found.per_step else found.task
        )
        X, schema = found.X, found.schema
        if isinstance(source, Table) and schema is not None and found.rows is not None:
            learnt = np.sort(np.asarray(found.only(train).rows))
            schema = learnt_from(schema, source.take(learnt))
            X = Series(schema.encode(source)[found.rows], X.lengths)
        default = default_sequence_estimator(
            str(found.task), found.per_step, int(X.lengths[train].sum()), gap
        )
        self._train(self._chosen(default, found.task, seed), X[train], y[train])
        self.schema_, self.task_, self.per_step_ = schema, found.task, found.per_step
        self.target_ = list(schema.target) if schema is not None else ["class"]
        if schema is None and found.task == "regression":
            self.target_ = ["y"]
        self.notes_, self.holdout_rows_ = list(found.notes), held
        self.shortest_, self.longest_ = int(X.lengths.min()), int(X.lengths.max())
        self._gap = gap
        self._keep_scores(X, y, train, held)
        return self

    def _read_training(self, source: Any, target: Any) -> tuple[Any, SeriesSet]:
        """Return the source, of tables what was read of it, and its sequences."""
        target = self.target if target is None else target
        if self.series is None and holds_sequences(source):
            return source, read_sequences(source, target=target)
        if self.series is not None:
            source = read_table(source, text=[self.series])
        options = {
            "exclude": self.exclude,
            "kinds": self.kinds,
            "task": self.task,
            "per_step": self.per_step,
        }
        found = read_sequences(source, self.series, self.time, target, **options)
        return source, found

    # ---- scores ---------------------------------------------------------------------

    def _told(self, y: Any) -> np.ndarray:
        """Return the answers one below the other, without steps that have none."""
        if not self.per_step_:
            return y
        flat = np.concatenate(list(y))
        return flat[self._known(flat)]

    def _known(self, flat: np.ndarray) -> np.ndarray:
        if self.task_ == "regression" or self._gap is None:
            return np.ones(len(flat), bool)
        return flat != self._gap

    def _scores(self, X: Any, y: Any) -> scores.Scores:
        if not self.per_step_:
            return super()._scores(X, y)
        truth = np.concatenate(list(y))
        known = self._known(truth)
        predicted = np.concatenate(self.estimator_.predict(X))[known]
        if self.task_ == "regression":
            return scores.number_scores(truth[known], predicted)
        probabilities = np.concatenate(self.estimator_.predict_proba(X))[known]
        now = truth[known], predicted, probabilities
        return scores.class_scores(*now, self.classes_)

    # ---- application ----------------------------------------------------------------

    def read(self, source: Any, *, labels: bool = False) -> SeriesSet:
        """Read sequences as those that were learnt.

        ``predict`` and ``evaluate`` take what this returns.

        Parameters
        ----------
        source : as for :meth:`fit`
            Of an embedded set that is divided, the part for the test.
        labels : bool, default=False
            Whether to look for answers.

        Raises
        ------
        SequenceError, TableError
            If they cannot be read.
        """
        check_is_fitted(self)
        if isinstance(source, SeriesSet):
            return source
        if self.schema_ is None:
            return read_sequences(source, test=True)
        return read_sequences(
            source,
            self.series,
            self.time,
            schema=self.schema_,
            labels=labels,
            per_step=self.per_step_,
        )

    def evaluate(self, source: Any) -> dict[str, Any]:
        """Return scores on sequences with answers, beside the baseline's.

        Returns
        -------
        dict
            ``task``, ``rows`` (sequences), ``skipped``, ``scores`` and ``baseline``:
            accuracy, balanced_accuracy and log_loss, or r2, rmse, mae.

        Raises
        ------
        SequenceError, TableError
            If there are no answers, or as :meth:`predict`.
        """
        found = self.read(source, labels=True)
        if found.y is None:
            raise SequenceError(f"{found.source}: has no answers to compare with")
        y = _answers(found, self._gap)
        return {
            "task": self.task_,
            "rows": len(found),
            "skipped": 0,
            "scores": self._scores(found.X, y),
            "baseline": self._baseline(y),
        }

    def _inputs(self, source: Any) -> Any:
        return self.read(source).X

    def _check_loaded(self) -> None:
        """Refuse a file whose parts do not fit each other."""
        if not hasattr(self, "estimator_"):
            return
        if not (self.schema_ is None or isinstance(self.schema_, TableSchema)):
            raise ValueError("the description of the columns is not readable")
        if self.schema_ and self.schema_.width != self.estimator_.n_features_in_:
            raise ValueError("the network does not fit the columns")


def _check_learnable(found: SeriesSet) -> None:
    """Refuse what teaches nothing."""
    if found.y is None:
        raise SequenceError(
            f"{found.source}: the sequences have no answers; name the column, "
            "target='label' perhaps"
        )
    n = len(found)
    if n < LEAST_SEQUENCES:
        raise SequenceError(
            f"{found.source}: holds {n} sequence{'s' * (n != 1)}; at least "
            f"{LEAST_SEQUENCES} are needed to learn anything"
        )
    flat = np.concatenate(list(found.y)) if found.per_step else np.asarray(found.y)
    if found.task == "classification" and flat.ndim == 1:
        classes = {one for one in flat.tolist() if one is not None and one == one}
        if len(classes) < 2:
            raise SequenceError(
                f"{found.source}: all answers are {next(iter(classes), None)!r}; two "
                "different ones are needed to learn anything"
            )


def _gap(found: SeriesSet) -> Any:
    """Return a label for steps that have none; None if all have one."""
    if not found.per_step or found.task != "classification":
        return None
    flat = np.concatenate(list(found.y))
    if flat.dtype == object:
        return "" if any(one is None for one in flat.tolist()) else None
    missing = np.isnan(flat) if flat.dtype.kind == "f" else np.zeros(1, bool)
    return float(np.nanmin(flat)) - 1 if missing.any() else None


def _answers(found: SeriesSet, gap: Any) -> np.ndarray:
    """Return one answer a sequence, or an array of answers for each."""
    if not found.per_step:
        return np.asarray(found.y)
    answers = np.empty(len(found), object)
    for i, one in enumerate(found.y):
        if gap is not None and one.dtype == object:
            one = np.array([gap if v is None else v for v in one], object)
        elif gap is not None and one.dtype.kind == "f":
            one = np.where(np.isnan(one), gap, one)
        answers[i] = one
    return answers
