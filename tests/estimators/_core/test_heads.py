"""The output layer is marked or added, and never guessed; the loss follows it."""

import warnings

import numpy as np
import pytest

from lamina import (
    GRU,
    RNN,
    SGD,
    Autoencoder,
    CapsNetClassifier,
    Conv,
    ConvNetClassifier,
    ConvNetRegressor,
    ConvNetSegmenter,
    Dense,
    Dropout,
    Flatten,
    LastStep,
    MLPClassifier,
    MLPRegressor,
    Output,
    RecurrentClassifier,
    RecurrentRegressor,
    RecurrentTagger,
    data,
    load,
)
from lamina.estimators._core.settings import parse_value

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
    model._algorithm_in_use = model._algorithm()
    inputs, target, missing = model._validate(inputs, target, reset=True)
    target = model._encode(target, missing, True, False, None)
    model._start(inputs, target, None)
    return model


def widths(model):
    """Return the units of the layers that have weights."""
    return [own["bias"].shape[-1] for own in model.params_ if "bias" in own]


# ---- what is not marked is hidden ---------------------------------------------------


@pytest.mark.parametrize("activation", ["identity", "logistic", "exp", "softmax"])
def test_sizes_are_hidden_layers_whatever_the_outputs(activation):
    """As in scikit-learn, where the last of them has as many units as there are."""

    def found(model, sizes, target):
        model.set_params(hidden_layer_sizes=sizes, activation=activation)
        return widths(started(model, X, target))

    assert found(MLPRegressor(), (8, 1), X[:, 0]) == [8, 1, 1]
    assert found(MLPRegressor(), (8, 3), X[:, :3]) == [8, 3, 3]
    assert found(MLPClassifier(), (8, 1), SIGN) == [8, 1, 1]
    assert found(MLPClassifier(), (8, 3), THREE) == [8, 3, 3]
    counts = MLPRegressor("poisson")
    assert found(counts, (1,), SIGN) == [1, 1]
    assert counts.network_.out_activation == "exp"


@pytest.mark.slow
def test_one_logistic_unit_below_the_output_learns_a_line():
    """scikit-learn has R² = 1.000; the hidden unit as output layer has −24."""
    y = 10 * X[:, 0] + 50
    how = {"activation": "logistic", "solver": "lbfgs", "max_iter": 500}
    model = MLPRegressor(hidden_layer_sizes=(8, 1), random_state=0, **how)
    assert model.fit(X, y).score(X, y) > 0.99


def test_poisson_rates_through_a_hidden_unit():
    """ln λ = x + 1 is a line, so one linear hidden unit changes nothing."""
    x = np.linspace(0, 1, 100)[:, None]
    y = np.random.default_rng(42).poisson(np.exp(x[:, 0] + 1))
    how = {"activation": "identity", "solver": "lbfgs", "alpha": 0, "tol": 1e-7}
    through = MLPRegressor("poisson", (1,), random_state=0, **how).fit(x, y)
    plain = MLPRegressor("poisson", (), random_state=0, **how).fit(x, y)
    np.testing.assert_allclose(through.predict(x), plain.predict(x), rtol=1e-3)


