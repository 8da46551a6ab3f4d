"""Checks of values: what is expected, in words and as a function, and the error."""

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

import numpy as np

from lamina.data.errors import UserError
from lamina.data.sequences.ragged_array import place_of

BOOLEANS = {"yes": True, "on": True, "true": True, "1": True}
BOOLEANS |= {"no": False, "off": False, "false": False, "0": False}
"""How a person types them."""


@dataclass(frozen=True)
class Check:
    """What a value must be; ``a | b`` is a check that either of them passes.

    Parameters
    ----------
    expected : str
        What the value must be, in words that follow "must be".
    accepts : callable
        Whether a value is that.
    converts : callable, optional
        Returns what a typed value such as ``no`` or ``1e3`` stands for, or the value.
    words : tuple of str
        Texts that it accepts, for "did you mean".
    """

    expected: str
    accepts: Callable[[Any], bool]
    converts: Callable[[Any], Any] = lambda value: value
    words: tuple[str, ...] = ()

    def __call__(self, name: str, value: Any) -> None:
        """Refuse another value.

        Raises
        ------
        UserError
            Naming the parameter, what was expected and what came.
        """
        if not self.accepts(value):
            near = get_close_matches(value, self.words) if _is_text(value) else ()
            raise UserError(
                parameter=name,
                value=value,
                expected=self.expected,
                hint=f"did you mean {near[0]!r}?" if near else None,
            )

    def read(self, typed: Any) -> Any:
        """Return the value that a person means who typed this one."""
        return typed if self.accepts(typed) else self.converts(typed)

    def __or__(self, other: "Check") -> "Check":
        def accepts(value: Any) -> bool:
            return self.accepts(value) or other.accepts(value)

        def converts(typed: Any) -> Any:
            found = self.converts(typed)
            return found if self.accepts(found) else other.converts(typed)

        expected = f"{self.expected} or {other.expected}"
        return Check(expected, accepts, converts, self.words + other.words)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _as_boolean(typed: Any) -> Any:
    return BOOLEANS.get(str(typed).lower(), typed)


def _as_integer(typed: Any) -> Any:
    whole = isinstance(typed, float) and typed.is_integer()
    return int(typed) if whole else typed


BOOLEAN = Check("True or False", _is_boolean, _as_boolean)
NONE = Check("None", lambda value: value is None)
TEXT = Check("a text", _is_text)
FUNCTION = Check("a function", lambda v: callable(v) and not isinstance(v, type))


def number(
    low: float,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
    infinite: bool = False,
) -> Check:
    """Return the check of a number in [low, high], or between ends that are open.

    Only with ``infinite`` it may be ∞.
    """
    if high == math.inf:
        open_high = not infinite
    left, right = "(" if open_low else "[", ")" if open_high else "]"
    end = "∞" if high == math.inf else f"{high:g}"

    def accepts(value: Any) -> bool:
        if not isinstance(value, Real) or _is_boolean(value):
            return False
        try:
            found = float(value)
        except OverflowError:
            return False
        above = low < found if open_low else low <= found
        return above and (found < high if open_high else found <= high)

    return Check(f"a number in {left}{low:g}, {end}{right}", accepts)


def integer(low: int) -> Check:
    """Return the check of a whole number of at least ``low``."""

    def accepts(value: Any) -> bool:
        whole = isinstance(value, Integral) and not _is_boolean(value)
        return whole and int(value) >= low

    return Check(f"a whole number ≥ {low}", accepts, _as_integer)


def option(*words: str) -> Check:
    """Return the check of one of some words."""
    expected = f"one of {words}" if len(words) > 1 else "".join(map(repr, words))
    return Check(expected, lambda v: _is_text(v) and v in words, words=words)


def each(check: Check, expected: str, *, empty: bool = True) -> Check:
    """Return the check of a list, tuple or array of values that all pass a check."""

    def accepts(values: Any) -> bool:
        listed = isinstance(values, Collection) and getattr(values, "ndim", 1)
        if not listed or isinstance(values, str | bytes | dict):
            return False
        return (empty or len(values) > 0) and all(map(check.accepts, values))

    def converts(typed: Any) -> Any:
        if not isinstance(typed, list | tuple):
            return typed
        return type(typed)(map(check.read, typed))

    return Check(expected, accepts, converts, check.words)


def having(method: str, expected: str) -> Check:
    """Return the check of an object, not a class, that has a method."""
    return Check(expected, lambda v: hasattr(v, method) and not isinstance(v, type))


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
    number(low, high, open_low=open_low, open_high=open_high)(name, value)


def check_integer(name: str, value: Any, low: int) -> None:
    """Refuse what is not a whole number of at least ``low``.

    Raises
    ------
    ValueError
        Naming the parameter, what was expected and what came.
    """
    integer(low)(name, value)


def check_option(name: str, value: Any, options: Iterable[str]) -> None:
    """Refuse what is not one of the options.

    Raises
    ------
    ValueError
        Naming the parameter, the options and what came.
    """
    option(*options)(name, value)


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


DTYPES = ("float32", "float64")


def known_dtype(name: str) -> np.dtype:
    """Return the type of a computation.

    Raises
    ------
    ValueError
        If it is not one of the two that networks compute in.
    """
    if name not in DTYPES:
        raise ValueError(f"dtype must be one of {DTYPES}, got {name!r}")
    return np.dtype(name)
