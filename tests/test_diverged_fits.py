"""No fit ends worse than its start, or than the mean, without saying so."""

import itertools
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lamina import (
    Autoencoder,
    BernoulliRBM,
    ConvNetClassifier,
    MLPClassifier,
    MLPRegressor,
    RecurrentRegressor,
)
from lamina.networks import Key

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 6))
Y = X[:, 0] * 2 + X[:, 1]


def fitted(model, *data):
    """Return a model and what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*data)
    assert all(issubclass(w.category, ConvergenceWarning) for w in caught)
    return model, [str(w.message) for w in caught]


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop"])
def test_useless_fits_are_told_and_never_worse_than_their_start(solver):
    """Rates from 10 to 10¹², inputs of 1 and of 10⁴: R² fell to −10³³."""
    useless = 0
    for rate, scale in itertools.product((10, 1e3, 1e6, 1e12), (1, 1e4)):
        inputs = scale * X
        model, told = fitted(
            MLPRegressor(
                hidden_layer_sizes=(8,),
                solver=solver,
                learning_rate_init=rate,
                max_iter=30,
                random_state=0,
            ),
            inputs,
            Y,
        )
        start, _ = model.network_.init(Key(0).fold_in("init"), (6,), np.float32)
        before = np.asarray(model.network_(start, inputs.astype(np.float32)))[:, 0]
        error = np.mean((model.predict(inputs) - Y) ** 2)
        assert error <= max(np.mean((before - Y) ** 2), 4 * Y.var()) * (1 + 1e-5)
        if model.score(inputs, Y) < 0:
            useless += 1
            (text,) = told
            assert "diverged" in text or "worse than the" in text
            assert "smaller learning rate, scaled inputs" in text
    assert useless >= 4


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (
            RecurrentRegressor(learning_rate_init=1e6, max_iter=3, random_state=0),
            (X.reshape(50, 12, 2), Y[:50]),
        ),
        (
            ConvNetClassifier(learning_rate_init=1e4, max_iter=3, random_state=0),
            (RNG.normal(size=(40, 8, 8, 1)), np.arange(40) % 2),
        ),
        (
            MLPClassifier((8,), learning_rate_init=1e3, max_iter=9, random_state=0),
            (X, Y > 0),
        ),
        (
            Autoencoder((2,), learning_rate_init=1e4, max_iter=5, random_state=0),
            (X,),
        ),
        (BernoulliRBM(4, learning_rate=1e3, n_iter=5, random_state=0), (X > 0,)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_family_tells_of_divergence(model, data):
    model, told = fitted(model, *data)
    assert model.stop_reason_ == "diverged"
    (text,) = told
    assert text.startswith("learning diverged")
    assert "a smaller learning rate" in text


@pytest.mark.slow
def test_what_stopped_by_itself_may_be_worse_than_the_mean():
    """The tolerances of L-BFGS are absolute, and these targets are of 10⁻⁸."""
    model = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", random_state=0)
    model, told = fitted(model, X, 1e-8 * Y)
    assert model.stop_reason_ == "stopped"
    (text,) = told
    assert "e-16 of always predicting the mean" in text
    assert "scale_target=True" in text
    assert "learning rate" not in text
    _, told = fitted(model.set_params(scale_target=True), X, 1e-8 * Y)
    assert not any("the mean" in text for text in told)


@pytest.mark.slow
def test_what_converged_where_all_units_are_saturated_is_no_better_than_the_mean():
    """σ(100) = 1 for every example: only the output's bias learns, up to the mean."""
    how = {"hidden_layer_sizes": (4,), "activation": "logistic", "alpha": 0}
    model = MLPRegressor(**how, solver="lbfgs", random_state=0)
    start = {"coefs_init": [np.zeros((X.shape[1], 4))], "intercepts_init": [[100] * 4]}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y, **start)
    assert model.stop_reason_ == "stopped"
    assert model.score(X, Y) == pytest.approx(0, abs=1e-6)
    (text,) = [str(one.message) for one in caught]
    assert "no better than the" in text
    assert "of always predicting the mean: try scaled inputs" in text


@pytest.mark.parametrize("outputs", [1, 4])
def test_there_is_one_warning_where_max_iter_is_reached(outputs):
    """One epoch that changes nothing: outputs are 0, and targets 1 ± 1."""
    y = np.repeat([[0.0], [2.0]], 100, axis=0) * np.ones(outputs)
    y = y[:, 0] if outputs == 1 else y
    model = MLPRegressor(
        hidden_layer_sizes=(),
        init="zeros",
        learning_rate_init=1e-12,
        max_iter=1,
    )
    _, (text,) = fitted(model, X, y)
    assert text.startswith("max_iter=1 epochs reached and learning has not converged")
    assert "worse than the" in text
    _, (text,) = fitted(model, X, y - 1)
    assert "worse than the" not in text


def test_partial_fit_tells_nothing_of_a_single_epoch():
    model = MLPRegressor(hidden_layer_sizes=(4,), learning_rate_init=10.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            model.partial_fit(X, Y)
    assert model.score(X, Y) < 0
