"""`read_forecast`: time series from a table with one row per time step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.data.sequences.steps import check_roles, find_steps
from lamina.data.sources.tables import read_table
from lamina.data.tables.parsing import numbers, texts
from lamina.data.tables.table import Table, TableError, as_names, shorten
from lamina.data.timeseries.spacing import Spacing, find_spacing


@dataclass(frozen=True, eq=False)
class ForecastTable:
    """One or several time series to forecast.

    Attributes
    ----------
    y : ndarray of float64 (steps,), or (steps, targets) for a list of targets
    exogenous : ndarray of float64 (steps, k), or None
        Exogenous variables of each step.
    later : ndarray of float64 (rows, k), or None
        The same for the steps to forecast: the rows after the last target.
    times : ndarray (steps,) or None
        datetime64 or float64.
    targets, exogenous_names : list of str
        Names of the columns.
    spacing : Spacing or None
        Spacing of the times; None with fewer than two.
    source : str
        Where the table was read from.
    series : list of str or None
        Names of the series, if there are several: then `y`, `exogenous`, `later` and
        `times` are lists of arrays.
    """

    y: Any
    exogenous: Any
    later: Any
    times: Any
    targets: list[str]
    exogenous_names: list[str]
    spacing: Spacing | None
    source: str
    series: list[str] | None = None

    @property
    def period(self) -> int | None:
        """Usual number of steps per season: 12 for months, 4 for quarters, 7 for days,
        24 for hours."""
        return None if self.spacing is None else self.spacing.period

    def __repr__(self) -> str:
        if self.series is None:
            shape = f"{len(self.y):,} steps"
        else:
            shape = f"{len(self.series):,} series"
        apart = "" if self.spacing is None else f", {self.spacing} apart"
        return f"ForecastTable({', '.join(self.targets)}: {shape}{apart})"

    def future(self, n: int) -> Any:
        """Return the next `n` times after those of `y`: an array, or a list of them.

        Raises
        ------
        ValueError
            If the times of the table are unknown.
        """
        if self.spacing is None:
            raise ValueError(
                f"{self.source}: future times are unknown without at least two times; "
                "pass time= to read_forecast"
            )
        if self.series is None:
            return self.spacing.after(self.times[-1], n)
        return [self.spacing.after(times[-1], n) for times in self.times]


def read_forecast(
    source: Any,
    target: str | Iterable[str],
    time: str | None = None,
    exogenous: str | Iterable[str] = (),
    *,
    series: str | None = None,
) -> ForecastTable:
    """Read time series to forecast from a table with one row per time step.

    Parameters
    ----------
    source : path, data frame, dict of arrays, Table, or name of a data set
        See :func:`lamina.data.read_table`.
    target : str or iterable of str
        Column of numbers to forecast, or several. It may be missing in the last rows.
    time : str, optional
        Column of regularly spaced dates or numbers by which the rows are ordered.
        Without it the rows keep their order.
    exogenous : str or iterable of str
        Columns of numbers whose future values are known.
    series : str, optional
        Column with the series of each row, if there are several.

    Returns
    -------
    ForecastTable

    Raises
    ------
    TableError
        If a column does not exist or has no numbers, a time is duplicated or missing in
        between, or a target is missing before the last one; with the line.

    Examples
    --------
    >>> airline = read_forecast("airline", "passengers", "month")
    >>> airline
    ForecastTable(passengers: 144 steps, 1 month apart)
    >>> airline.period, airline.future(2).astype(str).tolist()
    (12, ['1961-01-01', '1961-02-01'])
    """
    table = read_table(source, text=as_names(series))
    targets, others = as_names(target), as_names(exogenous)
    check_roles(table, series=series, time=time, target=targets, exogenous=others)
    if not targets:
        raise TableError(f"{table.source}: target must name a column to forecast")
    steps = find_steps(table, series, time)
    ends = np.cumsum(steps.lengths)[:-1]
    rows = np.split(steps.order, ends)
    values, beside = _numbers(table, targets), _numbers(table, others)
    y = [_known(table, targets, values, each) for each in rows]
    lengths = list(map(len, y))
    if isinstance(target, str):
        y = [one[:, 0] for one in y]
    inside = later = times = spacing = None
    if others:
        x = [_complete(table, others, beside, each) for each in rows]
        inside = [one[:n] for one, n in zip(x, lengths, strict=True)]
        later = [one[n:] for one, n in zip(x, lengths, strict=True)]
    if time is not None and steps.times is not None:
        dates = np.split(_plain(steps.times), ends)
        spacing = _regular(table, time, steps.names, rows, dates)
        times = [one[:n] for one, n in zip(dates, lengths, strict=True)]

    def one_or_all(arrays: list[np.ndarray] | None) -> Any:
        return arrays if arrays is None or series is not None else arrays[0]

    return ForecastTable(
        y=one_or_all(y),
        exogenous=one_or_all(inside),
        later=one_or_all(later),
        times=one_or_all(times),
        targets=targets,
        exogenous_names=others,
        spacing=spacing,
        source=table.source,
        series=None if series is None else steps.names,
    )


def _numbers(table: Table, names: list[str]) -> np.ndarray:
    """Return columns of numbers (n_rows, k), NaN where one is missing."""
    out = np.empty((table.n_rows, len(names)))
    for place, name in enumerate(names):
        values = table.column(name)
        bad = np.full(len(values), values.dtype.kind == "M")
        if values.dtype == object:
            values, bad = numbers(values)
        elif values.dtype.kind == "f":
            bad = np.isinf(values)
        if bad.any():
            row = int(np.argmax(bad))
            found = texts(table.column(name)[[row]])[0]
            raise TableError(
                f"{_place(table, name, row)}: expected a number, got {shorten(found)}"
            )
        out[:, place] = values
    return out


def _known(
    table: Table, names: list[str], values: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Return the targets of one series up to the last row that has any."""
    (known,) = np.nonzero(np.any(~np.isnan(values[rows]), axis=1))
    if not known.size:
        raise TableError(
            f"{_place(table, names[0], rows[0])}: the series that starts here has no "
            "target values"
        )
    return _complete(table, names, values, rows[: known[-1] + 1])


