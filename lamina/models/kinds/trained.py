"""The base of the kinds of data whose models are a single network."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from lamina.data.errors import Message, Setting, UserError
from lamina.models.kinds.kind import Fit, Kind, Progress
from lamina.models.reports import (
    ColumnList,
    Compiled,
    Diagnosis,
    HoldoutFile,
    Inputs,
    Layers,
    ModelFile,
    NetworkSize,
    Next,
    Notes,
    Part,
    Run,
    Scores,
    Split,
    Training,
)


class TrainedKind(Kind):
    """A kind of data whose models are a single network, ``estimator_``."""

    # ---- fitting ---------------------------------------------------------------------

    def check(self, source: str, options: Any) -> None:
        super().check(source, options)
        if not 0 <= options.holdout <= 0.9:
            raise UserError(
                parameter="holdout", value=options.holdout, expected="in [0, 0.9]"
            )
        if options.save_holdout and options.holdout == 0:
            none = Setting("holdout", 0)
            raise UserError(
                Message(Setting("save_holdout"), " has no rows to write with ", none),
                parameter="save_holdout",
                value=options.save_holdout,
            )
        _check_checkpoint(options)

    def parameters(
        self, options: Any, model: Any, progress: Progress = None
    ) -> dict[str, Any]:
        found = super().parameters(options, model)
        found["checkpoint"] = options.resume or options.checkpoint
        return found | {"verbose": progress is not None}

    def check_learnt(self, model: Any, notes: Sequence[str]) -> None:
        estimator = model.estimator_
        if estimator.n_iter_ > 0:
            return
        if estimator.stop_reason_ == "interrupted":
            raise KeyboardInterrupt
        raise UserError(notes[-1] if notes else "training failed in the first epoch")

    def said(self) -> tuple[type[Warning], ...]:
        from lamina.estimators._core.reporting.outcome import InterruptedWarning

        return (InterruptedWarning,)  # the report says why training ended

    # ---- reports ---------------------------------------------------------------------

    @abstractmethod
    def inputs(self, model: Any) -> Inputs:
        """Return the inputs of a model's network."""

    @abstractmethod
    def subject(self, model: Any, fit: Fit) -> Part:
        """Return what was predicted or embedded, and from which data."""

    @abstractmethod
    def scores(self, model: Any) -> Scores:
        """Return the scores after a fit."""

    @abstractmethod
    def follow(self, model: Any, fit: Fit) -> list[list[str]]:
        """Return suggested next commands."""

    def learner(self, model: Any) -> str:
        """Return the name of the network, if the task does not imply it."""
        return ""

    def split(self, model: Any) -> Split:
        """Return how many examples were used for training, validation and testing."""
        examples, n, estimator = self.inputs(model).examples, 0, model.estimator_
        if _is_validated(estimator):
            n = math.ceil(estimator.validation_fraction * model.n_train_)
        return Split(model.n_train_, model.n_holdout_, examples, n)

    def report(self, model: Any, fit: Fit) -> list[Part]:
        from lamina.estimators._core.reporting.summary import chain_of, rows_of

        estimator, options = model.estimator_, fit.options
        count = sum(row["parameters"] for row in rows_of(estimator))
        epochs, stopped = int(estimator.n_iter_), estimator.stop_reason_
        folder = options.resume or options.checkpoint
        return [
            self.subject(model, fit),
            self.split(model),
            NetworkSize(chain_of(estimator), count, learner=self.learner(model)),
            Training(
                epochs,
                model.best_epoch_,
                stopped,
                round(fit.seconds, 3),
                *watched(estimator),
            ),
            Run(folder, estimator.resumed_from_, epochs, stopped),
            self.scores(model),
            Notes([*model.notes_, *fit.notes]),
            Diagnosis(getattr(estimator, "diagnosis_", None)),
            ModelFile(options.out, fit.model_bytes),
            HoldoutFile(options.save_holdout, fit.holdout),
            Compiled(estimator.n_compiles_),
            Next(self.follow(model, fit), fit.model_bytes is not None),
        ]

    def describe(self, model: Any) -> list[Part]:
        from lamina.estimators._core.reporting.summary import rows_of

        estimator = model.estimator_
        rows, epochs = rows_of(estimator), int(estimator.n_iter_)
        return [
            self.purpose(model),
            self.split(model),
            Training(
                epochs,
                model.best_epoch_,
                estimator.stop_reason_,
                None,
                *watched(estimator),
            ),
            Layers(rows, sum(row["parameters"] for row in rows)),
            ColumnList(self.columns(model)),
            self.scores(model),
            Notes(list(model.notes_)),
        ]

    @abstractmethod
    def purpose(self, model: Any) -> Part:
        """Return what a model predicts or embeds."""

    def columns(self, model: Any) -> list[dict[str, str]]:
        """Return the statistics of the columns of a table; none for images."""
        return []


def described(schema: Any) -> list[dict[str, str]]:
    """Return one row per column of a table's schema."""
    names = ("name", "kind", "detail")
    return [dict(zip(names, column, strict=True)) for column in schema.describe()]


def watched(estimator: Any) -> tuple[str, float | None]:
    """Return the quantity that stops training, and for how many epochs it may stay.

    Without early stopping, or with rules of the user's own, there is none.
    """
    own = getattr(estimator, "stopping", None) is not None
    if own or not _is_validated(estimator):
        return "", None
    return f"validation {estimator.monitor}", estimator.n_iter_no_change


def _is_validated(estimator: Any) -> bool:
    """Whether part of the training data was held out for early stopping."""
    by_loss = "validation_loss" in getattr(estimator, "history_", {})
    return by_loss and getattr(estimator, "early_stopping", False)


def _check_checkpoint(options: Any) -> None:
    from lamina.storage.checkpoints import is_there

    if options.resume is None:
        return
    resume, checkpoint = Setting("resume"), Setting("checkpoint")
    if options.checkpoint not in (None, options.resume):
        raise UserError(
            Message(resume, " and ", checkpoint, " must be the same folder"),
            parameter="resume",
            value=options.resume,
        )
    if not is_there(options.resume):
        begin = Setting("checkpoint", options.resume)
        raise UserError(
            "there is no checkpoint to resume",
            where=options.resume,
            parameter="resume",
            value=options.resume,
            hint=Message(begin, " starts one"),
        )
