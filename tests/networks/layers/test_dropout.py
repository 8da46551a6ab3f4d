"""Dropout: its equation, its statistics, and that it sleeps at application."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import Dense, Dropout, Key, Network

KEY = Key(0).device()
ONES = np.ones((200, 500), np.float32)


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.75])
def test_kept_units_are_divided_by_one_minus_rate(rate):
    a = np.asarray(Dropout(rate)({}, 3 * ONES, key=KEY))
    scaled = np.float32(3) / np.float32(1 - rate)
    np.testing.assert_allclose(np.unique(a), [0, scaled], rtol=1e-6)


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.75])
def test_share_of_dropped_units_and_mean(rate):
    """100,000 units: the share is known to √(p(1−p)/n); within 4 of that."""
    a = np.asarray(Dropout(rate)({}, ONES, key=KEY))
    deviation = np.sqrt(rate * (1 - rate) / a.size)
    assert abs((a == 0).mean() - rate) < 4 * deviation
    assert abs(a.mean() - 1) < 4 * deviation / (1 - rate)


def test_units_are_dropped_one_by_one():
    """Not by row, not by column: neighbours agree by chance only."""
    a = np.asarray(Dropout(0.5)({}, ONES, key=KEY)) == 0
    limit = 4 * 0.5 / np.sqrt(a.size)
    assert abs((a[1:] == a[:-1]).mean() - 0.5) < limit
    assert abs((a[:, 1:] == a[:, :-1]).mean() - 0.5) < limit


def test_without_a_key_nothing_happens():
    x = np.arange(6.0).reshape(2, 3)
    assert Dropout(0.9)({}, x) is x


def test_rate_zero_changes_nothing():
    np.testing.assert_array_equal(Dropout(0.0)({}, ONES, key=KEY), ONES)


def test_another_key_is_another_mask():
    """The dropped units differ in each step."""
    layer = Dropout(0.5)
    masks = [layer({}, ONES, key=jax.random.fold_in(KEY, step)) for step in (0, 0, 1)]
    np.testing.assert_array_equal(masks[0], masks[1])
    assert 0.49 < np.mean(np.asarray(masks[0]) == np.asarray(masks[2])) < 0.51


def test_two_dropout_layers_have_masks_of_their_own():
    network = Network((Dropout(0.5), Dropout(0.5), Dense(1, "identity")))
    once = Network((Dropout(0.5), Dense(1, "identity")))
    probe = {"weight": np.ones((500, 1), np.float32), "bias": np.zeros(1, np.float32)}
    both = network(({}, {}, probe), ONES, key=KEY)
    one = once(({}, probe), ONES, key=KEY)
    assert np.mean(one) == pytest.approx(500, rel=0.02)
    assert np.mean(both) == pytest.approx(500, rel=0.02)
    # 1/4 of the units are left at 4 times their size: variance 3 a unit instead of 1
    assert np.var(both) == pytest.approx(3 * 500, rel=0.35)
    assert np.var(one) == pytest.approx(1 * 500, rel=0.35)


def test_gradient_flows_only_through_kept_units():
    x = jnp.ones((4, 5))
    a = Dropout(0.5)({}, x, key=KEY)
    slope = jax.grad(lambda x: Dropout(0.5)({}, x, key=KEY).sum())(x)
    np.testing.assert_array_equal(slope, a)
    assert 0 < np.count_nonzero(slope) < 20


def test_dtype_stays():
    for dtype in (jnp.float32, jnp.bfloat16):
        assert Dropout(0.5)({}, jnp.ones(3, dtype), key=KEY).dtype == dtype


def test_no_parameters_and_the_shape_stays():
    assert Dropout(0.5).init(Key(0), (3, 4)) == ({}, (3, 4))


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1, 2, float("nan")])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(ValueError, match=r"rate must be in \[0, 1\), got"):
        Dropout(rate)
