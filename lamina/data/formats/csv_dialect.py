"""The dialect of a delimited file: delimiter, column names, start of the rows.

DuckDB's own sniffer turns a file with one ragged row into a file of one column. So the
dialect is detected here, from the first lines, and passed to DuckDB.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lamina.data.formats.files import TextFile
from lamina.data.tables.parsing import number
from lamina.data.tables.table import TableError, shorten

DELIMITERS = (",", ";", "\t", "|")
MAX_COLUMNS = 65_536
_HEAD = 1 << 22  # characters read: a header of 65,536 names fits
_ROWS = 200


@dataclass(frozen=True)
class Dialect:
    """How to parse a text file.

    `file` begins at the header (or at the first row, if `header` is false). `offset` is
    the number of lines removed before it.
    """

    file: TextFile
    delimiter: str
    names: list[str]
    header: bool
    offset: int = 0


def find_dialect(
    file: TextFile,
    source: str,
    folder: Path,
    delimiter: str | None = None,
    header: bool = True,
) -> Dialect:
    """Detect the delimiter and column names of a text file.

    A first line ``sep=;``, as written by Excel, determines the delimiter and is
    removed, as are empty lines above the header. A column without a name is called
    ``column_3`` after its position.

    Raises
    ------
    TableError
        No column names, duplicate names, too many columns, or only a header.
    """
    with file.opened() as text:
        head = text.read(_HEAD)
    stated, offset = _preamble(head)
    if offset:
        file = _beheaded(file, offset, folder)
        head = head.split("\n", offset)[offset] if offset <= head.count("\n") else ""
    delimiter = _one_character(delimiter or stated or _sniffed(head), source)
    first = _first_row(head, delimiter, source)
    names = _names(first, source, offset + 1) if header else _numbered(first)
    if file.n_lines <= header:
        raise TableError(
            f"{source}: has a header ({', '.join(names[:5])}) but no rows below it"
        )
    return Dialect(file, delimiter, names, header, offset)


def _preamble(head: str) -> tuple[str | None, int]:
    """Return the delimiter of a ``sep=`` line, and the number of lines to remove."""
    stated = None
    for count, line in enumerate(head.split("\n")):
        # Excel writes `sep=;`, sometimes in quotation marks.
        if stated is None and line[:4].lower() == "sep=" and len(line.strip('"')) == 5:
            stated = line[4]
        elif line.strip():
            return stated, count
    return stated, head.count("\n")


def _beheaded(file: TextFile, offset: int, folder: Path) -> TextFile:
    target = folder / "body"
    with file.opened() as text, open(target, "w", encoding="utf-8", newline="") as out:
        for _ in range(offset):
            text.readline()
        while chunk := text.read(1 << 20):
            out.write(chunk)
    return TextFile(target, file.n_lines - offset, file.quotes, file.blanks)


def _one_character(delimiter: str, source: str) -> str:
    if len(delimiter) != 1 or delimiter in '"\n\r' or not delimiter.isascii():
        raise TableError(
            f"{source}: the delimiter must be one character such as ',' ';' or a tab; "
            f"got {delimiter!r}"
        )
    return delimiter


def _sniffed(head: str) -> str:
    """Return the delimiter that splits most rows into as many fields as the header."""
    scores = {d: _agreement(head, d) for d in DELIMITERS}
    best = max(DELIMITERS, key=lambda d: scores[d])
    return best if scores[best] > (0.0, 0) else ","


def _agreement(head: str, delimiter: str) -> tuple[float, int]:
    """Return the fraction of rows as wide as the header, and that width."""
    reader = csv.reader(io.StringIO(head), delimiter=delimiter)
    try:
        rows = [row for row in islice(reader, _ROWS) if row]
    except csv.Error:
        return 0.0, 0
    if len(rows) > 1 and len(head) == _HEAD:
        rows.pop()  # cut off by the limit, not by the file
    if not rows or len(rows[0]) < 2:
        return 0.0, 0
    wide = len(rows[0])
    body = rows[1:] or rows
    return sum(len(row) == wide for row in body) / len(body) + 1e-9, wide


def _first_row(head: str, delimiter: str, source: str) -> list[str]:
    try:
        reader = csv.reader(io.StringIO(head), delimiter=delimiter, strict=True)
        row = next(reader)
    except csv.Error as error:
        raise TableError(
            f"{source}: line 1 cannot be parsed as column names: {error}; close every "
            "quotation mark"
        ) from None
    if len(row) > MAX_COLUMNS:
        raise TableError(
            f"{source}: line 1 has {len(row):,} columns, more than {MAX_COLUMNS:,}; "
            "rows and columns may be swapped"
        )
    return row


def _names(row: list[str], source: str, line: int) -> list[str]:
    names = [cell.strip() or f"column_{i}" for i, cell in enumerate(row, 1)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    values = [number(name) for name in names]
    whole = all(value is not None and value.is_integer() for value in values)
    if None not in values and (twice or not whole):
        raise TableError(
            f"{source}: line {line} has numbers in place of column names "
            f"({', '.join(names[:4])}); add a line of names, or pass header=False"
        )
    if twice:
        places = [i for i, name in enumerate(names, 1) if name == twice[0]]
        raise TableError(
            f"{source}: line {line}: the column name {shorten(twice[0])} is "
            f"duplicated, in columns {' and '.join(map(str, places[:3]))}; rename one"
        )
    return names


def _numbered(row: list[str]) -> list[str]:
    return [f"column_{i}" for i in range(1, len(row) + 1)]
