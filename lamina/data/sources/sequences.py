"""`read_sequences`: sequences from any supported source."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data.datasets.sequence_sets import SequenceDataset
from lamina.data.datasets.sets import load, names
from lamina.data.errors import Message, Setting
from lamina.data.sequences.ragged_array import SequenceError
from lamina.data.sequences.sequence_set import SequenceSet
from lamina.data.sequences.ts_files import read_ts
from lamina.data.sources.long_table import read_long
from lamina.data.sources.tables import read_table
from lamina.data.tables.target import TASKS

_SUFFIXES = (".ts", ".ts.gz")
_OF_COLUMNS = (
    "series",
    "time",
    "target",
    "features",
    "exclude",
    "column_types",
    "schema",
)


def holds_sequences(source: Any) -> bool:
    """Whether a source has sequences without needing `series`: a `.ts` file, an
    embedded set of sequences, or a SequenceSet."""
    if isinstance(source, SequenceSet):
        return True
    return is_ts(source) or _embedded(source) is not None


def is_ts(source: Any) -> bool:
    """Whether a source is the path of a `.ts` file."""
    if not isinstance(source, str | os.PathLike):
        return False
    return str(source).lower().endswith(_SUFFIXES)


def read_sequences(
    source: Any,
    series: str | None = None,
    time: str | None = None,
    target: Any = None,
    *,
    test: bool = False,
    **options: Any,
) -> SequenceSet:
    """Read sequences from a `.ts` file, a long table, or an embedded data set.

    Parameters
    ----------
    source : path, name of a data set, table, or SequenceSet
        A SequenceSet is returned unchanged, whatever columns are given.
    series, time, target
        Columns of a table: see `read_long`.
    test : bool, default=False
        Whether to return the test set of an embedded data set, if there is one.
    **options
        For a table: see `read_long`. For other sources `task` and `per_step` must match
        the targets, but integer classes may be used as numbers, and `labels=False`
        drops the targets.

    Raises
    ------
    SequenceError, TableError
        If it cannot be read; the one-line message has the location and the fix.
    """
    if isinstance(source, SequenceSet):
        return _as_asked(source, **options)
    known = None if series is not None else _embedded(source)
    if known is None and not is_ts(source):
        if series is None:
            raise SequenceError(_which_column(source))
        return read_long(source, series, time, target, **options)
    given = {"series": series, "time": time, "target": target, **options}
    for name in _OF_COLUMNS:
        value = given.get(name)
        if value is not None and (not hasattr(value, "__len__") or len(value)):
            raise SequenceError(
                Message(Setting(name, value), " is a column, but this is not a table"),
                where=str(source),
                parameter=name,
                value=value,
            )
    found = read_ts(source) if known is None else _as_set(known, test)
    return _as_asked(found, **options)


def _embedded(source: Any) -> SequenceDataset | None:
    """Return the embedded data set of that name, if it has sequences."""
    if not isinstance(source, str | os.PathLike):
        return None
    if str(source) not in names() or Path(source).exists():
        return None
    known = load(str(source))
    return known if isinstance(known, SequenceDataset) else None


def _which_column(source: Any) -> str:
    """Return a message that asks for the series column and lists all columns.

    Raises
    ------
    TableError
        If the table cannot be read.
    """
    table = read_table(source, nrows=1)
    shown = ", ".join(table.names[:20]) + (", …" if len(table.names) > 20 else "")
    return (
        f"{table.source}: which column has the sequence of a row? Pass it, for example "
        f"series={table.names[0]!r}; the columns are: {shown}"
    )


def _as_set(known: SequenceDataset, test: bool) -> SequenceSet:
    X, y = known.X, known.y
    if test and known.X_test is not None:
        X, y = known.X_test, known.y_test
    numbers = not known.target_names
    if not numbers and not known.per_step:
        y = np.array(known.target_names, dtype=object)[y]
    elif not numbers:
        y = [np.array(known.target_names, dtype=object)[one] for one in y]
    return SequenceSet(
        X,
        y,
        [str(i) for i in range(len(X))],
        known.name,
        known.name,
        "regression" if numbers else "classification",
        per_step=known.per_step,
        target=[known.target],
    )


def _as_asked(
    found: SequenceSet,
    task: str | None = None,
    per_step: bool | None = None,
    labels: bool = True,
    **others: Any,
) -> SequenceSet:
    """Return a set with the requested options, if its targets allow them."""
    if not labels:
        return replace(found, y=None, task=None, per_step=False)
    if found.y is None:
        return found
    if per_step not in (None, found.per_step):
        each = "step" if found.per_step else "sequence"
        raise SequenceError(
            f"{found.source}: there is a target for each {each}, so per_step must not "
            f"be {per_step}"
        )
    if task not in (None, *TASKS):
        raise SequenceError(
            f"task must be 'classification' or 'regression'; got {task!r}"
        )
    if task in (None, found.task):
        return found
    if found.task is None:
        return replace(found, task=task)
    parts = [np.asarray(part) for part in (found.y if found.per_step else [found.y])]
    if task == "classification" or any(part.dtype.kind not in "iu" for part in parts):
        are = "numbers" if found.task == "regression" else "classes"
        raise SequenceError(
            Message(
                f"the targets are {are}, which ",
                Setting("task", task),
                " does not support",
            ),
            where=found.source,
            parameter="task",
            value=task,
        )
    y = [part.astype(np.float64) for part in parts]
    return replace(found, y=y if found.per_step else y[0], task=task)
