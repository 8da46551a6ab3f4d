"""A schema from JSON of unknown origin: every part checked before it is used."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lamina.data.tables.columns import (
    UNUSED,
    USED,
    CategoryColumn,
    Column,
    DateColumn,
    NumberColumn,
    UnusedColumn,
)
from lamina.data.tables.target import LABELS, TASKS, Target

VERSION = 1
_MOST_PARTS = 1_000_000
_LONGEST = 100_000


def read(data: object) -> tuple[tuple[Column, ...], Target | None, tuple[str, ...]]:
    """Columns, target and notes of a schema.

    Raises
    ------
    ValueError
        Naming the part that is not as it should be.
    """
    fields = {"version": _version, "columns": _list, "target": _any, "notes": _texts}
    parts = _read(data, fields, "schema")
    columns = tuple(_column(c, f"columns[{i}]") for i, c in enumerate(parts["columns"]))
    target = None if parts["target"] is None else _target(parts["target"])
    names = [c.name for c in columns] + list(target.names if target else ())
    if len(set(names)) < len(names):
        raise ValueError("schema: a column name stands twice")
    return columns, target, parts["notes"]


def _column(data: object, where: str) -> Column:
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in (*USED, *UNUSED):
        raise ValueError(f"schema: {where} is of an unknown kind")
    common = {"kind": _text, "name": _text}
    if kind in UNUSED:
        return UnusedColumn(**_read(data, common, where))
    fields = _read(data, common | _FIELDS[kind], where)
    del fields["kind"]
    return USED[kind](**fields)


def _target(data: object) -> Target:
    fields = {"names": _names, "task": _text, "labels": _text}
    target = Target(**_read(data, fields, "target"))
    if target.task not in TASKS or target.labels not in LABELS:
        raise ValueError("schema: the target's task or labels are unknown")
    if target.task == "regression" and target.labels != "float":
        raise ValueError("schema: the target's task and labels disagree")
    return target


def _read(data: object, fields: dict[str, Callable], where: str) -> dict[str, Any]:
    if not isinstance(data, dict) or set(data) != set(fields):
        raise ValueError(f"schema: {where} must have exactly {', '.join(fields)}")
    return {k: check(data[k], f"{where}.{k}") for k, check in fields.items()}


def _refuse(where: str, expected: str) -> ValueError:
    return ValueError(f"schema: {where} must be {expected}")


def _any(value: object, where: str) -> object:
    return value


def _version(value: object, where: str) -> int:
    if type(value) is not int or value != VERSION:
        raise _refuse(where, f"{VERSION} (this lamina reads no other)")
    return VERSION


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise _refuse(where, "a text")
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _refuse(where, "true or false")
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _refuse(where, "a number")
    try:
        known = float(value)
    except OverflowError:
        known = math.inf
    if not math.isfinite(known):
        raise _refuse(where, "a finite number")
    return known


def _scale(value: object, where: str) -> float:
    known = _number(value, where)
    if known <= 0:
        raise _refuse(where, "a number above zero")
    return known


def _list(value: object, where: str) -> list:
    if not isinstance(value, list) or len(value) > _MOST_PARTS:
        raise _refuse(where, "a list")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    return tuple(_text(v, where) for v in _list(value, where))


def _names(value: object, where: str) -> tuple[str, ...]:
    names = _texts(value, where)
    if not names or len(set(names)) < len(names):
        raise _refuse(where, "a list of different texts")
    return names


def _levels(value: object, where: str) -> tuple[str, ...]:
    levels = _texts(value, where)
    if len(set(levels)) < len(levels):
        raise _refuse(where, "a list of different texts")
    return levels


_FIELDS: dict[str, dict[str, Callable]] = {
    NumberColumn.kind: {"mean": _number, "scale": _scale, "missing": _flag},
    CategoryColumn.kind: {
        "levels": _levels,
        "other": _flag,
        "missing": _flag,
        "spelled": _flag,
    },
    DateColumn.kind: {
        "mean": _number,
        "scale": _scale,
        "hours": _flag,
        "missing": _flag,
    },
}
