"""`TableSchema`: a fitted encoding of a training table, for all later tables.

It is plain data: strings, numbers and booleans in frozen dataclasses, so that a model
file with it contains no code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from lamina.data.errors import bounded
from lamina.data.tables.columns import (
    UNUSED,
    USED,
    Column,
    NumberColumn,
    UnusedColumn,
)
from lamina.data.tables.levels import Unseen, warn_unseen
from lamina.data.tables.table import Table, TableError, as_names
from lamina.data.tables.target import Target, find_target
from lamina.data.tables.type_inference import check_column_types, kind_of


@dataclass(frozen=True)
class TableSchema:
    """Types of the columns, their scaling and levels, and the target.

    Attributes
    ----------
    of_images : bool
        Whether it describes images, which a model may take in place of a table.
    columns : tuple of column descriptions
        In the order of the training table, including unused ones.
    notes : tuple of str
        Notes for the user: dropped columns with reasons, guesses.
    """

    of_images: ClassVar[bool] = False

    columns: tuple[Column, ...]
    target_column: Target | None = None
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def fit(
        cls,
        table: Table,
        target: str | Sequence[str] | None = None,
        exclude: Iterable[str] = (),
        column_types: dict[str, str] | None = None,
        task: str | None = None,
    ) -> TableSchema:
        """Fit a schema to a training table.

        Parameters
        ----------
        table : Table
        target : str or list of str, optional
            Column (or columns) to predict; they are not features.
        exclude : iterable of str
            Columns to drop.
        column_types : dict, optional
            Type of a column, if the inferred one is wrong: ``"number"``,
            ``"category"``, ``"date"`` or ``"ignore"``.
        task : {"classification", "regression"}, optional
            None infers it from the target.

        Raises
        ------
        TableError
            A wrong name, words in a column of numbers, values beyond float32, or no
            columns left as features.
        """
        column_types = {
            **(column_types or {}),
            **dict.fromkeys(as_names(exclude), "ignore"),
        }
        check_column_types(column_types, table)
        found, notes = (None, []) if target is None else _target(table, target, task)
        names = [n for n in table.names if found is None or n not in found.names]
        columns = _columns(table.select(names), column_types, notes)
        schema = cls(tuple(columns), found, tuple(map(bounded, notes)))
        if not schema.width:
            raise TableError(_nothing_left(table, schema))
        return schema

    @property
    def target(self) -> tuple[str, ...]:
        """Names of the target columns, empty without a target."""
        return self.target_column.names if self.target_column else ()

    @property
    def task(self) -> str | None:
        """``"classification"``, ``"regression"``, or None without a target."""
        return self.target_column.task if self.target_column else None

    @property
    def feature_names(self) -> list[str]:
        """Name of each column of the encoded array."""
        return [name for column in self.columns for name in column.feature_names]

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.feature_names)

    @property
    def names(self) -> list[str]:
        """Columns that `encode` needs."""
        return [c.name for c in self.columns if not isinstance(c, UnusedColumn)]

    @property
    def number_columns(self) -> list[NumberColumn]:
        """The columns of numbers."""
        return [c for c in self.columns if isinstance(c, NumberColumn)]

    def number_scales(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and scale of numeric features (width,); 0 and 1 for others."""
        mean, scale, at = np.zeros(self.width), np.ones(self.width), 0
        for column in self.columns:
            if isinstance(column, NumberColumn):
                mean[at], scale[at] = column.mean, column.scale
            at += len(column.feature_names)
        return mean, scale

    @property
    def text_names(self) -> tuple[str, ...]:
        """Columns that `read_table` should keep as text (``text=``) for `encode`.

        In a file with few rows a category such as ``007`` may look like a number.
        """
        names = [c.name for c in self.columns if getattr(c, "spelled", False)]
        if self.target_column and self.target_column.labels == "text":
            names += self.target
        return tuple(names)

    def encode(self, table: Table) -> np.ndarray:
        """Return features of a table: float32 (n_rows, width).

        Columns are found by name, in any order; others are ignored.

        Raises
        ------
        TableError
            A column is missing, or a value is not of the column's type; with its line.

        Warns
        -----
        UnseenWarning
            About categories that were not seen in training: which, in how many rows,
            and what they may mean.
        """
        features, unseen = self.encoded(table)
        warn_unseen(unseen)
        return features

    def encoded(self, table: Table) -> tuple[np.ndarray, list[Unseen]]:
        """Return features as `encode` does, and unseen values, without a warning.

        Raises
        ------
        TableError
            As `encode`.
        """
        absent = [name for name in self.names if name not in table.columns]
        if absent:
            raise TableError(_absent(table, absent))
        out = np.empty((table.n_rows, self.width), dtype=np.float32)
        start, unseen = 0, []
        for column in self.columns:
            stop = start + len(column.feature_names)
            unseen.append(column.encode(table, out[:, start:stop]))
            start = stop
        return out, [each for each in unseen if each is not None]

    def decode(self, features: np.ndarray) -> Table:
        """Return the table of the features, without unused columns.

        The scaling of numbers and dates is inverted. A category is the level of its
        largest feature. A value is missing where its indicator is above ½.

        Raises
        ------
        TableError
            If there are not `width` features.
        """
        if features.ndim != 2 or features.shape[1] != self.width:
            raise TableError(
                f"features must be (n_rows, {self.width}); got {features.shape}"
            )
        columns, start = {}, 0
        for column in self.columns:
            stop = start + len(column.feature_names)
            values = column.decode(features[:, start:stop])
            if values is not None:
                columns[column.name] = values
            start = stop
        return Table(columns, "decoded features")

    def encode_target(self, table: Table) -> np.ndarray:
        """Return the target: labels (n,) or float64 (n,), (n, k) for several targets.

        Missing values of several targets are NaN. Labels are those of the table:
        integers as int64, text as object.
        """
        return self._known_target().encode(table)

    def target_present(self, table: Table) -> np.ndarray:
        """Return a mask (n,) of the rows with a target, or at least one of several."""
        return self._known_target().present(table)

    def _known_target(self) -> Target:
        if self.target_column is None:
            raise TableError("this schema was fitted without a target")
        return self.target_column

    def describe(self) -> list[tuple[str, str, str]]:
        """Return rows (column, kind, detail) for a summary, with the target last."""
        rows = [(c.name, c.kind, c.detail) for c in self.columns]
        for name in self.target:
            rows.append((name, "target", str(self.task)))
        return rows


