"""`read_sequences`: sequences from wherever a person keeps them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data.long_table import read_long
from lamina.data.sequence_sets import SequenceDataset
from lamina.data.series import SequenceError
from lamina.data.series_set import SeriesSet
from lamina.data.sets import load, names
from lamina.data.ts_files import read_ts

_SUFFIXES = (".ts", ".ts.gz")


def holds_sequences(source: Any) -> bool:
    """Whether a source holds sequences without being told which rows belong together:
    a `.ts` file, or an embedded set of sequences."""
    if isinstance(source, SeriesSet):
        return True
    if not isinstance(source, str | os.PathLike):
        return False
    return is_ts(source) or _embedded(source) is not None


def is_ts(source: Any) -> bool:
    """Whether a path is that of a `.ts` file."""
    return str(source).lower().endswith(_SUFFIXES)


def read_sequences(
    source: Any,
    series: str | None = None,
    time: str | None = None,
    target: Any = None,
    *,
    test: bool = False,
    **options: Any,
) -> SeriesSet:
    """Read sequences from a `.ts` file, a long table, or an embedded set.

    Parameters
    ----------
    source : path, name of a data set, table, or SeriesSet
        What has been read already is handed back.
    series, time, target
        Columns of a table: see `read_long`.
    test : bool, default=False
        Of an embedded set the part that is kept for the test, if there is one.
    **options
        Of a table: see `read_long`.

    Raises
    ------
    SequenceError, TableError
        If it cannot be read; in one line what, where and the fix.
    """
    if isinstance(source, SeriesSet):
        return source
    known = None if series is not None else _embedded(source)
    if known is None and not is_ts(source):
        if series is None:
            raise SequenceError(
                f"{source}: which column says to which sequence a row belongs? Give "
                "it, series='patient' perhaps"
            )
        return read_long(source, series, time, target, **options)
    for name, value in {"series": series, "time": time, "target": target}.items():
        if value is not None:
            raise SequenceError(
                f"{source}: {name}={value!r} names a column, but this is no table"
            )
    return read_ts(source) if known is None else _as_set(known, test)


def _embedded(source: Any) -> SequenceDataset | None:
    """Return the embedded set of that name, if it is one of sequences."""
    if str(source) not in names() or Path(source).exists():
        return None
    known = load(str(source))
    return known if isinstance(known, SequenceDataset) else None


def _as_set(known: SequenceDataset, test: bool) -> SeriesSet:
    X, y = known.X, known.y
    if test and known.X_test is not None:
        X, y = known.X_test, known.y_test
    numbers = not known.target_names
    if not numbers and not known.per_step:
        y = np.array(known.target_names, dtype=object)[y]
    elif not numbers:
        y = [np.array(known.target_names, dtype=object)[one] for one in y]
    return SeriesSet(
        X,
        y,
        [str(i) for i in range(len(X))],
        known.name,
        known.name,
        "regression" if numbers else "classification",
        per_step=known.per_step,
    )
