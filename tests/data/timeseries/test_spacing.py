"""How far times are apart, and which come next."""

import numpy as np
import pytest

from lamina.data.timeseries.spacing import Spacing, find_spacing


def dates(*texts):
    return np.array(texts, "datetime64[us]")


CALENDAR = [
    (["2023-11", "2023-12"], "1 month", 12, ["2024-01", "2024-02"]),
    (["2023-10-15", "2024-01-15"], "3 months", 4, ["2024-04-15"]),
    (["2020", "2021", "2022"], "12 months", None, ["2023", "2024"]),
    (["2024-02-28", "2024-02-29"], "1 day", 7, ["2024-03-01", "2024-03-02"]),
    (["2023-12-21", "2023-12-28"], "7 days", None, ["2024-01-04"]),
    (["2024-01-01T22", "2024-01-01T23"], "1 hour", 24, ["2024-01-02T00"]),
    (["2024-01-31T22", "2024-01-31T23"], "1 hour", 24, ["2024-02-01T00"]),
    (["2024-01-01T23:30", "2024-01-01T23:45"], "15 minutes", None, ["2024-01-02"]),
    (["2024-01-01T00:00:00", "2024-01-01T00:00:00.5"], "0.5 seconds", None, []),
]


@pytest.mark.parametrize(("times", "shown", "period", "following"), CALENDAR)
def test_calendar(times, shown, period, following):
    times = dates(*times)
    found, apart = find_spacing(times)
    assert (str(found), found.period) == (shown, period)
    assert (apart == 1).all()
    later = found.after(times[-1], len(following))
    np.testing.assert_array_equal(later, dates(*following))
    assert later.dtype == times.dtype


def test_times_keep_their_type():
    found, _ = find_spacing(np.array(["2024-01-01", "2024-01-02"], "datetime64[D]"))
    assert found == Spacing(86_400, "second")
    later = found.after(np.datetime64("2024-01-02", "D"), 1)
    assert (later.dtype, str(later[0])) == ("datetime64[D]", "2024-01-03")


def test_ends_of_months_stay_ends():
    times = dates("2023-11-30", "2023-12-31", "2024-01-31")
    found, _ = find_spacing(times)
    assert found == Spacing(1, "month", month_end=True)
    wanted = dates("2024-02-29", "2024-03-31", "2024-04-30")
    np.testing.assert_array_equal(found.after(times[-1], 3), wanted)
    quarters = dates("2023-03-31T18", "2023-06-30T18")
    found, _ = find_spacing(quarters)
    assert (found.count, found.month_end, found.period) == (3, True, 4)
    wanted = dates("2023-09-30T18", "2023-12-31T18")
    np.testing.assert_array_equal(found.after(quarters[-1], 2), wanted)


def test_a_day_that_a_month_has_not_is_its_last():
    later = Spacing(1, "month").after(dates("2024-01-30")[0], 2)
    np.testing.assert_array_equal(later, dates("2024-02-29", "2024-03-30"))


def test_numbers():
    found, apart = find_spacing(np.array([0.1, 0.2, 0.3, 0.4]))
    assert (found.unit, str(found), found.period) == ("number", "0.1", None)
    np.testing.assert_allclose(apart, 1)
    np.testing.assert_allclose(found.after(np.float64(0.4), 2), [0.5, 0.6])


@pytest.mark.parametrize(
    ("times", "apart"),
    [
        (["2024-01", "2024-02", "2024-04"], [1, 2]),
        (["2024-01", "2024-04", "2024-05", "2024-06"], [3, 1, 1]),
        (["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-06"], [1, 1, 3]),
        (["2024-01-01T00", "2024-01-01T01", "2024-01-01T02:30"], [1, 1.5]),
    ],
)
def test_gaps_are_counted(times, apart):
    assert find_spacing(dates(*times))[1].tolist() == apart
