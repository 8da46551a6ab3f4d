"""Options of a generator, as given to `load`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

#: Options that are counts; all others may be 0.
COUNTS = ("n", "centers", "features", "length", "classes", "symbols", "states")


def checked_options(
    name: str, make: Callable[..., Any], options: dict[str, Any]
) -> dict[str, int | float]:
    """Return options as the numbers that the signature of a generator needs.

    Raises
    ------
    ValueError
        An unknown option, or an invalid value.
    """
    defaults = {k: p.default for k, p in inspect.signature(make).parameters.items()}
    unknown = next((option for option in options if option not in defaults), None)
    if unknown is not None:
        raise ValueError(
            f"{name} takes no option {unknown!r}; it takes {', '.join(defaults)}"
        )
    return {k: _number(name, k, v, type(defaults[k])) for k, v in options.items()}


def _number(name: str, option: str, value: Any, kind: type) -> int | float:
    accepted = (int, np.integer) if kind is int else (int, float, np.number)
    if isinstance(value, bool) or not isinstance(value, accepted):
        called = "a whole number" if kind is int else "a number"
        raise ValueError(f"{name}: {option} must be {called}; got {value!r}")
    least = 1 if option in COUNTS else 0
    if not value >= least:
        raise ValueError(f"{name}: {option} must be at least {least}; got {value!r}")
    return kind(value)
