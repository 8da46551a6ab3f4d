"""The spacing of a time series, and its future times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_DAY, _HOUR = 86_400.0, 3_600.0
#: Number of steps per season.
_PERIODS = {
    ("month", 1.0): 12,
    ("month", 3.0): 4,
    ("second", _DAY): 7,
    ("second", _HOUR): 24,
}
_UNITS = {"day": _DAY, "hour": _HOUR, "minute": 60.0, "second": 1.0}


@dataclass(frozen=True)
class Spacing:
    """The distance from each time to the next.

    Attributes
    ----------
    count : float
        Number of units.
    unit : {"month", "second", "number"}
        Months and years have no fixed number of seconds; plain numbers have no unit.
    month_end : bool
        Whether each time is on the last day of a month.
    """

    count: float
    unit: str
    month_end: bool = False

    @property
    def period(self) -> int | None:
        """Number of steps per season: months or quarters per year, days per week, hours
        per day; None for other distances."""
        return _PERIODS.get((self.unit, self.count))

    def __str__(self) -> str:
        count, unit = self.count, self.unit
        if unit == "second":
            unit, size = next(u for u in _UNITS.items() if count >= u[1] or u[1] == 1)
            count /= size
        if unit == "number":
            return f"{count:g}"
        return f"{count:g} {unit}{'' if count == 1 else 's'}"

    def after(self, last: Any, n: int) -> np.ndarray:
        """Return the `n` times after a time, in the same type."""
        steps = np.arange(1, n + 1) * self.count
        if self.unit == "number":
            return last + steps
        if self.unit == "second":
            later = last + np.round(1e6 * steps).astype("timedelta64[us]")
            return later.astype(last.dtype)
        month = last.astype("datetime64[M]")
        within = last - month.astype("datetime64[us]")
        hour = within % np.timedelta64(1, "D")
        if self.month_end:
            within = hour + np.timedelta64(30, "D")
        months = month + np.round(steps).astype("timedelta64[M]")
        ends = (months + 1).astype("datetime64[us]") - np.timedelta64(1, "D") + hour
        # 31 January plus a month is the last day of February.
        later = np.minimum(months.astype("datetime64[us]") + within, ends)
        return later.astype(last.dtype)


def find_spacing(times: np.ndarray) -> tuple[Spacing, np.ndarray]:
    """Find the most common distance of successive times.

    Parameters
    ----------
    times : ndarray (steps,) of float64 or datetime64, at least two, increasing

    Returns
    -------
    Spacing
    ndarray of float (steps − 1,)
        Each step in units of this distance: all 1 if the times are regular.
    """
    unit, month_end = "number", False
    places = times
    if times.dtype.kind == "M":
        times = times.astype("datetime64[us]")
        unit, month_end = _calendar(times)
        dates = times.astype("datetime64[M]") if unit == "month" else times
        places = dates.astype(np.int64)
    steps = np.diff(places)
    # The lower median, a distance that occurs; `np.median` may be the mean of two.
    usual = np.sort(steps)[(len(steps) - 1) // 2]
    count = float(usual) / (1e6 if unit == "second" else 1)
    return Spacing(count, unit, month_end), steps / usual


def _calendar(times: np.ndarray) -> tuple[str, bool]:
    """Whether times are spaced by months, and if so at month ends."""
    day = np.timedelta64(1, "D")
    months = times.astype("datetime64[M]")
    within = times - months
    ends = (times + day).astype("datetime64[M]") > months
    if ends.all() and (within % day == within[0] % day).all():
        return "month", True
    return ("month" if (within == within[0]).all() else "second"), False
