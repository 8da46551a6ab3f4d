"""Networks for numbers: scaled targets, counts, several outputs."""

import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPRegressor as Theirs

from lamina import (
    SGD,
    Dense,
    MLPRegressor,
    RecurrentTagger,
)
from lamina.estimators._core.holdout import split
from lamina.networks import Key

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.slow
def test_regression_with_scaled_target_on_diabetes(diabetes):
    model = MLPRegressor(
        hidden_layer_sizes=(16,), scale_target=True, random_state=0, alpha=1
    )
    plain = cross_val_score(model, *diabetes, cv=3)
    assert plain.mean() > 0.4


@pytest.mark.slow
def test_poisson_regression_recovers_the_rates():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (2000, 2))
    y = rng.poisson(np.exp(0.5 + X @ [1.0, -0.5]))
    model = MLPRegressor("poisson", (), solver="lbfgs", alpha=0).fit(X, y)
    assert model.out_activation_ == "exp"
    np.testing.assert_allclose(model.coefs_[0][:, 0], [1, -0.5], atol=0.06)
    np.testing.assert_allclose(model.intercepts_[0], [0.5], atol=0.06)


@pytest.mark.slow
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


# ---- R² -----------------------------------------------------------------------------


@pytest.fixture
def linear(rng):
    """Data, weights and a model that knows nothing of them yet."""
    X = rng.normal(size=(60, 2))
    Y = X @ rng.normal(size=(2, 2)) + rng.normal(size=(60, 2))
    how = {"hidden_layer_sizes": (), "random_state": 0, "dtype": "float64"}
    return X, Y, rng.uniform(0, 3, 60), MLPRegressor(**how)


@pytest.mark.slow
def test_a_score_where_targets_are_missing_goes_by_the_weights(linear):
    X, Y, weight, model = linear
    model.set_params(solver="lbfgs").fit(X, Y)
    Y[::3, 0] = np.nan
    known = ~np.isnan(Y[:, 0])
    predicted = model.predict(X)
    first = r2_score(Y[known, 0], predicted[known, 0], sample_weight=weight[known])
    second = r2_score(Y[:, 1], predicted[:, 1], sample_weight=weight)
    expected = pytest.approx((first + second) / 2, rel=1e-12)
    assert model.score(X, Y, weight) == expected


@pytest.mark.slow
def test_the_score_of_validation_rows_goes_by_the_weights(linear):
    X, Y, weight, model = linear
    model.set_params(early_stopping=True, validation_fraction=0.5, max_iter=1)
    model.fit(X, Y, weight)
    _, held = split(Key(0), len(X), 0.5, None)
    predicted = model.predict(X[held])
    expected = r2_score(Y[held], predicted, sample_weight=weight[held])
    assert model.validation_scores_ == pytest.approx([expected], rel=1e-12)


@pytest.mark.slow
def test_the_score_of_a_number_a_step_goes_by_the_weights_of_sequences(rng):
    X = [rng.normal(size=n) for n in (5, 9, 3, 7)]
    y = [np.cumsum(x) for x in X]
    weight = np.array([0.0, 3.0, 1.0, 2.0])
    how = {"loss": "squared_error", "max_iter": 1, "random_state": 0}
    model = RecurrentTagger([Dense(2, "tanh")], **how).fit(X, y)
    each = np.repeat(weight, [len(x) for x in X])
    found = np.concatenate(y), np.concatenate(model.predict(X))
    expected = r2_score(*found, sample_weight=each)
    assert model.score(X, y, weight) == pytest.approx(expected, rel=1e-6)
    assert model.score(X, y) != pytest.approx(expected, rel=1e-3)


# ---- the loss of several outputs ----------------------------------------------------


def both(X, Y, **how):
    """scikit-learn's perceptron and lamina's, with the same weights to start from."""
    how |= {"activation": "tanh", "warm_start": True, "shuffle": False}
    theirs = Theirs(hidden_layer_sizes=(3,), random_state=0, **how)
    theirs._random_state = np.random.RandomState(0)
    theirs._initialize(Y, [X.shape[1], 3, Y.shape[1]], np.float64)
    theirs.n_features_in_ = X.shape[1]
    mine = MLPRegressor(hidden_layer_sizes=(3,), dtype="float64", **how)
    mine.coefs_ = [w.copy() for w in theirs.coefs_]
    mine.intercepts_ = [b.copy() for b in theirs.intercepts_]
    return mine.fit(X, Y), theirs.fit(X, Y)


