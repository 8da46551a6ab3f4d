"""`read_table`: a table from any supported source."""

from __future__ import annotations

import difflib
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lamina.data.datasets import sets
from lamina.data.formats.csv_dialect import find_dialect
from lamina.data.formats.delimited import read_delimited
from lamina.data.formats.files import Readable, in_unicode, plain_text
from lamina.data.formats.frames import from_columns, from_frame
from lamina.data.formats.parquet import read_parquet
from lamina.data.formats.records import read_records
from lamina.data.formats.trailing import check_trailing
from lamina.data.tables.table import Table, TableError

__all__ = ["Table", "TableError", "read_table"]

DELIMITED = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data")
RECORDS = (".json", ".jsonl", ".ndjson")
_PARQUET = (".parquet", ".pq")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_ADVICE = {
    ".xlsx": "save the sheet as CSV first",
    ".xls": "save the sheet as CSV first",
    ".ods": "save the sheet as CSV first",
    ".feather": "write it as Parquet",
    ".arrow": "write it as Parquet",
    ".pkl": "pickles can run code and are never opened; write it as Parquet",
    ".pickle": "pickles can run code and are never opened; write it as Parquet",
    ".zip": "unpack it first",
    ".lamina": "this is a model; a table is expected here",
}


def read_table(
    source: Any,
    *,
    nrows: int | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool = True,
    text: Iterable[str] = (),
) -> Table:
    """Read a table, inferring its format, dialect, encoding and types.

    Parameters
    ----------
    source : path, "-", binary file, data frame, mapping, Table or name
        A file (.csv .tsv .txt .parquet .json .jsonl .ndjson, the text formats also with
        .gz), standard input or an open file (as CSV), a data frame (pandas, polars,
        pyarrow), a dict of arrays, or an embedded data set such as ``"iris"`` if no
        file of that name exists.
    nrows : int, optional
        Read only the first rows.
    delimiter, decimal, encoding : str, optional
        For delimited text; None infers them. A comma is the decimal mark of a column if
        all its numbers have one and the delimiter is another character.
    header : bool
        Whether the first line of delimited text has the column names. Without it the
        columns are named ``column_1``, ``column_2``, …
    text : iterable of str
        Columns of delimited text to keep as text, so that ``007`` is not 7.

    Returns
    -------
    Table

    Notes
    -----
    In every column and every source ``''``, ``NA``, ``N/A``, ``n/a``, ``#N/A``,
    ``<NA>``, ``nan``, ``NaN``, ``NaT``, ``null``, ``NULL``, ``None``, ``?``, ``-`` and
    ``.`` mean a missing value. Whitespace around text is stripped. Dates are recognised
    only in unambiguous formats: year first, or day.month.year with dots.

    Raises
    ------
    TableError
        In one line: what was expected, the value, its location, and the fix.
    """
    _check_options(nrows, decimal)
    options = _Options(nrows, delimiter, decimal, encoding, header, frozenset(text))
    if isinstance(source, Table):
        return _head(source, nrows)
    if isinstance(source, Mapping):
        return _head(from_columns(source), nrows)
    if isinstance(source, str) and source == "-":
        return _from_stream(sys.stdin.buffer, "stdin", options)
    if isinstance(source, (str, os.PathLike)):
        return _from_name(os.fspath(source), options)
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        named = os.path.basename(name) if isinstance(name, str) else "stream"
        return _from_stream(_binary(source), named, options)
    return _head(from_frame(source), nrows)


class _Options:
    """Options for delimited text."""

    def __init__(self, nrows, delimiter, decimal, encoding, header, text):
        self.nrows: int | None = nrows
        self.delimiter: str | None = delimiter
        self.decimal: str | None = decimal
        self.encoding: str | None = encoding
        self.header: bool = header
        self.text: frozenset[str] = text


