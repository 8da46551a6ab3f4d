"""Random bits: known words, and the statistics of what is made of them."""

import jax
import numpy as np
import pytest
from jax.extend.random import threefry_2x32
from scipy import stats

from lamina.networks.core.keys import Key
from lamina.networks.core.random_bits import (
    bernoulli,
    fold_in,
    threefry,
    uniform,
    words,
)


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        (
            (0x13198A2E, 0x03707344),
            (0x243F6A88, 0x85A308D3),
            (0xC4923A9C, 0x483DF7A0),
        ),
    ],
)
def test_threefry_is_that_of_the_paper(key, counter, expected):
    """The known answers that its authors publish with Random123 (20 rounds)."""
    one = [np.array([word], np.uint32) for word in (*key, *counter)]
    with np.errstate(over="ignore"):
        found = threefry((one[0], one[1]), (one[2], one[3]))
    assert tuple(int(word[0]) for word in found) == expected


@pytest.mark.slow
def test_words_are_those_that_jax_draws_from_the_key():
    key = Key(7).device()
    counter = np.arange(15, dtype=np.uint32)
    expected = threefry_2x32(
        jax.random.key_data(key), np.concatenate([counter, 0 * counter])
    )
    for found, part in zip(words(key, (3, 5)), np.split(expected, 2), strict=True):
        np.testing.assert_array_equal(found, part.reshape(3, 5))
    drawn = np.concatenate([counter, 0 * counter + 4])
    expected = threefry_2x32(jax.random.key_data(key), drawn)
    found = np.ravel(words(key, (3, 5), 4))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("number", [0, 1, 77, 2**31 - 1])
def test_keys_are_folded_as_jax_does(number):
    key = Key(7).device()
    found = jax.jit(fold_in)(key, number)
    assert found == jax.random.fold_in(key, number)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_are_uniform(dtype):
    with jax.enable_x64(dtype == np.float64):
        drawn = np.asarray(uniform(Key(1).device(), (400, 1000), dtype))
    assert drawn.dtype == dtype
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 1e-3
    if dtype == np.float64:  # down to the last bits
        assert stats.kstest(drawn.ravel() * 2**30 % 1, "uniform").pvalue > 1e-3


@pytest.mark.slow
def test_neighbours_have_nothing_to_do_with_each_other():
    """Along both axes, and from one step's key to the next."""
    key = Key(2).device()
    keys = [jax.random.fold_in(key, step) for step in range(50)]
    drawn = np.stack([np.asarray(uniform(k, (64, 784), np.float32)) for k in keys])
    drawn -= 0.5
    for axis in range(3):
        first, second = (
            np.take(drawn, range(a, drawn.shape[axis] + a - 1), axis) for a in (0, 1)
        )
        r = 12 * np.mean(first * second, dtype=float)
        assert abs(r) < 4 / np.sqrt(first.size)


@pytest.mark.slow
def test_pairs_of_units_are_independent():
    """χ² of the four states of neighbouring units, for unequal probabilities."""
    p = np.broadcast_to(np.float32([0.1, 0.7]), (200_000, 2))
    drawn = np.asarray(bernoulli(Key(3).device(), p)).astype(int)
    counts = np.bincount(2 * drawn[:, 0] + drawn[:, 1], minlength=4)
    expected = np.outer([0.9, 0.1], [0.3, 0.7]).ravel() * len(p)
    assert stats.chisquare(counts, expected).pvalue > 1e-3


@pytest.mark.slow
def test_certain_units_are_certain():
    p = np.float32([[0, 1, 0.5]] * 100_000)
    drawn = np.asarray(bernoulli(Key(4).device(), p))
    assert drawn.dtype == np.float32
    assert not drawn[:, 0].any()
    assert drawn[:, 1].all()
    assert set(np.unique(drawn)) == {0, 1}


@pytest.mark.parametrize("p", [1e-5, 0.02, 0.5, 0.9999])
def test_units_are_one_so_often(p):
    n = 2_000_000
    ones = float(np.sum(bernoulli(Key(5).device(), np.full((2000, 1000), p, "f4"))))
    assert stats.binomtest(int(ones), n, p).pvalue > 1e-3