@pytest.mark.parametrize("alpha", [0.0, 2.0])
@pytest.mark.parametrize("batch_size", [16, 60])
def test_the_loss_of_several_outputs_is_their_mean_as_in_scikit_learn(
    alpha, batch_size, linear
):
    """So is the penalty's share, and where ``tol`` ends the run; weights are equal."""
    X, Y, _, _ = linear
    Y = np.column_stack([Y, Y[:, 0] - Y[:, 1], X[:, 0]])
    how = {"solver": "sgd", "alpha": alpha, "batch_size": batch_size}
    how |= {"learning_rate_init": 0.02, "tol": 3e-3, "n_iter_no_change": 3}
    mine, theirs = both(X, Y, **how)
    assert mine.n_iter_ == theirs.n_iter_ < mine.max_iter
    np.testing.assert_allclose(mine.loss_curve_, theirs.loss_curve_, rtol=1e-12)
    assert mine.loss_ == pytest.approx(theirs.loss_, rel=1e-12)
    assert mine.best_loss_ == pytest.approx(theirs.best_loss_, rel=1e-12)
    assert mine.history_["loss"] == mine.loss_curve_
    for a, b in zip(mine.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["lbfgs", "newton", "cg", "lm", "exact"])
def test_methods_that_report_the_loss_after_a_step_report_its_mean(solver, linear):
    """½ meanᵢⱼ (yᵢⱼ − aᵢⱼ)² + ½ α Σ W² / n."""
    X, Y, _, model = linear
    model.set_params(solver=solver, alpha=6.0, max_iter=1).fit(X, Y)
    data = 0.5 * np.mean((Y - model.predict(X)) ** 2)
    penalty = 0.5 * 6.0 * np.sum(model.coefs_[0] ** 2) / len(X)
    assert model.loss_ == pytest.approx(data + penalty, rel=1e-9)


def test_the_loss_of_validation_rows_is_the_mean_over_outputs_too(linear):
    X, Y, _, model = linear
    model.set_params(max_iter=1).fit(X[:40], Y[:40], X_val=X[40:], y_val=Y[40:])
    expected = 0.5 * np.mean((Y[40:] - model.predict(X[40:])) ** 2)
    (found,) = model.history_["validation_loss"]
    assert found == pytest.approx(expected, rel=1e-12)


def test_other_losses_of_several_outputs_are_sums(linear):
    X, Y, _, model = linear
    model.set_params(loss="absolute_error", max_iter=1)
    model.fit(X[:40], Y[:40], X_val=X[40:], y_val=Y[40:])
    expected = np.abs(Y[40:] - model.predict(X[40:])).sum(axis=1).mean()
    (found,) = model.history_["validation_loss"]
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_a_number_a_step_has_the_mean_over_outputs_too(rng):
    X = rng.normal(size=(6, 5, 1))
    y = np.concatenate([X, -X], axis=2)
    how = {"loss": "squared_error", "scale_target": False, "max_iter": 1}
    model = RecurrentTagger([Dense(2, "tanh")], dtype="float64", **how)
    model.fit(X, y, X_val=X, y_val=y)
    expected = 0.5 * np.mean((y - np.stack(model.predict(X))) ** 2)
    (found,) = model.history_["validation_loss"]
    assert found == pytest.approx(expected, rel=1e-9)


# ---- the type of predictions --------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_predictions_have_the_type_of_the_inputs(kind, iris):
    X = iris[0].astype(kind)
    model = MLPRegressor(hidden_layer_sizes=(2,), max_iter=1).fit(X, X[:, 0])
    assert model.predict(X).dtype == kind
    assert model.predict(X.tolist()).dtype == np.float64
    several = MLPRegressor(hidden_layer_sizes=(2,), max_iter=1).fit(X, X)
    assert several.predict(X).dtype == kind
    sequences = X[:, :, None]
    how = {"loss": "squared_error", "scale_target": False, "max_iter": 1}
    tagger = RecurrentTagger([Dense(2, "tanh")], **how).fit(sequences, X)
    assert tagger.predict(sequences)[0].dtype == kind


@pytest.mark.parametrize("how", [{"scale_target": True}, {"dtype": "float64"}])
def test_predictions_are_float64_where_float32_would_lose_digits(how, iris):
    X = iris[0].astype(np.float32)
    y = 5e6 + X[:, 0].astype(float)
    model = MLPRegressor(hidden_layer_sizes=(), max_iter=1, **how).fit(X, y)
    assert model.predict(X).dtype == np.float64
