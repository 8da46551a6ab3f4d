"""`read_long`: sequences from a table that has a row for each step."""

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
    """Which columns of a table are features, and what they hold.

    Parameters
    ----------
    features : iterable of str, optional
        Columns to use; by default all others.
    exclude : iterable of str
        Columns to leave out.
    kinds : dict, optional
        Kind of a column where the one found is wrong: ``"number"``, ``"category"``,
        ``"date"`` or ``"ignore"``.
    task : {"classification", "regression"}, optional
        Found from the target where None.
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
    """Read sequences from a table in long format: one row for each step.

    Parameters
    ----------
    source : path, data frame, dict of arrays, or Table
        See :func:`lamina.data.read_table`.
    series : str
        Column that says to which sequence a row belongs. The rows of one need not
        stand together.
    time : str, optional
        Column that orders the steps of a sequence: numbers or dates, none of them twice
        in a sequence. Without it they stay in the order of the table. It is a feature
        only if `features` names it.
    target : str or list of str, optional
        Column to predict, or several.
    per_step : bool, optional
        Whether each step has an answer, or each sequence one. Where None, each sequence
        has one if the target never changes within a sequence.
    labels : bool, default=True
        False does not look at the target, so that no sequence is left out.
    schema : TableSchema, optional
        What was learnt of another table: the same columns become the same features, and
        the target is the same. It stands for `target` and `columns`.
    **columns
        Fields of :class:`Columns`: ``features``, ``exclude``, ``kinds`` and ``task``.

    Returns
    -------
    SequenceSet
        ``names`` are the values of the series column in the order in which they first
        appear; ``rows`` and ``times`` tell where each step stood and when it was.

    Raises
    ------
    TableError
        If a column is not there, a row has no series or time, a time comes twice, the
        target changes where it must not, or as :meth:`TableSchema.fit`.
    ValueError
        If options are given beside a schema.

    Notes
    -----
    Columns are encoded as in every table, over the rows of all sequences: numbers are
    scaled to mean 0 and standard deviation 1, categories are one-hot, dates give days,
    season and weekday. A missing number becomes the mean, and one more feature says so
    if there were any where the schema was learnt.

    If a sequence has one answer, rows without it do not matter. If each step has one,
    missing numbers are NaN and missing texts None. A sequence without any answer is
    left out, and ``notes`` tells how many are.
    """
    table = read_table(source, text=[series, *(schema.text_names if schema else ())])
    steps = find_steps(table, series, time)
    targets, how = as_names(target), Columns(**columns)
    how = replace(how, exclude=tuple(as_names(how.exclude)))  # it may be a generator
    if schema is None:
        used = _used(table, series, time, targets, how)
    elif targets or how != Columns():
        raise ValueError(
            "schema= says what target and features are; leave out target, features, "
            "exclude, kinds and task"
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
    """The columns that may become features, those to exclude among them."""
    roles = check_roles(table, series=series, time=time, target=targets)
    table.select(list(how.exclude))
    if how.features is None:
        return table.drop(*roles)
    features = as_names(how.features)
    wrong = {series, *targets} & set(features)
    if wrong:
        raise TableError(
            f"features: {min(wrong)!r} names the series or is the target, so it can be "
            "no feature"
        )
    return table.select(features)


def _learnt(
    used: Table,
    answers: Table | None,
    how: Columns,
) -> TableSchema:
    """The schema of features, found over all rows, and of the target."""
    there = [name for name in how.exclude if name in used.columns]
    schema = TableSchema.fit(used, exclude=there, column_types=how.column_types)
    if answers is None:
        return schema
    target, note = find_target(answers, answers.names, how.task)
    notes = (note, *schema.notes) if note else schema.notes
    return replace(schema, target_column=target, notes=notes)


def _answers(table: Table, steps: Steps, per_step: bool | None) -> tuple[Table, bool]:
    """The targets with a row for each answer, and whether each step has one."""
    firsts = {name: _first_rows(v, steps) for name, v in table.columns.items()}
    once = {name: _taken(table[name], rows) for name, rows in firsts.items()}
    change = None if per_step else _change(table, once, steps)
    if per_step or (change and per_step is None):
        return table.take(steps.order), True
    if change:
        raise TableError(f"{change}; per_step=True takes an answer for each step")
    rows = np.maximum(next(iter(firsts.values())), 0)
    return replace(table.take(rows), columns=once), False


def _first_rows(values: np.ndarray, steps: Steps) -> np.ndarray:
    """The first row of each sequence that has a value, -1 where none has."""
    known = np.flatnonzero(~is_missing(values))[::-1]
    rows = np.full(len(steps.names), -1)
    rows[steps.codes[known]] = known  # of several the last that is written stays
    return rows


def _taken(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    taken = values[rows]
    taken[rows < 0] = _MISSING[values.dtype.kind]
    return taken


def _change(table: Table, once: dict[str, np.ndarray], steps: Steps) -> str | None:
    """Say where a target is not what it was before in its sequence."""
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
    """Add the answers, and leave out sequences that have none."""
    present = target.present(answers)
    names = ", ".join(map(repr, target.names))
    if not present.any():
        raise TableError(
            f"{found.source}: the target {names} holds no values; labels=False does "
            "not look at it"
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
            "they are left out",
        ]
    now = {"notes": notes, "target": list(target.names), "skipped": skipped}
    return replace(found, task=target.task, **now)


def _with_gaps(known: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Answers of all steps: NaN or None where there is none."""
    if present.all():
        return known
    text = known.dtype == object
    shape = (len(present), *known.shape[1:])
    out = np.full(shape, None if text else np.nan, object if text else np.float64)
    out[present] = known
    return out
