"""Data sets of sequences, and one long time series, with their metadata."""

from __future__ import annotations

import gzip
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data.datasets import sequence_generators
from lamina.data.datasets.options import checked_options
from lamina.data.sequences.ragged_array import RaggedArray, step_numbers
from lamina.data.sequences.ts_files import read_ts
from lamina.data.tables.table import Table, TableError

_FOLDER = Path(__file__).with_name("embedded")


@dataclass(frozen=True, eq=False)
class SequenceDataset:
    """A data set of sequences with its metadata.

    Attributes
    ----------
    X : RaggedArray
        ``X[i]`` is (steps, features).
    y : ndarray (n,), or list of n ndarray (steps,)
        A target for each sequence or each step. Classes are int64 0 … k − 1, numbers
        are float64.
    X_test, y_test : as X and y, or None
        Test set, for data sets with a standard split.
    feature_names : list of str
    target_names : list of str
        Names of the classes; empty for regression.
    target : str
        Name of the target.
    """

    name: str
    X: RaggedArray
    y: Any
    X_test: RaggedArray | None
    y_test: Any
    feature_names: list[str]
    target_names: list[str]
    target: str
    description: str
    source: str
    license: str

    @property
    def per_step(self) -> bool:
        """Whether there is a target for each step."""
        return isinstance(self.y, list)

    def __len__(self) -> int:
        """Number of sequences, including the test set."""
        return len(self.X) + (0 if self.X_test is None else len(self.X_test))

    def __repr__(self) -> str:
        test = "" if self.X_test is None else f", test set of {len(self.X_test):,}"
        return f"SequenceDataset({self.name}: {self.X!r}{test})"

    def as_table(self) -> Table:
        """Raise an error: the rows would be steps, which are not examples.

        Raises
        ------
        TableError
            Always; `as_long_table` has one row per step.
        """
        raise TableError(
            f"{self.name} holds sequences and is not a table of examples; "
            f"lamina.data.load({self.name!r}) returns X and y, and its "
            "as_long_table() returns a table with one row per step"
        )

    def as_long_table(self) -> Table:
        """Return the sequences and targets as a table with one row per step.

        Without the test set. Columns: ``series`` and ``step``, which count from 0, the
        features, the target.
        """
        lengths = self.X.lengths
        columns = {
            "series": np.repeat(np.arange(len(self.X), dtype=np.float64), lengths),
            "step": step_numbers(lengths).astype(np.float64),
        }
        for i, name in enumerate(self.feature_names):
            columns[name] = self.X.values[:, i].astype(np.float64)
        y = np.concatenate(self.y) if self.per_step else np.repeat(self.y, lengths)
        if self.target_names:
            columns[self.target] = np.array(self.target_names, dtype=object)[y]
        else:
            columns[self.target] = y.astype(np.float64)
        return Table(columns, self.name)


@dataclass(frozen=True, eq=False)
class TimeSeriesDataset:
    """One long time series with its metadata.

    Attributes
    ----------
    y : ndarray of float64 (steps,)
    times : ndarray of datetime64 (steps,)
    period : int
        Number of steps per season.
    feature_names : list of str
        The name of `times`.
    target_names : list of str
        Empty: `y` holds numbers.
    target : str
        Name of the target.
    """

    name: str
    y: np.ndarray
    times: np.ndarray
    period: int
    feature_names: list[str]
    target_names: list[str]
    target: str
    description: str
    source: str
    license: str

    def __len__(self) -> int:
        """Number of steps."""
        return len(self.y)

    def __repr__(self) -> str:
        span = f"{self.times[0]} to {self.times[-1]}"
        return f"TimeSeriesDataset({self.name}: {len(self):,} steps, {span})"

    def as_table(self) -> Table:
        """Return times and values as one table."""
        times = self.times.astype("datetime64[us]")
        return Table({self.feature_names[0]: times, self.target: self.y}, self.name)


@dataclass(frozen=True)
class _Formula:
    """A generator and the names of its columns."""

    make: Callable[..., tuple[RaggedArray, Any]]
    features: tuple[str, ...] = ()
    target: str = "class"
    classes: bool = True

    def load(self, name: str, options: dict[str, Any]) -> SequenceDataset:
        X, y = self.make(**checked_options(name, self.make, options))
        numbers = np.concatenate(y) if isinstance(y, list) else y
        n_classes = max(2, int(numbers.max()) + 1) if self.classes else 0
        width = range(X.shape[2])
        return SequenceDataset(
            name,
            X,
            y,
            None,
            None,
            list(self.features) or [f"symbol {i}" for i in width],
            list(map(str, range(n_classes))),
            self.target,
            inspect.getdoc(self.make) or "",
            "a formula, see lamina.data.datasets.sequence_generators",
            "none needed: made by lamina",
        )


FORMULAS = {
    "long_lag": _Formula(sequence_generators.long_lag),
    "adding_problem": _Formula(
        sequence_generators.adding_problem, ("value", "marker"), "sum", classes=False
    ),
    "parity": _Formula(sequence_generators.parity, ("bit",)),
    "noisy_sines": _Formula(sequence_generators.noisy_sines, ("x",)),
    "hidden_markov": _Formula(sequence_generators.hidden_markov, ("x1", "x2"), "state"),
}


def _airline(about: dict[str, Any]) -> TimeSeriesDataset:
    text = gzip.decompress((_FOLDER / "airline.csv.gz").read_bytes()).decode("ascii")
    (time, target), *rows = (line.split(",") for line in text.splitlines())
    months, numbers = zip(*rows, strict=True)
    return TimeSeriesDataset(
        name="airline",
        y=np.array(numbers, dtype=np.float64),
        times=np.array(months, dtype="datetime64[M]"),
        period=12,
        feature_names=[time],
        target=target,
        **about,
    )


def _japanese_vowels(about: dict[str, Any]) -> SequenceDataset:
    train, test = (
        read_ts(_FOLDER / f"japanese_vowels_{part}.ts.gz") for part in ("train", "test")
    )
    assert train.y is not None
    assert test.y is not None
    return SequenceDataset(
        name="japanese_vowels",
        X=train.X,
        y=train.y - 1,  # the files count speakers from 1
        X_test=test.X,
        y_test=test.y - 1,
        feature_names=[f"cepstrum {i}" for i in range(1, train.X.shape[2] + 1)],
        target="speaker",
        **about,
    )


#: Measured data sets: functions of the metadata.
EMBEDDED: dict[str, Callable[[dict[str, Any]], SequenceDataset | TimeSeriesDataset]] = {
    "airline": _airline,
    "japanese_vowels": _japanese_vowels,
}
