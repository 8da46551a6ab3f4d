"""What estimators say: labels, probabilities, numbers, and scores of what is known."""

import numpy as np
import pytest

from lamina import MLPClassifier, MLPRegressor
from lamina.estimators._core.answering import score_measured
from lamina.estimators._core.targets.numbers import NumberTarget
from lamina.estimators._core.targets.target import TargetValues

X = np.eye(6)
Y = np.array(["a", "b", "c", "a", "b", "c"])
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_labels_are_those_of_the_largest_probability():
    model = MLPClassifier((4,), max_iter=3, random_state=0).fit(X, Y)
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    assert np.array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(p))
    assert model.score(X, Y) == np.mean(model.predict(X) == Y)


def test_numbers_come_in_the_form_of_the_targets():
    how = {"hidden_layer_sizes": (2,), "max_iter": 1, "random_state": 0}
    assert MLPRegressor(**how).fit(X, X[:, 0]).predict(X).shape == (6,)
    assert MLPRegressor(**how).fit(X, X[:, :2]).predict(X).shape == (6, 2)


def test_partial_fit_is_for_solvers_that_need_not_see_everything():
    for cls in (MLPClassifier, MLPRegressor):
        assert hasattr(cls(), "partial_fit")
        assert not hasattr(cls(solver="lbfgs"), "partial_fit")


def test_only_measured_answers_are_scored():
    """R² of 1, 3 around 2 with errors 0 and 1: 1 − ½ / 1; of the second output 1."""
    target = NumberTarget("float32", "squared_error")
    y = np.array([[1.0, 0.0], [3.0, 5.0], [0.0, 7.0]])
    missing = np.array([[False, True], [False, False], [True, False]])
    target, _ = target.learn(TargetValues(y, missing), None)
    target.mean, target.scale = np.zeros(2), np.ones(2)
    outputs = np.array([[1.0, 9.0], [4.0, 5.0], [9.0, 7.0]])
    found = score_measured(target, outputs, TargetValues(y, missing), None)
    assert found == pytest.approx((0.5 + 1) / 2)
    with pytest.raises(ValueError, match="y must have 2 columns, got 3"):
        score_measured(target, outputs, TargetValues(np.zeros((3, 3))), None)
