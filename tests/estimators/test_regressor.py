"""Networks for numbers: scaled targets, counts, several outputs."""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from lamina import SGD, MLPRegressor, load

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


# ---- targets that float32, or a tolerance, cannot resolve ---------------------------

WAVE = np.random.default_rng(0).normal(size=(200, 2))
SMOOTH = np.sin(WAVE[:, 0]) + 0.5 * WAVE[:, 1]


def wave(y, X=WAVE, solver="lbfgs", **how):
    how = {"alpha": 0, "max_iter": 100, "random_state": 0} | how
    model = MLPRegressor(
        hidden_layer_sizes=(8,), activation="tanh", solver=solver, **how
    )
    return model.fit(X, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("y", [5.5e6 + 50 * SMOOTH, 1e8 + SMOOTH, -1e8 - SMOOTH])
def test_a_mean_far_beyond_the_deviation_is_taken_off(y, dtype):
    """float32 has 100 numbers a deviation here, or none."""
    X = WAVE.astype(dtype)
    model = wave(y, X, max_iter=200)
    assert model.score(X, y) > 0.99
    np.testing.assert_allclose(model.target_mean_, y.mean(), rtol=1e-12)
    assert model.target_scale_ == 1


def test_each_output_has_a_mean_of_its_own():
    Y = np.stack([1e8 + SMOOTH, SMOOTH, np.full(200, 5.0)], axis=1)
    Y[:5, 0] = np.nan
    model = wave(Y)
    measured = 1e8 + SMOOTH[5:]
    np.testing.assert_allclose(model.target_mean_, [measured.mean(), 0, 0], rtol=1e-12)
    left = model.predict(WAVE)[5:, 0] - measured
    assert left.std() < 0.2


def test_targets_that_float32_resolves_are_learnt_as_they_are():
    """Also such as have the same value everywhere, and counts."""
    for y in (SMOOTH, 5000 + SMOOTH, 1e8 * SMOOTH, np.full(200, 1e8)):
        model = wave(y, max_iter=1)
        assert (model.target_mean_, model.target_scale_) == (0, 1)
    model = wave(1e8 + SMOOTH, max_iter=1, dtype="float64")
    assert (model.target_mean_, model.target_scale_) == (0, 1)
    model = wave(1e8 + SMOOTH, max_iter=1, loss="poisson")
    assert (model.target_mean_, model.target_scale_) == (0, 1)


def test_a_mean_is_kept_by_partial_fit_and_by_files(tmp_path):
    model = MLPRegressor(hidden_layer_sizes=(4,), random_state=0)
    model.partial_fit(WAVE, 1e8 + SMOOTH).partial_fit(WAVE, 1e8 + SMOOTH + 1)
    np.testing.assert_allclose(model.target_mean_, (1e8 + SMOOTH).mean())
    model.save(tmp_path / "m.lamina")
    again = load(tmp_path / "m.lamina")
    np.testing.assert_array_equal(again.predict(WAVE), model.predict(WAVE))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "y", [SMOOTH, 1e-8 * SMOOTH, 1e5 + SMOOTH, 1e8 * SMOOTH, 1e5 + 1e-3 * SMOOTH]
)
def test_levenberg_marquardt_learns_targets_of_any_size(y, dtype):
    """R² was −6146 at 10⁻⁸, and 0.5 at 10⁵ + y."""
    assert wave(y, solver="lm", max_iter=40, dtype=dtype).score(WAVE, y) > 0.9999
