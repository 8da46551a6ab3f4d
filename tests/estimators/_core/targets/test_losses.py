"""The loss follows the output layer, or is refused."""

import numpy as np
import pytest

from lamina import (
    GRU,
    SGD,
    Autoencoder,
    ConvNetClassifier,
    ConvNetSegmenter,
    Dense,
    LastStep,
    MLPClassifier,
    MLPRegressor,
    Output,
    RecurrentClassifier,
    RecurrentTagger,
    data,
)
from lamina.estimators._core.fitting import begun

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
SIGN = (X[:, 0] > 0).astype(int)
THREE = np.digitize(X[:, 0], [-0.5, 0.5])
IMAGES = RNG.normal(size=(40, 4, 4, 1))
SERIES = RNG.normal(size=(40, 6, 1))
ONCE = {"max_iter": 1, "random_state": 0}


def started(model, inputs, target):
    """Return an estimator as it is before its first step: with a network."""
    begun(model, inputs, target)
    return model


def test_logistic_outputs_of_exclusive_classes_have_the_error_signal_a_minus_y():
    """One step of SGD by hand: b ← b − η mean (a − y), a = σ(0) = ½."""
    layers = [Output(Dense(3, "logistic", "zeros"))]
    model = MLPClassifier(
        layers=layers, solver=SGD(0.6), alpha=0, batch_size="full", **ONCE
    ).fit(X, THREE)
    shares = np.bincount(THREE) / len(THREE)
    by_hand = -0.6 * (0.5 - shares)
    np.testing.assert_allclose(model.intercepts_[0], by_hand, rtol=1e-5)
    # the loss is that of three yes/no outputs
    assert model.loss_curve_[0] == pytest.approx(3 * np.log(2), rel=1e-6)


@pytest.mark.slow
def test_logistic_outputs_tell_digits_apart():
    """Cross entropy, which only δ of the right class reaches, gets 0.33."""
    digits = data.load("digits")
    images, labels = digits.X[:600] / 16, digits.y[:600]
    model = MLPClassifier(
        layers=[Dense(30, "tanh"), Output(Dense(10, "logistic"))],
        solver="lbfgs",
        max_iter=100,
        alpha=1e-3,
        random_state=0,
    ).fit(images, labels)
    assert model.score(digits.X[1200:] / 16, digits.y[1200:]) > 0.85


def test_the_loss_of_logistic_outputs_is_that_of_every_family():
    for model, inputs in [
        (MLPClassifier(), X[:40]),
        (ConvNetClassifier(), IMAGES),
        (RecurrentClassifier(), SERIES),
    ]:
        steps = [LastStep()] if isinstance(model, RecurrentClassifier) else []
        model.set_params(layers=[*steps, Output(Dense(3, "logistic"))])
        started(model, inputs, THREE[:40])
        assert model._objective().loss == "binary_cross_entropy"
        one_hot = np.eye(3)[THREE[:40]]
        np.testing.assert_array_equal(
            model._parts()[1].for_loss(THREE[:40], "logistic"), one_hot
        )


def test_probabilities_of_exclusive_classes_sum_to_one():
    """pⱼ = aⱼ / Σ aₖ of logistic outputs, each class against all others."""
    model = started(MLPClassifier(layers=[Output(Dense(3, "logistic"))]), X, THREE)
    p, a = model.predict_proba(X), model._predicted(X)[0]
    np.testing.assert_allclose(p, a / a.sum(axis=1, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    assert np.array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))


def test_probabilities_are_even_where_no_class_is_there():
    model = started(MLPClassifier(layers=[Output(Dense(3, "logistic"))]), X, THREE)
    model.params_[0]["bias"][:] = -1000
    np.testing.assert_allclose(model.predict_proba(X), 1 / 3, rtol=1e-6)


def test_several_labels_have_probabilities_of_their_own():
    Y = np.c_[SIGN, SIGN, 1 - SIGN]
    model = started(MLPClassifier(layers=[Output(Dense(3, "logistic"))]), X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), model._predicted(X)[0])


STEPS = np.c_[[THREE[:40]] * 6].T


@pytest.mark.parametrize(
    ("model", "inputs", "target", "message"),
    [
        (
            MLPClassifier(layers=[Output(Dense(3, "identity"))]),
            X,
            THREE,
            "loss='log_loss' needs softmax or logistic outputs.*'identity'",
        ),
        (
            MLPClassifier(layers=[Output(Dense(2, "softmax"))]),
            X,
            np.c_[SIGN, SIGN],
            "loss='log_loss' needs logistic outputs.*'softmax'",
        ),
        (
            MLPClassifier(layers=[Output(Dense(3, np.tanh))]),
            X,
            THREE,
            "loss='log_loss' needs softmax or logistic outputs.*name another loss",
        ),
        (
            MLPClassifier(layers=[Output(Dense(3, "logistic"))], loss="cross_entropy"),
            X,
            THREE,
            "loss='cross_entropy' needs outputs that are softmax",
        ),
        (MLPClassifier(loss="cross_entropy"), X, SIGN, "outputs that are softmax"),
        (
            RecurrentClassifier([LastStep(), Output(Dense(3, "tanh"))]),
            SERIES,
            THREE[:40],
            "needs softmax or logistic outputs",
        ),
        (
            RecurrentTagger([GRU(2), Output(Dense(3, "logistic"))]),
            SERIES,
            STEPS,
            "loss='cross_entropy' needs outputs that are softmax",
        ),
        (
            ConvNetSegmenter([Output(Dense(3, "logistic"))]),
            IMAGES,
            np.broadcast_to(THREE[:40, None, None], (40, 4, 4)),
            "loss='cross_entropy' needs outputs that are softmax",
        ),
        (
            MLPRegressor("poisson", layers=[Output(Dense(1, "identity"))]),
            X,
            SIGN,
            "loss='poisson' needs outputs that are exp or relu",
        ),
        (MLPRegressor("binary_cross_entropy"), X, SIGN, "outputs that are logistic"),
        (
            Autoencoder((2,), decoder=[Output(Dense(5, "identity"))]),
            (X > 0).astype(float),
            None,
            "loss='binary_cross_entropy' needs outputs that are logistic",
        ),
    ],
)
def test_a_loss_that_does_not_fit_the_outputs_is_refused(
    model, inputs, target, message
):
    with pytest.raises(ValueError, match=message):
        model.set_params(**ONCE).fit(inputs, target)
    assert not hasattr(model, "network_")
