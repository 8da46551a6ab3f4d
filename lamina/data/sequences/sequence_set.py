"""`SequenceSet`: sequences that were read, with their labels and descriptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lamina.data.sequences.ragged_array import RaggedArray
from lamina.data.tables.schema import TableSchema


@dataclass(frozen=True, eq=False)
class SequenceSet:
    """Sequences, and labels where there are any.

    Attributes
    ----------
    X : RaggedArray
    y : ndarray (n,) or (n, targets); or list of n ndarray (steps,) or (steps, targets)
        An answer for each sequence, or for each step if `per_step`: classes (text or
        whole numbers) or numbers. None if there are no labels.
    names : sequence of str
        What each sequence is called; its number from 0 where it has no name.
    name, source : str
        What the collection is called, and where it was read.
    task : str or None
        "classification" or "regression", None without labels.
    per_step : bool
        Whether there is an answer for each step.
    schema : TableSchema or None
        How the columns of a table became features.
    times : ndarray (steps of all,) or None
        When each step was: numbers or datetime64, where a table says so.
    rows : ndarray of int (steps of all,) or None
        Which row of the table each step is.
    notes : list of str
        What a person should know: columns and sequences left out, guesses made.
    target : list of str
        What `y` is called; empty where nothing says so.
    skipped : int
        Sequences that were left out because they have no answer.
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
