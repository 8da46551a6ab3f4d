"""R² over what is measured."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from lamina.metrics.measured import r2


def test_r2_by_hand():
    """Weights 1, 3: mean (0 + 3·4) / 4 = 3, 1 − (1·1 + 3·0) / (1·9 + 3·1) = 11/12.

    Of the second output only the rows of weight 3 and 2 are measured.
    """
    target, numbers = np.array([[0.0], [4.0]]), np.array([[1.0], [4.0]])
    assert r2(target, numbers, np.array([1.0, 3.0])) == pytest.approx(11 / 12)
    assert r2(target, numbers, np.ones(2)) == pytest.approx(7 / 8)
    target = np.array([[0.0, np.nan], [4.0, 0.0], [np.nan, 5.0]])
    numbers = np.array([[1.0, 9.0], [4.0, 1.0], [9.0, 4.0]])
    second = 1 - (3 * 1 + 2 * 1) / (3 * 4 + 2 * 9)  # mean 2
    found = r2(target, numbers, np.array([1.0, 3.0, 2.0]))
    assert found == pytest.approx((11 / 12 + second) / 2)


@pytest.mark.parametrize("outputs", [1, 3])
def test_r2_with_weights_is_that_of_scikit_learn(outputs, rng):
    target, weight = rng.normal(size=(40, outputs)), rng.uniform(0, 3, 40)
    numbers = target + rng.normal(size=(40, outputs))
    theirs = r2_score(target, numbers, sample_weight=weight)
    assert r2(target, numbers, weight) == pytest.approx(theirs, rel=1e-12)
    assert abs(theirs - r2_score(target, numbers)) > 1e-3
