"""Sequences of different lengths, padded to few lengths.

Each padded length needs its own compiled program, and each padding step is wasted
computation. Lengths double from one bucket to the next: there are few buckets, and on
average a quarter of the computed steps is padding, a third as many as are real.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from lamina.networks.core.masking import Sequences
from lamina.networks.functional.losses import UNKNOWN

SHORTEST = 8
"""Sequences are padded to this many steps, or twice, four times … as many."""

STEPS_AT_ONCE = 2**14
"""Steps predicted at a time, padding included."""


def padded_time(steps: Any) -> Any:
    """Return the padded length of sequences of these lengths; also for arrays."""
    doublings = np.ceil(np.log2(np.maximum(steps, SHORTEST) / SHORTEST))
    return (SHORTEST * 2**doublings).astype(int)


def buckets(lengths: np.ndarray, batch_size: int) -> np.ndarray:
    """Return the padded length of each sequence.

    Sequences of a bucket with too few for a batch join the next longer bucket.
    """
    times = padded_time(lengths)
    for shorter, longer in pairwise(np.unique(times)):
        if np.count_nonzero(times == shorter) < batch_size:
            times[times == shorter] = longer
    return times


def filled_up(x: Any, rows: Any, size: int, places: Any, dtype: Any) -> Sequences:
    """Return some sequences, padded to the length of the longest one's bucket.

    Parameters
    ----------
    x : sequences, as in :class:`lamina.learning.data.dataset.Dataset`
    rows : ndarray of int
        Which of them.
    size : int
        Number of positions; those left over have no steps.
    places : slice or ndarray of int
        Their positions.
    dtype : of the values
    """
    lengths = np.zeros(size, np.int32)
    lengths[places] = x.lengths[rows]
    time = int(padded_time(lengths.max(initial=0)))
    values = np.zeros((size, time, x.shape[2]), dtype)
    values[places] = x.only(rows).padded(time, dtype)
    return Sequences(values, lengths)


def chunks(lengths: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """Yield (which sequences, padded count): sequences of similar length together."""
    times = padded_time(lengths)
    for time in np.unique(times):
        alike = np.flatnonzero(times == time)
        most = max(1, STEPS_AT_ONCE // int(time))
        for start in range(0, len(alike), most):
            rows = alike[start : start + most]
            # Rounded to a power of two: few shapes, so few compiled programs.
            yield rows, min(most, 1 << (len(rows) - 1).bit_length())


def answers_filled_up(
    y: Any, rows: Any, size: int, places: Any, time: int, dtype: Any
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return padded targets of each step.

    Parameters
    ----------
    y : sequences of class numbers (steps, 1), or of numbers (steps, outputs)
    rows, size, places : as in :func:`filled_up`
    time : int
        Padded length.
    dtype : of numbers

    Returns
    -------
    y : ndarray (size, time) of class numbers, or (size, time, outputs)
        As in :class:`lamina.learning.objectives.objective.Batch`.
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
    """Return values of steps with 0 for NaN, and the weight of each.

    Equations
    ---------
        mᵢₜⱼ = 1 / #{t : yᵢₜⱼ is known},   0 where it is not

    so that the loss of a sequence is the mean over its steps.

    Shapes: y, m (n, time, outputs).
    """
    known = ~np.isnan(y)
    # At least 1: a sequence without a known value gets weight 0 instead of 0/0.
    counts = np.maximum(1, known.sum(axis=1, keepdims=True))
    return np.where(known, y, 0), known / counts
