"""Type inference of training columns: number, category, date, or unused, and why."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from lamina.data.errors import Message, Setting
from lamina.data.tables.columns import MAX_LEVELS, USED, refuse_odd
from lamina.data.tables.parsing import is_missing, moments, number, numbers, texts
from lamina.data.tables.table import Table, TableError, shorten

#: From this fraction of numbers on, words in a column are reported as mistakes.
MOSTLY = 0.9
#: Up to this number of rows a text column is categorical, whatever its distinct values.
FEW_ROWS = 20
_ID_NAME = re.compile(r"(^|[^A-Za-z])(id|index|idx|rowid|uuid|guid)$", re.IGNORECASE)
_CAMEL_ID = re.compile(r"[a-z](Id|ID)$")
_LOOKS_DATED = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")


def kind_of(name: str, table: Table) -> tuple[str, str | None]:
    """Return the type of a column, and a note if the user should know the reason.

    Raises
    ------
    TableError
        A column of numbers (or dates) with a few other values.
    """
    values = table.column(name)
    absent = is_missing(values)
    present = values[~absent]
    if not present.size:
        return "empty", f"column {name!r} has no values and is not used"
    if not absent.any() and bool(np.all(present == present[0])):
        shown = shorten(texts(present[:1])[0])
        return "constant", f"column {name!r} is always {shown} and is not used"
    if values.dtype.kind == "M":
        return "date", None
    if values.dtype == object:
        return _kind_of_text(name, table, values)
    if not absent.any() and _numbers_rows(name, present):
        return "identifier", _identifier_note(name, "number")
    return "number", _spread_note(name, table, present)


def check_column_types(column_types: dict[str, str], table: Table) -> None:
    """Reject unknown types, and types of unknown columns."""
    known = (*USED, "ignore")
    for name, kind in column_types.items():
        table.column(name)
        if kind not in known:
            raise TableError(
                f"column_types[{name!r}] is {kind!r}; it must be one of "
                f"{', '.join(known)}"
            )


def _kind_of_text(
    name: str, table: Table, values: np.ndarray
) -> tuple[str, str | None]:
    counts = Counter(v for v in values if v is not None)
    n_present, distinct = sum(counts.values()), len(counts)
    if _mostly(name, table, values, counts):
        return "number", None
    if _mostly_dates(name, table, values, counts):
        return "date", None
    if distinct == n_present and n_present >= FEW_ROWS and is_id_name(name):
        return "identifier", _identifier_note(name, "category")
    if n_present > FEW_ROWS and distinct > MAX_LEVELS // 4:
        covered = sum(c for _, c in counts.most_common(MAX_LEVELS))
        if distinct > n_present / 2 or covered < 0.1 * n_present:
            return "text", _text_note(name, distinct, n_present, next(iter(counts)))
    if distinct > MAX_LEVELS:
        return "category", (
            f"column {name!r} has {distinct:,} levels; the {MAX_LEVELS} most frequent "
            "are kept, the others are merged"
        )
    return "category", None


def _mostly(name: str, table: Table, values: np.ndarray, counts: Counter) -> bool:
    """Whether all values are numbers; raise an error if only nearly all are."""
    good = sum(c for v, c in counts.items() if number(v) is not None)
    if good < MOSTLY * sum(counts.values()):
        return False
    _, bad = numbers(values)
    if bad.any():
        refuse_odd(table, name, values, bad, "a number")
    return True


def _mostly_dates(name: str, table: Table, values: np.ndarray, counts: Counter) -> bool:
    if sum(bool(_LOOKS_DATED.fullmatch(v)) for v in counts) < MOSTLY * len(counts):
        return False
    _, bad = moments(values)
    if bad.sum() > (1 - MOSTLY) * len(values):
        return False
    if bad.any():
        refuse_odd(table, name, values, bad, "a date")
    return True


def is_id_name(name: str) -> bool:
    """Whether a column has the name of a key: id, customer_id, PassengerId, index."""
    return bool(_ID_NAME.search(name) or _CAMEL_ID.search(name))


def _numbers_rows(name: str, present: np.ndarray) -> bool:
    """Whether a column identifies the rows: by its name, or counting from 0 or 1."""
    if is_id_name(name):
        whole = bool(np.all(present == np.floor(present)))
        return whole and len(np.unique(present)) == len(present)
    counts_up = present[0] in (0.0, 1.0) and bool(np.all(np.diff(present) == 1.0))
    return counts_up and len(present) >= FEW_ROWS


def _identifier_note(name: str, kind: str) -> str:
    return Message(
        f"column {name!r} only identifies the rows and is not used (",
        Setting("column_types", {name: kind}),
        " uses it)",
    )


def _text_note(name: str, distinct: int, n_present: int, example: str) -> str:
    dated = f"; if {shorten(example)} is a date, write it as YYYY-MM-DD"
    return Message(
        f"column {name!r} has {distinct:,} distinct texts in {n_present:,} rows and "
        "is not used (",
        Setting("column_types", {name: "category"}),
        f" uses the {MAX_LEVELS} most frequent)",
        dated if _LOOKS_DATED.fullmatch(example) else "",
    )


def _spread_note(name: str, table: Table, present: np.ndarray) -> str | None:
    """Return a note on values so large that all others look equal after scaling."""
    finite = np.abs(present[np.isfinite(present)])
    if not finite.size:
        return None
    largest, typical = float(finite.max()), float(np.quantile(finite, 0.9))
    if len(finite) < 10 or largest <= 1e6 * max(typical, 1.0):
        return None
    row = int(np.nanargmax(np.abs(table.column(name))))
    return (
        f"column {name!r}: {table.column(name)[row]:g} in {table.where(row)} is over a "
        "million times larger than the rest, which all look equal after scaling; is it "
        "an error?"
    )
