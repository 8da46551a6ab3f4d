"""CSV output: predictions and test rows."""

import csv
import io
import math
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from lamina.data import Table
from lamina.models.reports import Predictions

ROWS_AT_ONCE = 4096
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def guarded(text: str) -> str:
    """Return text that a spreadsheet does not interpret as a formula.

    A spreadsheet runs a cell that begins with ``= + - @`` as a formula; a leading
    apostrophe makes it text. Plain numbers are not changed.
    """
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def prediction_rows(
    names: Sequence[str], columns: Sequence[np.ndarray]
) -> Iterator[list[str]]:
    """Yield the header and the rows of predictions, guarded against formulas."""
    yield [guarded(name) for name in names]
    for values in zip(*columns, strict=True):
        yield [guarded(cell(value)) for value in values]


def table_rows(table: Table) -> Iterator[list[str]]:
    """Yield the header and the rows of a user's table, unchanged."""
    yield table.names
    columns = [table.columns[name] for name in table.names]
    for values in zip(*columns, strict=True):
        yield [cell(value) for value in values]


def cell(value: Any) -> str:
    """Return a value as text for a CSV file; empty if it is missing."""
    if value is None:
        return ""
    if isinstance(value, np.datetime64):
        return "" if np.isnat(value) else str(value).removesuffix("T00:00:00.000000")
    if isinstance(value, float) or np.asarray(value).dtype.kind == "f":
        return _number(float(str(value)))  # str keeps the digits of a float32
    return str(value)


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    whole = abs(value) < 2**53 and value.is_integer()
    return str(int(value)) if whole else repr(value)


def csv_chunks(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield the rows as UTF-8 CSV, in chunks."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    for i, row in enumerate(rows, 1):
        # csv writes a single empty cell as "": an empty line would not be a row.
        writer.writerow(row)
        if i % ROWS_AT_ONCE == 0:
            yield _encoded(buffer)
            buffer.seek(0)
            buffer.truncate()
    yield _encoded(buffer)


def _encoded(buffer: io.StringIO) -> bytes:
    """Encode as UTF-8, and escape what cannot be encoded."""
    return buffer.getvalue().encode("utf-8", "backslashreplace")


def write_predictions(predictions: Predictions, out: str | None) -> None:
    """Write predictions as CSV to a file, or to standard output.

    Raises
    ------
    OSError
        If the file cannot be written; the predictions are then saved elsewhere, and the
        error says where.
    """

    def chunks() -> Iterator[bytes]:
        rows = prediction_rows(predictions.names, predictions.columns)
        return csv_chunks(rows)

    if out is not None:
        from lamina.app.rescue import write_or_rescue
        from lamina.storage import replace_file

        write_or_rescue("the table", out, lambda path: replace_file(path, chunks()))
        return
    for chunk in chunks():
        sys.stdout.write(chunk.decode())
    sys.stdout.flush()
