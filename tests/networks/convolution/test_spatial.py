"""Windows over positions: their sizes, and invalid input."""

import numpy as np
import pytest

from lamina.networks.convolution.spatial import (
    check_padding,
    padded_positions,
    per_axis,
    positions_of,
    windows,
)


def counted(n, k, p, s):
    """Slide a window by hand and count how often it fits."""
    return sum(1 for start in range(0, n + 2 * p, s) if start + k <= n + 2 * p)


def test_golden_g5():
    assert windows((5,), (3,), (2,), ((1, 1),)) == (3,)
    full = padded_positions("full", (7,), (3,), (1,))
    assert windows((7,), (3,), (1,), full) == (7 + 3 - 1,)


def test_sizes_are_those_of_a_window_that_slides():
    """For 200 random (n, k, p, s)."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        n, s = int(rng.integers(1, 40)), int(rng.integers(1, 6))
        p = int(rng.integers(0, 4))
        k = int(rng.integers(1, n + 2 * p + 1))
        assert windows((n,), (k,), (s,), ((p, p),)) == (counted(n, k, p, s),)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_keeps_every_stride_th_place(stride):
    for n in range(1, 12):
        for k in range(1, 6):
            pads = padded_positions("same", (n,), (k,), (stride,))
            assert windows((n,), (k,), (stride,), pads) == (-(-n // stride),)
            assert 0 <= pads[0][1] - pads[0][0] <= 1


def test_padding_may_differ_by_axis_and_side():
    assert padded_positions((1, 2), (5, 5), (3, 3), (1, 1)) == ((1, 1), (2, 2))
    assert padded_positions(((0, 1), 2), (5, 5), (3, 3), (1, 1)) == ((0, 1), (2, 2))
    with pytest.raises(ValueError, match="one entry per axis, 1"):
        padded_positions((1, 2), (5,), (3,), (1,))


def test_a_window_too_large_is_refused():
    with pytest.raises(ValueError, match="5 × 2 does not fit into an input of 4 × 4"):
        windows((4, 4), (5, 2), (1, 1), ((0, 0), (0, 0)))


@pytest.mark.parametrize("value", [0, 1.5, True, (1, 2, 3), (1, 0)])
def test_what_is_no_number_of_places_is_refused(value):
    with pytest.raises(ValueError, match="size must be"):
        per_axis("size", value, 2)


@pytest.mark.parametrize("padding", ["mirror", -1, 1.0, (), ((1, 2, 3),), None])
def test_what_is_no_padding_is_refused(padding):
    with pytest.raises(ValueError, match="padding must be one of valid, same, full"):
        check_padding(padding)


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2, 2), ()])
def test_examples_need_places_and_channels(shape):
    with pytest.raises(ValueError, match=r"Conv needs examples of shape \(time, chann"):
        positions_of("Conv", shape)
