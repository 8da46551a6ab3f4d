"""Weights that are put into a network from outside."""

import copy
import pickle

import numpy as np
import pytest

from lamina import (
    Autoencoder,
    DeepBeliefNetwork,
    Dense,
    Dropout,
    MLPClassifier,
    MLPRegressor,
)
from lamina.estimators._core.architecture.layer_arrays import LayerArrays

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = np.eye(4), np.array([0.0, 1.0, 2.0, 4.0])


@pytest.fixture(scope="module")
def fitted():
    layers = [Dropout(0.1), Dense(3, "tanh", use_bias=False), Dense(2, "tanh")]
    return MLPRegressor(layers=layers, max_iter=1, random_state=0).fit(X, Y)


@pytest.fixture
def model(fitted):
    return copy.deepcopy(fitted)


def forward(coefs, biases, x=X):
    a = np.tanh(np.tanh(x @ coefs[0]) @ coefs[1] + biases[0])
    return (a @ coefs[2] + biases[1])[:, 0]


def drawn(seed):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=shape) for shape in ((4, 3), (3, 2), (2, 1))]
    return weights, [rng.normal(size=2), rng.normal(size=1)]


@pytest.mark.slow
def test_lists_of_arrays_become_the_weights(model):
    coefs, biases = drawn(0)
    model.coefs_, model.intercepts_ = coefs, tuple(biases)
    np.testing.assert_allclose(model.predict(X), forward(coefs, biases), atol=1e-6)
    assert all(w.dtype == np.float32 for w in model.coefs_)
    coefs[0][:] = 0  # a copy was taken
    assert model.coefs_[0].all()


@pytest.mark.slow
def test_an_array_put_into_the_list_becomes_the_weights(model):
    coefs, biases = drawn(1)
    for number, w in enumerate(coefs):
        model.coefs_[number] = w
    model.intercepts_[:] = biases
    model.intercepts_[-1] = biases[1]
    np.testing.assert_allclose(model.predict(X), forward(coefs, biases), atol=1e-6)


def test_the_list_shows_what_was_put_into_it(model):
    arrays = model.coefs_
    arrays[1] = np.ones((3, 2))
    assert arrays[1] is model.coefs_[1]
    arrays[1][:] = 7
    assert model.coefs_[1].max() == 7


def test_the_average_of_two_networks(model):
    other = copy.deepcopy(model)
    other.coefs_ = [w + 2 for w in model.coefs_]
    mean = [(a + b) / 2 for a, b in zip(model.coefs_, other.coefs_, strict=True)]
    expected = [w + 1 for w in model.coefs_]
    model.coefs_ = mean
    for a, b in zip(model.coefs_, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([np.ones((4, 3))], "coefs_ must be a list of 3 arrays, got 1 of them"),
        (np.ones((4, 3)), "coefs_ must be a list of 3 arrays, got ndarray"),
        ([np.ones((4, 3)), np.ones((2, 3)), np.ones((2, 1))], r"coefs_\[1\] .*\(3, 2"),
        ([np.ones((4, 3)), np.full((3, 2), np.inf), np.ones((2, 1))], "not finite"),
        ([np.ones((4, 3)), np.ones((3, 2)), "w"], r"coefs_\[2\] must be an array"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_changed(arrays, message, model):
    before = [w.copy() for w in model.coefs_]
    with pytest.raises(ValueError, match=message):
        model.coefs_ = arrays
    for a, b in zip(model.coefs_, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_array_of_another_shape_cannot_be_put_into_the_list(model):
    with pytest.raises(ValueError, match=r"intercepts_\[0\] must be of shape \(2,\)"):
        model.intercepts_[0] = np.ones(3)
    assert model.intercepts_[0].shape == (2,)


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.append(1),
        lambda arrays: arrays.pop(),
        lambda arrays: arrays.__delitem__(0),
        lambda arrays: arrays.__iadd__([1]),
        lambda arrays: arrays.reverse(),
    ],
)
def test_no_layer_is_added_or_taken_away(change, model):
    with pytest.raises(TypeError, match="as many arrays as layers"):
        change(model.coefs_)


def test_copies_are_plain_lists_without_the_network(model):
    arrays = model.coefs_
    assert isinstance(arrays, LayerArrays)
    for twin in (copy.deepcopy(arrays), copy.copy(arrays)):
        assert type(twin) is list
    assert type(pickle.loads(pickle.dumps(arrays))) is list
    assert type(arrays + model.intercepts_) is list


@pytest.mark.slow
def test_a_solver_does_not_go_on_from_what_it_knew_of_other_weights(iris):
    """L-BFGS keeps loss and gradient of its last point."""
    X, y = iris
    how = {"solver": "lbfgs", "max_iter": 3, "random_state": 0, "warm_start": True}
    model = MLPClassifier((3,), **how).fit(X, y)
    other = MLPClassifier((3,), **how).set_params(max_iter=1, random_state=1).fit(X, y)
    model.coefs_, model.intercepts_ = other.coefs_, other.intercepts_
    fresh = MLPClassifier((3,), **how)
    fresh.coefs_, fresh.intercepts_ = other.coefs_, other.intercepts_
    for a, b in zip(model.fit(X, y).coefs_, fresh.fit(X, y).coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_given_before_there_is_a_network_are_begun_with():
    """As in scikit-learn by ``partial_fit`` and warm starts, but not by ``fit``."""
    coefs, biases = [np.full((4, 1), 0.5)], [np.full(1, 0.25)]

    def given(**how):
        model = MLPRegressor(hidden_layer_sizes=(), solver="sgd", max_iter=1, **how)
        model.set_params(learning_rate_init=1e-9, random_state=0)
        model.coefs_, model.intercepts_ = [0], biases
        model.coefs_[0] = coefs[0]
        return model

    for model in (given().partial_fit(X, Y), given(warm_start=True).fit(X, Y)):
        np.testing.assert_allclose(model.coefs_[0], coefs[0], atol=1e-6)
        np.testing.assert_allclose(model.intercepts_[0], biases[0], atol=1e-6)
    assert abs(given().fit(X, Y).coefs_[0] - 0.5).min() > 1e-3
    with pytest.raises(ValueError, match="must be of shape"):
        given().partial_fit(np.eye(3), Y[:3])
    assert not hasattr(MLPRegressor(), "coefs_")


@pytest.mark.slow
@pytest.mark.parametrize("make", [Autoencoder, DeepBeliefNetwork])
def test_arrays_that_are_worked_out_for_others_cannot_be_replaced(make):
    """They are weights for inputs in units of X, not those of the network itself."""
    how = {"n_iter": 1} if make is DeepBeliefNetwork else {"max_iter": 1}
    model = make((3, 2), random_state=0, **how).fit(X)
    for arrays in (model.coefs_, model.intercepts_):
        with pytest.raises(TypeError, match="assignment"):
            arrays[0] = arrays[0] + 1
