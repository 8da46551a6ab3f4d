"""Targets within reach of the outputs, and of the numbers that float32 has."""

import numpy as np
import pytest

from lamina import GRU, Dense, MLPRegressor, Output, RecurrentTagger, load

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

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
    _, target = model._parts()
    scaled = target.for_loss(WAVE[:, None], activation)
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
