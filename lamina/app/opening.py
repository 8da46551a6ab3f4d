"""Models and data, opened for a command; what goes wrong, in one line."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamina.app.startup import start_engine
from lamina.app.words import in_words

MODELS = ("CodeModel", "ForecastModel", "ImageModel", "SequenceModel", "TableModel")
"""Those that know how their data are read."""


class JobError(ValueError):
    """What a person asked for cannot be done: one line that says why."""


def open_model(path: str, any_estimator: bool = False) -> Any:
    """Read a model that knows how its data are read, or any estimator.

    Raises
    ------
    ValueError
        If the file cannot be read, or the model knows no columns.
    """
    start_engine()
    from lamina.estimators import load

    with noted():
        model = load(path)
    if not any_estimator and type(model).__name__ not in MODELS:
        does = "predict" if hasattr(model, "predict") else "transform"
        raise JobError(
            f"{path}: holds a {type(model).__name__} that was saved from Python and "
            f"knows no columns; use it there: lamina.load(path).{does}(X)"
        )
    return model


def open_predictor(path: str) -> Any:
    """Read a model that predicts.

    Raises
    ------
    ValueError
        If it has codes instead, or as :func:`open_model`.
    """
    model = open_model(path)
    if is_a(model, "CodeModel"):
        raise JobError(
            f"{path}: holds codes and predicts nothing; lamina transform {path} DATA "
            "tells the codes"
        )
    return model


def open_codes(path: str) -> Any:
    """Read a model that has learnt codes.

    Raises
    ------
    ValueError
        If it predicts instead, or as :func:`open_model`.
    """
    model = open_model(path)
    if not is_a(model, "CodeModel"):
        raise JobError(
            f"{path}: holds a model that predicts and has no codes; use lamina predict "
            f"{path} DATA, or learn codes with lamina fit DATA --model autoencoder"
        )
    return model


def is_a(model: Any, name: str) -> bool:
    """Whether a model is of a class, without importing it."""
    return type(model).__name__ == name


def data_for(model: Any, source: str, skip_broken: bool, labels: bool = False) -> Any:
    """Read what a model is applied to."""
    if is_a(model, "SequenceModel"):
        return read_told(lambda s: model.read(s, labels=labels), source)
    if is_a(model, "TableModel"):
        return read_told(model._read, source)
    if is_a(model, "CodeModel"):
        return _data_for_codes(model, source, skip_broken)
    from lamina.app.images import errors_option, reading_bar

    with reading_bar() as progress:
        return model.read(
            source,
            labels=labels,
            errors=errors_option(skip_broken),
            progress=progress,
        )


def _data_for_codes(model: Any, source: str, skip_broken: bool) -> Any:
    from lamina.app.images import errors_option, reading_bar

    if not hasattr(model.schema_, "channels"):
        return read_told(model.read, source)
    with reading_bar() as progress:
        errors = errors_option(skip_broken)
        return model.read(source, errors=errors, progress=progress)


class Notes(list[str]):
    """What was warned of; `unseen` has the parts of what training had not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.unseen: list[dict[str, Any]] = []


@contextmanager
def noted() -> Iterator[Notes]:
    """Collect what would be warned of, as notes for the report."""
    notes = Notes()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    for warning in caught:
        told = issubclass(warning.category, UserWarning)  # ConvergenceWarning is one
        text = in_words(warning.message)
        if told and text not in notes:
            notes.append(text)
            unseen = getattr(warning.message, "unseen", None)
            if unseen is not None:
                notes.unseen.append(unseen.to_json())


def read_told(read: Any, source: str, *args: Any) -> Any:
    """Read a table; on a terminal say what standard input is waited for."""
    if source == "-" and sys.stdin.isatty():
        print("reading a table from the keyboard; end it with Ctrl-D", file=sys.stderr)
    return read(source, *args)


def check_out(out: str, *inputs: str) -> None:
    """Refuse, before any work, a place where nothing can be written.

    Raises
    ------
    ValueError
        If it is not writable, or one of the inputs.
    """
    from lamina.storage.atomic import check_writable

    for other in inputs:
        if other != "-" and os.path.realpath(out) == os.path.realpath(other):
            raise JobError(f"{out}: would overwrite what it is made from")
    check_writable(out)
