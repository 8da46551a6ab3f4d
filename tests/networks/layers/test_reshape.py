"""Reshape: what Flatten undoes."""

import numpy as np
import pytest

from lamina.networks import Flatten, Key, Reshape

X = np.arange(24.0).reshape(2, 12)


def test_the_last_axis_runs_fastest():
    a = Reshape((2, 3, 2))({}, X)
    for i, j, k in np.ndindex(2, 3, 2):
        np.testing.assert_array_equal(a[:, i, j, k], X[:, (i * 3 + j) * 2 + k])


def test_it_is_the_way_back_from_flatten():
    assert np.array_equal(Flatten()({}, Reshape((2, 3, 2))({}, X)), X)
    assert Reshape((2, 6)).init(Key(0), (3, 4)) == ({}, (2, 6))
    assert Reshape([2, 6]) == Reshape((2, 6))


@pytest.mark.parametrize("shape", [(), (2, 0), (2, -6), (2.0, 6), (True, 12)])
def test_what_is_no_shape_is_refused(shape):
    with pytest.raises(ValueError, match="shape must be whole numbers"):
        Reshape(shape)


def test_numbers_must_be_as_many():
    with pytest.raises(ValueError, match=r"have 12 numbers, to \(5,\), which has 5"):
        Reshape((5,)).init(Key(0), (3, 4))
