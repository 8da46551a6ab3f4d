"""What the judge of samples counts, and the image."""

import numpy as np
import pytest

from benchmarks.mnist_samples import grid, judged


class Judge:
    """Gives the numbers themselves as probabilities."""

    def predict_proba(self, X):
        return X


def test_shares_are_of_what_is_told_for_sure():
    drawn = np.array([[0.95, 0.05], [0.5, 0.5], [0.02, 0.98], [0.91, 0.09]])
    table = judged(Judge(), drawn, drawn[:2])
    values = [row.value for row in table.rows]
    assert values == pytest.approx([0.75, 0.5, 2 / 3, 1 / 3])
    sure, rarest = table.claims
    assert sure.value == 0.75
    assert rarest.value == pytest.approx(1 / 3)


def test_nothing_told_is_no_digit():
    table = judged(Judge(), np.full((3, 2), 0.5), np.full((3, 2), 0.5))
    assert [claim.kept for claim in table.claims] == [False, False]


@pytest.mark.slow
def test_a_hundred_are_shown(tmp_path):
    pytest.importorskip("matplotlib")
    figure = grid(np.random.default_rng(0).random((130, 784)))
    assert len(figure.axes) == 100
