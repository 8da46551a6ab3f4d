"""Data sets that several files of tests learn from."""

import pytest
from sklearn.datasets import load_diabetes, load_digits, load_iris


@pytest.fixture(scope="session")
def iris():
    """Measurements of flowers, each of mean 0 and standard deviation 1."""
    X, y = load_iris(return_X_y=True)
    return (X - X.mean(0)) / X.std(0), y


@pytest.fixture(scope="session")
def diabetes():
    """Measurements of patients, each of standard deviation 1."""
    X, y = load_diabetes(return_X_y=True)
    return X / X.std(0), y


@pytest.fixture(scope="session")
def digits():
    """300 images as rows of numbers between 0 and 1."""
    X, y = load_digits(return_X_y=True)
    return X[:300] / 16, y[:300]
