"""Mapping of new values to the levels of training, and reports of unseen values."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lamina.data._warn import warn
from lamina.data.tables.parsing import number, texts
from lamina.data.tables.table import shorten

UNSEEN, MISSING = -1, -2
"""Codes of a value that is not among the levels, and of a missing value."""

_SHOWN = 5
"""Maximum number of values per column, and of columns, to report."""
_COMPARED = 1000
"""Close matches are searched among this many levels, in this many characters."""
_TRUTH = {"true": ("1", "yes", "y", "on"), "false": ("0", "no", "n", "off")}
# 16 digits or more are not exact in double precision.
_FRACTION = re.compile(r"[+-]?(0|[1-9]\d{0,14})?\.\d{1,15}")


class UnseenWarning(UserWarning):
    """Values that were not in the training data, in `unseen`."""

    def __init__(self, unseen: Unseen):
        super().__init__(str(unseen))
        self.unseen = unseen


@dataclass(frozen=True)
class Unseen:
    """Values of one column that were not in the training data.

    Attributes
    ----------
    column : str
    values : tuple of (str or None, int, tuple of str)
        The most frequent ones, with their number of rows and similar levels; None is a
        missing value.
    n_values, rows : int
        Total number of such values, and of their rows.
    target : bool
        Whether they are targets of a test set.
    unit : str
        Name of the counted unit.
    """

    column: str
    values: tuple[tuple[str | None, int, tuple[str, ...]], ...]
    n_values: int
    rows: int
    target: bool = False
    unit: str = "row"

    @classmethod
    def among(
        cls,
        column: str,
        values: Iterable[str | None] | Mapping[str | None, int],
        levels: Sequence[str],
        target: bool = False,
        unit: str = "row",
    ) -> Unseen | None:
        """Count the values (or use their counts) that are not among the levels."""
        counts = Counter(values)
        if not counts:
            return None
        shown = tuple(
            (value, rows, similar(value, levels))
            for value, rows in counts.most_common(_SHOWN)
        )
        return cls(column, shown, len(counts), counts.total(), target, unit)

    def __str__(self) -> str:
        parts = [self._described(*value) for value in self.values]
        if self.n_values > len(parts):
            more = self.n_values - len(parts)
            parts.append(f"{more:,} other value{'s' * (more > 1)}")
        several = self.n_values > 1
        what = "target" if self.target else "column"
        end = (
            f"every such {self.unit} counts as an error"
            if self.target
            else f"the model ignores this column in {self._counted(self.rows)}"
        )
        return (
            f"{what} {shorten(self.column)}: {', '.join(parts)} "
            f"{'were' if several else 'was'} not seen in training; {end}"
        )

    def _described(self, value: str | None, n: int, near: tuple[str, ...]) -> str:
        shown = "a missing value" if value is None else shorten(value)
        hint = f"; did you mean {' or '.join(map(shorten, near))}?" if near else ""
        return f"{shown} ({self._counted(n)}{hint})"

    def _counted(self, n: int) -> str:
        return f"{n:,} {self.unit}{'s' * (n != 1)}"

    def to_json(self) -> dict:
        """Return the same as plain JSON data; long texts are truncated."""
        return {
            "column": _cut(self.column),
            "target": self.target,
            "rows": self.rows,
            "n_values": self.n_values,
            "values": [
                {"value": _cut(value), "rows": rows, "similar": list(map(_cut, near))}
                for value, rows, near in self.values
            ],
        }


def positions(values: np.ndarray, levels: Sequence[str]) -> np.ndarray:
    """Return the position of each value among the levels, or `UNSEEN`, or `MISSING`.

    Other spellings of the same value also match: ``1.0`` is 1, as pandas writes
    integers next to missing values, and ``True`` is true; unless two levels match.

    Shapes: object (n,) of text or None → int64 (n,).
    """
    # Two passes: the exact spelling first, another one only where it matches a single
    # level.
    exact: dict[str | None, int] = {level: i for i, level in enumerate(levels)}
    forms: dict[str, int] = {}
    for level, place in zip(levels, range(len(levels)), strict=True):
        form = _form(level)
        forms[form] = UNSEEN if form in forms else place
    found = {
        value: MISSING if value is None else exact.get(value, UNSEEN)
        for value in set(values)
    }
    for value, place in found.items():
        if place == UNSEEN:
            found[value] = forms.get(_form(str(value)), UNSEEN)
    return np.fromiter((found[value] for value in values), np.int64, len(values))


def _form(text: str) -> str:
    """Return a canonical spelling of a number or truth value."""
    if _FRACTION.fullmatch(text):
        return str(texts(np.array([float(text)]))[0])
    return text.lower() if text.lower() in _TRUTH else text


def similar(value: str | None, levels: Sequence[str]) -> tuple[str, ...]:
    """Return at most two levels that an unknown value may mean."""
    if value is None:
        return ()
    known = {level[:_COMPARED].lower(): level for level in levels[:_COMPARED]}
    text = value[:_COMPARED].lower().strip()
    stated = number(text)
    truths = [word for word, ways in _TRUTH.items() if text in ways]
    found = [known[word] for word in truths if word in known]
    if text in known:
        found = [known[text]]
    elif stated is not None:
        found += [level for level in known.values() if number(level) == stated]
    elif not found:
        # Abbreviations are too short for difflib: M for male.
        begun = [key for key in known if text and key.startswith(text)]
        close = begun or difflib.get_close_matches(text[:100], known, n=2)
        found = [known[key] for key in close]
    return tuple(found[:2])


def warn_unseen(unseen: Sequence[Unseen]) -> None:
    """Warn about values that were not in the training data, column by column."""
    for each in unseen[:_SHOWN]:
        warn(UnseenWarning(each))
    if len(unseen) > _SHOWN:
        names = [shorten(each.column) for each in unseen[_SHOWN:]][:_SHOWN]
        more = ", …" if len(unseen) > 2 * _SHOWN else ""
        warn(
            f"{len(unseen) - _SHOWN:,} more columns have values that were not seen in "
            f"training: {', '.join(names)}{more}"
        )


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= 200 else f"{text[:199]}…"
