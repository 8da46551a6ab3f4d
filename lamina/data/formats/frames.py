"""From objects in memory (data frames, arrays, lists) to a `Table`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from lamina.data.tables.parsing import clean_text, utc
from lamina.data.tables.table import Table, TableError, shorten

_NOTHING = ("NoneType", "NAType", "NaTType")


def from_columns(
    columns: Mapping[Any, Any], source: str = "dict", first_line: int | None = None
) -> Table:
    """Return a table from arrays or lists by name.

    Raises
    ------
    TableError
        No columns, duplicate names (``1`` and ``"1"``), a column that is not a list of
        numbers, dates or text, or columns of different lengths.
    """
    if not columns:
        raise TableError(f"{source}: has no columns; a table is expected")
    names = _names(list(columns), source)
    arrays = {
        name: _column(values, name, source)
        for name, values in zip(names, columns.values(), strict=True)
    }
    table = Table(arrays, source, first_line)
    if not table.n_rows:
        raise TableError(f"{source}: has columns ({', '.join(names[:5])}) but no rows")
    return table


def from_frame(frame: Any, source: str = "data frame") -> Table:
    """Return a table from any data frame that narwhals supports (pandas, polars, …).

    The index of a pandas frame is dropped. Times with a zone become UTC.

    Raises
    ------
    TableError
        Not a data frame; else as `from_columns`.
    """
    try:
        import narwhals.stable.v2 as nw
    except ImportError:
        raise TableError(
            f"a {type(frame).__name__} cannot be read without narwhals; pass a path or "
            "a dict of arrays, or install scikit-learn"
        ) from None
    try:
        known = nw.from_native(frame)
    except TypeError:
        raise TableError(
            "expected a path, '-', an open binary file, a data frame, a dict of arrays "
            f"or the name of a data set; got {_called(frame)}"
        ) from None
    except ValueError:  # narwhals' DuplicateError is one
        _refuse_twice([str(name) for name in frame.columns], source)
        raise
    if isinstance(known, nw.LazyFrame):
        known = known.collect()
    series = zip(known.columns, known.iter_columns(), strict=True)
    return from_columns({name: _series(part, nw) for name, part in series}, source)


def _called(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"{type(value).__name__}{'' if shape is None else f' of shape {shape}'}"


def _series(series: Any, nw: Any) -> Any:
    """Return a column as an array, or as a list if its values have to be inspected."""
    dtype = series.dtype
    if dtype == nw.Decimal:
        return series.to_list()
    if dtype.is_numeric():
        return np.asarray(series.cast(nw.Float64).to_numpy(), dtype=np.float64)
    if dtype == nw.Datetime:
        if dtype.time_zone is not None:
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return series.to_numpy().astype("datetime64[us]")
    return series.to_list()


def _names(keys: list[Any], source: str) -> list[str]:
    names = [str(key).strip() or f"column_{i}" for i, key in enumerate(keys, 1)]
    _refuse_twice(names, source)
    return names


def _refuse_twice(names: list[str], source: str) -> None:
    if len(set(names)) < len(names):
        seen: set[str] = set()
        twice = next(n for n in names if n in seen or seen.add(n))
        raise TableError(
            f"{source}: the column name {shorten(twice)} is duplicated; rename one"
        )


def _column(values: Any, name: str, source: str) -> np.ndarray:
    if isinstance(values, (str, bytes, Mapping)) or not hasattr(values, "__len__"):
        raise TableError(
            f"{source}: column {shorten(name)} is {shorten(values)}; an array or a "
            "list is expected"
        )
    if isinstance(values, (list, tuple)):
        return _from_objects(list(values), name, source)
    masked = isinstance(values, np.ma.MaskedArray)
    array = values if masked else np.asarray(values)
    if array.ndim != 1:
        raise TableError(
            f"{source}: column {shorten(name)} has shape {array.shape}; one dimension "
            "is expected: give each column its own name"
        )
    if masked or array.dtype.kind not in "fiuM":
        return _from_objects(array.tolist(), name, source)
    if array.dtype.kind == "M":
        return array.astype("datetime64[us]")
    return array.astype(np.float64)


def _from_objects(values: list[Any], name: str, source: str) -> np.ndarray:
    """Return a column from Python values, of their common type, or text."""
    types = {t for t in set(map(type, values)) if t.__name__ not in _NOTHING}
    if _all(types, (bool, np.bool_)):
        return clean_text([None if _absent(v) else str(bool(v)) for v in values])
    if _all(types, (int, float, np.integer, np.floating, Decimal, np.bool_)):
        return _floats(values, name, source)
    if _all(types, (date, np.datetime64)):
        return _dates(values)
    if _all(types, (str, bool, int, float, np.generic, Decimal, date)):
        return clean_text([None if _absent(v) else str(v) for v in values])
    if types == {float, bool} or types == {float, np.bool_}:
        return clean_text([None if _absent(v) else str(v) for v in values])
    place, value = next(
        (i, v)
        for i, v in enumerate(values)
        if not isinstance(v, (str, bool, int, float, np.generic, Decimal, date))
        and not _absent(v)
    )
    raise TableError(
        f"{source}: column {shorten(name)}, row {place + 1} has {shorten(value)} "
        f"({type(value).__name__}); a cell must be a number, a date or text"
    )


def _all(types: set[type], allowed: tuple[type, ...]) -> bool:
    return all(issubclass(t, allowed) for t in types)


def _absent(value: Any) -> bool:
    if isinstance(value, float):
        return value != value
    return type(value).__name__ in _NOTHING


def _floats(values: list[Any], name: str, source: str) -> np.ndarray:
    present = (np.nan if _absent(v) else v for v in values)
    try:
        return np.fromiter((float(v) for v in present), np.float64, len(values))
    except OverflowError:
        raise TableError(
            f"{source}: column {shorten(name)} has an integer beyond 1e308, which is "
            "too large: drop it or pass it as text"
        ) from None


def _dates(values: list[Any]) -> np.ndarray:
    naive = [
        None if _absent(v) else utc(v) if isinstance(v, datetime) else v for v in values
    ]
    return np.array(
        [np.datetime64("NaT") if v is None else np.datetime64(v) for v in naive],
        dtype="datetime64[us]",
    )
