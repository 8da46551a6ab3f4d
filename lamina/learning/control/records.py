"""What calls of the compiled program report, as numbers of epochs."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lamina.learning.protocols import Record


def total(sums: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Return the sum of what several calls reported, in double precision.

    From left to right, so that a sum may be broken off and taken up again.
    """
    if not sums:
        return {}
    first, *others = (
        {k: np.asarray(v, np.float64) for k, v in s.items()} for s in sums
    )
    return {k: sum((s[k] for s in others), start=first[k]) for k in first}


def first_epoch(sums: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the first epoch's part: one that takes several calls is taken alone."""
    return {name: value[..., :1] for name, value in sums.items()}


def records(
    sums: Sequence[dict[str, Any]], epochs: Sequence[int]
) -> list[list[Record]]:
    """Return of each model one record an epoch: weighted means of what was reported.

    Epochs that were not taken are NaN. The first always is taken, where any was asked
    for: its weight is only NaN if an example's is.

    Parameters
    ----------
    sums : as :func:`lamina.learning.loop.compiled_step.train` returns them, call by
        call
    epochs : how many epochs each model was to take

    Shapes: numbers of the sums (epochs per call,), or (models, epochs per call).
    """
    whole = {k: v.reshape(len(epochs), -1) for k, v in total(sums).items()}
    weights = whole.pop("weight")
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
    """Return how many yeses come before the first no."""
    return sum(1 for _ in itertools.takewhile(bool, answers))
