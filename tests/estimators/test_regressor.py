"""Networks for numbers: scaled targets, counts, several outputs."""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from lamina import (
    GRU,
    SGD,
    Dense,
    MLPRegressor,
    Output,
    RecurrentTagger,
    load,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_regression_with_scaled_target_on_diabetes(diabetes):
    model = MLPRegressor(
        hidden_layer_sizes=(16,), scale_target=True, random_state=0, alpha=1
    )
    plain = cross_val_score(model, *diabetes, cv=3)
    assert plain.mean() > 0.4


def test_poisson_regression_recovers_the_rates():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (2000, 2))
    y = rng.poisson(np.exp(0.5 + X @ [1.0, -0.5]))
    model = MLPRegressor("poisson", (), solver="lbfgs", alpha=0).fit(X, y)
    assert model.out_activation_ == "exp"
    np.testing.assert_allclose(model.coefs_[0][:, 0], [1, -0.5], atol=0.06)
    np.testing.assert_allclose(model.intercepts_[0], [0.5], atol=0.06)


def test_absolute_error_finds_the_median():
    y = np.array([0.0, 0, 0, 0, 100])
    model = MLPRegressor(
        "absolute_error", (), solver=SGD(0.05), max_iter=2000, alpha=0, tol=0
    )
    assert model.fit(np.zeros((5, 1)), y).predict([[0.0]])[0] < 1


def test_multi_output_regression(iris):
    X, _ = iris
    Y = X @ np.random.default_rng(0).standard_normal((4, 3))
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, Y)
    np.testing.assert_allclose(model.predict(X), Y, atol=1e-2)
    assert model.predict(X).dtype == np.float64


def test_a_loss_given_as_a_function(diabetes):
    def cube(a, y):
        return abs(y - a).sum(-1) ** 3

    model = MLPRegressor(cube, (4,), scale_target=True, random_state=0)
    assert model.fit(*diabetes).score(*diabetes) > 0.3


# ---- targets within reach of the outputs --------------------------------------------

CURVE = np.linspace(-2, 2, 80)[:, None]
WAVE = 500 + 40 * np.sin(2 * CURVE[:, 0])


def bounded(activation, **params):
    layers = [Dense(8, "tanh"), Output(Dense(1, activation))]
    how = {"solver": "lbfgs", "tol": 1e-6, "random_state": 0, "alpha": 0}
    return MLPRegressor(layers=layers, scale_target=True, **how | params)


@pytest.mark.parametrize(
    ("activation", "shift", "scale"), [("logistic", 460, 80), ("tanh", 500, 40)]
)
def test_targets_are_scaled_to_the_range_of_the_outputs(
    tmp_path, activation, shift, scale
):
    """Between the smallest and the largest target; of mean 0 half are out of reach."""
    model = bounded(activation).fit(CURVE, WAVE)
    assert model.score(CURVE, WAVE) > 0.99
    low, high = WAVE.min(), WAVE.max()
    np.testing.assert_allclose(model.target_mean_, [shift], atol=0.1)
    np.testing.assert_allclose(model.target_scale_, [scale], atol=0.1)
    scaled = model._target(WAVE[:, None])
    assert scaled.max() == pytest.approx(1, abs=1e-12)
    assert scaled.min() == pytest.approx(0 if activation == "logistic" else -1)
    assert ((model.predict(CURVE) >= low) & (model.predict(CURVE) <= high)).all()
    model.save(tmp_path / "model.lamina")
    again = load(tmp_path / "model.lamina")
    np.testing.assert_array_equal(again.predict(CURVE), model.predict(CURVE))


def test_each_output_has_its_range_and_a_constant_one_stays():
    Y = np.c_[WAVE, np.full(80, 7.0), -3 * WAVE]
    Y[3, 0] = np.nan
    layers = [Output(Dense(3, "logistic"))]
    model = MLPRegressor(layers=layers, scale_target=True, max_iter=1).fit(CURVE, Y)
    np.testing.assert_allclose(model.target_mean_, np.nanmin(Y, axis=0))
    ranges = np.nanmax(Y, axis=0) - np.nanmin(Y, axis=0)
    np.testing.assert_allclose(model.target_scale_, [ranges[0], 1, ranges[2]])


def test_targets_over_time_are_scaled_to_the_range_too():
    series = np.stack([CURVE[:10], CURVE[10:20]] * 10)
    layers = [GRU(2), Output(Dense(1, "logistic"))]
    tagger = RecurrentTagger(layers, loss="squared_error", max_iter=1)
    steps = 100 + series[..., 0]
    tagger.fit(series, steps)
    np.testing.assert_allclose(tagger.target_mean_, [98])
    np.testing.assert_allclose(tagger.target_scale_, [np.ptp(steps)])


def test_targets_beyond_the_first_ones_are_told():
    model = bounded("logistic", solver="adam").partial_fit(CURVE, WAVE)
    model.partial_fit(CURVE, WAVE)
    with pytest.warns(UserWarning, match="which logistic outputs cannot reach"):
        model.partial_fit(CURVE, WAVE + 1)
    np.testing.assert_allclose(model.target_mean_, [WAVE.min()])


@pytest.mark.parametrize("activation", ["exp", "relu", "softmax"])
def test_outputs_that_no_scaled_target_fits_are_refused(activation):
    layers = [Output(Dense(2, activation))]
    model = MLPRegressor(layers=layers, scale_target=True)
    with pytest.raises(ValueError, match=f"not '{activation}': set scale_target=False"):
        model.fit(CURVE, np.c_[WAVE, WAVE])
