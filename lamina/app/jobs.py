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

import numpy as np

from lamina.app.insights import InspectOptions
from lamina.app.reports import (
    Report,
    chain,
    classes,
    columns,
    count,
    examples,
    first_sentence,
    inputs,
    layers,
    plain,
    size,
    targets,
)
from lamina.app.startup import start_engine

TASKS = ("classification", "regression")
NAMES_OF_KINDS = {
    "table": "a table",
    "pictures": "pictures",
    "sequences": "sequences",
    "forecast": "a series to forecast",
}
MODEL = "model.lamina"
MODELS = ("ForecastModel", "ImageModel", "SequenceModel", "TableModel")
"""Those that know how their data are read."""


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
    holdout: float | None = None
    holdout_out: str | None = None
    seed: int = 0
    task: str | None = None
    checkpoint: str | None = None
    resume: str | None = None
    size: str | None = None
    skip_broken: bool = False
    series: str | None = None
    time: str | None = None
    forecast: Sequence[str] = ()
    horizon: int | None = None
    season: int | None = None
    known: Sequence[str] = ()
    folds: int | None = None
    progress: bool = False


# ---- fit ----------------------------------------------------------------------------


def fit(source: str, options: FitOptions) -> Report:
    """Train a network on a table, pictures or sequences, score it, write it.

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
    kind = _kind_of_data(source, options)
    _check_fit(source, options, kind)
    start_engine()
    if kind == "forecast":
        return _fit_forecast(source, options)
    model, data = PREPARE[kind](source, options)
    start = time.perf_counter()
    with _noted() as notes:
        model.fit(data)
    seconds = time.perf_counter() - start
    _check_learnt(model.estimator_, notes)
    written = _write_holdout(model, data, options)
    model.save(options.out)
    return _fit_report(model, data, options, notes, seconds, written)


def _common(options: FitOptions) -> dict[str, Any]:
    """Return parameters that models of tables and of pictures share."""
    from lamina.estimators.settings import parse_setting

    return {
        "settings": dict(map(parse_setting, options.sets)),
        "task": options.task,
        "holdout": 0.2 if options.holdout is None else options.holdout,
        "random_state": options.seed,
        "verbose": options.progress,
        "checkpoint": options.resume or options.checkpoint,
    }


def _one_or_all(columns: Sequence[str]) -> Any:
    """Return one column's name, a list of several, or None."""
    return columns[0] if len(columns) == 1 else list(columns) or None


def _table_model(source: str, options: FitOptions) -> tuple[Any, Any]:
    """Return a model that is not fitted yet, and the table for it."""
    from lamina.estimators import TableModel
    from lamina.estimators.table import with_target

    target = _one_or_all(options.target)
    table, target = _read(with_target, source, target)
    model = TableModel(
        target,
        exclude=list(options.exclude),
        kinds=dict(map(_kind, options.kinds)),
        **_common(options),
    )
    return model, table


def _picture_model(source: str, options: FitOptions) -> tuple[Any, Any]:
    """Return a model that is not fitted yet, and the pictures for it."""
    from lamina.app.images import errors_option, parse_size, reading_bar
    from lamina.estimators import ImageModel

    model = ImageModel(
        options.target[0] if options.target else None,
        size=parse_size(options.size) if options.size else None,
        errors=errors_option(options.skip_broken),
        **_common(options),
    )
    with reading_bar(options.progress) as progress:
        return model, model.read_training(source, progress=progress)


def _sequence_model(source: str, options: FitOptions) -> tuple[Any, Any]:
    """Return a model that is not fitted yet, and the sequences for it."""
    from lamina.data import read_sequences, read_table
    from lamina.estimators import SequenceModel

    target = _one_or_all(options.target)
    model = SequenceModel(
        target,
        series=options.series,
        time=options.time,
        exclude=list(options.exclude),
        kinds=dict(map(_kind, options.kinds)),
        **_common(options),
    )
    if options.series is None:
        return model, read_sequences(source, target=target)
    return model, _read(read_table, source)


