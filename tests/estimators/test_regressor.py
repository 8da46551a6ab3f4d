"""Networks for numbers: scaled targets, counts, several outputs."""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from lamina import SGD, MLPRegressor

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
