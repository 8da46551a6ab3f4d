"""Circles, squares, triangles: equations by hand, labels that fit, one seed."""

import time

import numpy as np
import pytest

from lamina.data.datasets import drawing
from lamina.data.datasets.drawing import SHAPES, shapes
from lamina.data.images.images import ImageError
from tests.data.helpers import refused


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("circle", [(0, 0), (0.7, 0.7), (-1, 0)], [(0.75, 0.75), (1.01, 0)]),
        ("square", [(0.99, -0.99), (0, 1)], [(1.01, 0), (0, -1.01)]),
        ("triangle", [(0, 0.99), (-0.99, -0.99), (0.5, 0)], [(0.51, 0), (0, -1.01)]),
    ],
)
def test_the_shapes(name, inside, outside):
    for points, wanted in ((inside, True), (outside, False)):
        x, y = np.array(points, np.float32).T
        assert SHAPES[name](x, y).tolist() == [wanted] * len(points)


@pytest.mark.parametrize(("name", "share"), [("circle", np.pi / 4), ("triangle", 0.5)])
def test_the_axes_of_a_shape(name, share):
    # A half width of 0.25 (the largest), at the middle: a square of 32 × 32 in 64.
    place = (np.arange(64, dtype=np.float32) + 0.5) / 64
    for turn, bounds in ((0.0, (16, 48)), (0.25, (16, 48))):
        x, y = drawing._own_axes(np.array([[1, 0.5, 0.5, turn]], np.float32), place)
        square, other = SHAPES["square"](x, y)[0], SHAPES[name](x, y)[0]
        rows, columns = np.nonzero(square)
        assert (rows.min(), rows.max() + 1) == bounds
        assert (columns.min(), columns.max() + 1) == bounds
        assert abs(other.sum() / square.sum() - share) < 0.03
        assert not (other & ~square).any()
    upright = SHAPES["triangle"](
        *drawing._own_axes(np.array([[1, 0.5, 0.5, 0]], np.float32), place)
    )[0]
    widths = upright.sum(axis=1)[16:48]
    assert widths[0] <= 2  # its top is up in the image
    assert widths[-1] >= 30


def test_labels_say_what_is_seen():
    images, labels = shapes(300, size=24, seed=5, noise=0)
    assert images.shape == (300, 24, 24, 1)
    assert (images.dtype, labels.dtype) == (np.uint8, np.uint8)
    light = images[..., 0] / 255
    assert light[labels == 0].max() <= 0.2
    assert np.unique(images[labels > 0]).tolist() == [102, 178, 255]
    # An image has one ground, and at most three shapes of a shade each.
    for image, label in zip(images[..., 0], labels, strict=True):
        assert len(np.unique(image[label == 0])) == 1
        for shade in np.unique(image[label > 0]):  # no two shapes are alike
            assert len(np.unique(label[image == shade])) == 1
    # Shapes lie wholly inside: only the tip of a corner reaches the edge.
    assert np.count_nonzero(labels[:, 0], axis=1).max() <= 1
    assert set(np.unique(labels).tolist()) == {0, 1, 2, 3}
    squares = shapes(100, classes=["square"], noise=0)[1]
    assert set(np.unique(squares).tolist()) == {0, 1}


def test_noise_is_as_strong_as_told():
    (clean, labels), (noisy, same) = (
        shapes(50, seed=2, noise=noise) for noise in (0, 0.05)
    )
    np.testing.assert_array_equal(labels, same)
    middle = (clean > 60) & (clean < 195)  # not cut at black and white
    difference = noisy[middle].astype(float) - clean[middle]
    assert abs(difference.std() / 255 - 0.05) < 0.002
    assert abs(difference.mean()) < 0.5


def test_one_seed_one_set():
    first, again, other = (shapes(40, seed=seed) for seed in (7, 7, 8))
    for k in range(2):
        np.testing.assert_array_equal(first[k], again[k])
        assert not np.array_equal(first[k], other[k])
        np.testing.assert_array_equal(first[k], shapes(100, seed=7)[k][:40])


def test_thousands_a_second():
    shapes(10)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        shapes(500)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.5  # a thousand a second, on a busy machine too


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"n": 0}, "n must be a whole number ≥ 1; got 0"),
        ({"size": 3}, "size must be a whole number ≥ 4"),
        ({"noise": -1.0}, "noise must be at least 0"),
        ({"noise": float("nan")}, "noise must be at least 0"),
        ({"classes": ["star"]}, "classes must be some of circle, square, triangle"),
        ({"classes": []}, "classes must be some of"),
        ({"classes": "circle"}, "classes must be some of"),
        ({"classes": ["circle", "circle"]}, "classes must be different"),
    ],
)
def test_what_cannot_be(options, part):
    refused(lambda: shapes(**{"n": 2} | options), part, error=ImageError)
