"""`SequenceSet`: sequences that were read, with labels and metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lamina.data.sequences.ragged_array import RaggedArray
from lamina.data.tables.schema import TableSchema


@dataclass(frozen=True, eq=False)
class SequenceSet:
    """Sequences, with labels if there are any.

    Attributes
    ----------
    X : RaggedArray
    y : ndarray (n,) or (n, targets); or list of n ndarray (steps,) or (steps, targets)
        A target for each sequence, or for each step if `per_step`: classes (text or
        integers) or numbers. None if there are no labels.
    names : sequence of str
        Name of each sequence, or its number from 0.
    name, source : str
        Name of the collection, and where it was read from.
    task : str or None
        "classification" or "regression", None without labels.
    per_step : bool
        Whether there is a target for each step.
    schema : TableSchema or None
        The encoding of the columns of a table as features.
    times : ndarray (steps of all,) or None
        Time of each step, numbers or datetime64, if a table has them.
    rows : ndarray of int (steps of all,) or None
        Row of the table of each step.
    notes : list of str
        Notes for the user: dropped columns and sequences, guesses.
    target : list of str
        Names of the targets; empty if unknown.
    skipped : int
        Number of sequences that were dropped because they have no target.
    """

    X: RaggedArray
    y: Any
    names: Sequence[str]
    name: str
    source: str
    task: str | None = None
    per_step: bool = False
    schema: TableSchema | None = None
    times: np.ndarray | None = None
    rows: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)
    target: list[str] = field(default_factory=list)
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        return f"SequenceSet({self.name}: {self.X!r})"

    def only(self, rows: Any) -> SequenceSet:
        """Return some of the sequences: numbers, a slice, or a mask."""
        numbers = np.arange(len(self))[rows]
        places = RaggedArray(np.arange(len(self.X.values))[:, None], self.X.lengths)
        steps = places.only(numbers).values[:, 0]
        y = self.y
        if y is not None:
            y = [y[i] for i in numbers] if self.per_step else y[numbers]
        return replace(
            self,
            X=self.X.only(numbers),
            y=y,
            names=[self.names[i] for i in numbers],
            times=None if self.times is None else self.times[steps],
            rows=None if self.rows is None else self.rows[steps],
        )
