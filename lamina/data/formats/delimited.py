"""Delimited text (CSV, TSV) through DuckDB, with types inferred from the whole file.

Two passes: the first checks per column whether all values are numbers, dates, or
numbers with a decimal comma; the second reads each column as its type. Nothing is
inferred from a sample, so text in the last line cannot break the parsing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.formats.csv_dialect import Dialect
from lamina.data.formats.duckdb_engine import (
    as_column,
    columns_of,
    literal,
    plain,
    reading,
    refuse_too_large,
    verbatim,
)
from lamina.data.formats.wide import Cells, Ragged, cells_of
from lamina.data.tables import parsing as meaning
from lamina.data.tables.table import Table, TableError, shorten

if TYPE_CHECKING:
    import duckdb

_MARKERS = "(" + ", ".join(literal(marker) for marker in meaning.MISSING) + ")"
_COMMA_NUMBER = r"[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?"

#: Each type as SQL: the value of a column {c}, NULL where a cell is not of the type.
_SQL = {
    "number": "try_cast({c} AS DOUBLE)",
    "comma": f"CASE WHEN regexp_full_match(trim({{c}}), {literal(_COMMA_NUMBER)}) "
    "THEN try_cast(replace({c}, ',', '.') AS DOUBLE) END",
    "date": f"CASE WHEN regexp_full_match(trim({{c}}), {literal(meaning.ISO_DATE)}) "
    "THEN try_cast(try_cast(trim({c}) AS TIMESTAMPTZ) AS TIMESTAMP) "
    f"WHEN regexp_full_match(trim({{c}}), {literal(meaning.DOTTED_DATE)}) "
    "THEN try_strptime(trim({c}), "
    "['%d.%m.%Y', '%d.%m.%Y %H:%M', '%d.%m.%Y %H:%M:%S']) END",
    "text": "{c}",
}
_FLOATS = ("number", "comma")
#: Columns from which a table is wide: DuckDB's planning time is quadratic in them.
_WIDE = 256


def read_delimited(
    dialect: Dialect,
    source: str,
    nrows: int | None = None,
    decimal: str | None = None,
    text: frozenset[str] = frozenset(),
) -> Table:
    """Read the table from a text file with a known dialect.

    Parameters
    ----------
    dialect : Dialect
        From `find_dialect`.
    source : str
        Name of the file in messages.
    nrows : int, optional
        Read only this many rows.
    decimal : {".", ","}, optional
        The decimal mark; None infers it per column, and then a comma is a decimal mark
        only in files that are not separated by commas.
    text : frozenset of str
        Columns to read as text whatever they contain.

    Raises
    ------
    TableError
        With the line and the fix: a ragged row, an unclosed quotation mark, a line that
        is too long.
    """
    file, names = dialect.file, dialect.names
    n_lines = file.n_lines - dialect.header
    refuse_too_large(source, min(n_lines, nrows or n_lines), len(names))
    import duckdb

    wide = len(names) > _WIDE
    opened = cells_of(dialect, nrows) if wide else _columns_of(dialect, nrows)
    try:
        with opened as cells:
            kinds = _kinds(cells, dialect, decimal, text)
            columns = cells.columns([_typed(kind) for kind in kinds])
    except (duckdb.Error, csv.Error, Ragged, MemoryError) as error:
        raise TableError(_diagnosis(dialect, source, error)) from None
    n_rows = len(columns[0])
    line = dialect.offset + dialect.header + 1
    table = Table(
        dict(zip(names, columns, strict=True)),
        source,
        first_line=line if _one_line_rows(dialect, n_rows, nrows) else None,
    )
    _check(table, dialect, nrows)
    return table


class _Columns:
    """The columns of a table; a query evaluates one expression per column."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, dialect: Dialect, nrows: int | None
    ) -> None:
        self.connection, self.width = connection, len(dialect.names)
        limit = "" if nrows is None else f" LIMIT {int(nrows)}"
        # An empty line is not a row, even if rows have a single field.
        some = " WHERE c0 IS NOT NULL" if self.width == 1 else ""
        # DuckDB detects nothing: its sniffer turns a file with one ragged row into a
        # file of one column. A ragged row is an error, not padded with NULL.
        self.scan = (
            f"(SELECT * FROM read_csv({verbatim(dialect.file.path)}, auto_detect=false,"
            f" columns={columns_of(dialect.names)}, header=false, "
            f"skip={int(dialect.header)}, delim={literal(dialect.delimiter)}, "
            "quote='\"', escape='\"', new_line='\\n', strict_mode=true, "
            f"null_padding=false, max_line_size={1 << 22}){some}{limit})"
        )

    def per_column(self, aggregates: dict[int, str]) -> dict[int, Any]:
        """Evaluate aggregates, given as SQL of {c}, by column number."""
        asked = ", ".join(a.replace("{c}", f"c{i}") for i, a in aggregates.items())
        if not asked:
            return {}
        row = self.connection.execute(f"SELECT {asked} FROM {self.scan}").fetchone()
        return dict(zip(aggregates, row or (), strict=True))

    def columns(self, values: list[str]) -> list[np.ndarray]:
        """Return all columns, each by its SQL of {c}."""
        asked = [v.replace("{c}", f"c{i}") + f" AS c{i}" for i, v in enumerate(values)]
        query = f"SELECT {', '.join(asked)} FROM {self.scan}"
        arrays = self.connection.execute(query).fetchnumpy()
        return [as_column(arrays[f"c{i}"]) for i in range(len(values))]


