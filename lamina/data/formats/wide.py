"""Wide delimited text through DuckDB: thousands of columns, e.g. genes or sensors.

DuckDB's planning time is quadratic in the number of columns. So a wide table is written
to a file with one cell per line, row after row, and a query has one column whatever the
width. Cell i belongs to column i mod N; cells are interpreted by the same SQL.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.formats.csv_dialect import Dialect
from lamina.data.formats.duckdb_engine import as_column, reading, verbatim

if TYPE_CHECKING:
    import duckdb


class Ragged(Exception):
    """A row is not as wide as the header."""


class Cells:
    """The cells of a wide table; a query evaluates one expression of the cell ``v``."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, path: Path, width: int
    ) -> None:
        self.connection, self.width = connection, width
        self.cells = (
            f"(SELECT v FROM read_csv({verbatim(path)}, auto_detect=false, "
            "columns={'_': 'VARCHAR', 'v': 'VARCHAR'}, header=false, delim=',', "
            "quote='\"', escape='\"', new_line='\\n', strict_mode=true, "
            f"max_line_size={1 << 22}))"
        )

    def per_column(self, aggregates: dict[int, str]) -> dict[int, Any]:
        """Evaluate aggregates, given as SQL of {c}, by column number."""
        found: dict[int, Any] = {}
        for aggregate, columns in _alike(aggregates).items():
            asked = aggregate.replace("{c}", "v")
            query = f"SELECT c, {asked} FROM {self._numbered(columns)} GROUP BY c"
            found |= dict.fromkeys(columns)
            found |= dict(self.connection.execute(query).fetchall())
        return found

    def columns(self, values: list[str]) -> list[np.ndarray]:
        """Return all columns, each by its SQL of {c}."""
        found: dict[int, np.ndarray] = {}
        for value, columns in _alike(dict(enumerate(values))).items():
            asked = f"SELECT {value.replace('{c}', 'v')} AS x"
            cells = self.cells
            if len(columns) < self.width:
                cells = f"{self._numbered(columns)} ORDER BY i"
            arrays = self.connection.execute(f"{asked} FROM {cells}").fetchnumpy()
            table = arrays["x"].reshape(-1, len(columns)).T
            found |= zip(columns, map(as_column, table), strict=True)
        return [found[i] for i in range(self.width)]

    def _numbered(self, columns: list[int]) -> str:
        """Return the cells of these columns, with their numbers i and columns c."""
        i = f"(SELECT row_number() OVER () - 1 AS i, v FROM {self.cells})"
        numbered = f"(SELECT i, i % {self.width} AS c, v FROM {i})"
        if len(columns) == self.width:
            return numbered
        return f"{numbered} WHERE c IN (SELECT unnest({columns}))"


def _alike(by_column: dict[int, str]) -> dict[str, list[int]]:
    """Group columns by their expression."""
    found: dict[str, list[int]] = {}
    for column, asked in by_column.items():
        found.setdefault(asked, []).append(column)
    return found


@contextmanager
def cells_of(dialect: Dialect, nrows: int | None) -> Iterator[Cells]:
    """Provide the cells of a text file, or of its first rows.

    Raises
    ------
    Ragged
        If a row is not as wide as the header.
    csv.Error
        If quotation marks do not match.
    """
    with tempfile.TemporaryDirectory(prefix="lamina-") as folder:
        path = Path(folder) / "cells"
        with (
            dialect.file.opened() as text,
            open(path, "w", encoding="utf-8", newline="") as out,
        ):
            write = _write_quoted if dialect.file.quotes else _write_plain
            write(text, out, dialect, nrows)
        with reading(path) as connection:
            yield Cells(connection, path, len(dialect.names))


# Each line begins with a comma, an empty first field: without it an empty cell would be
# an empty line, which DuckDB skips. An extra delimiter at the end of a row is accepted,
# as DuckDB does.


def _write_plain(text: Any, out: Any, dialect: Dialect, nrows: int | None) -> None:
    """Write the cells of a file without quotation marks, row by row."""
    delimiter, width = dialect.delimiter, len(dialect.names)
    lines = (line.removesuffix("\n") for line in text)
    rows = islice(filter(None, lines), dialect.header, None)
    for row in islice(rows, nrows):
        extra = row.count(delimiter) - (width - 1)
        if extra == 1 and row.endswith(delimiter):
            row = row[:-1]
        elif extra:
            raise Ragged
        if delimiter != "," and "," in row:
            cells = ['"' + c + '"' if "," in c else c for c in row.split(delimiter)]
            row = delimiter.join(cells)
        out.write("," + row.replace(delimiter, "\n,") + "\n")


def _write_quoted(text: Any, out: Any, dialect: Dialect, nrows: int | None) -> None:
    """Write the cells of a file with quoted fields."""
    width = len(dialect.names)
    reader = filter(None, csv.reader(text, delimiter=dialect.delimiter, strict=True))
    writer = csv.writer(out, lineterminator="\n")
    rows = islice(reader, dialect.header, None)
    for row in islice(rows, nrows):
        if len(row) == width + 1 and not row[-1]:
            row.pop()
        if len(row) != width:
            raise Ragged
        writer.writerows(("", cell) for cell in row)
