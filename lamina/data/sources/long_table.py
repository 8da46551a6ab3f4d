"""`read_long`: sequences from a table with one row per step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data.sequences.ragged_array import RaggedArray
from lamina.data.sequences.sequence_set import SequenceSet
from lamina.data.sequences.steps import Steps, check_roles, find_steps
from lamina.data.sources.tables import read_table
from lamina.data.tables.parsing import is_missing, texts
from lamina.data.tables.schema import TableSchema
from lamina.data.tables.table import Table, TableError, as_names, shorten
from lamina.data.tables.target import Target, find_target

_MISSING = {"f": np.nan, "M": np.datetime64("NaT"), "O": None}


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are features, and their types.

    Parameters
    ----------
    features : iterable of str, optional
        Columns to use; by default all others.
    exclude : iterable of str
        Columns to drop.
    column_types : dict, optional
        Type of a column, if the inferred one is wrong: ``"number"``, ``"category"``,
        ``"date"`` or ``"ignore"``.
    task : {"classification", "regression"}, optional
        None infers it from the target.
    """

    features: Iterable[str] | None = None
    exclude: Iterable[str] = ()
    column_types: dict[str, str] | None = None
    task: str | None = None


def read_long(
    source: Any,
    series: str,
    time: str | None = None,
    target: str | Sequence[str] | None = None,
    *,
    per_step: bool | None = None,
    labels: bool = True,
    schema: TableSchema | None = None,
    **columns: Any,
) -> SequenceSet:
    """Read sequences from a table in long format: one row per step.

    Parameters
    ----------
    source : path, data frame, dict of arrays, or Table
        See :func:`lamina.data.read_table`.
    series : str
        Column with the sequence of each row. The rows of a sequence need not be
        adjacent.
    time : str, optional
        Column that orders the steps of a sequence: numbers or dates, without duplicates
        within a sequence. Without it they keep the order of the table. It is a feature
        only if `features` names it.
    target : str or list of str, optional
        Column to predict, or several.
    per_step : bool, optional
        Whether there is a target for each step, or one for each sequence. None means
        one for each sequence if the target never changes within a sequence.
    labels : bool, default=True
        False ignores the target, so that no sequence is dropped.
    schema : TableSchema, optional
        The schema of another table: the same columns become the same features, with the
        same target. It replaces `target` and `columns`.
    **columns
        Fields of :class:`Columns`: ``features``, ``exclude``, ``column_types``
        and ``task``.

    Returns
    -------
    SequenceSet
        ``names`` are the values of the series column in order of first appearance;
        ``rows`` and ``times`` hold the row and time of each step.

    Raises
    ------
    TableError
        If a column does not exist, a row has no series or time, a time is duplicated,
        the target changes where it must not, or as :meth:`TableSchema.fit`.
    ValueError
        If a schema is combined with these options.

    Notes
    -----
    Columns are encoded as in any table, over the rows of all sequences: numbers are
    standardised, categories are one-hot encoded, dates become days, season and weekday.
    A missing number becomes the mean; an indicator feature is added if numbers were
    missing when the schema was fitted.

    If a sequence has one target, rows without it do not matter. If each step has one,
    missing numbers are NaN and missing texts None. A sequence without any target is
    dropped, and ``notes`` has the number of dropped ones.
    """
    table = read_table(source, text=[series, *(schema.text_names if schema else ())])
    steps = find_steps(table, series, time)
    targets, how = as_names(target), Columns(**columns)
    how = replace(how, exclude=tuple(as_names(how.exclude)))  # it may be a generator
    if schema is None:
        used = _used(table, series, time, targets, how)
    elif targets or how != Columns():
        raise ValueError(
            "schema= already defines target and features; omit target, features, "
            "exclude, column_types and task"
        )
    else:
        used, targets = table, list(schema.target)
    answers = None
    if targets and labels and all(name in table.columns for name in targets):
        answers, per_step = _answers(table.select(targets), steps, per_step)
    if schema is None:
        schema = _learnt(used, answers, how)
    found = SequenceSet(
        RaggedArray(schema.encode(table)[steps.order], steps.lengths),
        None,
        steps.names,
        Path(table.source).name.partition(".")[0],
        table.source,
        schema=schema,
        times=steps.times,
        rows=steps.order,
        notes=list(schema.notes),
    )
    if answers is None or schema.target_column is None:
        return found
    return _labelled(found, answers, schema.target_column, bool(per_step))


