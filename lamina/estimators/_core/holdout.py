"""Rows held out for scores or validation."""

import numpy as np

from lamina.networks import Key


def hold_out(
    key: Key, y: np.ndarray, share: float, by_class: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Split row numbers into those to learn from and those held out.

    Every class gives its share, but for its last row: no class is held out whole, so
    that what learns knows all classes. Small classes' shares are rounded at random,
    so that together they give theirs.

    Parameters
    ----------
    key : Key
    y : ndarray (n,) or (n, k)
    share : float
        In [0, 1).
    by_class : bool
        Whether ``y`` (n,) holds classes.

    Returns
    -------
    rest, held : sorted ndarrays of int
    """
    groups = _groups(y) if by_class and y.ndim == 1 else [np.arange(len(y))]
    random = key.generator()
    held = np.zeros(len(y), bool)
    for rows in groups:
        size = min(int(share * len(rows) + random.random()), len(rows) - 1)
        held[random.permutation(rows)[:size]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def _groups(y: np.ndarray) -> list[np.ndarray]:
    """Return the row numbers of each class."""
    _, codes = np.unique(y, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
