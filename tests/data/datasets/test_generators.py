"""Data sets that are formulas: points by hand, scikit-learn's where it has them."""

import numpy as np
import pytest
import sklearn.datasets

from lamina.data import load
from lamina.data.datasets import sets


def test_xor():
    data = load("xor")
    assert data.X.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert data.y.tolist() == [0, 1, 1, 0]
    assert data.target_names == ["0", "1"]
    noisy = load("xor", n=400, noise=0.1, seed=3)
    assert np.abs(noisy.X - np.tile(data.X, (100, 1))).std() < 0.1
    assert noisy.y.tolist() == data.y.tolist() * 100


def test_two_spirals_follow_lang_and_witbrock():
    data = load("two_spirals")
    assert data.X.shape == (194, 2)
    assert data.y.sum() == 97
    # i = 0: φ = 0, r = 6.5; i = 8: φ = π/2, r = 6.5 · 96/104 = 6; i = 96: r = ½
    np.testing.assert_allclose(data.X[0], [0, 6.5], atol=1e-12)
    np.testing.assert_allclose(data.X[16], [6, 0], atol=1e-12)
    np.testing.assert_allclose(data.X[192], [0, 0.5], atol=1e-12)
    np.testing.assert_array_equal(data.X[1::2], -data.X[::2])
    assert data.y[:4].tolist() == [1, 0, 1, 0]
    assert load("two_spirals", n=51).X.shape == (51, 2)


@pytest.mark.parametrize("n", [1, 7, 200])
def test_moons_and_circles_equal_scikit_learn(n):
    X, y = sklearn.datasets.make_moons(n, shuffle=False)
    ours = load("moons", n=n, noise=0)
    np.testing.assert_allclose(ours.X, X, atol=1e-12)
    np.testing.assert_array_equal(ours.y, y)
    X, y = sklearn.datasets.make_circles(n, shuffle=False, factor=0.3)
    ours = load("circles", n=n, noise=0, factor=0.3)
    np.testing.assert_allclose(ours.X, X, atol=1e-12)
    np.testing.assert_array_equal(ours.y, y)


def test_friedman1_and_sine_and_blobs():
    data = load("friedman1", n=50, noise=0, seed=1)
    x = data.X.T
    assert data.X.shape == (50, 10)
    assert x.min() >= 0
    assert x.max() <= 1
    wanted = 10 * np.sin(np.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2
    np.testing.assert_allclose(data.y, wanted + 10 * x[3] + 5 * x[4])
    sine = load("sine", n=13)
    np.testing.assert_allclose(sine.X[:, 0], np.arange(-6, 7) / 6)
    np.testing.assert_allclose(sine.y[7:10], [1, 0, -1], atol=1e-12)
    blobs = load("blobs", n=4000, centers=4, features=3, noise=0.5, seed=2)
    assert blobs.X.shape == (4000, 3)
    assert blobs.target_names == ["0", "1", "2", "3"]
    for k in range(4):
        np.testing.assert_allclose(blobs.X[blobs.y == k].std(axis=0), 0.5, atol=0.05)


@pytest.mark.parametrize("name", sorted(sets.FORMULAS))
def test_same_seed_same_points(name):
    first = load(name, n=20, noise=0.1, seed=5)
    again = load(name, n=20, noise=0.1, seed=5)
    other = load(name, n=20, noise=0.1, seed=6)
    np.testing.assert_array_equal(first.X, again.X)
    np.testing.assert_array_equal(first.y, again.y)
    assert not (np.array_equal(first.X, other.X) and np.array_equal(first.y, other.y))
