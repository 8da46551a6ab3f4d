"""Encodings: the fitted description of a column, and how its values become features.

Each class is a frozen description with `fit` (from the training column), `encode`
(any later column → float32 features).

References
----------
One-hot encoding and z-scores: C. M. Bishop (2006), Pattern Recognition and Machine
Learning, Springer, sections 4.1.3 and 9.1 (standardisation).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lamina.data.errors import Message, Setting
from lamina.data.tables.levels import MISSING, UNSEEN, Unseen, positions
from lamina.data.tables.parsing import days, is_missing, moments, numbers, texts
from lamina.data.tables.table import Table, TableError, shorten

MAX_LEVELS = 64
#: Beyond this number of standard deviations a feature dominates the network, or
#: overflows when it is squared in float32.
MAX_SCALED = 1e9
_YEAR = 365.2425
#: Range of valid dates in days around 1970, a hundred thousand years.
_FAR_DAYS = 36_500_000
_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class NumberColumn:
    """z-score: z = (v − mean) / scale.

    A missing value becomes the mean (z = 0), with an indicator feature if values were
    missing in training. `scale` is the population standard deviation; 1 if that is 0.
    """

    kind: ClassVar[str] = "number"
    name: str
    mean: float
    scale: float
    missing: bool

    @classmethod
    def fit(cls, name: str, table: Table) -> NumberColumn:
        values = as_numbers(table, name)
        mean, scale = _mean_and_scale(values)
        return cls(name, mean, scale, bool(np.isnan(values).any()))

    @property
    def feature_names(self) -> list[str]:
        return [self.name] + [f"{self.name} missing"] * self.missing

    @property
    def detail(self) -> str:
        gaps = "; missing → mean and a flag" if self.missing else ""
        return f"mean {self.mean:.4g}, standard deviation {self.scale:.4g}{gaps}"

    def encode(self, table: Table, out: np.ndarray) -> None:
        """Features of this column, written to `out` (n_rows, width)."""
        values = as_numbers(table, self.name)
        absent = np.isnan(values)
        scaled = (values - self.mean) / self.scale
        _refuse_far(table, self.name, values, scaled)
        out[:, 0] = np.where(absent, 0.0, scaled)
        if self.missing:
            out[:, 1] = absent

    def decode(self, features: np.ndarray) -> np.ndarray:
        """Return values: v = z scale + mean, NaN where flagged as missing."""
        values = features[:, 0].astype(np.float64) * self.scale + self.mean
        return np.where(_flagged(self, features), np.nan, values)


@dataclass(frozen=True)
class CategoryColumn:
    """One-hot: one feature per level, then ``other``, then ``missing``.

    At most `MAX_LEVELS` levels are kept, the most frequent ones; `other` says whether
    there were rarer ones, which share a feature. An unseen level is ``other`` if that
    exists, else all zeros, and reported. A missing value is a level of its own if
    values were missing in training, else it counts as unseen. `spelled` says that the
    levels were text (``007``), not numbers used as levels (7).
    """

    kind: ClassVar[str] = "category"
    name: str
    levels: tuple[str, ...]
    other: bool
    missing: bool
    spelled: bool

    @classmethod
    def fit(cls, name: str, table: Table) -> CategoryColumn:
        values = table.column(name)
        counts = Counter(texts(values).tolist())
        missing = counts.pop(None, 0) > 0
        frequent = sorted(counts, key=lambda level: (-counts[level], level))
        kept = tuple(sorted(frequent[:MAX_LEVELS]))
        other = len(frequent) > MAX_LEVELS
        return cls(name, kept, other, missing, values.dtype == object)

    @property
    def feature_names(self) -> list[str]:
        names = [f"{self.name} = {level}" for level in self.levels]
        names += [f"{self.name} other"] * self.other
        return names + [f"{self.name} missing"] * self.missing

    @property
    def detail(self) -> str:
        shown = ", ".join(self.levels[:4]) + (", …" if len(self.levels) > 4 else "")
        more = " and others" * self.other + " and missing" * self.missing
        return f"{len(self.levels)} levels{more}: {shown}"

    def encode(self, table: Table, out: np.ndarray) -> Unseen | None:
        """Features of this column, written to `out` (n_rows, width).

        Returns
        -------
        Unseen or None
            Values that were not seen in training and have no feature.
        """
        out[:] = 0.0
        values = self._levels_of(table.column(self.name))
        codes = positions(values, self.levels)
        if self.missing:
            codes[codes == MISSING] = len(self.levels) + self.other
        if self.other:
            codes[codes == UNSEEN] = len(self.levels)
        (known,) = np.nonzero(codes >= 0)
        out[known, codes[known]] = 1.0
        return Unseen.among(self.name, values[codes < 0], self.levels)

    def decode(self, features: np.ndarray) -> np.ndarray:
        """Return the level of the largest feature; None if that is ``missing``."""
        names = [*self.levels, *["other"] * self.other, *[None] * self.missing]
        # `np.array(names)` would be an array of strings, where None is "None".
        levels = np.empty(len(names), dtype=object)
        levels[:] = names
        return levels[features.argmax(axis=1)]

    def _levels_of(self, values: np.ndarray) -> np.ndarray:
        """Return values spelled as the levels: ``7.0`` is 7 if these were numbers."""
        if values.dtype == object and not self.spelled:
            parsed, bad = numbers(values)
            return np.where(bad, values, texts(parsed))
        return texts(values)


@dataclass(frozen=True)
class DateColumn:
    """Dates as numbers: z-scored days since 1970, and the phase of calendar cycles.

    Features: days; sin and cos of the day of the year; sin and cos of the weekday; sin
    and cos of the hour if `hours`, i.e. if training had times other than midnight. A
    missing date is all zeros, with an indicator if dates were missing in training.
    """

    kind: ClassVar[str] = "date"
    name: str
    mean: float
    scale: float
    hours: bool
    missing: bool

    @classmethod
    def fit(cls, name: str, table: Table) -> DateColumn:
        when = days(as_dates(table, name))
        mean, scale = _mean_and_scale(when)
        present = when[~np.isnan(when)]
        hours = bool(np.any(present != np.floor(present)))
        return cls(name, mean, scale, hours, len(present) < len(when))

    @property
    def feature_names(self) -> list[str]:
        cycles = ["year", "week"] + ["day"] * self.hours
        names = [f"{self.name} days"]
        names += [f"{self.name} {f} of {c}" for c in cycles for f in ("sin", "cos")]
        return names + [f"{self.name} missing"] * self.missing

    @property
    def detail(self) -> str:
        middle = np.datetime64(round(self.mean), "D") if abs(self.mean) < 1e7 else "?"
        hours = ", hour" * self.hours
        return f"around {middle}; days, season, weekday{hours}"

    def encode(self, table: Table, out: np.ndarray) -> None:
        """Features of this column, written to `out` (n_rows, width)."""
        dates = as_dates(table, self.name)
        when = days(dates)
        absent = np.isnan(when)
        year = (dates - dates.astype("datetime64[Y]")) / np.timedelta64(1, "D")
        scaled = (when - self.mean) / self.scale
        _refuse_far(table, self.name, when, scaled)
        # 1970-01-01 was a Thursday; 0 is Monday here.
        angles = [year / _YEAR, (np.floor(when) + 3) / 7]
        angles += [when - np.floor(when)] * self.hours
        parts = [scaled]
        for turn in angles:
            parts += [np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)]
        for place, part in enumerate(parts):
            out[:, place] = np.where(absent, 0.0, part)
        if self.missing:
            out[:, len(parts)] = absent

    def decode(self, features: np.ndarray) -> np.ndarray:
        """Return dates from the days, rounded to days, or to seconds if `hours`."""
        when = features[:, 0].astype(np.float64) * self.scale + self.mean
        known = np.isfinite(when) & (np.abs(when) < _FAR_DAYS)
        micro = np.round(np.where(known, when, 0) * (86_400 if self.hours else 1))
        micro *= 1e6 if self.hours else 86_400e6
        dates = micro.astype(np.int64).astype("datetime64[us]")
        dates[_flagged(self, features) | ~known] = np.datetime64("NaT")
        return dates


@dataclass(frozen=True)
class UnusedColumn:
    """A column without features; `kind` says why."""

    kind: str
    name: str

    @property
    def feature_names(self) -> list[str]:
        return []

    @property
    def detail(self) -> str:
        return UNUSED[self.kind]

    def encode(self, table: Table, out: np.ndarray) -> None:
        """Write nothing."""

    def decode(self, features: np.ndarray) -> None:
        """Return None: the values are unknown."""


Column = NumberColumn | CategoryColumn | DateColumn | UnusedColumn

#: Why a column is not used.
UNUSED = {
    "text": "not used: free text, nearly all values differ",
    "identifier": "not used: identifies the rows",
    "constant": "not used: only one value",
    "empty": "not used: no values",
    "ignore": "not used: as requested",
}
USED = {c.kind: c for c in (NumberColumn, CategoryColumn, DateColumn)}


def as_numbers(table: Table, name: str) -> np.ndarray:
    """Return a column as float64 (n,); raise on words, infinities and dates."""
    values = table.column(name)
    if values.dtype.kind == "M":
        _refuse_type(table, name, values, "a number", "a date")
    if values.dtype == object:
        parsed, bad = numbers(values)
        if bad.any():
            refuse_odd(table, name, values, bad, "a number")
        values = parsed
    far = np.abs(values) > _FLOAT32_MAX
    if far.any():
        row = int(np.argmax(far))
        raise TableError(
            f"{table.source}: column {shorten(name)}, {table.where(row)}: "
            f"{values[row]:g} is beyond the range of float32 (±3.4e38); correct it, or "
            "leave the cell empty for a missing value"
        )
    return values


def as_dates(table: Table, name: str) -> np.ndarray:
    """Return a column as datetime64[us] (n,); raise if a text is not a date."""
    values = table.column(name)
    if values.dtype.kind == "M":
        return values
    if values.dtype == object:
        parsed, bad = moments(values)
        if bad.any():
            refuse_odd(table, name, values, bad, "a date")
        return parsed
    if not np.isnan(values).all():
        _refuse_type(table, name, values, "a date", "a number")
    return np.full(len(values), np.datetime64("NaT"), dtype="datetime64[us]")


def refuse_odd(
    table: Table, name: str, values: np.ndarray, bad: np.ndarray, expected: str
) -> None:
    """Raise an error for the first value that is not of its column's type."""
    row, count = int(np.argmax(bad)), int(bad.sum())
    more = f" (and {count - 1:,} more)" if count > 1 else ""
    raise TableError(
        f"expected {expected}, got {shorten(values[row])}{more}",
        where=f"{table.source}: column {shorten(name)}, {table.where(row)}",
        value=values[row],
        hint=Message(
            "correct it, leave the cell empty for a missing value, or use the column "
            "as a category (",
            Setting("column_types", {name: "category"}),
            ")",
        ),
    )


