"""Parquet through DuckDB, with the types of the file."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.data.formats.duckdb_engine import (
    as_column,
    identifier,
    plain,
    reading,
    refuse_too_large,
    verbatim,
)
from lamina.data.tables.table import Table, TableError, shorten

if TYPE_CHECKING:
    import duckdb

_MAGIC = b"PAR1"
#: DuckDB types, and the expression that converts each to a column of a `Table`.
_TYPES = (
    (r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*", "{c}::DOUBLE"),
    (r"DATE|TIMESTAMP.*", "{c}::TIMESTAMP"),
    (r"VARCHAR|BOOLEAN|UUID|ENUM.*|TIME", "{c}::VARCHAR"),
)


def read_parquet(path: Path, source: str, nrows: int | None = None) -> Table:
    """Read the table from a Parquet file.

    Raises
    ------
    TableError
        Not a Parquet file, truncated, corrupt, duplicate column names, no rows, or a
        column that is not of numbers, dates or text (lists, structures, bytes).
    """
    _check_ends(path, source)
    with reading(path) as connection:
        import duckdb

        try:
            return _read(connection, path, source, nrows)
        except TableError:
            raise
        except (duckdb.Error, MemoryError, ValueError, OverflowError) as error:
            raise TableError(
                f"{source}: the Parquet file is corrupt ({_without(path, error)}); "
                "copy or write it again"
            ) from None


def _check_ends(path: Path, source: str) -> None:
    """Check that the file begins and ends with PAR1; a truncated one does not."""
    with open(path, "rb") as file:
        begin, size = file.read(4), file.seek(0, 2)
        file.seek(max(0, size - 4))
        end = file.read(4)
    if not size:
        raise TableError(f"{source}: the file is empty; a table is expected")
    if begin != _MAGIC:
        raise TableError(
            f"{source}: is not a Parquet file (it begins with {begin!r}, not "
            "b'PAR1'); give it the right extension"
        )
    # 12: the mark at both ends, and the length of the footer.
    if end != _MAGIC or size < 12:
        raise TableError(
            f"{source}: the Parquet file is truncated at byte {size:,} (it does not "
            "end with b'PAR1'); copy or write it again"
        )


def _read(
    connection: duckdb.DuckDBPyConnection, path: Path, source: str, nrows: int | None
) -> Table:
    n_rows = _n_rows(connection, path)
    names = _names(connection, path, source)
    scan = f"read_parquet({verbatim(path)})"
    described = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
    refuse_too_large(source, min(n_rows, nrows or n_rows), len(names))
    if not n_rows and nrows != 0:
        raise TableError(f"{source}: has columns ({', '.join(names[:5])}) but no rows")
    chosen = ", ".join(
        f"{_expression(inner, kind, name, source)} AS c{i}"
        for i, (name, (inner, kind, *_)) in enumerate(
            zip(names, described, strict=True)
        )
    )
    limit = "" if nrows is None else f" LIMIT {int(nrows)}"
    arrays = connection.execute(f"SELECT {chosen} FROM {scan}{limit}").fetchnumpy()
    columns = {name: as_column(arrays[f"c{i}"]) for i, name in enumerate(names)}
    return Table(columns, source)


def _n_rows(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    query = f"SELECT sum(num_rows) FROM parquet_file_metadata({verbatim(path)})"
    row = connection.execute(query).fetchone()
    return int(row[0] or 0) if row else 0


def _names(connection: duckdb.DuckDBPyConnection, path: Path, source: str) -> list[str]:
    """Return the names in the file; DuckDB would rename ``A`` next to ``a``."""
    query = f"SELECT name, num_children FROM parquet_schema({verbatim(path)})"
    (_, n_top), *parts = connection.execute(query).fetchall()
    nested = next((name for name, children in parts if children), None)
    if nested is not None or len(parts) != n_top:
        raise TableError(
            f"{source}: column {shorten(nested)} has lists or structures; a table has "
            "one number, date or text per cell: drop or flatten it"
        )
    names = [name.strip() or f"column_{i}" for i, (name, _) in enumerate(parts, 1)]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise TableError(
            f"{source}: the column name {shorten(twice)} is duplicated; rename one"
        )
    return names


def _expression(inner: str, kind: str, name: str, source: str) -> str:
    for pattern, expression in _TYPES:
        if re.fullmatch(pattern, kind):
            return expression.format(c=identifier(inner))
    raise TableError(
        f"{source}: column {shorten(name)} is of type {kind[:40]}; a table has "
        "numbers, dates and text: drop or convert it"
    )


def _without(path: Path, error: Exception) -> str:
    return plain(error).replace(str(path), path.name)
