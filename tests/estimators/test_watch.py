"""Early stopping by the validation loss."""

import numpy as np
import pytest

from lamina import MLPClassifier, MLPRegressor
from lamina.estimators.watch import LowestLoss, fit_watched
from lamina.learning import Progress
from lamina.networks import Key

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def progress(epoch, loss):
    record = {"loss": 0.0, "validation_loss": loss}
    return Progress(epoch, 100, record, f"weights {epoch}", 1.0, 10)


def watched(losses, **how):
    watch = LowestLoss(**how)
    stops = [watch(progress(i, loss)) for i, loss in enumerate(losses, 1)]
    return watch, stops


def test_the_weights_of_the_lowest_loss_are_kept():
    watch, stops = watched([3.0, 1.0, 2.0, 1.5], patience=10, tol=0)
    assert (watch.epoch, watch.params) == (2, "weights 2")
    assert not any(stops)


def test_it_stops_after_more_epochs_without_improvement_than_its_patience():
    _, stops = watched([1.0, 2.0, 2.0, 2.0], patience=2, tol=0)
    assert stops == [False, False, False, True]


def test_small_improvements_are_kept_but_do_not_count():
    watch, stops = watched([1.0, 0.99, 0.98, 0.97], patience=2, tol=0.1)
    assert watch.epoch == 4
    assert stops[-1]


def test_slow_progress_counts_once_it_adds_up():
    _, stops = watched([1.0, 0.95, 0.89, 0.85, 0.78], patience=2, tol=0.1)
    assert not any(stops)


def test_not_a_number_is_no_improvement():
    watch, _ = watched([2.0, float("nan")], patience=5, tol=0)
    assert watch.epoch == 1


def test_fitting_keeps_those_weights_and_the_parameters(rng):
    X = rng.normal(size=(60, 2))
    y = np.where(X[:, 0] > 0, "a", "b")
    model = MLPClassifier((4,), max_iter=15, early_stopping=True, random_state=0)
    before = repr(model.get_params())
    epoch = fit_watched(model, X, y, Key(0))
    losses = model.history_["validation_loss"]
    assert epoch == int(np.argmin(losses)) + 1
    assert repr(model.get_params()) == before


def test_without_validation_rows_or_batches_it_is_a_plain_fit(rng):
    X = rng.normal(size=(30, 2))
    lbfgs = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", early_stopping=True)
    assert fit_watched(lbfgs, X, X[:, 0], Key(0)) == lbfgs.n_iter_
    assert "validation_loss" not in lbfgs.history_
    none = MLPClassifier((3,), max_iter=2, early_stopping=True)
    fit_watched(none, X[:4], np.array([0, 1, 2, 3]), Key(0))
    assert "validation_loss" not in none.history_
    assert none.early_stopping
