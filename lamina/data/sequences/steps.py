"""Assignment of the rows of a table to sequences and steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lamina.data.tables.parsing import is_missing, texts
from lamina.data.tables.table import Table, TableError, as_names, shorten
from lamina.data.tables.time_column import time_values


@dataclass(frozen=True)
class Steps:
    """Rows of a table as steps of sequences.

    Attributes
    ----------
    names : list of str
        The sequences, in the order in which they first appear.
    codes : ndarray of int (n_rows,)
        Number of the sequence of each row.
    order : ndarray of int (n_rows,)
        The rows, sequence after sequence, each ordered by time.
    times : ndarray (n_rows,) or None
        float64 or datetime64[us], in this order.
    """

    names: list[str]
    codes: np.ndarray
    order: np.ndarray
    times: np.ndarray | None

    @property
    def lengths(self) -> np.ndarray:
        """Number of steps of each sequence."""
        return np.bincount(self.codes, minlength=len(self.names))


def check_roles(table: Table, **roles: str | Iterable[str] | None) -> list[str]:
    """Return all columns with a role; they must exist and be distinct.

    Raises
    ------
    TableError
        If a column does not exist, or has two roles.
    """
    names = [name for given in roles.values() for name in as_names(given)]
    table.select(names)
    if len(set(names)) < len(names):
        raise TableError(
            f"{', '.join(roles)} must be different columns; got "
            f"{', '.join(map(repr, names))}"
        )
    return names


def find_steps(table: Table, series: str | None, time: str | None) -> Steps:
    """Sort the rows of a table by sequence and by time.

    Parameters
    ----------
    table : Table
    series : str or None
        Column with the sequence of each row; None for a single sequence.
    time : str or None
        Column of numbers or dates; None keeps the order of the rows.

    Raises
    ------
    TableError
        If a row has no sequence or no time, or a time is duplicated in a sequence.
    """
    names, codes = [table.source], np.zeros(table.n_rows, np.int64)
    if series is not None:
        names, codes = _codes(table, series)
    if time is None:
        # Stable: rows keep their order within a sequence.
        return Steps(names, codes, np.argsort(codes, kind="stable"), None)
    times = time_values(table, time)
    order = np.lexsort((times, codes))
    times = times[order]
    steps = Steps(names, codes, order, times)
    _refuse_twice(table, series, steps, times)
    return steps


def _codes(table: Table, series: str) -> tuple[list[str], np.ndarray]:
    values = table.column(series)
    missing = is_missing(values)
    if missing.any():
        raise TableError(
            f"{table.source}: column {shorten(series)}, "
            f"{table.where(int(np.argmax(missing)))}: the row has no series"
        )
    shown = texts(values).tolist()
    numbers = {name: number for number, name in enumerate(dict.fromkeys(shown))}
    codes = np.fromiter(map(numbers.__getitem__, shown), np.int64, len(shown))
    return list(numbers), codes


def _refuse_twice(
    table: Table, series: str | None, steps: Steps, times: np.ndarray
) -> None:
    codes = steps.codes[steps.order]
    same = (codes[1:] == codes[:-1]) & (times[1:] == times[:-1])
    if not same.any():
        return
    place = int(np.argmax(same))
    first, again = map(table.where, steps.order[place : place + 2].tolist())
    when = texts(times[[place]])[0]
    twice = f"the time {when} is duplicated, in {first} and {again}"
    if series is None:
        raise TableError(
            f"{table.source}: {twice}; if there are several series, pass their column "
            "as series="
        )
    name = shorten(steps.names[codes[place]])
    raise TableError(f"{table.source}: series {name}: {twice}")
