"""Sequences that are formulas: what their docstrings say, for every sequence."""

import numpy as np
import pytest

from lamina.data.datasets import sequence_generators as generators

NAMES = ("adding_problem", "hidden_markov", "long_lag", "noisy_sines", "parity")


def test_long_lag():
    X, y = generators.long_lag(n=30, lag=7, symbols=4, classes=3, seed=1)
    assert X.shape == (30, 8, 7)
    assert np.bincount(y).tolist() == [10, 10, 10]
    steps = X.padded().argmax(axis=2)
    np.testing.assert_array_equal(X.values.sum(axis=1), 1)
    np.testing.assert_array_equal(steps[:, 0], y)
    assert set(steps[:, 1:].ravel()) == {3, 4, 5, 6}
    assert generators.long_lag(n=1, lag=0)[0].shape == (1, 1, 10)


@pytest.mark.parametrize("shortest", [0, 2, 9])
def test_adding_problem(shortest):
    X, y = generators.adding_problem(n=2000, length=20, shortest=shortest)
    assert set(X.lengths) == set(range(shortest or 20, 21))
    for steps, total in zip(X, y, strict=True):
        (i, j), middle = np.flatnonzero(steps[:, 1]), len(steps) // 2
        assert i < middle <= j
        assert total == steps[i, 0] + steps[j, 0]
        assert steps[:, 1].sum() == 2
    assert X.values[:, 0].min() >= 0
    assert X.values[:, 0].max() <= 1
    np.testing.assert_allclose(np.mean((y - 1) ** 2), 1 / 6, atol=0.015)


def test_markers_may_stand_at_every_step():
    X, _ = generators.adding_problem(n=500, length=5)
    assert (X.padded()[..., 1].sum(axis=0) > 0).all()


def test_parity():
    X, y = generators.parity(n=300, length=9, shortest=1)
    assert set(X.lengths) == set(range(1, 10))
    assert set(X.values.ravel()) == {0, 1}
    assert [int(bits.sum()) % 2 for bits in X] == y.tolist()
    assert 0.3 < y.mean() < 0.7


def test_noisy_sines():
    X, y = generators.noisy_sines(n=6, noise=0, length=40, shortest=35, seed=3)
    assert y.tolist() == [0, 1, 2, 0, 1, 2]
    assert X.lengths.min() >= 35
    assert X.lengths.max() <= 40
    for sine, label in zip(X, y, strict=True):
        x, turn = sine[:, 0], 2 * np.pi * (label + 1) / 12
        # x_t+1 ± x_t−1 of a sine: 2 cos(2πf) x_t, and 2 sin(2πf) times its cosine
        cosine = (x[2:] - x[:-2]) / (2 * np.sin(turn))
        np.testing.assert_allclose(
            x[2:] + x[:-2], 2 * np.cos(turn) * x[1:-1], atol=1e-9
        )
        np.testing.assert_allclose(x[1:-1] ** 2 + cosine**2, 1, atol=1e-9)
    assert len({round(float(sine[0, 0]), 6) for sine in X}) == 6
    clean, _ = generators.noisy_sines(n=200, noise=0)
    noisy, _ = generators.noisy_sines(n=200, noise=0.3)
    np.testing.assert_allclose((noisy.values - clean.values).std(), 0.3, atol=0.01)


def test_markov_chain_by_hand():
    start, transition, means = generators.markov_chain(3)
    np.testing.assert_allclose(start, [1 / 6, 2 / 6, 3 / 6])
    row = np.array([25, 5, 1]) / 31
    np.testing.assert_allclose(transition, [np.roll(row, k) for k in range(3)])
    half = np.sqrt(3) / 2
    np.testing.assert_allclose(means, [[1, 0], [-0.5, half], [-0.5, -half]], atol=1e-12)
    assert generators.markov_chain(1).transition.tolist() == [[1]]


def test_hidden_markov_follows_its_chain():
    X, y = generators.hidden_markov(n=800, length=60, shortest=40, noise=0.4, seed=2)
    start, transition, means = generators.markov_chain(3)
    assert [len(states) for states in y] == X.lengths.tolist()
    assert set(X.lengths) == set(range(40, 61))
    first = np.bincount([states[0] for states in y]) / 800
    np.testing.assert_allclose(first, start, atol=0.05)
    counts = np.zeros((3, 3))
    for states in y:
        np.add.at(counts, (states[:-1], states[1:]), 1)
    found = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, transition, atol=0.01)
    states = np.concatenate(y)
    for k in range(3):
        points = X.values[states == k]
        np.testing.assert_allclose(points.mean(axis=0), means[k], atol=0.02)
        np.testing.assert_allclose(points.std(axis=0), 0.4, atol=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_sequences(name):
    make = getattr(generators, name)
    (first, y), (again, y_again), (other, _) = make(n=9), make(n=9), make(n=9, seed=1)
    np.testing.assert_array_equal(first.values, again.values)
    np.testing.assert_array_equal(y, y_again)
    assert first.dtype == np.float64
    assert len(first) == len(y) == 9
    assert not np.array_equal(first.values, other.values)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "long_lag"])
def test_lengths_that_cannot_be(name):
    with pytest.raises(ValueError, match="at most length, 4; got 5"):
        getattr(generators, name)(length=4, shortest=5)


def test_adding_needs_two_steps():
    for options in ({"length": 1}, {"length": 5, "shortest": 1}):
        with pytest.raises(ValueError, match="at least two steps"):
            generators.adding_problem(**options)
