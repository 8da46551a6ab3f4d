"""The loss of constant outputs, beside the losses of networks that give them."""

import math

import numpy as np
import pytest
import scipy.sparse

from lamina.data.sequences.ragged_array import RaggedArray
from lamina.learning import FGSM, Dataset, L1Sparsity, LabelSmoothing, Loader, Objective
from lamina.learning.control import baseline as module
from lamina.learning.control.baseline import constant_loss
from lamina.networks import Dense, Network
from lamina.networks.functional.losses import LOSSES

N = 40
RNG = np.random.default_rng(0)
X = np.zeros((N, 2), np.float32)
WEIGHT = RNG.uniform(0.5, 2, N)
CLASSES = RNG.choice(3, N, p=[0.6, 0.3, 0.1])
NUMBERS = RNG.gamma(2.0, size=(N, 2))
BITS = (RNG.random((N, 2)) < 0.3).astype(float)


def feed_of(y, weight=None, x=X, rows=None):
    return Loader(Dataset(x, y, weight, dtype=np.float64), rows, batch_size=10)


def objective(loss, *terms):
    activation = {"cross_entropy": "softmax", "poisson": "exp"}.get(loss, "identity")
    return Objective(Network((Dense(3, activation),)), loss, terms)


def mean_of(values, weight=WEIGHT):
    return (weight[:, None] * values).sum(axis=0) / weight.sum()


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("squared_error", NUMBERS),
        ("sum_squared_error", NUMBERS),
        ("absolute_error", NUMBERS),
        ("binary_cross_entropy", BITS),
        ("poisson", NUMBERS),
    ],
)
def test_it_is_the_loss_at_the_weighted_means(loss, y):
    constant = np.broadcast_to(mean_of(y), y.shape)
    each = np.asarray(LOSSES[loss](constant, y))
    expected = (WEIGHT * each).sum() / WEIGHT.sum()
    found = constant_loss(objective(loss), feed_of(y, WEIGHT))
    assert found == pytest.approx(expected, rel=1e-6)


def test_of_classes_it_is_the_entropy_of_their_frequencies():
    one_hot = np.eye(3)[CLASSES]
    p = mean_of(one_hot)
    expected = -(p * np.log(p)).sum()
    for y in (CLASSES, one_hot):
        found = constant_loss(objective("cross_entropy"), feed_of(y, WEIGHT))
        assert found == pytest.approx(expected, rel=1e-12)


def test_smoothed_labels_have_a_larger_entropy():
    p = 0.8 * mean_of(np.eye(3)[CLASSES]) + 0.2 / 3
    smoothed = objective("cross_entropy", LabelSmoothing(0.2))
    found = constant_loss(smoothed, feed_of(CLASSES, WEIGHT))
    assert found == pytest.approx(-(p * np.log(p)).sum(), rel=1e-12)
    q = 0.8 * mean_of(BITS) + 0.1
    smoothed = objective("binary_cross_entropy", LabelSmoothing(0.2))
    expected = -(q * np.log(q) + (1 - q) * np.log(1 - q)).sum()
    found = constant_loss(smoothed, feed_of(BITS, WEIGHT))
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_margin_loss_has_its_best_constant():
    """No lengths of capsules on a fine grid have less."""
    grid = np.linspace(0, 1, 2001)
    one_hot = np.eye(3)[CLASSES]
    expected = 0
    for p in one_hot.mean(axis=0):
        loss = p * np.maximum(0, 0.9 - grid) ** 2
        expected += np.min(loss + 0.5 * (1 - p) * np.maximum(0, grid - 0.1) ** 2)
    found = constant_loss(objective("margin"), feed_of(CLASSES))
    assert found == pytest.approx(expected, rel=1e-5)


def test_missing_numbers_do_not_count():
    """The variance of each output is over its own rows."""
    y = NUMBERS.copy()
    y[:10, 0] = np.nan
    expected = 0.5 * (y[10:, 0].var() + y[:, 1].var())
    found = constant_loss(objective("squared_error"), feed_of(y))
    assert found == pytest.approx(expected, rel=1e-12)


def test_only_the_rows_of_the_feed_count():
    rows = np.arange(7)
    found = constant_loss(objective("squared_error"), feed_of(NUMBERS, rows=rows))
    expected = 0.5 * NUMBERS[:7].var(axis=0).sum()
    assert found == pytest.approx(expected, rel=1e-12)


def test_labels_of_places_count_by_their_examples():
    """Two examples, of one and of three labels: their frequencies count the same."""
    y = np.array([[0, -1, -1], [0, 1, 1]], np.int32)
    found = constant_loss(
        objective("cross_entropy"), feed_of(y, x=np.zeros((2, 3, 2), np.float32))
    )
    p = np.array([(1 + 1 / 3) / 2, (2 / 3) / 2])
    assert found == pytest.approx(-(p * np.log(p)).sum(), rel=1e-12)


def test_answers_of_sequences():
    """Steps of 2 and of 1: the mean over a sequence's own steps."""
    lengths = np.array([2, 1])
    x = RaggedArray(np.zeros((3, 2), np.float32), lengths)
    y = RaggedArray(np.array([[1.0], [3.0], [7.0]]), lengths)
    found = constant_loss(objective("squared_error"), feed_of(y, x=x))
    weight, values = np.array([0.5, 0.5, 1]) / 2, np.array([1.0, 3, 7])
    mean = weight @ values
    assert found == pytest.approx(0.5 * weight @ (values - mean) ** 2, rel=1e-12)
    y = RaggedArray(np.array([[0], [1], [1]]), lengths)
    found = constant_loss(objective("cross_entropy"), feed_of(y, x=x))
    assert found == pytest.approx(-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)))


def test_sparse_targets_and_images():
    dense = RNG.random((N, 30)) * (RNG.random((N, 30)) < 0.1)
    rows = scipy.sparse.csr_array(dense)
    found = constant_loss(objective("squared_error"), feed_of(rows, x=rows))
    assert found == pytest.approx(0.5 * dense.var(axis=0).sum(), rel=1e-6)
    images = RNG.random((N, 4, 4, 2))
    found = constant_loss(objective("squared_error"), feed_of(images, x=images))
    expected = 0.5 * 16 * images.reshape(-1, 2).var(axis=0).sum()
    assert found == pytest.approx(expected, rel=1e-6)


def test_many_targets_are_judged_by_some(monkeypatch):
    monkeypatch.setattr(module, "MOST_NUMBERS", 8)
    rows = np.linspace(0, N - 1, 4).astype(int)
    found = constant_loss(objective("squared_error"), feed_of(NUMBERS))
    expected = 0.5 * NUMBERS[rows].var(axis=0).sum()
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "terms", "y"),
    [
        (lambda a, y: a[:, 0], (), NUMBERS),
        ("squared_error", (FGSM(0.1),), NUMBERS),
        ("squared_error", (L1Sparsity(0.1),), NUMBERS),
        ("squared_error", (), np.ones((N, 2))),
        ("cross_entropy", (), np.ones(N, int)),
    ],
    ids=["function", "adversarial", "sparse", "constant", "one class"],
)
def test_sometimes_there_is_none(loss, terms, y):
    assert constant_loss(objective(loss, *terms), feed_of(y)) is None
