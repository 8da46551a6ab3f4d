"""Forecasts: what the equations say, one series or many, what is known beforehand."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

import lamina
from lamina import Forecaster, MLPRegressor, data
from tests.model_files import closed, opened

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
AIRLINE = data.load("airline").y


def linear(**params):
    """One regression without randomness: its forecasts can be worked out."""
    how: dict = {"horizon": 4, "estimator": LinearRegression(), "n_estimators": 1}
    return Forecaster(**how | params)


def clone_of(model) -> Any:
    return clone(model)


def test_forecasts_are_the_equations():
    """By least squares over windows that are cut by hand."""
    y = 10 + np.cumsum(RNG.standard_normal(80)) + 3 * np.sin(np.arange(80) * np.pi / 3)
    model = linear(seasonal_period=6, window=5, log=False).fit(y)
    d = y[6:] - y[:-6]
    mean, spread = d.mean(), d.std()
    e = (d - mean) / spread
    ends = range(5, len(e) - 3)
    X = np.array([e[t - 5 : t] for t in ends])
    Y = np.array([e[t : t + 4] for t in ends])
    told = LinearRegression().fit(X, Y).predict(e[-5:][None])[0] * spread + mean
    np.testing.assert_allclose(model.predict(), y[-6:-2] + told, rtol=1e-10)
    assert not model.log_
    assert model.window_ == 5


def test_logarithms_and_horizons_longer_than_a_season():
    y = np.exp(0.02 * np.arange(60) + 0.3 * np.tile([0.0, 1.0, 0.5], 20))
    model = linear(seasonal_period=3, horizon=7).fit(y)
    assert model.log_
    later = np.arange(60, 67)
    right = np.exp(0.02 * later + 0.3 * np.array([0.0, 1.0, 0.5])[later % 3])
    np.testing.assert_allclose(model.predict(), right, rtol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["recurrent", "mlp"])
def test_airline_passengers(estimator):
    """Better than the season before in a backtest of 12 steps."""
    model = Forecaster(12, seasonal_period=12, estimator=estimator, random_state=0)
    found = model.backtest(AIRLINE, folds=2)
    scores = found["scores"]
    assert scores["model"]["mase"] < 0.6 * scores["seasonal_naive"]["mase"]
    assert scores["seasonal_naive"]["mase"] < scores["naive"]["mase"]
    assert [fold["end"] for fold in found["folds"]] == [[120], [132]]
    assert found["coverage"] > 0.5


@pytest.mark.slow
def test_same_seed_same_forecast():
    model = Forecaster(
        3, n_estimators=2, estimator="mlp", intervals=False, random_state=1
    )
    one, other = (clone_of(model).fit(AIRLINE).predict() for _ in range(2))
    assert np.array_equal(one, other)
    assert len(model.fit(AIRLINE).estimators_) == 2
    other = model.set_params(random_state=2).fit(AIRLINE).predict()
    assert not np.array_equal(one, other)


@pytest.mark.slow
def test_forecasts_are_means_of_members_of_other_initial_weights():
    how: dict = {
        "n_estimators": 3,
        "estimator": "mlp",
        "intervals": False,
        "log": False,
    }
    model = Forecaster(2, random_state=0, **how).fit(AIRLINE)
    together, alone = model.predict(), []
    for one in (members := model.estimators_):
        model.estimators_ = [one]
        alone.append(model.predict())
    np.testing.assert_allclose(np.mean(alone, axis=0), together, rtol=1e-6)
    assert len({one.random_state for one in members}) == 3
    assert len(np.unique(alone, axis=0)) == 3


def test_many_series_teach_one_network():
    long = np.cumsum(RNG.standard_normal((70, 3)), axis=0)
    table = linear(log=False).fit(long)
    assert table.predict().shape == (4, 3)
    lists = linear(log=False).fit(list(long.T))
    np.testing.assert_allclose(np.stack(lists.predict(), axis=1), table.predict())
    different = linear(log=False).fit([long[:, 0], long[:40, 1]])
    assert [one.shape for one in different.predict()] == [(4,), (4,)]
    assert table.n_series_ == 3


def test_what_is_known_beforehand_is_used():
    """y follows from X of the same step alone."""
    X = RNG.standard_normal((90, 2))
    y = 5 + X @ [1.0, -2.0]
    model = linear(log=False).fit(y[:86], X[:86])
    np.testing.assert_allclose(model.predict(X[86:]), y[86:], rtol=1e-6)
    backtest = model.backtest(y, X, folds=2)
    assert backtest["scores"]["model"]["mae"] < 1e-6
    many = linear(log=False).fit([y[:86], y[:80]], [X[:86], X[:80]])
    found = many.predict([X[86:], X[80:]])
    np.testing.assert_allclose(found[1], y[80:84], atol=0.1)  # of another μ and s


def test_what_came_since_is_continued_without_learning():
    y = np.cumsum(RNG.standard_normal(90))
    X = np.sin(y)
    model = linear(log=False).fit(y[:80])
    np.testing.assert_array_equal(model.predict(y=y[:80]), model.predict())
    later = model.predict(y=y)
    assert abs(later[0] - y[-1]) < 4
    assert not np.array_equal(later, model.predict())
    lower, upper = model.predict_interval(y=y)
    assert ((lower < later) & (later < upper)).all()
    known = linear(log=False).fit(y[:80], X[:80])
    np.testing.assert_array_equal(
        known.predict(X[80:], y=y[:80], known=X[:80]), known.predict(X[80:])
    )
    with pytest.raises(ValueError, match="series 0 has 8 steps; 9 are needed"):
        model.predict(y=y[:8])
    with pytest.raises(ValueError, match="y must have 1 series, as in fit; got 2"):
        model.predict(y=[y, y])
    with pytest.raises(ValueError, match="known must be given"):
        known.predict(X[80:], y=y)


@pytest.mark.slow
def test_intervals_hold_what_they_promise():
    """A random walk: errors grow as √k, and 80 % lie within."""
    walks = 5 * np.cumsum(RNG.standard_normal((400, 8)), axis=0)
    model = linear(horizon=9, log=False).fit(walks[:300])
    lower, upper = model.predict_interval(coverage=0.8)
    width = (upper - lower).mean(axis=1)
    np.testing.assert_allclose(width / width[0], np.sqrt(np.arange(1, 10)), rtol=0.2)
    np.testing.assert_allclose(width[0], 5 * 2 * 1.2816, rtol=0.15)
    inside = model.backtest(walks, folds=10)["coverage"]
    assert 0.7 < inside < 0.9
    narrow, wide = model.predict_interval(coverage=0.5)
    assert ((narrow >= lower) & (wide <= upper)).all()


def test_intervals_are_learnt_from_windows_that_were_not():
    """By hand: the last quarter of the windows is held, and no window is learnt of
    whose answer a step is in theirs."""
    y = np.cumsum(RNG.standard_normal(70))
    model = linear(seasonal_period=3, window=5, log=False).fit(y)
    d = y[3:] - y[:-3]
    mean, spread = d.mean(), d.std()
    e = (d - mean) / spread
    begins = np.arange(5, len(e) - 3)  # first steps of answers, four steps each
    held = begins[-(len(begins) // 4) :]
    learnt = begins[begins + 4 <= held[0]]
    assert len(learnt) == len(begins) - len(held) - 3
    regression = LinearRegression().fit(
        [e[t - 5 : t] for t in learnt], [e[t : t + 4] for t in learnt]
    )
    right = []
    for t in held:
        steps = regression.predict([e[t - 5 : t]])[0] * spread + mean
        z = y[: t + 3]
        for step in steps:
            z = np.append(z, z[-3] + step)
        right.append((y[t + 3 : t + 7] - z[-4:]) / spread)
    np.testing.assert_allclose(model.residuals_, right, rtol=1e-9)


@pytest.mark.slow
def test_a_file_forecasts_the_same(tmp_path):
    model = Forecaster(3, seasonal_period=12, estimator="mlp", random_state=0).fit(
        AIRLINE
    )
    model.save(tmp_path / "model.lamina")
    again = lamina.load(tmp_path / "model.lamina")
    assert np.array_equal(again.predict(), model.predict())
    for a, b in zip(again.predict_interval(), model.predict_interval(), strict=True):
        assert np.array_equal(a, b)


def test_bad_input():
    y = np.arange(1.0, 60)
    with pytest.raises(ValueError, match="series 0 has 59 steps; .* 119 are needed"):
        Forecaster(50, seasonal_period=31).fit(y)
    with pytest.raises(ValueError, match=r"series 0, step 3: -1 has no logarithm"):
        Forecaster(log=True).fit(np.where(np.arange(59) == 3, -1, y))
    with pytest.raises(ValueError, match="estimator must be one of"):
        Forecaster(estimator="arima").fit(y)
    with pytest.raises(ValueError, match="estimator must be one of"):
        Forecaster(estimator=LinearRegression).fit(y)
    with pytest.raises(ValueError, match="horizon must be a whole number"):
        Forecaster(0).fit(y)
    with pytest.raises(ValueError, match="log must be True or False or 'auto'"):
        Forecaster(log="yes").fit(y)
    with pytest.raises(ValueError, match="window must be at least horizon=4"):
        linear(window=3).fit(y, y)
    with pytest.raises(ValueError, match="fewer folds"):
        linear().backtest(y, folds=15)
    model = linear().fit(y)
    with pytest.raises(ValueError, match="was fitted without X"):
        model.predict(np.ones((4, 1)))
    with pytest.raises(ValueError, match="needs X of the next steps"):
        linear().fit(y, np.sin(y)).predict()
    with pytest.raises(ValueError, match=r"must be \(4 steps, 1\), got \(3, 1\)"):
        linear().fit(y, np.sin(y)).predict(np.ones((3, 1)))
    with pytest.raises(ValueError, match="no intervals: intervals=False"):
        linear(intervals=False).fit(y).predict_interval()
    with pytest.raises(ValueError, match="no intervals: the series are too short"):
        linear().fit(y[:24]).predict_interval()


def test_the_shortest_series_is_long_enough():
    for how in ({}, {"seasonal_period": 7}, {"window": 20}, {"horizon": 9}):
        least = linear(**how).shortest()
        y = 50 + np.cumsum(RNG.standard_normal(least))
        linear(**how).fit(y)
        with pytest.raises(ValueError, match=f"at least {least} are needed"):
            linear(**how).fit(y[1:])
    assert linear(horizon=9).shortest(knows=True) == 1 + 9 + 9 + 7
    with pytest.raises(ValueError, match="horizon must be a whole number"):
        Forecaster(0).shortest()


@pytest.mark.slow
def test_ctrl_c_ends_all_and_keeps_what_was_learnt():
    """Networks learn side by side and end together, in a backtest too."""
    epochs = []

    def stop(progress):
        epochs.append(progress.epoch)
        if len(epochs) == last:
            raise KeyboardInterrupt

    how = {"hidden_layer_sizes": (4,), "max_iter": 2, "callbacks": [stop]}
    y, last = np.cumsum(RNG.standard_normal(70)), 3
    model = Forecaster(3, estimator=MLPRegressor(**how), n_estimators=3).fit(y)
    assert (len(epochs), len(model.estimators_)) == (3, 3)
    assert [one.n_iter_ for one in model.estimators_] == [1, 1, 1]
    assert model.interrupted_
    assert model.residuals_ is None
    assert model.predict().shape == (3,)
    epochs, last = [], 7  # of the networks for the intervals the first
    model.fit(y)
    assert (len(epochs), len(model.estimators_)) == (7, 3)
    with pytest.raises(ValueError, match="no intervals: the fit was interrupted"):
        model.predict_interval()
    epochs, last = [], 2
    with pytest.raises(KeyboardInterrupt):
        model.backtest(y)
    last = 0
    assert not model.fit(y).interrupted_


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("parameters", "horizon", 10**12, "residuals must be|does not fit"),
        ("parameters", "seasonal_period", -1, r"tails\[0\] must be an array"),
        ("fitted", "window", 10**12, r"tails\[0\] must be an array"),
        ("fitted", "log", 1, "log must be True or False"),
        ("fitted", "form", "two", "form must be one of .*; got 'two'"),
        ("fitted", "center", [1.0], "center must be an array"),
        ("fitted", "tails", [], "tails must be a list of entries.*, of length 1"),
        ("fitted", "tails", None, "tails must be a list .*; got None"),
        ("fitted", "known", [], "known must be None or a list"),
        ("fitted", "residuals", [[1.0]], "residuals must be None or an array"),
        ("fitted", "estimators", [3], r"estimators\[0\] must be a fitted estimator"),
        ("fitted", "estimators", ..., "estimators must be a list .*; got nothing"),
    ],
)
def test_damaged_files_are_refused(part, name, value, message):
    how = {"hidden_layer_sizes": (4,), "max_iter": 1}
    model = Forecaster(3, estimator=MLPRegressor(**how), n_estimators=1)
    description, tensors = opened(model.fit(AIRLINE))
    if value is ...:
        del description[part][name]
    else:
        description[part][name] = value
    with pytest.raises(ValueError, match=message):
        closed(description, tensors)
