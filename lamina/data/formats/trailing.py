"""Rows with an extra delimiter at the end, which DuckDB accepts silently."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice

from lamina.data._warn import warn
from lamina.data.formats.csv_dialect import Dialect
from lamina.data.formats.files import TextFile
from lamina.data.tables.table import TableError

_CHUNK = 1 << 20


def check_trailing(dialect: Dialect, source: str, nrows: int | None = None) -> None:
    """Reject an empty field after the last column, unless every row has one.

    Parameters
    ----------
    dialect : Dialect
        From `find_dialect`.
    source : str
        Name of the file in messages.
    nrows : int, optional
        Check only this many rows.

    Raises
    ------
    TableError
        With the line of the first such row.

    Warns
    -----
    UserWarning
        If every row has such a field.
    """
    if not _any_line_ends_with(dialect.file, dialect.delimiter):
        return
    first: dict[bool, int] = {}
    try:
        for line, long in islice(_rows(dialect), nrows):
            first.setdefault(long, line)
            if len(first) == 2:
                break
    except csv.Error:  # reading the rows reports the error
        return
    if True not in first:
        return
    wide, mark = len(dialect.names), dialect.delimiter
    if False not in first:
        warn(f"{source}: every row ends with an extra {mark!r}, which is ignored")
        return
    long, other = (first[kind] + dialect.offset for kind in (True, False))
    raise TableError(
        f"{source}: line {long} has {wide + 1} fields, the last one empty, where "
        f"{wide} columns are expected as in line {other}; remove the {mark!r} at its "
        "end"
    )


def _any_line_ends_with(file: TextFile, mark: str) -> bool:
    """Check quickly whether any line ends with a delimiter."""
    end, last = f"{mark}\n".encode(), b""
    with open(file.path, "rb") as binary:
        while chunk := binary.read(_CHUNK):
            # The delimiter may be the last byte of the chunk before.
            if end in last + chunk:
                return True
            last = chunk[-1:]
    return last == mark.encode()


def _rows(dialect: Dialect) -> Iterator[tuple[int, bool]]:
    """Yield the first line of each row, and whether it has an extra empty field."""
    wide, mark = len(dialect.names), dialect.delimiter
    with dialect.file.opened() as text:
        if not dialect.file.quotes:  # a row is a line
            for number, line in enumerate(islice(text, dialect.header, None), 1):
                if line := line.rstrip("\n"):
                    long = line.endswith(mark) and line.count(mark) == wide
                    yield number + dialect.header, long
            return
        reader = csv.reader(text, delimiter=mark, strict=True)
        next(islice(reader, dialect.header, dialect.header), None)
        begin = reader.line_num + 1
        for row in reader:
            if row:
                yield begin, len(row) == wide + 1 and not row[-1]
            begin = reader.line_num + 1
