"""``lamina fit``: a network trained on a table, pictures or sequences, and a report."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from lamina.app import codes
from lamina.app.opening import JobError, is_a, noted, read_told
from lamina.app.options import FitOptions, check_fit, kind_of_data, kind_setting
from lamina.app.reports import (
    Report,
    chain,
    count,
    examples,
    inputs,
    plain,
    size,
    targets,
)
from lamina.app.rescue import write_or_rescue
from lamina.app.startup import start_engine


def fit(source: str, options: FitOptions) -> Report:
    """Train a network on a table, pictures or sequences, score it, write it.

    Ctrl-C ends training, and the best network so far is scored and written. With a
    checkpoint the same call again goes on, after Ctrl-C or whatever ended it.

    Raises
    ------
    ValueError
        If the table, an option or the place for the model cannot be used, or has no
        room for it; before any training.
    OSError
        If a file cannot be written all the same; the network is then written elsewhere,
        and the error says where.
    KeyboardInterrupt
        If there is no network yet that could be kept.
    """
    from lamina.storage import reserved

    kind = kind_of_data(source, options)
    check_fit(source, options, kind)
    start_engine()
    if kind == "forecast":
        return _fit_forecast(source, options)
    prepare = PREPARE[kind] if options.model is None else codes.prepare
    model, data = prepare(source, options)
    start = time.perf_counter()
    with noted() as notes, reserved(options.out):
        model.fit(data)
    seconds = time.perf_counter() - start
    _check_learnt(model.estimator_, notes)
    written = _write(model, data, options)
    return _fit_report(model, data, options, notes, seconds, written)


def _common(options: FitOptions) -> dict[str, Any]:
    """Return parameters that models of tables and of pictures share."""
    from lamina.estimators._core.settings import parse_setting

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
    from lamina.models import TableModel
    from lamina.models.table import with_target

    target = _one_or_all(options.target)
    table, target = read_told(with_target, source, target)
    model = TableModel(
        target,
        exclude=list(options.exclude),
        kinds=dict(map(kind_setting, options.kinds)),
        **_common(options),
    )
    return model, table


def _picture_model(source: str, options: FitOptions) -> tuple[Any, Any]:
    """Return a model that is not fitted yet, and the pictures for it."""
    from lamina.app.images import errors_option, parse_size, reading_bar
    from lamina.models import ImageModel

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
    from lamina.models import SequenceModel

    target = _one_or_all(options.target)
    model = SequenceModel(
        target,
        series=options.series,
        time=options.time,
        exclude=list(options.exclude),
        kinds=dict(map(kind_setting, options.kinds)),
        **_common(options),
    )
    if options.series is None:
        return model, read_sequences(source, target=target)
    return model, read_told(read_table, source)


def _fit_forecast(source: str, options: FitOptions) -> Report:
    """Fit a forecaster, try it on known ends, and write it."""
    from lamina.app import forecasts
    from lamina.app.sequences import find_forecast
    from lamina.data import read_table
    from lamina.estimators._core.settings import parse_setting
    from lamina.models import ForecastModel
    from lamina.storage import reserved

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
    table = read_told(read_table, source)
    start = time.perf_counter()
    with noted() as notes, reserved(options.out):
        model.fit(table)
    seconds = time.perf_counter() - start
    write_or_rescue("the model", options.out, model.save)
    return forecasts.fit_report(model, table.source, seconds, options.out, notes)


PREPARE = {
    "table": _table_model,
    "pictures": _picture_model,
    "sequences": _sequence_model,
}


def _check_learnt(estimator: Any, notes: list[str]) -> None:
    if estimator.n_iter_ > 0:
        return
    if estimator.stopped_ == "interrupted":
        raise KeyboardInterrupt
    raise JobError(notes[-1] if notes else "nothing was learnt")


def _write(model: Any, data: Any, options: FitOptions) -> int | None:
    """Write the model and the held-out rows; return how many rows.

    Raises
    ------
    OSError
        If one of them could not be written where it should go, once both are written.
    """
    first: OSError | None = None
    try:
        write_or_rescue("the model", options.out, model.save)
    except OSError as error:  # the rows are written all the same
        first = error
    rows = None
    if options.holdout_out:
        write = partial(_write_holdout, model, data)
        try:
            rows = write_or_rescue(
                "the table of held-out rows", options.holdout_out, write
            )
        except OSError as error:
            if first is None:
                raise
            more = f"{first.strerror}; {error.filename}: {error.strerror}"
            raise OSError(first.errno, more, first.filename) from error
    if first is not None:
        raise first
    return rows


def _write_holdout(model: Any, data: Any, out: str) -> int:
    """Write the held-out rows; return how many."""
    if examples(model) == "pictures":
        from lamina.app.images import write_list

        return write_list(out, data, data.source, model.holdout_rows_)
    if is_a(model, "SequenceModel"):
        from lamina.app import sequences

        return sequences.write_holdout(out, model, data)
    from lamina.app.tables import csv_chunks, table_rows
    from lamina.storage import replace_file

    rows = data.take(model.holdout_rows_)
    replace_file(out, csv_chunks(table_rows(rows)))
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
        **codes.described(model),
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