def _fit_forecast(source: str, options: FitOptions) -> Report:
    """Fit a forecaster, try it on known ends, and write it."""
    from lamina.app import forecasts
    from lamina.app.sequences import find_forecast
    from lamina.data import read_table
    from lamina.estimators import ForecastModel
    from lamina.estimators.settings import parse_setting

    model = ForecastModel(
        _one_or_all(find_forecast(source, options.forecast)),
        time=options.time,
        series=options.series,
        exogenous=list(options.known),
        horizon=12 if options.horizon is None else options.horizon,
        season=options.season,
        folds=3 if options.folds is None else options.folds,
        settings=dict(map(parse_setting, options.sets)),
        random_state=options.seed,
    )
    table = _read(read_table, source)
    start = time.perf_counter()
    with _noted() as notes:
        model.fit(table)
    seconds = time.perf_counter() - start
    model.save(options.out)
    return forecasts.fit_report(model, table.source, seconds, options.out, notes)


PREPARE = {
    "table": _table_model,
    "pictures": _picture_model,
    "sequences": _sequence_model,
}


def _kind_of_data(source: str, options: FitOptions) -> str:
    """Say what a source holds: a table, pictures, sequences, or a series to forecast.

    Where a table has a row for each step, the options say so.
    """
    from lamina.app.sequences import find_forecast
    from lamina.data import holds_images, holds_sequences

    if options.forecast and options.target:
        raise JobError("--forecast names what is to be told; leave --target out")
    if find_forecast(source, options.forecast) and not options.target:
        return "forecast"
    if options.series is not None or holds_sequences(source):
        return "sequences"
    return "pictures" if holds_images(source) else "table"


def _check_fit(source: str, options: FitOptions, kind: str) -> None:
    """Refuse what will fail only after training."""
    _check_kind_of_data(source, options, kind)
    if options.holdout is not None and not 0 <= options.holdout <= 0.9:
        raise JobError(f"--holdout must be in [0, 0.9], not {options.holdout}")
    if not 0 <= options.seed < 2**32:
        raise JobError(f"--seed must be in [0, 2³²), not {options.seed}")
    if options.task not in (None, *TASKS):
        raise JobError(f"--task must be {' or '.join(TASKS)}, not {options.task!r}")
    if options.holdout_out and options.holdout == 0:
        raise JobError("--holdout-out has nothing to write with --holdout 0")
    _check_checkpoint(options)
    _check_out(options.out, source)
    if os.path.isfile(options.out) and not _is_model(options.out):
        raise JobError(
            f"{options.out}: is there already and is no model; it is not overwritten"
        )
    if options.holdout_out:
        _check_out(options.holdout_out, source, options.out)


def _check_kind_of_data(source: str, options: FitOptions, kind: str) -> None:
    """Refuse options that the data have no use for."""
    given: dict[str, tuple[Any, tuple[str, ...]]] = {
        "--target": (options.target, ("table", "pictures", "sequences")),
        "--exclude": (options.exclude, ("table", "sequences")),
        "--kind": (options.kinds, ("table", "sequences")),
        "--task": (options.task, ("table", "pictures", "sequences")),
        "--size": (options.size, ("pictures",)),
        "--skip-broken": (options.skip_broken, ("pictures",)),
        "--time": (options.time, ("sequences", "forecast")),
        "--series": (options.series, ("sequences", "forecast")),
        "--horizon": (options.horizon, ("forecast",)),
        "--season": (options.season, ("forecast",)),
        "--known": (options.known, ("forecast",)),
        "--folds": (options.folds, ("forecast",)),
        "--holdout": (options.holdout, ("table", "pictures", "sequences")),
        "--checkpoint": (options.checkpoint, ("table", "pictures", "sequences")),
        "--resume": (options.resume, ("table", "pictures", "sequences")),
        "--holdout-out": (options.holdout_out, ("table", "pictures", "sequences")),
    }
    for option, (value, kinds) in given.items():
        if _is_given(value) and kind not in kinds:
            uses = " and ".join(NAMES_OF_KINDS[one] for one in kinds)
            folds = "; --folds says on how many known ends a forecast is tried"
            raise JobError(
                f"{option} is for {uses}, but {source} is {NAMES_OF_KINDS[kind]}"
                f"{folds if option == '--holdout' else ''}"
            )
    if kind == "pictures" and len(options.target) > 1:
        raise JobError(f"{source} is pictures, which have one --target")
    if kind == "pictures" and options.holdout_out:
        from lamina.app.images import folder_of

        folder_of(source)
    if kind == "sequences" and options.series is None:
        _check_no_table(source, options)


