"""Sequences of different lengths, filled up to few lengths.

Each length of time is a program to compile, and each step that fills a sequence up is
computed for nothing: lengths double from one bucket to the next, so that there are few,
and on average a third of the steps fills up.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from lamina.networks.sequences import Sequences

SHORTEST = 8
"""Sequences are filled up to so many steps, or twice, four times … as many."""


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
    x : sequences, as in :class:`lamina.learning.feed.Examples`
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