def _complete(
    table: Table, names: list[str], values: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    missing = np.isnan(values[rows])
    if missing.any():
        step, column = np.argwhere(missing)[0]
        raise TableError(
            f"{_place(table, names[column], rows[step])}: a value is missing within "
            "the series; impute it"
        )
    return values[rows]


def _place(table: Table, name: str, row: Any) -> str:
    return f"{table.source}: column {shorten(name)}, {table.where(int(row))}"


def _plain(times: np.ndarray) -> np.ndarray:
    """Return dates in days or seconds if that loses no time of day or fraction."""
    if times.dtype.kind == "M":
        for unit in ("D", "s"):
            shorter = times.astype(f"datetime64[{unit}]")
            if (shorter == times).all():
                return shorter
    return times


def _regular(
    table: Table,
    time: str,
    names: list[str],
    rows: list[np.ndarray],
    dates: list[np.ndarray],
) -> Spacing | None:
    """Return the common spacing of all series; None with fewer than two times."""
    common: Spacing | None = None
    for name, places, times in zip(names, rows, dates, strict=True):
        if len(times) < 2:
            continue
        spacing, apart = find_spacing(times)
        wrong = ~np.isclose(apart, 1, rtol=1e-6)
        if wrong.any():
            step = int(np.argmax(wrong))
            pair = places[step : step + 2].tolist(), times[step : step + 2]
            raise TableError(_gap(table, time, *pair, spacing, float(apart[step])))
        common = common or spacing
        if not _same(spacing, common):
            raise TableError(
                f"{table.source}: column {shorten(time)}: the times of series "
                f"{shorten(name)} are {spacing} apart, those before it {common}"
            )
    return common


def _same(one: Spacing, other: Spacing) -> bool:
    """Whether spacings are equal, up to the rounding of fractions."""
    kinds = [(each.unit, each.month_end) for each in (one, other)]
    return kinds[0] == kinds[1] and bool(
        np.isclose(one.count, other.count, rtol=1e-6, atol=0)
    )


def _gap(
    table: Table,
    time: str,
    rows: list[int],
    times: np.ndarray,
    spacing: Spacing,
    apart: float,
) -> str:
    """Describe what is missing between two rows, or that they are irregular."""
    before, after = texts(times)
    first, second = map(table.where, rows)
    place = f"{table.source}: column {shorten(time)}"
    advice = "or omit time to treat the rows as equally spaced"
    count = round(apart) - 1
    if count < 1 or not np.isclose(apart, count + 1, rtol=1e-6):
        return (
            f"{place}: {after} ({second}) does not follow {before} ({first}) by "
            f"{spacing}, as most times do; correct it, {advice}"
        )
    missing = texts(spacing.after(times[0], 1))[0]
    lack = "is missing" if count == 1 else f"and {count - 1} more are missing"
    return (
        f"{place}: {missing} {lack} between {before} ({first}) and {after} ({second}), "
        f"where times are {spacing} apart; add the row, {advice}"
    )
