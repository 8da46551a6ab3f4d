"""Sequences of different lengths, filled up to few lengths.

Each length of time is a program to compile, and each step that fills a sequence up is
computed for nothing: lengths double from one bucket to the next, so that there are few,
and on average a quarter of the computed steps, a third as many as are real, fills up.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from lamina.networks.core.masking import Sequences
from lamina.networks.functional.losses import UNKNOWN

SHORTEST = 8
"""Sequences are filled up to so many steps, or twice, four times … as many."""

STEPS_AT_ONCE = 2**14
"""Steps that are answered at a time, those that fill sequences up included."""


def padded_time(steps: Any) -> Any:
    """Return to how many steps sequences of so many are filled up; arrays too."""
    doublings = np.ceil(np.log2(np.maximum(steps, SHORTEST) / SHORTEST))
    return (SHORTEST * 2**doublings).astype(int)


def buckets(lengths: np.ndarray, batch_size: int) -> np.ndarray:
    """Return to how many steps each sequence is filled up.

    Where a bucket has too few for a batch, they go to the next longer ones.
    """
    times = padded_time(lengths)
    for shorter, longer in pairwise(np.unique(times)):
        if np.count_nonzero(times == shorter) < batch_size:
            times[times == shorter] = longer
    return times


def filled_up(x: Any, rows: Any, size: int, places: Any, dtype: Any) -> Sequences:
    """Return some sequences, filled up to the time of the longest one's bucket.

    Parameters
    ----------
    x : sequences, as in :class:`lamina.learning.data.dataset.Dataset`
    rows : ndarray of int
        Which of them.
    size : int
        Places there are; those that are left over have no steps.
    places : slice or ndarray of int
        Where they go.
    dtype : of the values
    """
    lengths = np.zeros(size, np.int32)
    lengths[places] = x.lengths[rows]
    time = int(padded_time(lengths.max(initial=0)))
    values = np.zeros((size, time, x.shape[2]), dtype)
    values[places] = x.only(rows).padded(time, dtype)
    return Sequences(values, lengths)


def chunks(lengths: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """Yield (which sequences, places for them): those of similar lengths together."""
    times = padded_time(lengths)
    for time in np.unique(times):
        alike = np.flatnonzero(times == time)
        most = max(1, STEPS_AT_ONCE // int(time))
        for start in range(0, len(alike), most):
            rows = alike[start : start + most]
            yield rows, min(most, 1 << (len(rows) - 1).bit_length())


def answers_filled_up(
    y: Any, rows: Any, size: int, places: Any, time: int, dtype: Any
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return answers of each step as
    :class:`lamina.learning.objectives.objective.Batch` has them.

    Parameters
    ----------
    y : sequences of class numbers (steps, 1), or of numbers (steps, outputs)
    rows, size, places : as in :func:`filled_up`
    time : int
        To how many steps they are filled up.
    dtype : of numbers

    Returns
    -------
    y : ndarray (size, time) of class numbers, or (size, time, outputs)
    mask : ndarray (size, time, outputs) for numbers, else None
    """
    some = y.only(rows)
    real = np.arange(time) < some.lengths[:, None]
    whole = y.dtype.kind in "iu"
    given = np.full((len(some), time, y.shape[2]), UNKNOWN if whole else np.nan)
    given[real] = some.values
    filled = np.full((size, *given.shape[1:]), UNKNOWN if whole else np.nan)
    filled[places] = given
    if whole:
        return filled[..., 0].astype(np.int32), None
    y, mask = of_steps(filled)
    return y.astype(dtype), mask.astype(dtype)


def of_steps(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of steps with 0 for NaN, and how much each counts.

    Equations
    ---------
        mᵢₜⱼ = 1 / #{t : yᵢₜⱼ is known},   0 where it is not

    so that the loss of a sequence is the mean over its steps.

    Shapes: y, m (n, time, outputs).
    """
    known = ~np.isnan(y)
    counts = np.maximum(1, known.sum(axis=1, keepdims=True))
    return np.where(known, y, 0), known / counts
