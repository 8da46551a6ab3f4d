"""Forms in which series to forecast come, and what is refused."""

import numpy as np
import pytest

from lamina.data.timeseries.time_series import as_list, beforehand
from lamina.data.timeseries.windows import takes_logarithms


def test_forms():
    assert as_list([1, 2, 3])[1] == "one"
    columns, form = as_list(np.arange(6.0).reshape(3, 2))
    assert form == "columns"
    assert [one.tolist() for one in columns] == [[0, 2, 4], [1, 3, 5]]
    lists, form = as_list([[1, 2], (3, 4, 5)])
    assert form == "list"
    assert lists[1].tolist() == [3, 4, 5]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([], "must be one series"),
        (np.ones((2, 2, 2)), "must be one series"),
        ([1.0, np.nan], "series 0, step 1: nan is not a finite number"),
        ([[1.0], [1.0, np.inf]], "series 1, step 1: inf"),
        (["a", "b"], "series 0 is not an array of numbers"),
    ],
)
def test_bad_series(y, message):
    with pytest.raises(ValueError, match=message):
        as_list(y)


def test_what_is_known_beforehand():
    assert beforehand(None, [3], "one") is None
    for_all = beforehand(np.ones(3), [3, 3], "columns")
    assert for_all is not None
    assert [one.shape for one in for_all] == [(3, 1), (3, 1)]
    with pytest.raises(ValueError, match=r"X of series 0 must be \(4 steps, 2\), got"):
        beforehand(np.ones((3, 2)), [4], "one")
    with pytest.raises(ValueError, match="there are 2 series, but X is for 1"):
        beforehand([np.ones((3, 2))], [3, 3], "list")
    with pytest.raises(ValueError, match="X of series 0, step 1: is not finite"):
        beforehand([[1.0], [np.nan]], [2], "one")


def test_logarithms_where_they_keep_the_size_of_differences():
    t = np.arange(40)
    assert takes_logarithms("auto", [np.exp(0.1 * t)], 1)
    assert not takes_logarithms("auto", [5.0 + t], 1)
    assert not takes_logarithms("auto", [np.exp(0.1 * t) - 2], 1)  # not positive
    assert takes_logarithms(True, [5.0 + t], 1)
    assert not takes_logarithms(False, [np.exp(0.1 * t)], 1)


def test_tables_and_single_numbers_are_no_series():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"day": ["mon", "tue"], "y": [1.0, 2.0]})
    for table in (frame, {"a": [1.0, 2.0]}):
        with pytest.raises(
            ValueError, match="not an array of numbers; ForecastModel reads"
        ):
            as_list(table)
    for number in (3.0, None):
        with pytest.raises(ValueError, match="y must be one series"):
            as_list(number)
