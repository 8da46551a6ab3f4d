"""The target: classes or numbers, and its encoding as `y`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lamina.data.errors import Message, Setting
from lamina.data.tables.columns import as_numbers, refuse_odd
from lamina.data.tables.parsing import is_missing, number, numbers, texts
from lamina.data.tables.table import Table, TableError, shorten
from lamina.data.tables.type_inference import MOSTLY

TASKS = ("classification", "regression")
LABELS = ("int", "float", "text")
#: Maximum number of distinct integers that are inferred as classes.
MAX_INTEGER_CLASSES = 20


@dataclass(frozen=True)
class Target:
    """The fitted description of the target columns.

    `labels` is the type of class labels, so that later tables give the same ones:
    ``"int"``, ``"float"`` or ``"text"``; for regression it is ``"float"``. Several
    targets that are all 0 or 1 are a multi-label target.
    """

    names: tuple[str, ...]
    task: str
    labels: str

    def encode(self, table: Table) -> np.ndarray:
        """Return `y`: labels (n,), numbers float64 (n,), or (n, k) for several targets.

        Missing values of several targets are NaN, in float64.
        """
        self._refuse_missing(table)
        parts = [self._one(table, name) for name in self.names]
        return parts[0] if len(parts) == 1 else np.stack(parts, axis=1)

    def present(self, table: Table) -> np.ndarray:
        """Return a mask (n,) of the rows with a target, or at least one of several."""
        parts = [~is_missing(table.column(name)) for name in self.names]
        return np.logical_or.reduce(parts)

    def _one(self, table: Table, name: str) -> np.ndarray:
        if self.labels == "text":
            return texts(table.column(name))
        values = as_numbers(table, name)
        if self.labels == "float":
            return values
        missing = np.isnan(values)
        broken = (values != np.floor(values)) & ~missing
        if broken.any():
            shown = texts(values)
            refuse_odd(table, name, shown, broken, "a whole number (a class)")
        return values if missing.any() else values.astype(np.int64)

    def _refuse_missing(self, table: Table) -> None:
        gaps = ~self.present(table)
        if gaps.any():
            raise TableError(
                f"{table.source}: the target {_list(self.names)} is missing in "
                f"{int(gaps.sum()):,} rows, first in {table.where(int(gaps.argmax()))};"
                " keep only the rows where target_present is true"
            )


def find_target(
    table: Table, target: str | Sequence[str], task: str | None
) -> tuple[Target, str | None]:
    """Return the target of a training table, and a note if the task is a guess.

    Text means classification, as do few distinct integers (at most 20) with many rows
    each; other numbers mean regression. `task` overrides this.

    Raises
    ------
    TableError
        No such column, no values, only one distinct value, a date, or words among
        numbers.
    """
    names = tuple([target] if isinstance(target, str) else target)
    if task not in (None, *TASKS):
        raise TableError(f"task must be 'classification' or 'regression'; got {task!r}")
    if not names or len(set(names)) < len(names):
        raise TableError(f"target must be different column names; got {names!r}")
    _check(table, names, len(names) == 1)
    first, *others = names
    if others:
        return _several(table, names, task), None
    return _single(table, first, task)


def _check(table: Table, names: tuple[str, ...], alone: bool) -> None:
    for name in names:
        values = table.column(name)
        present = values[~is_missing(values)]
        if not present.size:
            raise TableError(
                f"{table.source}: the target {name!r} has no values; a model needs some"
            )
        if values.dtype.kind == "M":
            raise TableError(
                f"{table.source}: the target {name!r} is a date; a target must be a "
                "class or a number, for example the number of days"
            )
        if alone and bool(np.all(present == present[0])):
            only = shorten(texts(present[:1])[0])
            raise TableError(
                f"{table.source}: the target {name!r} is {only} in every row; at least "
                "two different values are needed"
            )


def _several(table: Table, names: tuple[str, ...], task: str | None) -> Target:
    parts = np.stack([as_numbers(table, name) for name in names], axis=1)
    binary = bool(np.isin(parts[~np.isnan(parts)], (0.0, 1.0)).all())
    if task == "classification" and not binary:
        raise TableError(
            f"the targets {_list(names)} must all be 0 or 1 for classification",
            where=table.source,
            parameter="target",
            value=names,
            hint=Message("pass one target, or ", Setting("task", "regression")),
        )
    if binary and task != "regression":
        return Target(names, "classification", "int")
    return Target(names, "regression", "float")


def _single(table: Table, name: str, task: str | None) -> tuple[Target, str | None]:
    values = table.column(name)
    parsed = values
    if values.dtype == object:
        parsed = _stated_numbers(table, name, values, task)
        if parsed is None:
            return Target((name,), "classification", "text"), _class_note(name, values)
    present = parsed[~np.isnan(parsed)]
    whole = bool(np.all(present == np.floor(present)))
    few = whole and _few(np.unique(present), len(present))
    if task == "regression" or (task is None and not few):
        as_numbers(table, name)
        return Target((name,), "regression", "float"), None
    labels = "text" if values.dtype == object else "int" if whole else "float"
    note = None
    if task is None and labels != "text" and len(np.unique(present)) > 2:
        note = Message(
            f"target {name!r} has {len(np.unique(present))} distinct whole numbers, "
            "which are used as classes (",
            Setting("task", "regression"),
            " predicts a number)",
        )
    return Target((name,), "classification", labels), note


def _stated_numbers(
    table: Table, name: str, values: np.ndarray, task: str | None
) -> np.ndarray | None:
    """Return the numbers of a text target, None if it consists of words."""
    present = [v for v in values if v is not None]
    good = sum(number(v) is not None for v in present) / len(present)
    if task == "classification" or (task is None and good < MOSTLY):
        return None
    parsed, bad = numbers(values)
    if bad.any():
        refuse_odd(table, name, values, bad, "a number")
    return parsed


def _few(distinct: np.ndarray, n_rows: int) -> bool:
    """Whether these distinct integers are classes rather than measurements."""
    count = len(distinct)
    if count > MAX_INTEGER_CLASSES:
        return False
    counted = distinct[0] in (0, 1) and distinct[-1] - distinct[0] == count - 1
    return count <= max(2, n_rows / (2 if counted else 10))


def _class_note(name: str, values: np.ndarray) -> str | None:
    present = [v for v in values if v is not None]
    distinct = len(set(present))
    if distinct <= max(2, len(present) / 2):
        return None
    return (
        f"target {name!r} has {distinct:,} classes in {len(present):,} rows; most have "
        "only one example, too few to learn from"
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
