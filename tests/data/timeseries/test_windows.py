"""Differences and windows of a series, worked by hand."""

import numpy as np
import pytest

from lamina.data.timeseries.windows import (
    differences,
    last_window,
    summed,
    takes_logarithms,
    windows,
)

Z = np.array([1.0, 4.0, 9.0, 16.0, 25.0, 36.0, 49.0, 64.0])


def test_differences_and_back():
    assert differences(Z, 1).tolist() == [3, 5, 7, 9, 11, 13, 15]
    d = differences(Z, 3)
    assert d.tolist() == [15, 21, 27, 33, 39]
    np.testing.assert_array_equal(summed(d, Z[:3]), Z[3:])  # beyond a season too
    both = summed(np.stack([d, 0 * d]), Z[:3])
    np.testing.assert_array_equal(both, [Z[3:], [1, 4, 9, 1, 4]])


def test_windows_and_what_comes_after_them():
    X, Y = windows(Z, 3, 2)
    assert X[..., 0].tolist() == [[1, 4, 9], [4, 9, 16], [9, 16, 25], [16, 25, 36]]
    assert Y.tolist() == [[16, 25], [25, 36], [36, 49], [49, 64]]
    assert last_window(Z, 3, 2)[:, 0].tolist() == [36, 49, 64]


def test_what_is_known_beforehand_stands_beside_the_step_h_before_it():
    known = 10.0 * np.arange(8)[:, None]
    X, Y = windows(Z, 3, 2, known)
    assert X.shape == (4, 3, 2)
    assert X[0].tolist() == [[1, 20], [4, 30], [9, 40]]  # up to Y's last step, 4
    assert Y[0].tolist() == [16, 25]
    assert X[-1].tolist() == [[16, 50], [25, 60], [36, 70]]
    more = 10.0 * np.arange(10)[:, None]
    found = last_window(Z, 3, 2, more)
    assert found.tolist() == [[36, 70], [49, 80], [64, 90]]


@pytest.mark.parametrize("log", [True, np.True_])
def test_logarithms_that_are_asked_for(log):
    assert takes_logarithms(log, [Z], 1) is True
    with pytest.raises(ValueError, match="series 1, step 0: 0 has no logarithm"):
        takes_logarithms(log, [Z, Z - 1], 1)


def test_logarithms_where_they_keep_differences_even():
    assert takes_logarithms("auto", [np.exp(Z / 9)], 1) is True
    assert takes_logarithms("auto", [3 * np.arange(1.0, 9.0)], 1) is False
    assert takes_logarithms("auto", [Z, Z - 1], 1) is False
    assert takes_logarithms(np.False_, [np.exp(Z)], 1) is False


@pytest.mark.parametrize("log", [1, 0, None, "yes", np.array(["auto"])])
def test_other_words_about_logarithms_are_refused(log):
    with pytest.raises(ValueError, match='log must be True, False or "auto", got'):
        takes_logarithms(log, [Z], 1)
