"""Codes beside PCA's: what is compared, and what is claimed."""

import numpy as np
import pytest

from benchmarks.autoencoder import ENCODER, compared, error, fitted, nearest


class Half:
    """A model whose code is the first half of an example, the rest being 0."""

    def transform(self, X):
        return X[:, : X.shape[1] // 2]

    def inverse_transform(self, codes):
        return np.hstack([codes, np.zeros_like(codes)])


X = np.array([[0.0, 0.0, 3.0, 1.0], [9.0, 9.0, 0.0, 0.0], [1.0, 0.0, 2.0, 2.0]])


def test_errors_and_neighbours_by_hand():
    assert error(Half(), X) == pytest.approx((9 + 1 + 4 + 4) / 12)
    known, new = (X[:2], np.array([3, 7])), (X[2:], np.array([3]))
    assert nearest(Half(), known, new) == 1
    assert nearest(Half(), known, (X[2:], np.array([7]))) == 0


def test_the_network_is_that_of_the_deck():
    assert ENCODER == (1000, 500, 250, 2)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_claims_compare_with_pca():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(size=(60, 6)), rng.integers(0, 2, 60)
    models = fitted(X, (4, 2), {"max_iter": 2, "random_state": 0})
    errors, shares = compared(models, (X, y), (X[:20], y[:20]))
    assert [row.name for row in errors.rows] == ["PCA", "Autoencoder"]
    ratio, gain = errors.claims[0], shares.claims[0]
    values = [float(row.value or np.nan) for row in errors.rows]
    assert ratio.value == pytest.approx(values[1] / values[0])
    assert not ratio.at_least
    assert [row.value for row in shares.rows] == [1, 1]  # each is its own neighbour
    assert gain.value == 0