def _target(
    table: Table, target: str | Sequence[str], task: str | None
) -> tuple[Target, list[str]]:
    found, note = find_target(table, target, task)
    notes = [] if note is None else [note]
    gaps = int((~found.present(table)).sum())
    if gaps:
        names = ", ".join(found.names)
        notes.append(f"target {names!r} is missing in {gaps:,} rows; they are dropped")
    return found, notes


def _columns(
    table: Table, column_types: dict[str, str], notes: list[str]
) -> list[Column]:
    decided = [
        (column_types[name], None) if name in column_types else kind_of(name, table)
        for name in table.names
    ]
    if not any(kind in USED for kind, _ in decided):
        decided = [_rather_used(*pair, table, n) for n, pair in _named(table, decided)]
    notes += [note for _, note in decided if note]
    return [
        USED[kind].fit(name, table) if kind in USED else UnusedColumn(kind, name)
        for name, (kind, _) in zip(table.names, decided, strict=True)
    ]


def _named(table: Table, decided: list) -> list[tuple[str, tuple[str, str | None]]]:
    return list(zip(table.names, decided, strict=True))


def _rather_used(
    kind: str, note: str | None, table: Table, name: str
) -> tuple[str, str | None]:
    """Use x = 0, 1, 2, …, which counts the rows, if it is the only input."""
    if kind == "identifier" and table.column(name).dtype == np.float64:
        return "number", None
    return kind, note


def _nothing_left(table: Table, schema: TableSchema) -> str:
    reasons = [f"{c.name!r} ({UNUSED.get(c.kind, c.kind)})" for c in schema.columns]
    listed = ", ".join(reasons[:5]) or "there is no column besides the target"
    return f"{table.source}: no columns are left as features: {listed}"


def _absent(table: Table, absent: list[str]) -> str:
    first = absent[0]
    if len(absent) > 1:
        listed = ", ".join(map(repr, absent[:5]))
        return (
            f"{table.source}: {len(absent)} columns that the model needs are missing: "
            f"{listed}; the columns are: {', '.join(table.names[:20])}"
        )
    try:
        table.column(first)
    except TableError as error:
        return f"{error} (the model needs it)"
    raise AssertionError("unreachable")
