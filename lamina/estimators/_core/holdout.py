"""Rows held out for scores or validation."""

import numpy as np

from lamina.networks import Key


def hold_out(
    key: Key, y: np.ndarray, share: float, by_class: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Split row numbers into training rows and held-out rows.

    The same share of each class is held out, but never all of its rows, so that all
    classes are trained on. The shares of small classes are rounded at random, so that
    they are right on average.

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


def split(
    key: Key, n: int, fraction: float, strata: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Split row numbers into training and validation rows.

    Rows are shuffled, sorted by class, and validation rows are taken at equal
    distances: each class contributes its share, and a class of one row is no error.

    Raises
    ------
    ValueError
        If fewer than two rows are left for either part.
    """
    order = key.fold_in("split").generator().permutation(n)
    if strata is not None:
        # Stable: within each class the order stays random.
        order = order[np.argsort(strata[order], kind="stable")]
    size = int(np.ceil(fraction * n))
    if size < 2 or n - size < 1:
        raise ValueError(
            f"The validation set is too small: validation_fraction={fraction} of {n} "
            f"examples is {size}, at least 2 are needed. Increase "
            "'validation_fraction' or the size of your dataset."
        )
    held = np.zeros(n, bool)
    held[((np.arange(size) + 0.5) * n / size).astype(int)] = True
    return np.sort(order[~held]), np.sort(order[held])
