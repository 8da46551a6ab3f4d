"""What the comparison of starts counts, and what it claims."""

import numpy as np
import pytest

from benchmarks.pretraining import MOVES, five_layers, moved, right, table


class Always:
    """A model that always says the same."""

    def __init__(self, label):
        self.label = label

    def fit(self, X, y):
        return self

    def score(self, X, y):
        return np.mean(np.asarray(y) == self.label)


def test_shares_are_of_unseen_examples_one_a_split():
    parts = [(None, None, [0, 0], [0, 1, 1]), (None, None, [0], [1, 0])]
    assert right(Always, parts) == pytest.approx([1 / 3, 1 / 2])
    (row,) = table("title", {"always": [0.2, 0.6]}).rows
    assert (row.value, row.low, row.high) == pytest.approx((0.4, 0.2, 0.6))


def test_images_are_moved_by_a_pixel_each_way():
    X = np.zeros((1, 64))
    X[0, 8 * 3 + 4] = 1  # row 3, column 4
    images, y = moved(X, np.array([7]))
    found = [divmod(int(image.argmax()), 8) for image in images]
    assert found == [(3 + i, 4 + j) for i, j in MOVES]
    assert y.tolist() == [7] * 5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_deep_network_is_claimed_to_need_its_start():
    rng = np.random.default_rng(0)
    X, y = rng.random((40, 6)), rng.integers(0, 2, 40)
    claims = five_layers([(X, X, y, y)]).claims
    assert [claim.at_least for claim in claims] == [False, True, True, True, True]
