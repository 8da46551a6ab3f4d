"""Corruption: its equations, its statistics, and that it sleeps at application."""

import jax
import numpy as np
import pytest
from scipy import stats

from lamina.networks import Dropout, GaussianNoise, Key, MaskingNoise, SaltAndPepper
from lamina.networks.layers.corruption import CORRUPTIONS

KEY = Key(0).device()
X = np.random.default_rng(0).uniform(0.2, 0.8, (200, 500)).astype(np.float32)
ALL = [MaskingNoise(0.3), GaussianNoise(0.2), SaltAndPepper(0.1)]


def corrupted(layer, x=X, key=KEY):
    return np.asarray(layer({}, x, key=key))


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.75])
def test_masked_inputs_are_zero_and_the_others_what_they_were(rate):
    found = corrupted(MaskingNoise(rate))
    gone = found == 0
    np.testing.assert_array_equal(found[~gone], X[~gone])  # Dropout enlarges them
    deviation = np.sqrt(rate * (1 - rate) / X.size)
    assert abs(gone.mean() - rate) < 4 * deviation
    chosen = corrupted(Dropout(rate)) == 0
    assert np.array_equal(gone, chosen)  # the same draws


def test_noise_is_normal_with_the_deviation():
    noise = (corrupted(GaussianNoise(0.2)) - X).ravel() / 0.2
    assert abs(noise.mean()) < 4 / np.sqrt(X.size)
    assert abs(noise.std() - 1) < 4 / np.sqrt(2 * X.size)
    assert stats.kstest(noise[:20_000], "norm").pvalue > 1e-3


def test_salt_is_as_frequent_as_pepper():
    found = corrupted(SaltAndPepper(0.2, low=-3, high=5))
    low, high = found == -3, found == 5
    np.testing.assert_array_equal(found[~(low | high)], X[~(low | high)])
    deviation = np.sqrt(0.1 * 0.9 / X.size)
    assert abs(low.mean() - 0.1) < 4 * deviation
    assert abs(high.mean() - 0.1) < 4 * deviation


@pytest.mark.parametrize("layer", ALL, ids=lambda layer: type(layer).__name__)
def test_inputs_are_changed_one_by_one_and_anew_with_each_key(layer):
    changed = corrupted(layer) != X
    other = corrupted(layer, key=jax.random.fold_in(KEY, 1)) != X
    share = changed.mean()
    expected = share**2 + (1 - share) ** 2
    for a, b in ((changed[1:], changed[:-1]), (changed, other)):
        assert abs((a == b).mean() - expected) < 0.01


@pytest.mark.parametrize("layer", ALL, ids=lambda layer: type(layer).__name__)
def test_without_a_key_nothing_happens(layer):
    assert layer({}, X) is X
    assert layer.init(Key(0), (3, 2)) == ({}, (3, 2))


@pytest.mark.parametrize(
    "layer",
    [MaskingNoise(0), GaussianNoise(0), SaltAndPepper(0)],
    ids=lambda layer: type(layer).__name__,
)
def test_a_rate_of_zero_changes_nothing(layer):
    np.testing.assert_array_equal(corrupted(layer), X)


def test_rates_are_traced():
    """Another rate compiles nothing."""
    one, other = (
        jax.tree.structure(MaskingNoise(0.1)),
        jax.tree.structure(MaskingNoise(0.2)),
    )
    assert one == other


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: MaskingNoise(1), r"corruption rate must be in \[0, 1\), got 1"),
        (lambda: SaltAndPepper(-0.1), "corruption rate"),
        (lambda: SaltAndPepper(0.1, 1, 1), "low=1.0 must be below high=1.0"),
        (lambda: GaussianNoise(-1), "deviation must be ≥ 0, got -1"),
        (lambda: GaussianNoise(float("nan")), "deviation must be ≥ 0"),
    ],
)
def test_impossible_numbers_are_refused(made, message):
    with pytest.raises(ValueError, match=message):
        made()


def test_every_corruption_has_a_word():
    assert set(CORRUPTIONS.values()) == {type(layer) for layer in ALL}
