"""Rows of a table: the short way of clean arrays is the long one."""

import numpy as np
import pytest
from scipy import sparse

from lamina import MLPClassifier
from lamina.estimators._core.inputs.table import TableInputs, join_rows

X = np.random.default_rng(0).normal(size=(8, 3))


@pytest.fixture
def learnt():
    owner = MLPClassifier()
    inputs, _ = TableInputs("float32").learn(owner, X)
    return owner, inputs


def test_the_number_of_columns_is_learnt(learnt):
    owner, inputs = learnt
    assert inputs.shape == (3,)
    assert owner.n_features_in_ == 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clean_arrays_are_not_copied(learnt, dtype):
    owner, inputs = learnt
    clean = X.astype(dtype)
    assert inputs.check(owner, clean) is clean


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (X[:, :2], "has 2 features, but MLPClassifier is expecting 3"),
        (np.where(X > 0, X, np.nan), "NaN"),
        (np.where(X > 0, X, np.inf), "infinity"),
        (1e300 * np.ones((2, 3)), "float32"),
        (X[0], "2D array"),
        (X[:0], "0 sample"),
    ],
)
def test_others_are_refused(learnt, given, message):
    owner, inputs = learnt
    with pytest.raises(ValueError, match=message):
        inputs.check(owner, given)


def test_lists_frames_and_sparse_rows_are_the_same_numbers(learnt):
    owner, inputs = learnt
    np.testing.assert_array_equal(inputs.check(owner, X.tolist()), X)
    columns = sparse.csc_array(X)
    found = inputs.check(owner, columns)
    assert found.format == "csr"
    np.testing.assert_array_equal(found.toarray(), X)


def test_rows_are_joined_as_the_first_are():
    some = sparse.csr_array(X[:2])
    assert sparse.issparse(join_rows((some, X)))
    found = join_rows((X, some))
    np.testing.assert_array_equal(found, np.concatenate((X, X[:2])))
