"""A run of the loop: its key, what it leaves, and nothing if it is refused."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lamina import SGD, Adam, MLPClassifier
from lamina.estimators._core.run import all_or_nothing, kept_state, key_of
from lamina.networks import Key

X, Y = np.eye(6), np.array([0, 1, 0, 1, 0, 1])


def test_seeds():
    def key(seed):
        return key_of(MLPClassifier(random_state=seed))

    assert key(3) == key(np.int64(3)) == Key(3)
    assert key(np.random.RandomState(0)) == key(np.random.RandomState(0))
    assert key(None) != key(None)


def test_a_refused_fit_leaves_everything_as_it_was():
    model = MLPClassifier(random_state=0)
    model.kept = [1]

    def fit():
        with all_or_nothing(model):
            model.kept, model.classes_ = [2], Y
            raise RuntimeError("refused")

    with pytest.raises(RuntimeError, match="refused"):
        fit()
    assert model.kept == [1]
    assert not hasattr(model, "classes_")


def test_parameters_are_pythons_own_during_a_fit_and_the_users_afterwards():
    model = MLPClassifier(alpha=np.float32(0.5))
    with all_or_nothing(model):
        assert type(model.alpha) is float
    assert type(model.alpha) is np.float32


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_state_is_kept_for_the_same_solver_in_the_same_precision():
    model = MLPClassifier((2,), max_iter=1, random_state=0).fit(X, Y)
    assert kept_state(model, Adam()) is model._state is not None
    assert kept_state(model, SGD()) is None
    assert kept_state(model.set_params(dtype="float64"), Adam()) is None


def test_warnings_point_at_the_users_line():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MLPClassifier((2,), max_iter=1).fit(X, Y)
    (warning,) = caught
    assert warning.category is ConvergenceWarning
    assert warning.filename == __file__
    assert "max_iter=1 epochs reached" in str(warning.message)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_going_on_in_another_precision():
    model = MLPClassifier((2,), max_iter=2, warm_start=True, random_state=0).fit(X, Y)
    model.set_params(dtype="float64").fit(X, Y)
    assert model.coefs_[0].dtype == np.float64
    assert len(model.loss_curve_) == 4
    model.set_params(dtype="float32").partial_fit(X, Y)
    assert model.coefs_[0].dtype == np.float32


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_fitted_arrays_are_the_users_own():
    model = MLPClassifier((2,), max_iter=1).fit(X, Y)
    model.coefs_[0][:] = 0
    assert not model.params_[0]["weight"].any()
