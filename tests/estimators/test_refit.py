"""The second run, from all rows."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits

from lamina import MLPClassifier


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300] / 16, y[:300]


@pytest.fixture(scope="module")
def stopped_early(digits):
    model = MLPClassifier(
        (20,), early_stopping=True, learning_rate_init=0.01, random_state=1
    )
    return model.fit(*digits)


def test_refit_by_restarting_is_a_fit_of_all_rows(stopped_early, digits):
    """Deck 002's first way: fresh weights, as many epochs as were best, all rows."""
    again = clone(stopped_early).set_params(refit="restart").fit(*digits)
    best = stopped_early.best_epoch_
    assert again.refit_n_iter_ == best
    assert again.history_["loss"] == stopped_early.history_["loss"]
    plain = clone(stopped_early).set_params(early_stopping=False, max_iter=best)
    with pytest.warns(UserWarning, match="max_iter"):
        plain.fit(*digits)
    for a, b in zip(again.coefs_, plain.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_refit_by_continuing_stops_below_the_validation_loss(stopped_early, digits):
    """Deck 002's second way; with dropout the training loss is the larger one."""
    again = clone(stopped_early).set_params(refit="continue", dropout=0.3).fit(*digits)
    bound = again.history_["validation_loss"][again.best_epoch_ - 1]
    losses = again.history_["refit_loss"]
    assert losses[-1] < bound
    assert all(loss >= bound for loss in losses[:-1])
    assert len(losses) == again.refit_n_iter_ > 1


def test_refit_learns_from_a_validation_set_of_ones_own(digits):
    """The rows of both sets together, as if they had been one."""
    X, y = digits
    model = MLPClassifier(
        (5,), early_stopping=True, refit="restart", random_state=0, max_iter=3
    )
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    plain = clone(model).set_params(
        early_stopping=False, refit=None, max_iter=model.best_epoch_
    )
    with pytest.warns(UserWarning, match="max_iter"):
        plain.fit(X, y)
    np.testing.assert_array_equal(plain.coefs_[0], model.coefs_[0])
