"""The output layer is marked or added, and never guessed."""

import warnings

import numpy as np
import pytest

from lamina import (
    GRU,
    RNN,
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
    load,
)
from lamina.estimators._core.fitting import begun
from lamina.estimators._core.parameters.settings import parse_value

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


@pytest.mark.slow
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
