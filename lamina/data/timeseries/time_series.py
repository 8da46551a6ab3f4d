"""Time series to forecast: one or many, and their exogenous variables."""

from typing import Any

import numpy as np

from lamina.data.sequences.ragged_array import OneSequenceError, SequenceError

Many = list[np.ndarray]
"""Time series (steps,), or exogenous variables of each (steps, k)."""


def as_list(y: Any) -> tuple[Many, str]:
    """Return series as a list of arrays, and the form in which they were given.

    Returns
    -------
    series : list of ndarray (steps,)
    form : {"one", "columns", "list"}

    Raises
    ------
    SequenceError
        If they are not series of finite numbers; with the first invalid position.
    """
    ragged = isinstance(y, list | tuple) and any(np.ndim(one) for one in y)
    if ragged:
        series, form = [_numbers(one, i) for i, one in enumerate(y)], "list"
    else:
        table = _numbers(y, 0)
        form = "one" if table.ndim == 1 else "columns"
        series = [table] if table.ndim < 2 else list(table.T)
    if not series or any(one.ndim != 1 or not len(one) for one in series):
        raise SequenceError(
            "y must be one series (steps,), an array (steps, n_series), or a list of "
            "series"
        )
    for number, one in enumerate(series):
        if not np.isfinite(one).all():
            step = int(np.argmin(np.isfinite(one)))
            raise OneSequenceError(
                number,
                f", step {step}: {one[step]} is not a finite number; impute missing "
                "values first",
            )
    return [np.ascontiguousarray(one) for one in series], form


def _numbers(values: Any, number: int) -> np.ndarray:
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        table = "; ForecastModel reads a table with times" if _is_table(values) else ""
        raise OneSequenceError(number, f" is not an array of numbers{table}") from None


def _is_table(values: Any) -> bool:
    return hasattr(values, "columns") or isinstance(values, dict)


def beforehand(
    X: Any, lengths: list[int] | None, form: str, n_series: int | None = None
) -> Many | None:
    """Return the exogenous variables of each series, (steps, k) each.

    Raises
    ------
    SequenceError
        If they do not fit the series.
    """
    if X is None:
        return None
    n_series = len(lengths) if lengths is not None else n_series
    given = list(X) if form == "list" else [X] * int(n_series or 0)
    known = [_numbers(one, i) for i, one in enumerate(given)]
    known = [one[:, None] if one.ndim == 1 else one for one in known]
    if len(known) != n_series:
        raise SequenceError(f"there are {n_series} series, but X is for {len(known)}")
    for number, one in enumerate(known):
        steps = len(one) if lengths is None else lengths[number]
        if one.ndim != 2 or len(one) != steps or one.shape[1] != known[0].shape[1]:
            shape = f"({steps} steps, {known[0].shape[-1]})"
            problem = f" must be {shape}, got {one.shape}"
            raise OneSequenceError(number, problem, before="X of ")
        if not np.isfinite(one).all():
            step = int(np.argmin(np.isfinite(one).all(axis=1)))
            problem = f", step {step}: is not finite"
            raise OneSequenceError(number, problem, before="X of ")
    return known