def _check_options(nrows: int | None, decimal: str | None) -> None:
    if nrows is not None and (isinstance(nrows, bool) or nrows < 1):
        raise TableError(f"nrows must be a positive whole number; got {nrows!r}")
    if decimal not in (None, ".", ","):
        raise TableError(f"decimal must be '.' or ','; got {decimal!r}")


def _head(table: Table, nrows: int | None) -> Table:
    return table if nrows is None else table.take(slice(nrows))


def _from_name(name: str | bytes, options: _Options) -> Table:
    name = os.fsdecode(name)
    if not name:
        raise TableError("a path or the name of a data set is expected, got ''")
    if _URL.match(name):
        raise TableError(
            f"{name}: URLs are not supported; download the file and pass its path"
        )
    path = Path(name)
    try:
        exists = path.exists()
    except (OSError, ValueError):  # a name too long, or with a NUL byte
        exists = False
    if not exists:
        return _from_set(name, options)
    if path.is_dir():
        raise TableError(f"{name}: is a folder; pass the path of a file in it")
    return _from_file(path, options)


def _from_set(name: str, options: _Options) -> Table:
    if name in sets.names():
        return _head(sets.load(name).as_table(), options.nrows)
    close = difflib.get_close_matches(name, sets.names(), n=1)
    hint = f"; did you mean the data set {close[0]!r}?" if close else ""
    shown = name[:200] if name.isprintable() else repr(name[:200])
    where = Path.cwd() if not os.path.isabs(name) else Path(name).parent
    raise TableError(
        f"{shown}: no such file in {where}, and no data set of that name "
        f"({', '.join(sets.names())}){hint}"
    )


def _from_file(path: Path, options: _Options) -> Table:
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    try:
        # A pipe can be read once only, so not by the two passes over a file.
        if path.is_fifo():
            with open(path, "rb") as stream:
                return _from_stream(stream, path.name, options)
        if not path.is_file():
            raise TableError(f"{path}: is not a regular file; a table is expected")
        parquet = suffixes[-1:] and suffixes[-1] in _PARQUET
        kind = "" if parquet else _text_kind(suffixes, path)
        with tempfile.TemporaryDirectory(prefix="lamina-") as private:
            folder = Path(private)
            file = in_unicode(path.absolute(), folder)
            if parquet:
                return read_parquet(file, str(path), options.nrows)
            return _text(file, None, str(path), kind, folder, options)
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror or error}") from None


def _text_kind(suffixes: list[str], path: Path) -> str:
    packed = suffixes[-1:] == [".gz"]
    kind = (suffixes[-2:-1] if packed else suffixes[-1:]) or [""]
    if kind[0] in DELIMITED + RECORDS:
        return kind[0]
    advice = _ADVICE.get(kind[0], "give it the right extension")
    ending = f"with extension {path.suffix!r}" if path.suffix else "without extension"
    raise TableError(
        f"{path}: files {ending} are not supported, only "
        ".csv .tsv .txt .json .jsonl .ndjson (each also .gz) and .parquet: "
        f"{advice}"
    )


def _from_stream(stream: Readable, source: str, options: _Options) -> Table:
    with tempfile.TemporaryDirectory(prefix="lamina-") as folder:
        return _text(None, stream, source, ".csv", Path(folder), options)


def _binary(source: Any) -> Readable:
    if isinstance(source, io.StringIO):
        return io.BytesIO(source.read().encode())
    return getattr(source, "buffer", source)


def _text(
    path: Path | None,
    stream: Readable | None,
    source: str,
    kind: str,
    folder: Path,
    options: _Options,
) -> Table:
    file = plain_text(path, stream, source, folder, options.encoding)
    if kind in RECORDS:
        return read_records(file, source, kind != ".json", options.nrows)
    dialect = find_dialect(file, source, folder, options.delimiter, options.header)
    check_trailing(dialect, source, options.nrows)
    return read_delimited(dialect, source, options.nrows, options.decimal, options.text)
