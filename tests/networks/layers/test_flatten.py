"""Places and channels become one vector, in NumPy's order."""

import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import Flatten, Key


def test_the_last_axis_runs_fastest():
    x = np.array([[[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]]])
    assert Flatten()({}, x).tolist() == [list(range(1, 13))]


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 3, 4), (2, 1, 2, 3)])
def test_any_shape_becomes_a_vector(shape):
    params, (n,) = Flatten().init(Key(0), shape)
    assert params == {}
    assert n == np.prod(shape, dtype=int)
    assert Flatten()({}, np.ones((5, *shape))).shape == (5, n)


def test_no_rows_are_no_rows():
    assert Flatten()({}, np.ones((0, 2, 3))).shape == (0, 6)


def test_bytes_stay_bytes():
    """Images are kept as they came until ``Rescale`` makes numbers of them."""
    for x in (np.ones((1, 2, 2, 1), np.uint8), jnp.ones((1, 2, 2, 1), jnp.uint8)):
        assert Flatten()({}, x).dtype == np.uint8