def _is_given(value: Any) -> bool:
    """Whether a person gave an option: a number may be 0."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number or bool(value)


def _check_no_table(source: str, options: FitOptions) -> None:
    """Refuse options of tables for a file of sequences."""
    given = {
        "--target": options.target,
        "--time": options.time,
        "--exclude": options.exclude,
        "--kind": options.kinds,
        "--holdout-out": options.holdout_out,
    }
    for option, value in given.items():
        if value:
            raise JobError(
                f"{option} is for tables; {source} holds sequences, and --series is "
                "not given"
            )


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


def _write_holdout(model: Any, data: Any, options: FitOptions) -> int | None:
    if not options.holdout_out:
        return None
    if _is(model, "ImageModel"):
        from lamina.app.images import write_list

        rows = model.holdout_rows_
        return write_list(options.holdout_out, data, data.source, rows)
    if _is(model, "SequenceModel"):
        from lamina.app import sequences

        return sequences.write_holdout(options.holdout_out, model, data)
    from lamina.app.tables import csv_chunks, table_rows
    from lamina.storage import replace_file

    rows = data.take(model.holdout_rows_)
    replace_file(options.holdout_out, csv_chunks(table_rows(rows)))
    return rows.n_rows


def _fit_report(
    model: Any,
    data: Any,
    options: FitOptions,
    notes: list[str],
    seconds: float,
    written: int | None,
) -> Report:
    estimator = model.estimator_
    return {
        "command": "fit",
        "data": data.source,
        "examples": examples(model),
        "series": options.series,
        "rows": model.n_train_ + model.n_holdout_,
        "target": targets(model),
        "task": model.task_,
        **inputs(model),
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
    notes: Sequence[str] = ()

    @property
    def records(self) -> list[dict[str, Any]]:
        """One dictionary a row."""
        columns = [column.tolist() for column in self.columns]
        rows = zip(*columns, strict=True)
        return [dict(zip(self.names, map(plain, row), strict=True)) for row in rows]


def _answers_of_sequences(model: Any, found: Any, proba: bool) -> Predictions:
    from lamina.app import sequences

    names, columns = sequences.place_columns(model, found)
    parts = [model.predict(found)]
    if proba:
        parts.append(model.predict_proba(found))
    for number, answers in enumerate(parts):
        more = sequences.prediction_columns(model, answers, number > 0)
        names, columns = [*names, *map(str, more[0])], [*columns, *more[1]]
    return Predictions(names, columns, found.notes)


def _forecasts(model: Any, source: str, proba: bool) -> Predictions:
    if proba:
        raise JobError("forecasts are numbers, which have no probabilities")
    columns = model.predict(_read(lambda s: s, source))
    return Predictions(list(columns), list(columns.values()))


def predict(
    path: str, source: str, proba: bool = False, skip_broken: bool = False
) -> Predictions:
    """Predict the target for each row of a table, picture or sequence, or what follows.

    Raises
    ------
    ValueError
        If the model or the table cannot be used.
    """
    model = _load(path)
    if _is(model, "ForecastModel"):
        return _forecasts(model, source, proba)
    data = _data_for(model, source, skip_broken)
    if _is(model, "SequenceModel"):
        return _answers_of_sequences(model, data, proba)
    predicted = model.predict(data)
    names = targets(model)
    columns = [predicted] if predicted.ndim == 1 else list(predicted.T)
    if proba:
        probabilities = model.predict_proba(data)
        several = predicted.ndim == 2
        names = names + [
            f"p({label})" for label in (names if several else model.classes_)
        ]
        columns += list(probabilities.T)
    if not _is(model, "ImageModel"):
        return Predictions([str(name) for name in names], columns)
    from lamina.app.images import PATH

    names, columns = [PATH, *map(str, names)], [np.array(data.names, object), *columns]
    return Predictions(names, columns, data.notes)


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


def evaluate(path: str, source: str, skip_broken: bool = False) -> Report:
    """Score a model on a table that holds the target, or on pictures with labels.

    Raises
    ------
    ValueError
        If the model or the table cannot be used.
    """
    model = _load(path)
    if _is(model, "ForecastModel"):
        data = found = model.evaluate(source)
    else:
        data = _data_for(model, source, skip_broken, labels=True)
        found = model.evaluate(data)
    scores, baseline = plain(found["scores"]), plain(found["baseline"])
    return {
        "command": "evaluate",
        "model": path,
        "data": getattr(data, "source", source),
        "target": targets(model),
        "examples": examples(model),
        **({} if _is(model, "ForecastModel") else inputs(model)),
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
    if _is(model, "ForecastModel"):
        from lamina.app.forecasts import summary_report

        return summary_report(model, path)
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
    return report | {
        "task": model.task_,
        "target": targets(model),
        "classes": classes(model),
        "examples": examples(model),
        **inputs(model),
        "columns": columns(model),
        "trained_on": model.n_train_,
        "held_out": model.n_holdout_,
        "best_epoch": model.best_epoch_,
        "scores": plain(model.scores_),
        "baseline": plain(model.baseline_scores_),
        "notes": list(model.notes_),
    }


def inspect(path: str, options: InspectOptions) -> Report:
    """Draw what is inside a model of pictures, and write the figure.

    Raises
    ------
    ValueError
        If the model, the picture or the options cannot be used.
    """
    from lamina.app import insights

    insights.check(options)
    _check_out(options.file, path, *([options.image] if options.image else []))
    model = _load(path, any_estimator=True)
    if options.image is not None and not _is(model, "ImageModel"):
        raise JobError(
            f"{path}: holds a {type(model).__name__} that does not know how its "
            "pictures were read; look at images in Python, with lamina.insight"
        )
    images = None
    if options.image is not None:
        images = _data_for(model, options.image, options.skip_broken)
    return {
        "command": "inspect",
        "model": path,
        **insights.look(model, images, options),
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
                "rows": len(known),
                "columns": len(known.feature_names),
                "target": known.target,
                "classes": len(known.target_names),
                "description": first_sentence(known.description),
            }
        )
    return {"command": "data", "sets": rows}


# ---- what they share ----------------------------------------------------------------


def _load(path: str, any_estimator: bool = False) -> Any:
    start_engine()
    from lamina.estimators import load

    with _noted():
        model = load(path)
    if not any_estimator and type(model).__name__ not in MODELS:
        raise JobError(
            f"{path}: holds a {type(model).__name__} that was saved from Python and "
            "knows no columns; use it there: lamina.load(path).predict(X)"
        )
    return model


def _is(model: Any, name: str) -> bool:
    """Whether a model is of a class, without importing it."""
    return type(model).__name__ == name


def _data_for(model: Any, source: str, skip_broken: bool, labels: bool = False) -> Any:
    """Read what a model is applied to."""
    if _is(model, "SequenceModel"):
        return _read(lambda s: model.read(s, labels=labels), source)
    if not _is(model, "ImageModel"):
        return _read(model._read, source)
    from lamina.app.images import errors_option, reading_bar

    with reading_bar() as progress:
        return model.read(
            source,
            labels=labels,
            errors=errors_option(skip_broken),
            progress=progress,
        )


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
