"""Models of sequences."""

import os
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.data import RaggedArray, SequenceError, SequenceSet, Table, read_table
from lamina.data.errors import Message, Setting
from lamina.data.sources.sequences import holds_sequences, read_sequences
from lamina.data.tables.table import shorten
from lamina.data.tables.target import TASKS
from lamina.estimators._core.estimator import Estimator
from lamina.estimators._core.parameters.checks import BOOLEAN, NONE, TEXT
from lamina.estimators._core.parameters.shared import SequenceParams
from lamina.estimators._core.parameters.table import estimator, param
from lamina.estimators._core.targets.labels import compared
from lamina.metrics import scores
from lamina.models.defaults import default_sequence_estimator
from lamina.models.inputs.table import check_far, learnt_from
from lamina.models.model_parameters import ColumnParams
from lamina.models.predictive_model import PredictiveModel
from lamina.models.state import FittedSequences
from lamina.networks import Key

LEAST_SEQUENCES = 2
MANY_CLASSES = 20
"""More classes than this, with about one sequence each, are sequence names."""


@estimator
class SequenceModel(ColumnParams, PredictiveModel, Estimator):
    """A network for sequences, with encoding of their features and a test score.

    ``lamina fit vowels.ts`` creates one, and so does ``lamina fit readings.csv
    --group-column patient``. Part of the sequences is held out as a test set, and used
    neither for scaling nor for training.

    Attributes
    ----------
    schema_ : TableSchema or None
        Types and statistics of the columns of a table.
    estimator_ : the fitted network
    task_ : str
    per_step_ : bool
    target_ : list of str
        Names of the targets; for a ``.ts`` file, which has none, "class" or "target".
    holdout_names_ : list of str
        Names of the test sequences; not saved in the model file.
    classes_, baseline_, scores_, baseline_scores_, n_train_, n_holdout_,
    holdout_rows_, best_epoch_, notes_
        As of :class:`lamina.TableModel`; counts are of sequences, and scores are per
        step if each step has a target.
    min_length_, max_length_ : int
        Lengths of the shortest and of the longest sequence.

    Examples
    --------
    >>> from lamina import SequenceModel
    >>> model = SequenceModel(settings={"max_iter": 20}, random_state=0)
    >>> model.fit("noisy_sines").scores_["accuracy"] > 0.9
    True
    """

    _state_type = FittedSequences

    kind = "sequence"

    target: Any = param(
        default=None,
        doc="""Column of a table to predict, or several; ``.ts`` files and bundled data
        sets know their own.""",
        kw_only=False,
    )
    estimator: Any = param(
        default=None,
        doc="""A RecurrentClassifier, RecurrentRegressor or RecurrentTagger, trained
        unchanged, except that a missing seed is set.""",
        kw_only=False,
    )
    series: str | None = param(
        default=None,
        doc="Column of a table that identifies the sequence of each row.",
        check=TEXT | NONE,
    )
    time: str | None = param(
        default=None,
        doc="Column that orders the rows of a sequence; by default the order is kept.",
        check=TEXT | NONE,
    )
    per_step: bool | None = param(
        default=None,
        doc="Whether each step has a target; inferred from the target if None.",
        check=BOOLEAN | NONE,
    )
    holdout: float = param(
        default=0.2,
        doc="""Fraction of the sequences held out as the test set, stratified by class.
        If each step has a target, every class occurs in the training set. With 0, or
        fewer than 20 sequences, there is no test set.""",
    )

    # ---- fitting --------------------------------------------------------------------

    def fit(self, source: Any, target: Any = None) -> "SequenceModel":
        """Train on sequences.

        Parameters
        ----------
        source : path, name of a data set, table, or SequenceSet
            See :func:`lamina.data.read_sequences`.
        target : str or list of str, optional
            Overrides the parameter of that name.

        Returns
        -------
        self

        Raises
        ------
        SequenceError, TableError
            If the sequences cannot be read or used for training.
        ValueError
            If a parameter is invalid.
        """
        self._check_params()
        source, found = self._read_training(source, target)
        _check_learnable(found)
        seed, y = Key(self._seed()), _answers(found)
        train, held = self._divided(found, y, seed.fold_in("holdout"))
        X, schema, notes = found.X, found.schema, list(found.notes)
        if isinstance(source, Table) and schema is not None and found.rows is not None:
            check_far(source, schema)
            learnt = np.sort(np.asarray(found.only(train).rows))
            schema = learnt_from(schema, source.take(learnt))
            X = RaggedArray(schema.encoded(source)[0][found.rows], X.lengths)
        elif schema is not None and len(held):
            notes.append(
                "columns were already scaled, with statistics of all sequences"
            )
        estimator = self._estimator_for(found, y, int(X.lengths[train].sum()), seed)
        given = _without_gaps(y[train], getattr(estimator, "ignore_label", None))
        self._train(estimator, X[train], given)
        self.schema_, self.task_, self.per_step_ = schema, found.task, found.per_step
        unnamed = "class" if found.task == "classification" else "target"
        self.target_ = list(found.target) or [unnamed]
        self.notes_, self.holdout_rows_ = notes, held
        self.holdout_names_ = [found.names[i] for i in held]
        self.min_length_, self.max_length_ = int(X.lengths.min()), int(X.lengths.max())
        self._keep_scores(X, y, train, held)
        return self

    def _read_training(self, source: Any, target: Any) -> tuple[Any, SequenceSet]:
        """Return the source, or the table read from it, and its sequences."""
        target = self.target if target is None else target
        options = {
            "exclude": self.exclude,
            "column_types": self.column_types,
            "task": self.task,
            "per_step": self.per_step,
        }
        if self.series is not None and not holds_sequences(source):
            source = read_table(source, text=[self.series])
        found = read_sequences(source, self.series, self.time, target, **options)
        return source, found

    def _divided(
        self, found: SequenceSet, y: np.ndarray, key: Key
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the training and of the test sequences."""
        by_class = found.task if not found.per_step else None
        train, held = self._split(key, y, by_class)
        if by_class is None and found.task == "classification":
            known = _labels_in(y[train])
            for number in held:
                if not (new := _labels_in(y[[number]])) <= known:
                    train, known = np.append(train, number), known | new
        return np.sort(train), np.setdiff1d(held, train)

    def _estimator_for(
        self, found: SequenceSet, y: np.ndarray, n_steps: int, seed: Key
    ) -> Any:
        """Return the estimator to train; it ignores steps without a label."""
        default = default_sequence_estimator(
            str(found.task), found.per_step, n_steps, _unused_label(found, y)
        )
        estimator = self._chosen(default, found.task, seed)
        _check_kind(estimator, found)
        if found.per_step and estimator.ignore_label is None:
            estimator.set_params(ignore_label=default.ignore_label)
        return estimator

    def _check_own(self, estimator: Any, task: str | None) -> None:
        if not _predicts_steps(estimator):  # otherwise the loss determines the task
            super()._check_own(estimator, task)

    # ---- scores ---------------------------------------------------------------------

    def _flat(self, y: Any) -> np.ndarray:
        """Return the targets of all steps in one array, without missing ones."""
        if not self.per_step_:
            return y
        flat = np.concatenate(list(y))
        return flat[self._known(flat)]

    def _known(self, flat: np.ndarray) -> np.ndarray:
        """Return which steps have a label; missing numbers are NaN."""
        if self.task_ == "regression":
            return np.ones(len(flat), bool)
        ignored = self.estimator_.ignore_label
        present = [one is not None and one == one and one != ignored for one in flat]
        return np.array(present, bool)

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

    def read(self, source: Any, *, labels: bool = False) -> SequenceSet:
        """Read sequences in the same way as the training sequences.

        ``predict`` and ``evaluate`` accept the result.

        Parameters
        ----------
        source : as for :meth:`fit`
            Of a bundled data set with a test part, that part.
        labels : bool, default=False
            Whether to read the targets too.

        Raises
        ------
        SequenceError, TableError
            If they cannot be read.
        """
        check_is_fitted(self)
        found = self._read(source, labels)
        features = self.estimator_.n_features_in_
        if found.X.shape[2] != features:
            raise SequenceError(
                f"{found.source}: the sequences have {found.X.shape[2]} features per "
                f"step, but the model expects {features}"
            )
        return found

    def _read(self, source: Any, labels: bool) -> SequenceSet:
        if isinstance(source, SequenceSet):
            return source
        if self.schema_ is None:
            return self._read_set(source)
        if holds_sequences(source):
            raise SequenceError(
                f"{source}: is not a table; the model needs one with the columns "
                f"{', '.join(self.schema_.names)}"
            )
        if self.series is None:
            raise SequenceError(
                "the model was fitted to a SequenceSet read from a table; read this "
                "table with lamina.data.read_long(…, schema=model.schema_)"
            )
        return read_sequences(
            source,
            self.series,
            self.time,
            schema=self.schema_,
            labels=labels,
            per_step=self.per_step_,
        )

    def _read_set(self, source: Any) -> SequenceSet:
        if not holds_sequences(source):
            named = isinstance(source, str | os.PathLike)
            raise SequenceError(
                "the model was not fitted to a table; it takes a .ts file, a bundled "
                "data set of sequences, or a SequenceSet; got "
                f"{shorten(str(source), 80) if named else f'a {type(source).__name__}'}"
            )
        return read_sequences(source, test=True)

    def predict(self, source: Any) -> Any:
        """Return a prediction for each sequence, or for each of its steps.

        Returns
        -------
        ndarray (n,) or (n, targets), or list of n ndarray (steps,) or (steps, targets)
            A list if each step has a target. Sequences are in the order of what
            :meth:`read` returns; its ``names`` identify them, and its ``rows`` are the
            rows of the table that the steps come from.

        Raises
        ------
        SequenceError, TableError
            If the source cannot be read, or does not fit the model.

        Warns
        -----
        UnseenWarning
            If there are categories not seen in training.
        """
        return super().predict(source)

    def evaluate(self, source: Any) -> dict[str, Any]:
        """Return scores on sequences with targets, and those of the baseline.

        Returns
        -------
        dict
            ``task``, ``rows`` (sequences), ``skipped``, ``scores`` and ``baseline``:
            accuracy, balanced_accuracy and log_loss, or r2, rmse, mae.

        Raises
        ------
        SequenceError, TableError
            If there are no targets, or as :meth:`predict`.

        Warns
        -----
        UnseenWarning
            If there are labels not seen in training; they count as errors.
        """
        found = self.read(source, labels=True)
        y = self._compared(found)
        return {
            "task": self.task_,
            "rows": len(found),
            "skipped": found.skipped,
            "scores": self._scores(found.X, y),
            "baseline": self._baseline(y),
        }

    def _compared(self, found: SequenceSet) -> np.ndarray:
        """Return targets that can be compared with the model's predictions."""
        if found.y is None:
            names = ", ".join(map(repr, self.target_)) if self.schema_ else "labels"
            raise SequenceError(
                f"{found.source}: has no targets; {names} must be present"
            )
        mine, theirs = (
            f"{'numbers' if task == 'regression' else 'classes'} of each "
            f"{'step' if per_step else 'sequence'}"
            for task, per_step in (
                (self.task_, self.per_step_),
                (found.task, found.per_step),
            )
        )
        if mine != theirs:
            raise SequenceError(
                f"{found.source}: has {theirs}, but the model predicts {mine}"
            )
        y = _answers(found)
        if self.task_ == "regression":
            return y
        if not found.per_step:
            return compared(y, self.classes_, self.target_)
        flat = compared(np.concatenate(list(y)), self.classes_, self.target_)
        each = np.split(flat, np.cumsum(found.X.lengths)[:-1])
        for number, one in enumerate(each):
            y[number] = one
        return y

    def _inputs(self, source: Any) -> Any:
        return self.read(source).X


def _check_learnable(found: SequenceSet) -> None:
    """Refuse sequences that are not suitable for training."""
    if found.y is None:
        named = Message("name the column, for example ", Setting("target", "label"))
        table = found.schema is not None
        raise SequenceError(
            "the sequences have no targets",
            where=found.source,
            parameter="target",
            hint=named if table else None,
        )
    n = len(found)
    if n < LEAST_SEQUENCES:
        raise SequenceError(
            f"{found.source}: contains {n} sequence{'s' * (n != 1)} with targets; at "
            f"least {LEAST_SEQUENCES} are needed"
        )
    if len(found.y) != n or found.task not in TASKS:
        raise SequenceError(
            f"{found.source}: a training set must have a task, and a target for each "
            f"sequence; got {n:,} sequences, {len(found.y):,} targets, and the task "
            f"{found.task!r}"
        )
    if found.task == "classification":
        _check_classes(found)


def _check_classes(found: SequenceSet) -> None:
    y = _answers(found)
    if np.ndim(y[0]) > (1 if found.per_step else 0):
        if found.per_step:
            raise SequenceError(
                "several labels per step are not supported",
                where=found.source,
                parameter="target",
                hint=Message("name one target, or set ", Setting("task", "regression")),
            )
        return
    classes = _labels_in(y if found.per_step else [y])
    if len(classes) < 2:
        raise SequenceError(
            f"{found.source}: all targets are {next(iter(classes), None)!r}; at least "
            "two classes are needed"
        )
    n = len(found.X.values) if found.per_step else len(found)
    if len(classes) > max(MANY_CLASSES, n / 2):
        each = "steps" if found.per_step else "sequences"
        raise SequenceError(
            f"{found.source}: there are {len(classes):,} classes in {n:,} {each}, most "
            "with a single example, which is too few"
        )


def _predicts_steps(estimator: Any) -> bool | None:
    """Whether it predicts each step; None if it is no network for sequences."""
    return estimator._per_step if isinstance(estimator, SequenceParams) else None


def _check_kind(estimator: Any, found: SequenceSet) -> None:
    """Refuse an estimator for a different type of target."""
    name = type(estimator).__name__
    if _predicts_steps(estimator) != found.per_step:
        kind = "Classifier" if found.task == "classification" else "Regressor"
        wanted = "RecurrentTagger" if found.per_step else f"Recurrent{kind}"
        each = "step" if found.per_step else "sequence"
        raise ValueError(
            f"there is a target for each {each}, which needs a {wanted}, but the "
            f"estimator is a {name}"
        )
    classifies = found.task == "classification"
    if found.per_step and (estimator.loss == "log_loss") != classifies:
        raise ValueError(
            f"the target requires {found.task}, but the estimator is a {name} with "
            f"loss={estimator.loss!r}"
        )


def _answers(found: SequenceSet) -> np.ndarray:
    """Return one target per sequence, or an array of targets for each."""
    if not found.per_step:
        return np.asarray(found.y)
    answers = np.empty(len(found), object)
    for i, one in enumerate(found.y):
        answers[i] = np.asarray(one)
    return answers


def _labels_in(y: Any) -> set[Any]:
    """Return the distinct labels of steps; None and NaN are missing labels."""
    flat = np.concatenate(list(y)).tolist()
    return {one for one in flat if one is not None and one == one}


def _unused_label(found: SequenceSet, y: np.ndarray) -> Any:
    """Return a label for steps that have none; None if all have one."""
    if not found.per_step or found.task != "classification":
        return None
    flat = np.concatenate(list(y))
    if flat.dtype == object:
        return "" if any(one is None for one in flat.tolist()) else None
    missing = flat.dtype.kind == "f" and np.isnan(flat).any()
    return int(np.nanmin(flat)) - 1 if missing else None


def _without_gaps(y: np.ndarray, unused: Any) -> np.ndarray:
    """Return labels of steps, with missing ones replaced by the unused label.

    Integers are stored as floats only if some are NaN.
    """
    if unused is None or y.dtype != object:
        return y
    filled = np.empty(len(y), object)
    for i, one in enumerate(y):
        filled[i] = one
        if one.dtype == object:
            filled[i] = np.array([unused if v is None else v for v in one], object)
        elif one.dtype.kind == "f":
            whole = np.where(np.isnan(one), unused, one)
            filled[i] = whole.astype(np.int64) if (whole % 1 == 0).all() else whole
    return filled
