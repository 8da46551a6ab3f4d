"""Missing labels: NaN in a target of several columns."""

from typing import Any

import numpy as np


def without_missing(y: Any) -> tuple[Any, np.ndarray | None]:
    """Return y with 0 for NaN, and where that was; only in tables of several columns.

    In one column a missing label would teach nothing: it is left for the validation to
    refuse.
    """
    shape = (y if hasattr(y, "shape") else np.asarray(y)).shape
    if len(shape) != 2 or shape[1] < 2 or hasattr(y, "tocsr"):
        return y, None
    try:
        numbers = np.asarray(y, float)
    except (TypeError, ValueError):
        return y, None
    missing = np.isnan(numbers)
    if not missing.any():
        return y, None
    return np.where(missing, 0, numbers), missing


def with_missing(y: np.ndarray, missing: np.ndarray | None) -> np.ndarray:
    """Return y with NaN where it was."""
    return y if missing is None else np.where(missing, np.nan, y)


def check_measured(missing: np.ndarray | None) -> None:
    """Refuse to learn a column of which nothing is known.

    Raises
    ------
    ValueError
        Naming the first such column.
    """
    if missing is not None and missing.all(axis=0).any():
        column = int(missing.all(axis=0).argmax())
        raise ValueError(f"column {column} of y has no measured value (all are NaN)")
