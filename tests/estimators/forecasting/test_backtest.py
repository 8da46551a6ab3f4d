"""Backtests: what naive forecasts say, and how errors are counted, by hand."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from lamina import Forecaster
from lamina.estimators.forecasting.backtest import backtest


@pytest.fixture(scope="module")
def found():
    y = np.tile([1.0, 5.0, 3.0], 12) + np.arange(36)
    model = Forecaster(
        2, seasonal_period=3, estimator=LinearRegression(), n_estimators=1, log=False
    )
    return y, model.backtest(y, folds=3, step=1)


def test_ends_and_what_was_true(found):
    y, found = found
    assert [fold["end"] for fold in found["folds"]] == [[32], [33], [34]]
    for fold in found["folds"]:
        (end,) = fold["end"]
        np.testing.assert_array_equal(fold["actual"][0], y[end : end + 2])
        np.testing.assert_array_equal(fold["naive"][0], [y[end - 1]] * 2)
        seasonal_period = y[end - 3 : end - 1]
        np.testing.assert_array_equal(fold["seasonal_naive"][0], seasonal_period)


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
    model = Forecaster(3, estimator=LinearRegression(), n_estimators=1, intervals=False)
    found = model.backtest(y, folds=2)
    assert [fold["end"] for fold in found["folds"]] == [[54, 34], [57, 37]]
    assert found["coverage"] is None
    assert found["folds"][0]["lower"] is None
    assert len(found["folds"][0]["model"]) == 2


POISON = 1e6
TOLD = ("model", "naive", "seasonal_naive", "lower", "upper")


def poisoned(values, ends, poison=POISON):
    """Return copies of series that are something else from these steps on."""
    copies = [one.copy() for one in values]
    for one, end in zip(copies, ends, strict=True):
        one[end:] = poison
    return copies


@pytest.mark.parametrize("knows", [False, True], ids=["y", "y and X"])
@pytest.mark.parametrize("learns", [True, False])
def test_no_fold_sees_what_comes_after_its_end(learns, knows):
    """Bit for bit: neither networks, nor scales, logarithms, or calibration do. Of X
    the steps that are forecast are known."""
    rng = np.random.default_rng(0)
    y: Any = [np.exp(0.1 * np.cumsum(rng.standard_normal(n))) for n in (70, 60)]
    X: Any = [np.cos(one) for one in y] if knows else None
    how: dict = {"estimator": LinearRegression(), "n_estimators": 1}
    model = Forecaster(3, seasonal_period=2, **how).fit(
        *([one[:50] for one in each] for each in (y, X) if each)
    )
    assert model.log_
    now = 3, 2, 0.8, learns
    for number, fold in enumerate(backtest(model, y, X, *now)["folds"]):
        later = X and poisoned(X, [end + 3 for end in fold["end"]], 5.0)
        found = backtest(model, poisoned(y, fold["end"]), later, *now)["folds"][number]
        assert found["end"] == fold["end"]
        assert all((one == POISON).all() for one in found["actual"])
        for part in TOLD:
            for a, b in zip(found[part], fold[part], strict=True):
                assert np.array_equal(a, b), part


def test_the_unit_of_errors_is_that_of_the_past():
    y = np.tile([1.0, 5.0, 3.0], 12) + np.arange(36)
    y[-2:] = POISON
    model = Forecaster(
        2, seasonal_period=3, estimator=LinearRegression(), n_estimators=1, log=False
    )
    scores = model.backtest(y, folds=1)["scores"]["naive"]
    assert scores["mase"] == scores["mae"] / 3  # a drift of 1 a step, 3 a season