@contextmanager
def _columns_of(dialect: Dialect, nrows: int | None) -> Iterator[_Columns]:
    with reading(dialect.file.path) as connection:
        yield _Columns(connection, dialect, nrows)


def _kinds(
    cells: _Columns | Cells,
    dialect: Dialect,
    decimal: str | None,
    text: frozenset[str],
) -> list[str]:
    """Infer the type of each column: a key of `_SQL`.

    Each column is first tried as numbers. A value that is not a number decides what is
    tried next; if it is only a missing marker, numbers are tried again without the
    markers.
    """
    commas = decimal == "," or (decimal is None and dialect.delimiter != ",")
    asked = [i for i, name in enumerate(dialect.names) if name not in text]
    numbers = f"count({{c}}) = count({_SQL['number']})"
    bare = cells.per_column(dict.fromkeys(asked, numbers))
    found = {i: "number" for i in asked if bare[i]}
    doubtful = [i for i in asked if not bare[i]]
    odd = cells.per_column(dict.fromkeys(doubtful, f"any_value({_odd()})"))
    # Twice: the odd value of a column may have been a missing marker, which says
    # nothing about the type.
    for _ in range(2):
        guesses = {i: _guess(v, commas) for i, v in odd.items() if v is not None}
        guesses = {i: guess for i, guess in guesses.items() if guess != "text"}
        odd = cells.per_column({i: f"any_value({_odd(g)})" for i, g in guesses.items()})
        found |= {i: guesses[i] for i, value in odd.items() if value is None}
    return [found.get(i, "text") for i in range(len(dialect.names))]


def _guess(value: str, commas: bool) -> str:
    """Guess the type of a column that has this value, which is not a number."""
    value = value.strip()
    if value in meaning.MISSING:
        return "number"
    if commas and re.fullmatch(_COMMA_NUMBER, value):
        return "comma"
    dated = f"{meaning.ISO_DATE}|{meaning.DOTTED_DATE}"
    return "date" if re.fullmatch(dated, value) else "text"


def _odd(kind: str | None = None) -> str:
    """SQL for a value that is neither of this type nor a missing marker; without a
    type, for a value that is not a number."""
    if kind is None:
        return f"CASE WHEN {_SQL['number']} IS NULL THEN {{c}} END"
    return (
        f"CASE WHEN {_SQL[kind]} IS NOT NULL THEN NULL "
        f"WHEN trim({{c}}) IN {_MARKERS} THEN NULL ELSE {{c}} END"
    )


def _typed(kind: str) -> str:
    value = _SQL[kind]
    return f"coalesce({value}, 'nan'::DOUBLE)" if kind in _FLOATS else value


def _one_line_rows(dialect: Dialect, n_rows: int, nrows: int | None) -> bool:
    """Whether each row is one line; equal counts imply it, as a row takes a line."""
    if not (dialect.file.quotes or dialect.file.blanks):
        return True
    return nrows is None and n_rows == dialect.file.n_lines - dialect.header


def _check(table: Table, dialect: Dialect, nrows: int | None) -> None:
    """Check that no row was lost silently."""
    n_lines = dialect.file.n_lines - dialect.header
    expected = n_lines if nrows is None else min(n_lines, nrows)
    plain_rows = not (dialect.file.quotes or dialect.file.blanks)
    if plain_rows and table.n_rows != expected:
        raise TableError(
            f"{table.source}: has {expected:,} rows but {table.n_rows:,} were read; "
            "line endings may be mixed: save it again as plain UTF-8 CSV"
        )
    if not table.n_rows and nrows != 0:
        raise TableError(
            f"{table.source}: has a header ({', '.join(table.names[:5])}) but no rows "
            "below it"
        )


def _diagnosis(dialect: Dialect, source: str, error: Exception) -> str:
    """Diagnose a file that DuckDB rejects, by reading it once more."""
    begin = 1
    with dialect.file.opened() as text:
        reader = csv.reader(text, delimiter=dialect.delimiter, strict=True)
        try:
            for row in reader:
                if row and len(row) != len(dialect.names):
                    last = reader.line_num >= dialect.file.n_lines
                    return _ragged(dialect, source, row, begin, last)
                begin = reader.line_num + 1
        except csv.Error as problem:
            return _misquoted(dialect, source, begin, str(problem))
    return f"{source}: cannot be read as delimited text: {plain(error)}"


def _ragged(
    dialect: Dialect, source: str, row: list[str], line: int, last: bool
) -> str:
    wide, names = len(dialect.names), dialect.names
    start = f"{source}: line {line + dialect.offset} has {len(row)} "
    start += f"{'field' if len(row) == 1 else 'fields'} where {wide} columns are "
    if len(row) > wide:
        return (
            f"{start}expected; after column {shorten(names[-1])} comes "
            f"{shorten(row[wide])}; put a field that holds {dialect.delimiter!r} in "
            "quotation marks"
        )
    cut = " (or the file may be truncated)" if last else ""
    return (
        f"{start}expected; column {shorten(names[len(row)])} and the following ones "
        f"are missing; complete the line{cut}"
    )


def _misquoted(dialect: Dialect, source: str, line: int, problem: str) -> str:
    at = f"{source}: line {line + dialect.offset}"
    if "expected after" in problem:
        return (
            f"{at}: a field continues after its closing quotation mark; double the "
            'quotation marks inside a quoted field ("")'
        )
    return (
        f"{at}: a quotation mark is never closed; close it (or the file may be "
        "truncated)"
    )
