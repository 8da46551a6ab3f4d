"""What the commands do, without a terminal: each returns a report of JSON types.

Heavy libraries are imported inside the functions: asking for help must not wait for
them.
"""

import os
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lamina.app.reports import (
    Report,
    chain,
    classes,
    count,
    first_sentence,
    layers,
    plain,
    size,
)
from lamina.app.startup import start_engine

TASKS = ("classification", "regression")
MODEL = "model.lamina"


class JobError(ValueError):
    """What a person asked for cannot be done: one line that says why."""


@dataclass(frozen=True)
class FitOptions:
    """Options of :func:`fit`; ``sets`` and ``kinds`` are texts ``name=value``."""

    target: Sequence[str] = ()
    out: str = MODEL
    sets: Sequence[str] = ()
    kinds: Sequence[str] = ()
    exclude: Sequence[str] = ()
    holdout: float = 0.2
    holdout_out: str | None = None
    seed: int = 0
    task: str | None = None
    checkpoint: str | None = None
    resume: str | None = None
    progress: bool = False


# ---- fit ----------------------------------------------------------------------------


def fit(source: str, options: FitOptions) -> Report:
    """Train a network on a table, score it on held-out rows, write the model.

    Ctrl-C ends training, and the best network so far is scored and written. With a
    checkpoint the same call again goes on, after Ctrl-C or whatever ended it.

    Raises
    ------
    ValueError
        If the table, an option or the place for the model cannot be used; before any
        training.
    KeyboardInterrupt
        If there is no network yet that could be kept.
    """
    _check_fit(source, options)
    start_engine()
    from lamina.estimators import TableModel
    from lamina.estimators.settings import parse_setting
    from lamina.estimators.table import with_target

    target: Any = list(options.target) if len(options.target) > 1 else None
    target = options.target[0] if len(options.target) == 1 else target
    table, target = _read(with_target, source, target)
    model = TableModel(
        target,
        settings=dict(map(parse_setting, options.sets)),
        task=options.task,
        exclude=list(options.exclude),
        kinds=dict(map(_kind, options.kinds)),
        holdout=options.holdout,
        random_state=options.seed,
        verbose=options.progress,
        checkpoint=options.resume or options.checkpoint,
    )
    start = time.perf_counter()
    with _noted() as notes:
        model.fit(table)
    seconds = time.perf_counter() - start
    _check_learnt(model.estimator_, notes)
    written = _write_holdout(model, table, options)
    model.save(options.out)
    return _fit_report(model, table, options, notes, seconds, written)


def _check_fit(source: str, options: FitOptions) -> None:
    """Refuse what will fail only after training."""
    if not 0 <= options.holdout <= 0.9:
        raise JobError(f"--holdout must be in [0, 0.9], not {options.holdout}")
    if not 0 <= options.seed < 2**32:
        raise JobError(f"--seed must be in [0, 2³²), not {options.seed}")
    if options.task not in (None, *TASKS):
        raise JobError(f"--task must be {' or '.join(TASKS)}, not {options.task!r}")
    if options.holdout_out and not options.holdout:
        raise JobError("--holdout-out has nothing to write with --holdout 0")
    _check_checkpoint(options)
    _check_out(options.out, source)
    if os.path.isfile(options.out) and not _is_model(options.out):
        raise JobError(
            f"{options.out}: is there already and is no model; it is not overwritten"
        )
    if options.holdout_out:
        _check_out(options.holdout_out, source, options.out)


def _check_checkpoint(options: FitOptions) -> None:
    from lamina.storage.checkpoints import is_there

    if options.resume is None:
        return
    if options.checkpoint not in (None, options.resume):
        raise JobError("--resume goes on from the folder to which it writes too")
    if not is_there(options.resume):
        raise JobError(
            f"{options.resume}: there is no checkpoint to go on from; --checkpoint "
            f"{options.resume} begins one"
        )


def _check_out(out: str, *inputs: str) -> None:
    from lamina.storage.atomic import check_writable

    for other in inputs:
        if other != "-" and os.path.realpath(out) == os.path.realpath(other):
            raise JobError(f"{out}: would overwrite what it is made from")
    check_writable(out)


def _is_model(path: str) -> bool:
    """Whether an existing file may be replaced: a model, damaged or not, or empty."""
    with open(path, "rb") as file:
        start = file.read(64)
    return not start or b'{"__metadata__":{"format":"lamina"' in start


def _kind(text: str) -> tuple[str, str]:
    name, sign, kind = text.rpartition("=")
    if not sign or not name:
        raise JobError(
            f"--kind is written COLUMN=KIND, such as zip=category, not {text!r}"
        )
    return name, kind


def _read(read: Any, source: str, *args: Any) -> Any:
    """Read a table; on a terminal say what standard input is waited for."""
    if source == "-" and sys.stdin.isatty():
        print("reading a table from the keyboard; end it with Ctrl-D", file=sys.stderr)
    return read(source, *args)


def _check_learnt(estimator: Any, notes: list[str]) -> None:
    if estimator.n_iter_ > 0:
        return
    if estimator.stopped_ == "interrupted":
        raise KeyboardInterrupt
    raise JobError(notes[-1] if notes else "nothing was learnt")


def _write_holdout(model: Any, table: Any, options: FitOptions) -> int | None:
    if not options.holdout_out:
        return None
    from lamina.app.tables import csv_chunks, table_rows
    from lamina.storage import replace_file

    rows = table.take(model.holdout_rows_)
    replace_file(options.holdout_out, csv_chunks(table_rows(rows)))
    return rows.n_rows


