"""Models, opened for a command; what they warn of; places that can be written."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamina.app.messages import in_words
from lamina.app.startup import start_engine
from lamina.data.errors import UserError


def open_model(path: str, command: str) -> tuple[Any, Any]:
    """Read a model that can do what a command asks; return it and its kind of data.

    Raises
    ------
    UserError
        If the file cannot be read, or the model is not made for the command.
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
    """What was warned of; `unseen` has the parts of what training had not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.unseen: list[dict[str, Any]] = []


@contextmanager
def noted(*said: type[Warning]) -> Iterator[Notes]:
    """Collect what would be warned of, as notes for the report.

    Parameters
    ----------
    *said : type of Warning
        Of what the report says already.
    """
    from lamina.data.tables.levels import UnseenWarning

    notes = Notes()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    for warning in caught:
        # ConvergenceWarning is a UserWarning too
        told = issubclass(warning.category, UserWarning)
        text = in_words(warning.message)
        if told and text not in notes and not issubclass(warning.category, said):
            notes.append(text)
            if isinstance(warning.message, UnseenWarning):
                notes.unseen.append(warning.message.unseen.to_json())


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
            raise UserError("would overwrite what it is made from", where=out)
    check_writable(out)
