"""Checks of tables before training."""

import os
from typing import Any

import numpy as np

from lamina import data
from lamina.data import Table, TableError, TableSchema, read_table
from lamina.data.errors import Message, Setting
from lamina.data.tables.columns import MAX_SCALED, as_numbers

MIN_ROWS = 2
MANY_CLASSES = 20
"""More classes than this, with about one example each, are row names."""


def known_set(source: Any) -> Any:
    """Return the bundled table that a source names, or None.

    A file of that name takes precedence.
    """
    named = isinstance(source, str) and source in data.names()
    if not named or os.path.exists(source):
        return None
    known = data.load(source)
    return known if isinstance(known, data.Dataset) else None


def with_target(source: Any, target: Any) -> tuple[Table, Any]:
    """Read a table and find its target; bundled data sets know their own.

    Raises
    ------
    TableError
        If no target is given and none is known.
    """
    table, target = with_known_target(source, target)
    if target is None or target == [] or target == ():
        more = ", …" if len(table.names) > 20 else ""
        raise TableError(
            Message(
                "choose the column to predict, for example ",
                Setting("target", table.names[-1]),
            ),
            where=table.source,
            parameter="target",
            hint=f"the columns are: {', '.join(table.names[:20])}{more}",
        )
    return table, target


def with_known_target(source: Any, target: Any) -> tuple[Table, Any]:
    """Read a table; return it and its target, given or known."""
    known = known_set(source) if target is None else None
    if known is not None:
        return known.as_table(), known.target
    return read_table(source), target


def learnt_from(whole: TableSchema, train: Table) -> TableSchema:
    """Return the schema with types from all rows, but statistics of training rows."""
    used = set(whole.names)
    kinds = {c.name: c.kind for c in whole.columns if c.name in used}
    learnt = TableSchema.fit(train.select(kinds), column_types=kinds)
    by_name = {column.name: column for column in learnt.columns}
    columns = tuple(by_name.get(column.name, column) for column in whole.columns)
    return TableSchema(columns, whole.target_column, whole.notes)


def check_target(table: Table, schema: TableSchema, y: np.ndarray) -> None:
    """Refuse a target that is not suitable for training.

    Raises
    ------
    TableError
        If there are too few rows, or nearly every row is a class of its own.
    """
    if len(y) < MIN_ROWS:
        raise TableError(
            f"{table.source}: has {len(y)} row{'s' * (len(y) != 1)} with a target; at "
            f"least {MIN_ROWS} are needed"
        )
    if schema.task == "classification" and y.ndim == 1:
        n_classes = len(set(y.tolist()))
        if n_classes > max(MANY_CLASSES, len(y) / 2):
            raise TableError(
                f"the target {schema.target[0]!r} has {n_classes:,} classes in "
                f"{len(y):,} rows, most with a single example",
                where=table.source,
                parameter="target",
                value=schema.target[0],
                hint=Message(
                    "if it identifies the rows, choose another target; if it is a "
                    "number, use ",
                    Setting("task", "regression"),
                ),
            )


def check_far(table: Table, schema: TableSchema) -> None:
    """Refuse an outlier beside which all other numbers look equal.

    Encoding refuses it too, but only if it is not in the training rows; the result must
    not depend on the random split.

    Raises
    ------
    TableError
        Naming the column and the line.
    """
    for column in schema.number_columns:
        values = as_numbers(table, column.name)
        distance = np.abs(values - np.nanmedian(values))
        usual = float(np.nanquantile(distance, 0.9))
        far = distance > MAX_SCALED * usual
        if usual > 0 and far.any():
            row = int(np.argmax(far))
            raise TableError(
                f"{table.source}: column {column.name!r}, {table.where(row)}: "
                f"{values[row]:g} is an outlier, over {MAX_SCALED:.0e} times farther "
                "from the median than 90 % of the values; correct it, or leave the "
                "cell empty"
            )
