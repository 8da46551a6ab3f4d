"""Fits begin, go on, and are refused in one order."""

import numpy as np
import pytest

from lamina import MLPClassifier, MLPRegressor
from lamina.estimators._core.fitting import begun, fit
from lamina.estimators._core.preparation import Request

X, Y = np.eye(6), np.array([0, 1, 0, 1, 0, 1])
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_fit_returns_the_estimator_with_what_it_learnt():
    model = MLPClassifier((2,), max_iter=2, random_state=0)
    assert fit(model, Request(X, Y)) is model
    assert (model.n_iter_, len(model.loss_curve_)) == (2, 2)
    first = model.coefs_[0].copy()
    fit(model, Request(X, Y, incremental=True))
    assert (model.n_iter_, len(model.loss_curve_)) == (1, 3)
    assert not np.array_equal(first, model.coefs_[0])


def test_what_is_begun_is_where_a_fit_begins():
    model = MLPClassifier((2,), max_iter=1, random_state=0)
    _, start, control = begun(model, X, Y)
    assert control.epochs == 1
    again = MLPClassifier((2,), random_state=0)
    begun(again, X, Y)
    for one, other in zip(start.params, again.params_, strict=True):
        np.testing.assert_array_equal(one["weight"], other["weight"])
    assert not model.history_


def test_a_refused_fit_changes_nothing():
    model = MLPClassifier((2,), max_iter=1, random_state=0).fit(X, Y)
    before = dict(vars(model))
    for wrong in (Request(X[:, :2], Y, incremental=True), Request(X, Y[:3])):
        with pytest.raises(ValueError, match="features|inconsistent"):
            fit(model, wrong)
        assert vars(model) == before


@pytest.mark.parametrize(
    ("model", "request_", "message"),
    [
        (MLPClassifier(), Request(X, Y, X_val=X), "X_val and y_val must be given tog"),
        (
            MLPClassifier(early_stopping=True),
            Request(X, Y, incremental=True),
            "partial_fit does not support early_stopping=True",
        ),
        (MLPClassifier(), Request(X, None), "requires y to be passed"),
        (MLPRegressor(), Request(X, Y, -np.ones(6)), "[Nn]egative"),
    ],
)
def test_requests_that_cannot_be_fulfilled(model, request_, message):
    with pytest.raises(ValueError, match=message):
        fit(model, request_)
    assert not hasattr(model, "network_")
