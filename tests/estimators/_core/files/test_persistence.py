"""Estimators ↔ files: nothing that matters is lost, and nothing hostile comes in."""

import copy
import warnings

import jax
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import lamina
from lamina import (
    LBFGS,
    SGD,
    Adam,
    Dense,
    Dropout,
    MLPClassifier,
    MLPRegressor,
    Perceptron,
)
from lamina.estimators._core.files import persistence
from lamina.storage import ModelFileError, write, write_models
from lamina.storage.codec import encode
from tests.model_files import closed, opened

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
CODES = RNG.integers(0, 3, 40)
WORDS = np.array(["a", "bb", "ccc"])[CODES]
NUMBERS = X @ [1.0, 2.0, 3.0]

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 3, "warm_start": True}
SMALL |= {"random_state": 0}
LAYERS = [Dense(4, "tanh"), Dropout(0.3)]
CASES = {
    "adam": (MLPClassifier(**SMALL), WORDS),
    "sgd": (MLPClassifier(solver="sgd", learning_rate="invscaling", **SMALL), CODES),
    "adaptive": (MLPClassifier(solver="sgd", learning_rate="adaptive", **SMALL), WORDS),
    "lbfgs": (MLPClassifier(solver="lbfgs", **SMALL), WORDS),
    "bool": (MLPClassifier(dtype="float64", **SMALL), CODES == 1),
    "float": (MLPClassifier(**SMALL), CODES.astype(float)),
    "object": (MLPClassifier(**SMALL), WORDS.astype(object)),
    "layers": (MLPClassifier(layers=LAYERS, solver=SGD(0.1, 0.9), **SMALL), WORDS),
    "weights": (MLPClassifier(class_weight={0: 1.0, 1: 2.0, 2: 3.0}, **SMALL), CODES),
    "multilabel": (MLPClassifier(**SMALL), np.eye(3, dtype=int)[CODES]),
    "early": (MLPClassifier(early_stopping=True, **SMALL), WORDS),
    "regressor": (MLPRegressor(scale_target=True, **SMALL), NUMBERS),
    "regressor lbfgs": (
        MLPRegressor(solver=LBFGS(memory=3), dtype="float64", **SMALL),
        NUMBERS,
    ),
    "outputs": (MLPRegressor(solver=Adam(0.01), **SMALL), X[:, :2] ** 2),
    "perceptron": (Perceptron(max_iter=3, warm_start=True, random_state=0), WORDS),
    "perceptron codes": (
        Perceptron(max_iter=3, multiclass="codes", trace=True, random_state=0),
        WORDS,
    ),
}


def fitted(case):
    estimator, y = CASES[case]
    return copy.deepcopy(estimator).fit(X, y), y


def through_a_file(estimator, tmp_path):
    estimator.save(tmp_path / "m.lamina")
    return lamina.load(tmp_path / "m.lamina")


def assert_same_arrays(left, right):
    left, right = jax.tree.leaves(left), jax.tree.leaves(right)
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("case", CASES)
def test_predictions_after_loading_are_the_same_bit_for_bit(case, tmp_path):
    estimator, _ = fitted(case)
    loaded = through_a_file(estimator, tmp_path)
    assert type(loaded) is type(estimator)
    expected, found = estimator.predict(X), loaded.predict(X)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    if hasattr(estimator, "predict_proba"):
        np.testing.assert_array_equal(
            loaded.predict_proba(X), estimator.predict_proba(X)
        )


@pytest.mark.parametrize("case", CASES)
def test_everything_that_was_learnt_is_kept(case, tmp_path):
    estimator, _ = fitted(case)
    loaded = through_a_file(estimator, tmp_path)
    assert repr(loaded.get_params(deep=False)) == repr(estimator.get_params(deep=False))
    learnt = {k for k in vars(estimator) if k.endswith("_")}
    assert learnt <= set(vars(loaded))
    assert loaded.history_ == estimator.history_
    assert loaded.network_ == estimator.network_
    if hasattr(estimator, "classes_"):
        assert loaded.classes_.dtype == estimator.classes_.dtype
        assert loaded.classes_.tolist() == estimator.classes_.tolist()


@pytest.mark.parametrize("case", CASES)
def test_warm_start_goes_on_bit_for_bit(case, tmp_path):
    estimator, y = fitted(case)
    loaded = through_a_file(estimator, tmp_path)
    assert_same_arrays(loaded._state, estimator._state)
    estimator.fit(X, y)
    loaded.fit(X, y)
    assert_same_arrays(loaded.params_, estimator.params_)
    assert loaded.history_ == estimator.history_


