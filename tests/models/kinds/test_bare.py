"""Estimators that were saved from Python."""

import pytest
from sklearn.linear_model import LinearRegression

from lamina import Autoencoder, ConvNetClassifier, MLPClassifier
from lamina.data.errors import UserError
from lamina.models.kinds.bare import Bare
from lamina.models.reports import Layers, Training


@pytest.fixture(scope="module")
def fitted():
    X = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    model = MLPClassifier((5, 4), solver="lbfgs", dropout=0.1, max_iter=500)
    return model.fit(X, ["a", "b", "c"])


def test_layers_and_their_parameters(fitted):
    training, layers = Bare().describe(fitted)
    assert isinstance(training, Training)
    assert isinstance(layers, Layers)
    names = [row["layer"] for row in layers.layers]
    assert names == ["Dense", "Dropout"] * 2 + ["Dense"]
    first = layers.to_json()["layers"][0]
    assert (first["input"], first["output"]) == ([2], [5])
    assert layers.parameters == (2 * 5 + 5) + (5 * 4 + 4) + (4 * 3 + 3)
    assert Bare().estimator(fitted) == "MLPClassifier"


def test_what_has_no_layers_has_a_name():
    assert Bare().describe(LinearRegression()) == []
    assert Bare().estimator(LinearRegression()) == "LinearRegression"


@pytest.mark.parametrize(
    ("model", "command", "message"),
    [
        (MLPClassifier(), "predict", "use it in Python: lamina.load(path).predict(X)"),
        (Autoencoder(), "evaluate", "use it in Python: lamina.load(path).transform(X)"),
        (MLPClassifier(), "inspect", "lamina summary works on all"),
        (ConvNetClassifier(), "inspect", "lamina summary works on all"),  # not fitted
        (ConvNetClassifier(), "read images", "inspect it in Python"),
    ],
)
def test_what_it_cannot_do_without_a_source(model, command, message):
    with pytest.raises(UserError, match=type(model).__name__) as caught:
        Bare().check_can(model, command, "m.lamina")
    assert message in caught.value.hint
    assert caught.value.where == "m.lamina"


def test_what_it_can():
    model = ConvNetClassifier()
    model.image_shape_ = (4, 4, 1)
    Bare().check_can(model, "inspect", "m.lamina")
    Bare().check_can(model, "summary", "m.lamina")
