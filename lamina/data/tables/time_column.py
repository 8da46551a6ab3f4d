"""The time column of a table: dates or step numbers."""

from __future__ import annotations

import re

import numpy as np

from lamina.data.tables.parsing import is_missing, moment, number
from lamina.data.tables.table import Table, TableError, shorten

_MONTH = re.compile(r"(\d{4})[-/](\d{1,2})")
_QUARTER = re.compile(r"(\d{4})[- ]?Q([1-4])")


def time_values(table: Table, name: str) -> np.ndarray:
    """Return a column of times as numbers or dates, none of them missing.

    Returns
    -------
    ndarray (n_rows,) of float64 or datetime64[us]
        Text may be numbers, dates, months (``2024-03``) or quarters (``2024-Q1``).

    Raises
    ------
    TableError
        A value is missing or is neither a number nor a date, or both types occur.
    """
    values = table.column(name)
    missing = is_missing(values)
    if missing.any():
        row = int(np.argmax(missing))
        raise TableError(f"{_place(table, name, row)}: the time is missing")
    if values.dtype != object:
        return values
    readings = [{v: read(v) for v in set(values)} for read in (number, _date)]
    for reading in readings:
        if None not in reading.values():
            return np.array([reading[v] for v in values.tolist()])
    raise _mixed(table, name, values, readings)


def _mixed(
    table: Table, name: str, values: np.ndarray, readings: list[dict]
) -> TableError:
    """Return an error about the first value that differs in type from most others."""
    counts = [len(r) - list(r.values()).count(None) for r in readings]
    likely = int(np.argmax(counts))
    row = next(i for i, v in enumerate(values) if readings[likely][v] is None)
    expected = ("a number", "a date")[likely] if any(counts) else "a number or a date"
    return TableError(
        f"{_place(table, name, row)}: expected {expected}, got "
        f"{shorten(values[row])}; write dates as 2024-03-31, months as 2024-03 and "
        "quarters as 2024-Q1"
    )


def _place(table: Table, name: str, row: int) -> str:
    return f"{table.source}: column {shorten(name)}, {table.where(row)}"


def _date(text: str) -> np.datetime64 | None:
    month, quarter = _MONTH.fullmatch(text), _QUARTER.fullmatch(text)
    if month:
        text = f"{month[1]}-{month[2]}-01"
    elif quarter:
        text = f"{quarter[1]}-{3 * int(quarter[2]) - 2}-01"
    return moment(text)
