"""Checks of parameters: one error that says what was expected and what came."""

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

from lamina.data.series import place_of


def check_number(
    name: str,
    value: Any,
    low: float,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    """Refuse what is not a number in [low, high], or between ends that are open.

    Raises
    ------
    ValueError
        Naming the parameter, what was expected and what came.
    """
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        number = float(value)
        above = low < number if open_low else low <= number
        if above and (number < high if open_high else number <= high):
            return
    left = "(" if open_low else "["
    right = "∞)" if high == math.inf else f"{high:g}{')' if open_high else ']'}"
    raise ValueError(
        f"{name} must be a number in {left}{low:g}, {right}; got {value!r}"
    )


def check_integer(name: str, value: Any, low: int) -> None:
    """Refuse what is not a whole number of at least ``low``.

    Raises
    ------
    ValueError
        Naming the parameter, what was expected and what came.
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool | np.bool_)
    if not whole or value < low:
        raise ValueError(f"{name} must be a whole number ≥ {low}; got {value!r}")


def check_option(name: str, value: Any, options: Iterable[str]) -> None:
    """Refuse what is not one of the options.

    Raises
    ------
    ValueError
        Naming the parameter, the options and what came.
    """
    options = tuple(options)
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {options}; got {value!r}")


def check_callbacks(callbacks: Any) -> None:
    """Refuse callbacks that cannot be called.

    Raises
    ------
    ValueError
        Naming what came.
    """
    if not all(map(callable, callbacks or ())):
        raise ValueError(f"callbacks must be functions, got {callbacks!r}")


def check_fits_float32(
    X: np.ndarray, name: str = "X", lengths: np.ndarray | None = None
) -> None:
    """Refuse numbers that float32 cannot hold; JAX would make them infinite silently.

    Parameters
    ----------
    X : ndarray (n, columns)
    name : str
    lengths : ndarray of int, optional
        Steps of each sequence, if the rows are the steps of sequences.

    Raises
    ------
    ValueError
        Naming the first such value's row and column, or its sequence and step.
    """
    largest = np.finfo(np.float32).max
    if X.size == 0 or (X.max() <= largest and X.min() >= -largest):
        return
    row, column = (int(i) for i in np.argwhere(np.abs(X) > largest)[0][:2])
    place, what = f"{name}[{row}, {column}] =", "column"
    if lengths is not None:
        number, step = place_of(lengths, row)
        what = "feature"
        place = f"{name}, sequence {number}, step {step}, feature {column}:"
    raise ValueError(
        f"{place} {X[row, column]:g} is beyond the range of float32 "
        f"(±{largest:.3g}): scale the {what}, or use dtype='float64'"
    )