def test_partial_fit_goes_on_bit_for_bit(tmp_path):
    estimator = MLPClassifier((4,), random_state=0).partial_fit(X, WORDS)
    loaded = through_a_file(estimator, tmp_path)
    estimator.partial_fit(X, WORDS)
    loaded.partial_fit(X, WORDS)
    assert_same_arrays(loaded.params_, estimator.params_)


def test_feature_names_are_kept(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    estimator = MLPRegressor(hidden_layer_sizes=(4,), max_iter=2).fit(frame, NUMBERS)
    loaded = through_a_file(estimator, tmp_path)
    assert loaded.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame.rename(columns={"a": "z"}))


# ---- what a file cannot hold --------------------------------------------------------


def my_activation(h):
    return h


def my_loss(outputs, targets):
    return ((outputs - targets) ** 2).sum(axis=-1)


@pytest.mark.slow
def test_a_function_as_activation_is_refused_by_name(tmp_path):
    for how in ({"activation": my_activation}, {"layers": [Dense(3, my_activation)]}):
        estimator = MLPRegressor(max_iter=1, **how).fit(X, NUMBERS)
        with pytest.raises(ValueError, match="my_activation"):
            estimator.save(tmp_path / "m.lamina")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_callbacks_and_random_states_are_left_out_with_a_warning(tmp_path):
    state = np.random.RandomState(0)
    estimator = MLPRegressor(
        max_iter=2, callbacks=[lambda progress: None], random_state=state
    ).fit(X, NUMBERS)
    with pytest.warns(UserWarning, match="file") as caught:
        estimator.save(tmp_path / "m.lamina")
    assert len(caught) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = lamina.load(tmp_path / "m.lamina")
    assert loaded.callbacks is None
    assert loaded.random_state is None
    np.testing.assert_array_equal(loaded.predict(X), estimator.predict(X))


@pytest.mark.slow
def test_a_loss_function_is_left_out_and_loading_says_so(tmp_path):
    estimator = MLPRegressor(hidden_layer_sizes=(4,), loss=my_loss, max_iter=2).fit(
        X, NUMBERS
    )
    with pytest.warns(UserWarning, match="function 'my_loss'"):
        estimator.save(tmp_path / "m.lamina")
    with pytest.warns(UserWarning, match="function 'my_loss'"):
        loaded = lamina.load(tmp_path / "m.lamina")
    assert loaded.loss == "squared_error"
    np.testing.assert_array_equal(loaded.predict(X), estimator.predict(X))


def test_unfitted_and_foreign_estimators_are_refused(tmp_path):
    from sklearn.linear_model import Ridge

    with pytest.raises(NotFittedError):
        MLPRegressor().save(tmp_path / "m")
    with pytest.raises(ValueError, match="cannot hold a Ridge"):
        persistence.save(Ridge().fit(X, NUMBERS), tmp_path / "m")

    class MLPRegressorOfMyOwn(MLPRegressor):
        pass

    with pytest.raises(ValueError, match="MLPRegressorOfMyOwn"):
        MLPRegressorOfMyOwn(max_iter=1).fit(X, NUMBERS).save(tmp_path / "m")


def test_a_solver_that_was_changed_after_fit_keeps_no_state(tmp_path):
    estimator, y = fitted("adam")
    loaded = through_a_file(estimator.set_params(solver="sgd"), tmp_path)
    assert loaded._state is None
    loaded.fit(X, y)


def test_an_attribute_of_ones_own_is_left_out_with_a_warning(tmp_path):
    estimator, _ = fitted("adam")
    estimator.remark_ = "mine"
    with pytest.warns(UserWarning, match="remark_ is not an attribute of a MLP"):
        estimator.save(tmp_path / "m")
    assert not hasattr(lamina.load(tmp_path / "m"), "remark_")


def test_a_state_that_is_not_finite_is_left_out(tmp_path):
    estimator, _ = fitted("adam")
    estimator._state["t"] = np.float32(np.inf)
    assert through_a_file(estimator, tmp_path)._state is None


def test_an_existing_file_survives_what_cannot_be_saved(tmp_path):
    path = tmp_path / "m.lamina"
    fitted("adam")[0].save(path)
    before = path.read_bytes()
    bad = MLPRegressor(activation=my_activation, max_iter=1).fit(X, NUMBERS)
    with pytest.raises(ValueError, match="my_activation"):
        bad.save(path)
    assert path.read_bytes() == before


# ---- hostile files ------------------------------------------------------------------


