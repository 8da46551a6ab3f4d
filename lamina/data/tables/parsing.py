"""Parsing of single values: missing markers, truth values, numbers and dates in text.

The same rules apply to every source. The SQL in `delimited` repeats them for whole
files; tests check that both agree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

#: Texts that mean "no value", in every column and every source.
MISSING = (
    *("", "NA", "N/A", "n/a", "#N/A", "<NA>", "nan", "NaN", "NAN", "-nan", "-NaN"),
    *("NaT", "null", "NULL", "Null", "None", "?", "-", "."),
)

#: Unambiguous date formats: year first, or day.month.year with dots. 03/04/2024 stays
#: text, as it is in March in one country and in April in another.
ISO_DATE = (
    r"(\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2})"
    r"([T ]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)?"
)
DOTTED_DATE = r"\d{1,2}\.\d{1,2}\.\d{4}( \d{1,2}:\d{2}(:\d{2})?)?"

_MISSING = frozenset(MISSING)
_TRUTH = frozenset({"true", "false"})
_DATE = re.compile(
    r"(?:(?P<y>\d{4})(?P<sep>[-/])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})"
    r"|(?P<d2>\d{1,2})\.(?P<m2>\d{1,2})\.(?P<y2>\d{4}))"
    r"(?:[T ](?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:\.(?P<f>\d{1,9}))?)?"
    r"(?: ?(?P<tz>Z|[+-]\d{2}(?::?\d{2})?))?)?"
)


def clean_text(values: Sequence[str | None] | np.ndarray) -> np.ndarray:
    """Return stripped texts; missing markers become None, truth values lower case.

    Shapes: n values → object (n,).
    """
    # Each distinct text is parsed once: columns repeat few values many times.
    meaning = {value: _meaning(value) for value in set(values)}
    present = {m.lower() for m in meaning.values() if m is not None}
    if present and present <= _TRUTH:
        meaning = {v: m if m is None else m.lower() for v, m in meaning.items()}
    return _objects([meaning[value] for value in values])


def _meaning(value: str | None) -> str | None:
    if value is None:
        return None
    text = value.strip()
    return None if text in _MISSING else text


def _objects(values: list) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def is_missing(values: np.ndarray) -> np.ndarray:
    """Return a mask (n,) of the missing values of a column of any type."""
    if values.dtype == object:
        return np.fromiter((v is None for v in values), bool, len(values))
    return np.isnan(values) if values.dtype.kind == "f" else np.isnat(values)


def number(text: str) -> float | None:
    """Parse a number, or return None. ``inf`` is a number, ``1,5`` is not."""
    try:
        # float() would also accept the digits of other scripts.
        return float(text) if text.isascii() else None
    except ValueError:
        return None


def moment(text: str) -> np.datetime64 | None:
    """Parse an unambiguous date as UTC time, or return None."""
    found = _DATE.fullmatch(text)
    if found is None or not text.isascii():
        return None
    part = found.groupdict()
    year, month, day = (int(part[k] or part[f"{k}2"]) for k in "ymd")
    micro = int((part["f"] or "0").ljust(6, "0")[:6])
    hour, minute, second = (int(part[k] or 0) for k in "HMS")
    try:
        local = datetime(year, month, day, hour, minute, second, micro)
        when = local - _offset(part["tz"])
    except (ValueError, OverflowError):
        return None
    return np.datetime64(when, "us")


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone == "Z":
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -ahead if zone[0] == "-" else ahead


def utc(when: datetime) -> datetime:
    """Return a time without a zone: converted to UTC if it had one."""
    if when.tzinfo is None:
        return when
    return when.astimezone(UTC).replace(tzinfo=None)


def numbers(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers from a text column, and where a present value is not a number.

    Shapes: object (n,) → float64 (n,), bool (n,).
    """
    meaning = {v: number(v) for v in set(values) if v is not None}
    bad = _where_none(values, meaning)
    known = {v: np.nan if f is None else f for v, f in meaning.items()}
    floats = (known.get(v, np.nan) for v in values)
    return np.fromiter(floats, np.float64, len(values)), bad


def moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return dates from a text column, and where a present value is not a date.

    Shapes: object (n,) → datetime64[us] (n,), bool (n,).
    """
    meaning = {v: moment(v) for v in set(values) if v is not None}
    bad = _where_none(values, meaning)
    missing = np.datetime64("NaT", "us")
    known = {v: missing if d is None else d for v, d in meaning.items()}
    dates = [known.get(v, missing) for v in values]
    return np.array(dates, dtype="datetime64[us]"), bad


def _where_none(values: np.ndarray, meaning: dict) -> np.ndarray:
    flags = (v is not None and meaning[v] is None for v in values)
    return np.fromiter(flags, bool, len(values))


def texts(values: np.ndarray) -> np.ndarray:
    """Return any column as text: integers without a point, dates in ISO format.

    Shapes: (n,) → object (n,).
    """
    if values.dtype == object:
        return values
    if values.dtype.kind == "M":
        shown = np.datetime_as_string(values)
        return _objects(
            [None if s == "NaT" else _short(str(s)) for s in shown.tolist()]
        )
    unique, codes = np.unique(values, return_inverse=True)
    names = _objects([_digits(v) for v in unique.tolist()])
    return names[codes]


def _digits(value: float) -> str | None:
    if value != value:
        return None
    return str(int(value)) if value.is_integer() else repr(value)


def _short(stamp: str) -> str:
    return stamp.removesuffix(".000000").removesuffix("T00:00:00")


def days(values: np.ndarray) -> np.ndarray:
    """Return fractional days since 1970, NaN where missing: datetime64 (n,) → float."""
    micro = values.astype(np.int64).astype(np.float64) / 86_400e6
    return np.where(np.isnat(values), np.nan, micro)
