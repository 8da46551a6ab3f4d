"""``lamina fit``: train a network on data of any kind, and report on it."""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from lamina.app.loading import check_out, noted
from lamina.app.progress import announce, reading_bar
from lamina.app.rescue import write_or_rescue
from lamina.app.startup import start_engine
from lamina.data.errors import UserError
from lamina.models.kinds import registry
from lamina.models.kinds.kind import Fit
from lamina.models.options import Given
from lamina.models.reports import Report


def fit(source: str, given: Given, progress: bool = False) -> Report:
    """Train a network on a source, score it, save it.

    Ctrl-C ends training; the best network so far is scored and saved. With a
    checkpoint, calling this again resumes, whatever ended the first call.

    Parameters
    ----------
    source : str
    given : dict
        The options that were given, by name: see
        :func:`lamina.models.kinds.registry.fit_options`.
    progress : bool
        Whether to show a progress bar.

    Raises
    ------
    ValueError
        Before any training, if the data or an option cannot be used, or the model
        cannot be written or there is no room for it.
    OSError
        If a file cannot be written after training; the network is then saved
        elsewhere, and the error says where.
    KeyboardInterrupt
        If training was interrupted before there was a network to save.
    """
    from lamina.storage import reserved

    kind = registry.recognised(source, given)
    options = registry.checked(kind, source, given)
    check_places(source, options.out, given.get("save_holdout"))
    start_engine()
    announce(source)
    with reading_bar(progress) as bar:
        model, data = kind.prepare(source, options, bar)
    start = time.perf_counter()
    with noted(*kind.said()) as notes, reserved(options.out):
        kind.fit(model, data)
    seconds = time.perf_counter() - start
    kind.check_learnt(model, notes)
    held = partial(kind.holdout, model, data)
    rows = write(model, options.out, held, given.get("save_holdout"))
    fitted = Fit(options, data.source, seconds, notes, rows)
    return Report("fit", tuple(kind.report(model, fitted)))


def check_places(source: str, out: str, holdout: str | None) -> None:
    """Refuse paths to which the model or the test rows cannot be written.

    Raises
    ------
    ValueError
        Naming the path.
    """
    check_out(out, source)
    if os.path.isfile(out) and not _is_model(out):
        raise UserError(
            "already exists and is not a lamina model; not overwritten", where=out
        )
    if holdout is not None:
        check_out(holdout, source, out)


def _is_model(path: str) -> bool:
    """Whether a file may be replaced: it is empty, or a model, damaged or not."""
    with open(path, "rb") as file:
        start = file.read(64)
    return not start or b'{"__metadata__":{"format":"lamina"' in start


def write(
    model: Any, out: str, held: Callable[[str], Any], holdout: str | None
) -> int | None:
    """Write the model and the test rows; return how many rows.

    Parameters
    ----------
    model : fitted model
    out : str
        Path of the model.
    held : callable
        Returns the table of test rows, given the path of its file.
    holdout : str or None
        Path of the test rows, if they are to be written.

    Raises
    ------
    OSError
        If one of them could not be written to its path; both are written by then.
    """
    first: OSError | None = None
    try:
        write_or_rescue("the model", out, model.save)
    except OSError as error:  # still write the rows
        first = error
    rows = None
    if holdout:
        write_rows = partial(_write_rows, held)
        try:
            rows = write_or_rescue("the table of test rows", holdout, write_rows)
        except OSError as error:
            if first is None:
                raise
            more = f"{first.strerror}; {error.filename}: {error.strerror}"
            raise OSError(first.errno, more, first.filename) from error
    if first is not None:
        raise first
    return rows


def _write_rows(held: Callable[[str], Any], out: str) -> int:
    """Write the test rows; return how many."""
    from lamina.app.tables import csv_chunks, table_rows
    from lamina.storage import replace_file

    rows = held(out)
    replace_file(out, csv_chunks(table_rows(rows)))
    return rows.n_rows
