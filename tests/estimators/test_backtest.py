"""Backtests: what naive forecasts say, and how errors are counted, by hand."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from lamina import Forecaster


@pytest.fixture(scope="module")
def found():
    y = np.tile([1.0, 5.0, 3.0], 12) + np.arange(36)
    model = Forecaster(2, season=3, estimator=LinearRegression(), members=1, log=False)
    return y, model.backtest(y, folds=3, step=1)


def test_ends_and_what_was_true(found):
    y, found = found
    assert [fold["end"] for fold in found["folds"]] == [[32], [33], [34]]
    for fold in found["folds"]:
        (end,) = fold["end"]
        np.testing.assert_array_equal(fold["actual"][0], y[end : end + 2])
        np.testing.assert_array_equal(fold["naive"][0], [y[end - 1]] * 2)
        season = y[end - 3 : end - 1]
        np.testing.assert_array_equal(fold["seasonal_naive"][0], season)


def test_errors(found):
    _, found = found
    scores = found["scores"]
    assert scores["seasonal_naive"] == {"mae": 3.0, "rmse": 3.0, "mase": 1.0}
    assert scores["model"]["mae"] < 1e-9  # a season and a drift: nothing is left
    errors = [fold["actual"][0] - fold["naive"][0] for fold in found["folds"]]
    flat = np.concatenate(errors)
    np.testing.assert_allclose(scores["naive"]["mae"], np.abs(flat).mean())
    np.testing.assert_allclose(scores["naive"]["rmse"], np.sqrt((flat**2).mean()))
    np.testing.assert_allclose(scores["naive"]["mase"], np.abs(flat).mean() / 3)


def test_several_series_of_different_lengths():
    rng = np.random.default_rng(0)
    y = [np.cumsum(rng.standard_normal(n)) for n in (60, 40)]
    model = Forecaster(3, estimator=LinearRegression(), members=1, intervals=False)
    found = model.backtest(y, folds=2)
    assert [fold["end"] for fold in found["folds"]] == [[54, 34], [57, 37]]
    assert found["coverage"] is None
    assert found["folds"][0]["lower"] is None
    assert len(found["folds"][0]["model"]) == 2