def _fit_report(
    model: Any,
    table: Any,
    options: FitOptions,
    notes: list[str],
    seconds: float,
    written: int | None,
) -> Report:
    estimator = model.estimator_
    return {
        "command": "fit",
        "data": table.source,
        "rows": table.n_rows,
        "target": list(model.schema_.target),
        "task": model.task_,
        "features": model.schema_.width,
        "network": chain(estimator),
        "parameters": count(estimator),
        "trained_on": model.n_train_,
        "held_out": model.n_holdout_,
        "scores": plain(model.scores_),
        "baseline": plain(model.baseline_scores_),
        "epochs": int(estimator.n_iter_),
        "best_epoch": model.best_epoch_,
        "stopped": estimator.stopped_,
        "seconds": round(seconds, 3),
        "checkpoint": options.resume or options.checkpoint,
        "resumed_from": estimator.resumed_from_,
        "programs_compiled": estimator.n_compiles_,
        "notes": [*model.notes_, *(n for n in notes if "interrupted" not in n)],
        "advice": getattr(estimator, "advice_", None),
        "model": options.out,
        "model_bytes": size(options.out),
        "holdout_file": options.holdout_out,
        "holdout_rows": written,
    }


# ---- predict, evaluate, summary -----------------------------------------------------


@dataclass(frozen=True)
class Predictions:
    """Names and columns of what was predicted."""

    names: list[str]
    columns: list[Any]

    @property
    def records(self) -> list[dict[str, Any]]:
        """One dictionary a row."""
        columns = [column.tolist() for column in self.columns]
        rows = zip(*columns, strict=True)
        return [dict(zip(self.names, map(plain, row), strict=True)) for row in rows]


def predict(path: str, source: str, proba: bool = False) -> Predictions:
    """Predict the target for each row of a table.

    Raises
    ------
    ValueError
        If the model or the table cannot be used.
    """
    model = _load(path)
    table = _read(model._read, source)
    predicted = model.predict(table)
    targets = list(model.schema_.target)
    columns = [predicted] if predicted.ndim == 1 else list(predicted.T)
    names = targets
    if proba:
        probabilities = model.predict_proba(table)
        several = predicted.ndim == 2
        names = names + [
            f"p({label})" for label in (targets if several else model.classes_)
        ]
        columns += list(probabilities.T)
    return Predictions([str(name) for name in names], columns)


def write_predictions(predictions: Predictions, out: str | None) -> None:
    """Write predictions as CSV to a file, or to standard output."""
    from lamina.app.tables import csv_chunks, prediction_rows

    chunks = csv_chunks(prediction_rows(predictions.names, predictions.columns))
    if out is not None:
        from lamina.storage import replace_file

        replace_file(out, chunks)
        return
    for chunk in chunks:
        sys.stdout.write(chunk.decode())
    sys.stdout.flush()


def check_predictions_out(out: str, *inputs: str) -> None:
    """Refuse, before any work, a place where predictions cannot be written.

    Raises
    ------
    ValueError
        If it is not writable, or one of the inputs.
    """
    _check_out(out, *inputs)


def evaluate(path: str, source: str) -> Report:
    """Score a model on a table that holds the target.

    Raises
    ------
    ValueError
        If the model or the table cannot be used.
    """
    model = _load(path)
    table = _read(model._read, source)
    found = model.evaluate(table)
    scores, baseline = plain(found["scores"]), plain(found["baseline"])
    return {
        "command": "evaluate",
        "model": path,
        "data": table.source,
        "target": list(model.schema_.target),
        **found,
        "scores": scores,
        "baseline": baseline,
    }


def summary(path: str) -> Report:
    """Describe a model: layers, columns, what it was trained on.

    Raises
    ------
    ValueError
        If the model cannot be used.
    """
    model = _load(path, any_estimator=True)
    estimator = getattr(model, "estimator_", model)
    report: Report = {
        "command": "summary",
        "model": path,
        "model_bytes": size(path),
        "estimator": type(estimator).__name__,
        "layers": layers(estimator),
        "parameters": count(estimator),
        "epochs": int(estimator.n_iter_),
        "stopped": estimator.stopped_,
    }
    if model is estimator:
        return report
    columns = model.schema_.describe()
    return report | {
        "task": model.task_,
        "target": list(model.schema_.target),
        "classes": classes(model),
        "features": model.schema_.width,
        "columns": [
            dict(zip(("name", "kind", "detail"), c, strict=True)) for c in columns
        ],
        "trained_on": model.n_train_,
        "held_out": model.n_holdout_,
        "best_epoch": model.best_epoch_,
        "scores": plain(model.scores_),
        "baseline": plain(model.baseline_scores_),
        "notes": list(model.notes_),
    }


def data_sets() -> Report:
    """List the embedded data sets."""
    from lamina import data

    rows = []
    for name in data.names():
        known = data.load(name)
        rows.append(
            {
                "name": name,
                "rows": len(known.X),
                "columns": known.X.shape[1],
                "target": known.target,
                "classes": len(known.target_names),
                "description": first_sentence(known.description),
            }
        )
    return {"command": "data", "sets": rows}


# ---- what they share ----------------------------------------------------------------


def _load(path: str, any_estimator: bool = False) -> Any:
    start_engine()
    from lamina import estimators

    with _noted():
        model = estimators.load(path)
    if not any_estimator and not isinstance(model, estimators.TableModel):
        raise JobError(
            f"{path}: holds a {type(model).__name__} that was saved from Python and "
            "knows no columns; use it there: lamina.load(path).predict(X)"
        )
    return model


@contextmanager
def _noted() -> Iterator[list[str]]:
    """Collect what would be warned of, as notes for the report."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    for warning in caught:
        told = issubclass(warning.category, UserWarning)  # ConvergenceWarning is one
        if told and str(warning.message) not in notes:
            notes.append(str(warning.message))
