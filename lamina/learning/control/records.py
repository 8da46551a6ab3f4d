"""From the reports of the compiled program to records of epochs."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lamina.learning.protocols import Record


def total(sums: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Return the sum of the reports of several calls, in double precision.

    It sums from left to right, so that a partial sum can be resumed bit for bit.
    """
    if not sums:
        return {}
    first, *others = (
        {k: np.asarray(v, np.float64) for k, v in s.items()} for s in sums
    )
    return {k: sum((s[k] for s in others), start=first[k]) for k in first}


def first_epoch(sums: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the first epoch only: calls of a split epoch hold no other."""
    return {name: value[..., :1] for name, value in sums.items()}


def records(
    sums: Sequence[dict[str, Any]], epochs: Sequence[int]
) -> list[list[Record]]:
    """Return one record per model and epoch: weighted means of the reports.

    Epochs that did not run are NaN. The first one always runs if any was requested: its
    weight is NaN only if an example's is.

    Parameters
    ----------
    sums : as :func:`lamina.learning.loop.compiled_step.train` returns them, call by
        call
    epochs : requested number of epochs of each model

    Shapes: numbers of the sums (epochs per call,), or (models, epochs per call).
    """
    whole = {k: v.reshape(len(epochs), -1) for k, v in total(sums).items()}
    weights = whole.pop("weight")
    # 1e-300: an epoch whose rows all have weight 0 has means of 0, not 0/0.
    means = {name: value / np.maximum(weights, 1e-300) for name, value in whole.items()}
    found = []
    for i, asked in enumerate(epochs):
        known = int(np.sum(~np.isnan(weights[i, :asked])))
        taken = max(1, known) if asked else 0
        found.append(
            [{name: float(v[i, e]) for name, v in means.items()} for e in range(taken)]
        )
    return found


def leading(answers: Iterable[bool]) -> int:
    """Return the number of True values before the first False."""
    return sum(1 for _ in itertools.takewhile(bool, answers))
