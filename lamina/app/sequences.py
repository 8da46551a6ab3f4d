"""Sequences at the command line: how they are read, told of, and listed."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina.app.tables import csv_chunks, table_rows


def find_forecast(source: str, asked: Sequence[str]) -> list[str]:
    """Return the columns to forecast: those asked for, or what an embedded series is.

    A table says nothing of the kind: it has to be asked for.
    """
    from lamina import data

    if asked:
        return list(asked)
    if source not in data.names():
        return []
    known = data.load(source)
    return [known.target] if isinstance(known, data.TimeSeriesDataset) else []


def prediction_columns(
    model: Any, answers: Any, proba: bool
) -> tuple[list[str], list[Any]]:
    """Return names and columns of answers, one a sequence or one a step.

    Parameters
    ----------
    model : SequenceModel
    answers : what ``predict`` gave, or (with ``proba``) ``predict_proba``
    proba : bool
        Whether they are probabilities.
    """
    targets = model.target_
    names = [f"p({label})" for label in model.classes_] if proba else targets
    if not model.per_step_:
        values = np.asarray(answers)
        return names, [values] if values.ndim == 1 else list(values.T)
    flat = np.concatenate(list(answers))
    return names, [flat] if flat.ndim == 1 else list(flat.T)


def place_columns(model: Any, found: Any) -> tuple[list[str], list[Any]]:
    """Return what says which sequence, and which step, an answer is for."""
    series = np.array(list(found.names), object)
    names, columns = [model.series or "sequence"], [series]
    if not model.per_step_:
        return names, columns
    lengths = found.X.lengths
    columns = [np.repeat(series, lengths)]
    if found.times is not None:
        return [*names, model.time], [*columns, found.times]
    ends = np.cumsum(lengths)
    steps = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths) + 1
    return [*names, "step"], [*columns, steps]


def write_holdout(out: str, model: Any, table: Any) -> int:
    """Write the rows of the sequences that were held out; return how many.

    Raises
    ------
    ValueError
        If the sequences come from no table.
    """
    from lamina.data.tables.parsing import texts
    from lamina.storage import replace_file

    held = np.isin(texts(table[model.series]).astype(str), model.holdout_names_)
    rows = table.take(np.flatnonzero(held))
    replace_file(out, csv_chunks(table_rows(rows)))
    return rows.n_rows