def _used(
    table: Table,
    series: str,
    time: str | None,
    targets: list[str],
    how: Columns,
) -> Table:
    """Return the columns that may become features, including those to exclude."""
    roles = check_roles(table, series=series, time=time, target=targets)
    table.select(list(how.exclude))
    if how.features is None:
        return table.drop(*roles)
    features = as_names(how.features)
    wrong = {series, *targets} & set(features)
    if wrong:
        raise TableError(
            f"features: {min(wrong)!r} is the series or the target, so it cannot be a "
            "feature"
        )
    return table.select(features)


def _learnt(
    used: Table,
    answers: Table | None,
    how: Columns,
) -> TableSchema:
    """Return the schema of features, fitted to all rows, and of the target."""
    there = [name for name in how.exclude if name in used.columns]
    schema = TableSchema.fit(used, exclude=there, column_types=how.column_types)
    if answers is None:
        return schema
    target, note = find_target(answers, answers.names, how.task)
    notes = (note, *schema.notes) if note else schema.notes
    return replace(schema, target_column=target, notes=notes)


def _answers(table: Table, steps: Steps, per_step: bool | None) -> tuple[Table, bool]:
    """Return the targets with one row each, and whether each step has one."""
    firsts = {name: _first_rows(v, steps) for name, v in table.columns.items()}
    once = {name: _taken(table[name], rows) for name, rows in firsts.items()}
    change = None if per_step else _change(table, once, steps)
    if per_step or (change and per_step is None):
        return table.take(steps.order), True
    if change:
        raise TableError(f"{change}; per_step=True reads a target for each step")
    # −1 marks a sequence without a value, whose row number is never shown.
    rows = np.maximum(next(iter(firsts.values())), 0)
    return replace(table.take(rows), columns=once), False


def _first_rows(values: np.ndarray, steps: Steps) -> np.ndarray:
    """Return the first row with a value of each sequence, -1 if there is none."""
    known = np.flatnonzero(~is_missing(values))[::-1]
    rows = np.full(len(steps.names), -1)
    rows[steps.codes[known]] = known  # rows are reversed: the first one is written last
    return rows


def _taken(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    taken = values[rows]
    taken[rows < 0] = _MISSING[values.dtype.kind]
    return taken


def _change(table: Table, once: dict[str, np.ndarray], steps: Steps) -> str | None:
    """Describe where a target changes within its sequence, if it does."""
    for name, values in table.columns.items():
        before = once[name][steps.codes]
        changes = ~is_missing(values) & (values != before)
        if changes.any():
            row = int(np.argmax(changes))
            was, now = (shorten(texts(v[[row]])[0]) for v in (before, values))
            return (
                f"{table.source}: the target {name!r} of series "
                f"{shorten(steps.names[steps.codes[row]])} is {was}, but {now} in "
                f"{table.where(row)}"
            )
    return None


def _labelled(
    found: SequenceSet, answers: Table, target: Target, per_step: bool
) -> SequenceSet:
    """Add the targets, and drop sequences without one."""
    present = target.present(answers)
    names = ", ".join(map(repr, target.names))
    if not present.any():
        raise TableError(
            f"{found.source}: the target {names} has no values; labels=False ignores it"
        )
    y = target.encode(answers.take(present))
    if per_step:
        ends = np.cumsum(found.X.lengths)
        known = np.add.reduceat(present, ends - found.X.lengths) > 0
        each = np.split(_with_gaps(y, present), ends[:-1])
        found = replace(found, y=each, per_step=True).only(known)
    else:
        known = present
        found = replace(found.only(known), y=y)
    notes, skipped = found.notes, int((~known).sum())
    if skipped:
        notes = [
            *notes,
            f"target {names} has no value in {skipped:,} of {len(known):,} series; "
            "they are dropped",
        ]
    now = {"notes": notes, "target": list(target.names), "skipped": skipped}
    return replace(found, task=target.task, **now)


def _with_gaps(known: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return targets of all steps: NaN or None where there is none."""
    if present.all():
        return known
    text = known.dtype == object
    shape = (len(present), *known.shape[1:])
    out = np.full(shape, None if text else np.nan, object if text else np.float64)
    out[present] = known
    return out
