"""The table: named columns of equal length, and the error for invalid tables."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from lamina.data.errors import UserError, bounded

_COMPARED = 200
"""Number of characters by which names are compared."""


class TableError(UserError):
    """An invalid table: a one-line message with the problem, its location and a fix."""


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length, each of one of three types.

    * numbers: ``float64``, missing is NaN (booleans are text, see below);
    * dates and times: ``datetime64[us]`` in UTC, missing is NaT;
    * text: ``object`` of ``str``, missing is None. Booleans are the texts ``true`` and
      ``false``, however the source spells them.

    Attributes
    ----------
    columns : dict of str to ndarray, each (n_rows,)
    source : str
        Name of this table in messages: a file name, ``stdin``, ``data frame``.
    first_line : int or None
        Line of the first row in the file, if every row is one line.
    rows : ndarray of int (n_rows,) or None
        Position of each row in the source, after `take`; None means in order.

    Raises
    ------
    TableError
        If columns differ in length, or one is not of the three types.
    """

    columns: dict[str, np.ndarray]
    source: str = "table"
    first_line: int | None = None
    rows: np.ndarray | None = None

    def __post_init__(self) -> None:
        lengths = {name: len(_checked(self, name)) for name in self.columns}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{k!r} has {v}" for k, v in list(lengths.items())[:5])
            raise TableError(
                f"{self.source}: every column must have the same number of rows, but "
                f"{shown}"
            )

    @property
    def names(self) -> list[str]:
        """Names of the columns, in the order of the source."""
        return list(self.columns)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def __len__(self) -> int:
        return self.n_rows

    def __repr__(self) -> str:
        return f"Table({self.n_rows:,} rows × {len(self.columns)}, {self.source})"

    def __eq__(self, other: object) -> bool:
        """Whether names, their order, types and values are equal (NaN equals NaN)."""
        if not isinstance(other, Table):
            return NotImplemented
        return self.same_structure(other) and all(
            _equal(values, other.columns[name]) for name, values in self.columns.items()
        )

    __hash__ = None  # type: ignore[assignment]

    def same_structure(self, other: Table) -> bool:
        """Whether names, their order and the types of the columns agree."""
        return [(n, v.dtype) for n, v in self.columns.items()] == [
            (n, v.dtype) for n, v in other.columns.items()
        ]

    def column(self, name: str) -> np.ndarray:
        """Return a column; a wrong name is a `TableError` with the closest names."""
        if name not in self.columns:
            raise TableError(
                f"{self.source}: no column {shorten(name)}{nearest(name, self.names)}"
            )
        return self.columns[name]

    __getitem__ = column

    def drop(self, *names: str) -> Table:
        """Return the table without these columns."""
        for name in names:
            self.column(name)
        kept = {k: v for k, v in self.columns.items() if k not in names}
        return replace(self, columns=kept)

    def select(self, names: Iterable[str]) -> Table:
        """Return the table with only these columns, in this order."""
        return replace(self, columns={name: self.column(name) for name in names})

    def take(self, rows: np.ndarray | list[int] | slice) -> Table:
        """Return the rows at these positions, or those where a boolean mask is true."""
        index = np.arange(self.n_rows)[rows]
        origin = index if self.rows is None else self.rows[index]
        taken = {name: values[index] for name, values in self.columns.items()}
        return replace(self, columns=taken, rows=origin)

    def where(self, row: int) -> str:
        """Return the location of a row: ``line 5`` of a file, else ``row 4``."""
        origin = int(row if self.rows is None else self.rows[row])
        if self.first_line is None:
            return f"row {origin + 1}"
        return f"line {origin + self.first_line}"


def as_names(names: str | Iterable[str] | None) -> list[str]:
    """Return column names as a list, from one name, several, or None."""
    if names is None:
        return []
    return [names] if isinstance(names, str) else list(names)


def nearest(name: str, names: list[str], most: int = 20) -> str:
    """Return the end of a message about a wrong name: close matches, then all names."""
    lower = [n[:_COMPARED].lower() for n in names]
    close = difflib.get_close_matches(name[:_COMPARED].lower(), lower, n=3)
    guesses = [n for n, low in zip(names, lower, strict=True) if low in close][:3]
    hint = "; the"
    if guesses:
        hint = f"; did you mean {' or '.join(map(shorten, guesses))}? The"
    shown = ", ".join(bounded(n, 60) for n in names[:most]) + (
        ", …" if len(names) > most else ""
    )
    return f"{hint} columns are: {shown}"


def shorten(value: object, most: int = 40) -> str:
    """Return a value from an untrusted file for a one-line message."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 2]}…{text[-1]}"


def _checked(table: Table, name: str) -> np.ndarray:
    values = table.columns[name]
    known = (np.dtype(np.float64), np.dtype("datetime64[us]"), np.dtype(object))
    if not isinstance(values, np.ndarray) or values.dtype not in known:
        kind = getattr(values, "dtype", type(values).__name__)
        raise TableError(
            f"{table.source}: column {name!r} must be float64, datetime64[us] or "
            f"object of text; got {kind}; read_table converts"
        )
    if values.ndim != 1:
        raise TableError(
            f"{table.source}: column {name!r} must have one dimension; got shape "
            f"{values.shape}"
        )
    return values


def _equal(left: np.ndarray, right: np.ndarray) -> bool:
    if left.dtype == object:
        return bool(np.array_equal(left, right))
    return bool(np.array_equal(left, right, equal_nan=True))