@pytest.mark.parametrize(
    ("model", "inputs", "target", "expected"),
    [
        (MLPRegressor(layers=[Dense(4), Dense(1, "identity")]), X, X[:, 0], [4, 1, 1]),
        (ConvNetClassifier([Dense(1, "logistic")]), IMAGES, SIGN[:40], [1, 1]),
        (ConvNetRegressor([Dense(2, "identity")]), IMAGES, X[:40, :2], [2, 2]),
        (RecurrentRegressor([LastStep(), Dense(1, "exp")]), SERIES, X[:40, 0], [1, 1]),
        (Autoencoder((3,), decoder=[Dense(5, "logistic")]), X, None, [3, 5, 5]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_layer_that_looks_like_an_output_is_hidden_and_named(
    model, inputs, target, expected
):
    with pytest.warns(UserWarning, match=r"hidden layer.*write Output\(Dense\("):
        started(model, inputs, target)
    assert widths(model) == expected


@pytest.mark.parametrize(
    "layers",
    [
        [Dense(1, "tanh")],
        [Dense(2, "identity")],
        [Dense(1, "identity"), Dropout(0.1)],
        [],
    ],
)
def test_other_layers_are_hidden_without_a_word(layers):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = started(MLPRegressor(layers=layers), X, X[:, 0])
    assert model.network_.layers == (*layers, Dense(1, "identity"))


def test_a_recurrent_layer_of_one_unit_is_hidden():
    model = started(RecurrentRegressor([RNN(1, "identity")]), SERIES, X[:40, 0])
    names = [type(layer).__name__ for layer in model.network_.layers]
    assert names == ["RNN", "TemporalMean", "Dense"]


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (MLPClassifier(layers=[Dense(3, "softmax")]), X[:40]),
        (ConvNetClassifier([Dense(4, "softmax")]), IMAGES),
        (RecurrentClassifier([GRU(2), Dense(3, "softmax")]), SERIES),
    ],
)
def test_a_last_softmax_has_to_say_what_it_is(model, inputs):
    with pytest.raises(ValueError, match=r"remove it, or write Output\(Dense\("):
        model.fit(inputs, THREE[:40])
    assert not hasattr(model, "network_")


# ---- what is marked is the output ---------------------------------------------------


def test_a_marked_layer_is_the_output_layer_of_every_family():
    head = Dense(3, "softmax", "normal")
    y = THREE[:40]
    for model, inputs, target in [
        (MLPClassifier(layers=[Dense(4), Output(head)]), X[:40], y),
        (ConvNetClassifier([Conv(2), Output(head)]), IMAGES, y),
        (RecurrentClassifier([GRU(2), Output(head)]), SERIES, y),
        (RecurrentTagger([GRU(2), Output(head)]), SERIES, np.c_[[y] * 6].T),
    ]:
        started(model, inputs, target)
        assert model.network_.layers[-1] == head
        assert not any(isinstance(one, Output) for one in model.network_.layers)
    pixels = np.broadcast_to(y[:, None, None], (40, 4, 4))
    same = Conv(2, padding="same")
    for last in (head, Conv(3, 1, activation="softmax")):
        model = started(ConvNetSegmenter([same, Output(last)]), IMAGES, pixels)
        assert model.network_.layers[-1] == last
    last = Conv(1, 3, padding="same", activation="identity")
    coder = Autoencoder(layers=[same], decoder=[Output(last)])
    started(coder, IMAGES, None)
    assert coder.network_.layers == (same, last)


def test_marked_and_added_are_the_same_network_bit_for_bit():
    added = MLPClassifier(layers=[Dense(4)], max_iter=5, random_state=0).fit(X, THREE)
    layers = [Dense(4), Output(Dense(3, "softmax"))]
    marked = MLPClassifier(layers=layers, max_iter=5, random_state=0).fit(X, THREE)
    assert marked.network_ == added.network_
    np.testing.assert_array_equal(marked.predict_proba(X), added.predict_proba(X))


@pytest.mark.parametrize(
    ("head", "target", "message"),
    [
        (Dense(4, "softmax"), THREE, r"must have 3 outputs.*makes \(4,\)"),
        (Dense(2, "logistic"), SIGN, "1 outputs.*two classes have one logistic output"),
        (Dense(1, "softmax"), SIGN, "is always 1; two classes have one logistic"),
        (Flatten(), THREE, "last layer must have units and an activation"),
    ],
)
def test_a_marked_layer_that_does_not_fit_is_refused(head, target, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(layers=[Dense(3), Output(head)]).fit(X, target)


def test_only_the_last_layer_can_be_marked():
    first = [Output(Dense(4)), Dense(3)]
    with pytest.raises(ValueError, match="can only be the last of an estimator's"):
        MLPClassifier(layers=first).fit(X, THREE)
    with pytest.raises(ValueError, match=r"can only be the last"):
        ConvNetClassifier(first).fit(IMAGES, THREE[:40])
    with pytest.raises(ValueError, match=r"can only be the last"):
        CapsNetClassifier([Output(Dense(3))]).fit(IMAGES, THREE[:40])


def test_a_mark_is_typed_searched_and_kept(tmp_path):
    text = "[Dense(4), Output(Dense(3, logistic))]"
    model = MLPClassifier(layers=parse_value(text), **ONCE)
    assert model.layers[1] == Output(Dense(3, "logistic"))
    assert model.get_params()["layers__1__layer__activation"] == "logistic"
    model.set_params(layers__1__layer__activation="softmax").fit(X, THREE)
    assert model.out_activation_ == "softmax"
    model.save(tmp_path / "model.lamina")
    again = load(tmp_path / "model.lamina")
    assert again.layers[1] == Output(Dense(3, "softmax"))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


# ---- the loss follows the output ----------------------------------------------------


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
        np.testing.assert_array_equal(model._target(THREE[:40]), one_hot)


def test_probabilities_of_exclusive_classes_sum_to_one():
    """pⱼ = aⱼ / Σ aₖ of logistic outputs, each class against all others."""
    model = started(MLPClassifier(layers=[Output(Dense(3, "logistic"))]), X, THREE)
    p, a = model.predict_proba(X), model._predicted(X)
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
    np.testing.assert_array_equal(model.predict_proba(X), model._predicted(X))


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
