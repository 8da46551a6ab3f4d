"""JSON tables: a list of records, one record per line, or one list per column.

They are parsed by Python: DuckDB 2.0 renames keys that differ only in case, reads some
records as maps, and turns ``"12:30"`` into a time.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from lamina.data.formats.files import TextFile
from lamina.data.formats.frames import from_columns
from lamina.data.tables.table import Table, TableError, shorten


class _Twice(ValueError):
    """A key is duplicated in an object."""


def read_records(
    file: TextFile, source: str, lines: bool, nrows: int | None = None
) -> Table:
    """Read the table from a JSON file; missing keys of a record are missing values.

    Parameters
    ----------
    lines : bool
        One record per line (.jsonl, .ndjson); detected if False.

    Raises
    ------
    TableError
        With line and column: invalid JSON, a truncated file, duplicate keys, nested
        values.
    """
    with file.opened() as text:
        if not lines:
            text.seek(0)
            whole = _whole(text, source)
            if whole is not None:
                return _from_whole(whole, source, nrows)
            text.seek(0)
        found = list(_first(_by_line(text, source), nrows))
    return _from_records([r for _, r in found], source, [line for line, _ in found])


def _whole(text: io.TextIOBase, source: str) -> Any:
    """Return the file as one JSON value; None if it has one value per line."""
    try:
        return _parse(text.read(), source)
    except json.JSONDecodeError as error:
        text.seek(0)
        first = text.readline().strip()
        if error.msg == "Extra data" and first.startswith("{") and first.endswith("}"):
            return None
        raise _broken(error, source, error.lineno) from None


def _by_line(text: io.TextIOBase, source: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text, 1):
        if line.strip():
            try:
                yield number, _parse(line, f"{source}: line {number}")
            except json.JSONDecodeError as error:
                raise _broken(error, source, number) from None


def _first(pairs: Iterable, count: int | None) -> Iterator:
    for place, pair in enumerate(pairs):
        if place == count:
            return
        yield pair


def _parse(text: str, source: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_twice)
    except json.JSONDecodeError:
        raise
    except _Twice as error:
        raise TableError(
            f"{source}: the key {error} is duplicated in a record; rename one"
        ) from None
    except RecursionError:
        raise TableError(
            f"{source}: the JSON is nested too deeply; a list of flat records is "
            "expected"
        ) from None
    except ValueError as error:  # an integer of more than 4,300 digits
        problem = str(error).split(":")[0].lower()
        raise TableError(f"{source}: a number cannot be read: {problem}") from None


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        seen: set[str] = set()
        raise _Twice(shorten(next(k for k, _ in pairs if k in seen or seen.add(k))))
    return record


def _broken(error: json.JSONDecodeError, source: str, line: int) -> TableError:
    return TableError(
        f"{source}: line {line}, column {error.colno}: invalid JSON "
        f"({error.msg.lower()}); the file may be truncated: write it again"
    )


def _from_whole(whole: Any, source: str, nrows: int | None) -> Table:
    if isinstance(whole, list):
        return _from_records(whole[:nrows], source)
    if isinstance(whole, dict) and whole:
        if all(isinstance(values, list) for values in whole.values()):
            columns = {name: values[:nrows] for name, values in whole.items()}
            return from_columns(columns, source)
        if not any(isinstance(value, (list, dict)) for value in whole.values()):
            return _from_records([whole], source)
    raise TableError(
        f"{source}: the JSON is {_called(whole)}; a list of records "
        '[{"a": 1}, …], one record per line, or {"a": [1, …], …} is expected'
    )


def _called(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "an empty object" if not value else "an object of mixed parts"
    return f"a single value {shorten(value)}"


def _from_records(
    records: list[Any], source: str, lines: list[int] | None = None
) -> Table:
    if not records:
        raise TableError(f"{source}: has no records; a table is expected")
    names: dict[str, None] = {}
    for place, record in enumerate(records):
        if not isinstance(record, dict):
            at = f"line {lines[place]}" if lines else f"record {place + 1}"
            raise TableError(
                f"{source}: {at} is {shorten(record)}; an object such as "
                '{"a": 1, "b": "x"} is expected'
            )
        names.update(dict.fromkeys(record))
    columns = {name: [record.get(name) for record in records] for name in names}
    straight = lines and lines[-1] - lines[0] == len(lines) - 1
    first_line = lines[0] if lines and straight else None
    return from_columns(columns, source, first_line)