def changed(**changes):
    description, tensors = opened(fitted("adam")[0])
    for part, fields in changes.items():
        if isinstance(fields, dict):
            description[part] |= fields
        else:
            description[part] = fields
    return description, tensors


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class": "Popen"}, "does not know"),
        ({"class": 3}, r"\.class must be a text; got 3"),
        ({"parameters": []}, r"\.parameters must be a dictionary .* got a list of 0"),
        ({"fitted": []}, r"\.fitted must be None or a dictionary .* got a list"),
        ({"notes": [3]}, r"\.notes\[0\] must be a text; got 3"),
        ({"parameters": {"bogus": 1}}, "no parameter 'bogus'"),
        ({"fitted": {"__class__": 1}}, "has no field '__class__'"),
        ({"fitted": {"predict": 1}}, "has no field 'predict'"),
        ({"fitted": {"_predicted": 1}}, "has no field '_predicted'"),
        ({"fitted": {"coefs": 1}}, "has no field 'coefs'"),
        ({"fitted": {"x y": 1}}, "has no field 'x y'"),
        ({"fitted": {"version": 2}}, "has version 2; this lamina reads version 1"),
        ({"fitted": {"n_features_in": 10**12}}, "do not fit the network"),
        ({"fitted": {"n_outputs": 2}}, "outputs"),
        ({"fitted": {"n_outputs": 5}}, "labels must be labels that fit the outputs"),
        ({"fitted": {"params": 3}}, r"\.params must be the finite weights .* got 3"),
        ({"fitted": {"params": {"tuple": []}}}, "do not fit"),
        ({"fitted": {"solver_state": [1.0]}}, r"solver_state must be None or a list"),
        (
            {"fitted": {"solver_state": [{"scalar": ["<f4", 1]}]}},
            "solver_state must be",
        ),
        ({"fitted": {"labels": 3}}, r"\.labels must be labels .* got 3"),
        ({"parameters": {"layers": 3}}, "layers are not readable"),
        ({"parameters": {"dtype": "float64"}}, "not of the type"),
    ],
)
def test_descriptions_that_were_tampered_with_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        closed(*changed(**changes))


def test_a_solvers_state_that_does_not_fit_is_refused():
    description, tensors = changed()
    description["fitted"]["solver_state"].pop()
    with pytest.raises(ValueError, match="do not fit the network"):
        closed(description, tensors)


def test_a_network_larger_than_its_tensors_allocates_nothing():
    huge = lamina.Network((Dense(10**12), Dense(3, "softmax")))
    packed, _ = encode(huge)
    with pytest.raises(ValueError, match="do not fit the network"):
        closed(*changed(fitted={"network": packed}))


def test_every_missing_tensor_is_noticed():
    description, tensors = opened(fitted("adam")[0])
    for name in tensors:
        less = {k: v for k, v in tensors.items() if k != name}
        with pytest.raises(ValueError, match=f"the tensor '{name[:40]}' is missing"):
            closed(description, less)


def test_loading_wraps_every_refusal_in_one_line(tmp_path):
    description, tensors = changed(**{"class": "Popen"})
    write(tmp_path / "m", {"models": {"a": {"estimator": description}}}, tensors)
    with pytest.raises(ModelFileError, match="m: a holds a 'Popen', which"):
        lamina.load(tmp_path / "m")


def test_files_of_an_earlier_lamina_and_of_other_values_are_refused(tmp_path):
    write(tmp_path / "old", {"class": "MLPClassifier", "params": {}}, {})
    with pytest.raises(ModelFileError, match="old: was written by an earlier lamina"):
        lamina.load(tmp_path / "old")
    write_models(tmp_path / "other", {"a": [1.0]})
    with pytest.raises(ModelFileError, match="other: a must be a BaseEstimator"):
        lamina.load(tmp_path / "other")
    write_models(tmp_path / "none", {})
    with pytest.raises(ModelFileError, match="none: holds 0 models"):
        lamina.load(tmp_path / "none")


def test_any_flipped_byte_of_a_saved_estimator_is_refused(tmp_path, rng):
    path = tmp_path / "m.lamina"
    fitted("adam")[0].save(path)
    whole = path.read_bytes()
    for place in rng.integers(0, len(whole), 300):
        damaged = bytearray(whole)
        damaged[place] ^= 1 + int(rng.integers(255))
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            lamina.load(path)


@pytest.mark.parametrize("name", ["network", "params"])
def test_a_network_without_its_half_is_refused(name):
    description, tensors = opened(fitted("adam")[0])
    del description["fitted"][name]
    with pytest.raises(ValueError, match=f"{name} must be .*; got nothing"):
        closed(description, tensors)


@pytest.mark.parametrize("value", [1.0, [0.0], np.ones(2), np.array([np.nan])])
@pytest.mark.parametrize("name", ["mean", "scale"])
def test_a_scale_that_does_not_fit_the_targets_is_refused(name, value):
    description, tensors = opened(fitted("regressor")[0])
    packed, _ = encode(value, "own", tensors)
    description["fitted"][f"target_{name}"] = packed
    with pytest.raises(ValueError, match=f"target_{name} must be an array"):
        closed(description, tensors)
