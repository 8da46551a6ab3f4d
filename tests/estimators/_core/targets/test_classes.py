"""Networks for classes: labels of any kind, and probabilities."""

import numpy as np
import pytest

from lamina import Dense, MLPClassifier, Output

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


@pytest.mark.parametrize("labels", [("no", "yes"), (-1, 1), (0, 1), (False, True)])
def test_two_classes_of_any_kind(labels):
    X, y = XOR
    named = np.array(labels)[y]
    model = MLPClassifier((8,), solver="lbfgs", activation="tanh", random_state=0)
    model.fit(X, named)
    assert model.out_activation_ == "logistic"
    assert model.n_outputs_ == 1
    assert np.array_equal(model.predict(X), named)
    assert np.array_equal(model.classes_, np.unique(named))


@pytest.mark.slow
def test_multilabel(iris):
    X, _ = iris
    Y = np.c_[X[:, 0] > 0, X[:, 1] > 0, X[:, 2] > 0].astype(int)
    model = MLPClassifier((16,), solver="lbfgs", max_iter=300).fit(X, Y)
    assert model.predict(X).shape == Y.shape
    assert model.score(X, Y) > 0.95
    assert model.predict_proba(X).shape == Y.shape


def test_class_numbers_need_not_be_dense(iris):
    X, y = iris
    model = MLPClassifier((8,), max_iter=50).fit(X, y * 1000 - 7)
    assert set(model.predict(X)) <= {-7, 993, 1993}


@pytest.mark.slow
def test_squared_error_classification(iris):
    X, y = iris
    model = MLPClassifier((16,), loss="squared_error", solver="lbfgs").fit(X, y)
    assert model.score(X, y) > 0.95


def test_numbers_as_classes_point_to_the_regressor(diabetes):
    X, y = diabetes
    with pytest.raises(ValueError, match="continuous.*use a regressor"):
        MLPClassifier().fit(X, y + 0.5)


def test_one_class_and_one_row_do_not_break():
    model = MLPClassifier((2,), max_iter=2).fit([[1.0]], ["only"])
    assert model.predict([[5.0]]).tolist() == ["only"]
    assert model.predict_proba([[5.0]]).shape == (1, 2)


def test_probabilities_of_a_linear_head_are_refused(iris):
    model = MLPClassifier(
        layers=[Output(Dense(3, "identity"))], loss="squared_error", max_iter=2
    ).fit(*iris)
    with pytest.raises(AttributeError, match="identity.*not.*probabilities"):
        model.predict_proba(iris[0])
