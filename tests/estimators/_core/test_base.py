"""What all estimators share."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from lamina import SGD, Dense, Dropout, MLPClassifier, Network
from lamina.estimators._core.base import nested_params, replaced, split
from lamina.networks import Key

X, Y = np.eye(6), np.array([0, 1, 0, 1, 0, 1])


def test_nested_parameters_of_descriptions_and_lists_of_them():
    assert nested_params("solver", SGD(0.5)) == {
        "solver__learning_rate": 0.5,
        "solver__momentum": 0.0,
        "solver__nesterov": False,
    }
    found = nested_params("layers", [Dropout(0.1), Dense(2)])
    assert found["layers__0"] == Dropout(0.1)
    assert found["layers__1__units"] == 2
    assert (
        nested_params("network", Network((Dense(2),)))["network__layers__0__units"] == 2
    )
    assert nested_params("alpha", 0.1) == nested_params("sizes", (3, 4)) == {}


def test_replacing_copies_along_the_path():
    old = [Dense(2), Dropout(0.5)]
    new = replaced(old, ["1", "rate"], 0.1, "layers")
    assert new == [Dense(2), Dropout(0.1)]
    assert old == [Dense(2), Dropout(0.5)]
    assert new[0] is old[0]
    assert replaced((Dense(2),), ["0"], Dense(3), "layers") == (Dense(3),)


@pytest.mark.parametrize("path", [["rate"], ["2"], ["-1"], ["0", "rate"], ["x", "y"]])
def test_a_path_that_leads_nowhere_is_refused(path):
    with pytest.raises(ValueError, match="has no parameter"):
        replaced([Dense(2), Dropout(0.5)], path, 1, "layers")


def test_a_new_value_is_checked():
    with pytest.raises(ValueError, match="units must be a whole number"):
        MLPClassifier(layers=[Dense(2)]).set_params(layers__0__units=0)


@given(
    n=st.integers(4, 200),
    classes=st.integers(1, 6),
    fraction=st.floats(0.05, 0.6),
    seed=st.integers(0, 5),
)
def test_split_gives_every_class_its_share(n, classes, fraction, seed):
    strata = np.random.default_rng(seed).integers(0, classes, n)
    size = int(np.ceil(fraction * n))
    if size < 2:
        return
    rows, held = split(Key(seed), n, fraction, strata)
    assert sorted([*rows, *held]) == list(range(n))
    assert len(held) == size
    share = size / n
    for c in range(classes):
        expected = share * np.sum(strata == c)
        assert abs(np.sum(strata[held] == c) - expected) < 1 + 1e-9


def test_split_differs_by_key_and_repeats():
    a, b, c = (split(Key(s), 50, 0.2, None)[1] for s in (0, 0, 1))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_seeds():
    def key(seed):
        return MLPClassifier(random_state=seed)._key()

    assert key(3) == key(np.int64(3)) == Key(3)
    assert key(np.random.RandomState(0)) == key(np.random.RandomState(0))
    assert key(None) != key(None)


def test_what_is_not_fitted_says_so():
    for call in (lambda m: m.predict(X), lambda m: m.summary(), lambda m: m.save("x")):
        with pytest.raises(NotFittedError):
            call(MLPClassifier())


def test_warnings_point_at_the_users_line():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MLPClassifier((2,), max_iter=1).fit(X, Y)
    (warning,) = caught
    assert warning.category is ConvergenceWarning
    assert warning.filename == __file__
    assert "max_iter=1 epochs reached" in str(warning.message)


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
