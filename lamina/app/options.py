"""What a person asks of ``lamina fit``, and what of it makes no sense."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lamina.app.opening import JobError, check_out

TASKS = ("classification", "regression")
NAMES_OF_KINDS = {
    "table": "a table",
    "pictures": "pictures",
    "sequences": "sequences",
    "forecast": "a series to forecast",
}
MODEL = "model.lamina"
CODES = ("autoencoder", "rbm", "gaussian-rbm", "dbn", "dbm")
"""What learns without labels; asking for help must not import what learns."""


@dataclass(frozen=True)
class FitOptions:
    """Options of ``lamina fit``; ``sets`` and ``kinds`` are texts ``name=value``."""

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
    model: str | None = None
    codes: int | None = None
    shape: str | None = None


def kind_of_data(source: str, options: FitOptions) -> str:
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


def check_fit(source: str, options: FitOptions, kind: str) -> None:
    """Refuse what will fail only after training.

    Raises
    ------
    ValueError
        Naming the option and what is wrong with it.
    """
    _check_codes(source, options, kind)
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
    check_out(options.out, source)
    if os.path.isfile(options.out) and not _is_model(options.out):
        raise JobError(
            f"{options.out}: is there already and is no model; it is not overwritten"
        )
    if options.holdout_out:
        check_out(options.holdout_out, source, options.out)


def _check_codes(source: str, options: FitOptions, kind: str) -> None:
    """Refuse options that learning without labels, or with them, has no use for."""
    words = ", ".join(CODES)
    if options.model is None:
        for option, value in (("--codes", options.codes), ("--shape", options.shape)):
            if value is not None:
                raise JobError(f"{option} is for --model, one of {words}")
        return
    if options.model not in CODES:
        raise JobError(
            f"--model is one of {words}, not {options.model!r}; without it a network "
            "learns to predict the target"
        )
    for option, value in (("--task", options.task), ("--forecast", options.forecast)):
        if value:
            raise JobError(
                f"{option} is for predictions, but --model {options.model} learns "
                "without labels"
            )
    if kind not in ("table", "pictures"):
        raise JobError(
            f"--model {options.model} learns from tables and pictures, but {source} is "
            f"{NAMES_OF_KINDS[kind]}"
        )
    if options.codes is not None and options.codes < 1:
        raise JobError(f"--codes must be at least 1, not {options.codes}")


def _check_kind_of_data(source: str, options: FitOptions, kind: str) -> None:
    """Refuse options that the data have no use for."""
    given: dict[str, tuple[Any, tuple[str, ...]]] = {
        "--target": (options.target, ("table", "pictures", "sequences")),
        "--exclude": (options.exclude, ("table", "sequences")),
        "--kind": (options.kinds, ("table", "sequences")),
        "--task": (options.task, ("table", "pictures", "sequences")),
        "--size": (options.size, ("pictures",)),
        "--skip-broken": (options.skip_broken, ("pictures",)),
        "--shape": (options.shape, ("table",)),
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


def _is_model(path: str) -> bool:
    """Whether an existing file may be replaced: a model, damaged or not, or empty."""
    with open(path, "rb") as file:
        start = file.read(64)
    return not start or b'{"__metadata__":{"format":"lamina"' in start


def kind_setting(text: str) -> tuple[str, str]:
    """Return name and kind of a column, of ``COLUMN=KIND``."""
    name, sign, kind = text.rpartition("=")
    if not sign or not name:
        raise JobError(
            f"--kind is written COLUMN=KIND, such as zip=category, not {text!r}"
        )
    return name, kind
