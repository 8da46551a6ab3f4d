"""Networks for numbers: scaled targets, counts, several outputs."""

import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPRegressor as Theirs

from lamina import (
    GRU,
    SGD,
    Dense,
    MLPRegressor,
    Output,
    RecurrentTagger,
    load,
)
from lamina.estimators._core.base import split
from lamina.estimators._core.regressor import r2
from lamina.networks import Key

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.slow
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


# ---- targets within reach of the outputs --------------------------------------------

CURVE = np.linspace(-2, 2, 80)[:, None]
WAVE = 500 + 40 * np.sin(2 * CURVE[:, 0])


def bounded(activation, **params):
    layers = [Dense(8, "tanh"), Output(Dense(1, activation))]
    how = {"solver": "lbfgs", "tol": 1e-6, "random_state": 0, "alpha": 0}
    return MLPRegressor(layers=layers, scale_target=True, **how | params)


@pytest.mark.slow
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


# ---- R² -----------------------------------------------------------------------------


def test_r2_by_hand():
    """Weights 1, 3: mean (0 + 3·4) / 4 = 3, 1 − (1·1 + 3·0) / (1·9 + 3·1) = 11/12.

    Of the second output only the rows of weight 3 and 2 are measured.
    """
    target, numbers = np.array([[0.0], [4.0]]), np.array([[1.0], [4.0]])
    assert r2(target, numbers, np.array([1.0, 3.0])) == pytest.approx(11 / 12)
    assert r2(target, numbers, np.ones(2)) == pytest.approx(7 / 8)
    target = np.array([[0.0, np.nan], [4.0, 0.0], [np.nan, 5.0]])
    numbers = np.array([[1.0, 9.0], [4.0, 1.0], [9.0, 4.0]])
    second = 1 - (3 * 1 + 2 * 1) / (3 * 4 + 2 * 9)  # mean 2
    found = r2(target, numbers, np.array([1.0, 3.0, 2.0]))
    assert found == pytest.approx((11 / 12 + second) / 2)


@pytest.mark.parametrize("outputs", [1, 3])
def test_r2_with_weights_is_that_of_scikit_learn(outputs, rng):
    target, weight = rng.normal(size=(40, outputs)), rng.uniform(0, 3, 40)
    numbers = target + rng.normal(size=(40, outputs))
    theirs = r2_score(target, numbers, sample_weight=weight)
    assert r2(target, numbers, weight) == pytest.approx(theirs, rel=1e-12)
    assert abs(theirs - r2_score(target, numbers)) > 1e-3


@pytest.fixture
def linear(rng):
    """Data, weights and a model that knows nothing of them yet."""
    X = rng.normal(size=(60, 2))
    Y = X @ rng.normal(size=(2, 2)) + rng.normal(size=(60, 2))
    how = {"hidden_layer_sizes": (), "random_state": 0, "dtype": "float64"}
    return X, Y, rng.uniform(0, 3, 60), MLPRegressor(**how)


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


def test_the_score_of_validation_rows_goes_by_the_weights(linear):
    X, Y, weight, model = linear
    model.set_params(early_stopping=True, validation_fraction=0.5, max_iter=1)
    model.fit(X, Y, weight)
    _, held = split(Key(0), len(X), 0.5, None)
    predicted = model.predict(X[held])
    expected = r2_score(Y[held], predicted, sample_weight=weight[held])
    assert model.validation_scores_ == pytest.approx([expected], rel=1e-12)


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


# ---- targets that float32, or a tolerance, cannot resolve ---------------------------

INPUTS = np.random.default_rng(0).normal(size=(200, 2))
SMOOTH = np.sin(INPUTS[:, 0]) + 0.5 * INPUTS[:, 1]


def wave(y, X=INPUTS, solver="lbfgs", **how):
    how = {"alpha": 0, "max_iter": 100, "random_state": 0} | how
    model = MLPRegressor(
        hidden_layer_sizes=(8,), activation="tanh", solver=solver, **how
    )
    return model.fit(X, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("y", [5.5e6 + 50 * SMOOTH, 1e8 + SMOOTH, -1e8 - SMOOTH])
def test_a_mean_far_beyond_the_deviation_is_taken_off(y, dtype):
    """float32 has 100 numbers a deviation here, or none."""
    X = INPUTS.astype(dtype)
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
    left = model.predict(INPUTS)[5:, 0] - measured
    assert left.std() < 0.2


@pytest.mark.slow
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
    model.partial_fit(INPUTS, 1e8 + SMOOTH).partial_fit(INPUTS, 1e8 + SMOOTH + 1)
    np.testing.assert_allclose(model.target_mean_, (1e8 + SMOOTH).mean())
    model.save(tmp_path / "m.lamina")
    again = load(tmp_path / "m.lamina")
    np.testing.assert_array_equal(again.predict(INPUTS), model.predict(INPUTS))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "y", [SMOOTH, 1e-8 * SMOOTH, 1e5 + SMOOTH, 1e8 * SMOOTH, 1e5 + 1e-3 * SMOOTH]
)
def test_levenberg_marquardt_learns_targets_of_any_size(y, dtype):
    """R² was −6146 at 10⁻⁸, and 0.5 at 10⁵ + y."""
    assert wave(y, solver="lm", max_iter=40, dtype=dtype).score(INPUTS, y) > 0.9999