def _flagged(column: NumberColumn | DateColumn, features: np.ndarray) -> Any:
    """Return where the indicator, the last feature, marks a missing value."""
    return column.missing & (features[:, -1] > 0.5)


def _refuse_type(
    table: Table, name: str, values: np.ndarray, expected: str, got: str
) -> None:
    row = int(np.argmin(is_missing(values)))
    raise TableError(
        f"{table.source}: column {shorten(name)}, {table.where(row)}: expected "
        f"{expected}, got {got} ({values[row]})"
    )


def _refuse_far(
    table: Table, name: str, values: np.ndarray, scaled: np.ndarray
) -> None:
    far = np.abs(scaled) > MAX_SCALED
    if far.any():
        row = int(np.argmax(far))
        raise TableError(
            f"{table.source}: column {shorten(name)}, {table.where(row)}: "
            f"{values[row]:g} is {abs(scaled[row]):.0e} standard deviations away from "
            "the training data; correct it, or leave the cell empty"
        )


def _mean_and_scale(values: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of the present values; scale is never zero."""
    present = values[~np.isnan(values)]
    if not present.size:
        return 0.0, 1.0
    mean, scale = float(present.mean()), float(present.std())
    # Rounding makes the deviation of a constant column a tiny number, by which all
    # later values would become huge.
    if not math.isfinite(scale) or scale <= 1e-14 * abs(mean):
        scale = 1.0
    return mean, scale or 1.0
