"""Means and scales of columns, and weights for inputs that are not scaled."""

import numpy as np
import pytest

from lamina.learning.data.scaling import for_unscaled, mean_and_scale

RNG = np.random.default_rng(0)


def test_by_hand():
    mean, scale = mean_and_scale(np.array([[1.0, 5], [3, 5]]))
    np.testing.assert_allclose(mean, [2, 5])
    np.testing.assert_allclose(scale, [1, 1])
    mean, scale = mean_and_scale(np.array([[1.0], [5]]), np.array([3.0, 1]))
    assert (mean[0], scale[0]) == pytest.approx((2, np.sqrt(3)))


def test_places_count_the_same():
    images = RNG.random((4, 3, 5, 2))
    mean, scale = mean_and_scale(images)
    np.testing.assert_allclose(mean, images.reshape(-1, 2).mean(axis=0))
    np.testing.assert_allclose(scale, images.reshape(-1, 2).std(axis=0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.1, -0.0312, 1e-9, 12345.678, 0.0])
def test_a_constant_column_has_scale_1(value, dtype):
    """Whose mean is not quite its value, because of rounding."""
    x = np.full((1437, 1), value, dtype)
    weight = RNG.random(1437)
    for given in (None, weight):
        mean, scale = mean_and_scale(x, given)
        assert scale[0] == 1
        assert mean[0] == pytest.approx(value, rel=1e-6)


def test_a_column_of_small_spread_keeps_it():
    x = 1000 + 1e-6 * RNG.standard_normal((500, 1))
    assert mean_and_scale(x)[1][0] == pytest.approx(x.std(), rel=1e-6)


def test_weights_for_inputs_that_are_not_scaled():
    v, mean, scale = RNG.random((7, 3)), RNG.random(3), RNG.random(3) + 0.5
    params = {"weight": RNG.random((3, 2)), "bias": RNG.random(2)}
    found = for_unscaled(params, mean, scale)
    wanted = (v - mean) / scale @ params["weight"] + params["bias"]
    np.testing.assert_allclose(v @ found["weight"] + found["bias"], wanted)
    same = for_unscaled(params, np.zeros(3), np.ones(3))
    assert same["weight"] is params["weight"]
