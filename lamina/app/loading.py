"""Load models for a command, collect warnings, and check output paths."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamina.app.messages import in_words
from lamina.app.startup import start_engine
from lamina.data.errors import UserError


def open_model(path: str, command: str) -> tuple[Any, Any]:
    """Load a model that supports a command; return it and its kind of data.

    Raises
    ------
    UserError
        If the file cannot be read, or the model does not support the command.
    """
    start_engine()
    from lamina.estimators import load
    from lamina.models.kinds.registry import kind_of

    with noted():
        model = load(path)
    kind = kind_of(model)
    kind.check_can(model, command, path)
    return model, kind


class Notes(list[str]):
    """Warnings; `unseen` holds the details of values not seen in training."""

    def __init__(self) -> None:
        super().__init__()
        self.unseen: list[dict[str, Any]] = []


@contextmanager
def noted(*said: type[Warning]) -> Iterator[Notes]:
    """Collect warnings as notes for the report.

    Parameters
    ----------
    *said : type of Warning
        Warnings that the report expresses elsewhere; they are dropped.
    """
    from lamina.data.tables.levels import UnseenWarning

    notes = Notes()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    for warning in caught:
        # ConvergenceWarning is a UserWarning too
        for_users = issubclass(warning.category, UserWarning)
        text = in_words(warning.message)
        if for_users and text not in notes and not issubclass(warning.category, said):
            notes.append(text)
            if isinstance(warning.message, UnseenWarning):
                notes.unseen.append(warning.message.unseen.to_json())


def check_out(out: str, *inputs: str) -> None:
    """Refuse, before any work, a path that cannot be written.

    Raises
    ------
    ValueError
        If it is not writable, or is one of the inputs.
    """
    from lamina.storage.atomic import check_writable

    for other in inputs:
        if other != "-" and os.path.realpath(out) == os.path.realpath(other):
            raise UserError("is an input file and would be overwritten", where=out)
    check_writable(out)
