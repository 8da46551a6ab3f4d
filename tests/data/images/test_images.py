"""Arrays as images: shapes, types, what is refused, and no copies."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from lamina.data.images.images import ImageError, as_images
from tests.data.helpers import refused


def bad(X, *parts, image_shape=None):
    return refused(lambda: as_images(X, image_shape), *parts, error=ImageError)


@pytest.mark.parametrize(
    ("shape", "image_shape", "wanted"),
    [
        ((5, 4, 3), None, (5, 4, 3, 1)),
        ((5, 4, 3), (4, 3), (5, 4, 3, 1)),
        ((5, 4, 3), (4, 3, 1), (5, 4, 3, 1)),
        ((5, 4, 3, 2), None, (5, 4, 3, 2)),
        ((5, 4, 3, 2), (4, 3), (5, 4, 3, 2)),
        ((5, 12), (4, 3), (5, 4, 3, 1)),
        ((5, 24), (4, 3, 2), (5, 4, 3, 2)),
        ((1, 1), (1, 1), (1, 1, 1, 1)),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_shapes_and_kept_types_without_a_copy(shape, image_shape, wanted, dtype):
    X = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
    images = as_images(X, image_shape)
    assert images.shape == wanted
    assert images.dtype == dtype
    assert np.shares_memory(images, X)
    assert images.ravel().tolist() == X.ravel().tolist()


def test_a_row_holds_the_channels_of_a_pixel_side_by_side():
    images = as_images(np.arange(12).reshape(1, 12), (2, 2, 3))
    assert images[0, 1, 0].tolist() == [6, 7, 8]


def test_lists_of_images_and_frames():
    grey = [np.zeros((2, 3), np.uint8), np.ones((2, 3), np.uint8)]
    assert as_images(grey)[:, 0, 0, 0].tolist() == [0, 1]
    assert as_images([[[1, 2], [3, 4]]]).tolist() == [[[[1], [2]], [[3], [4]]]]
    frame = pd.DataFrame(np.arange(8.0).reshape(2, 4))
    assert as_images(frame, (2, 2))[1, 1, 1, 0] == 7
    assert as_images(np.array([[[1, 2.5]]], object)).dtype == np.float64


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (np.array([False, True]), np.uint8),
        (np.array([0, 255], np.int64), np.uint8),
        (np.array([0, 200], np.uint16), np.uint8),
        (np.array([0, 256], np.uint16), np.float32),
        (np.array([-1, 3], np.int8), np.float32),
        (np.array([-(2**24), 2**24], np.int64), np.float32),
        (np.array([0, 2**24 + 1], np.int64), np.float64),
        (np.array([0, 0.5], np.float16), np.float32),
        (np.array([0, 0.5], np.longdouble), np.float64),
    ],
)
def test_other_types_become_the_smallest_that_holds_them(values, wanted):
    images = as_images(values.reshape(1, 1, 2))
    assert images.dtype == wanted
    assert images.ravel().tolist() == values.astype(np.float64).tolist()


def test_wrong_shapes_say_what_was_expected():
    bad(np.zeros(5), "(n, height, width, channels)", "shape (5,)")
    bad(np.zeros((2, 64)), "shape (2, 64)", "image_shape=(8, 8)")
    bad(np.zeros((2, 65)), "image_shape=(height, width)")
    bad(np.zeros((2, 1, 1, 1, 1)), "shape (2, 1, 1, 1, 1)")
    bad(np.zeros((2, 13)), "needs 12 numbers per row", "has 13", image_shape=(4, 3))
    bad(np.zeros((2, 36)), "(4, 3, 3) would fit", image_shape=(4, 3))
    bad(np.zeros((2, 3, 4)), "image_shape=(4, 3)", "have (3, 4, 1)", image_shape=(4, 3))
    bad(np.zeros((0, 3, 4)), "so it has no images")
    bad([], "so it has no images")
    bad([np.zeros((2, 3)), np.zeros((3, 2))], "image 0 is (2, 3)", "image 1 is (3, 2)")


@pytest.mark.parametrize("shape", [5, (5,), (0, 3), (2, -1), (2.5, 2), "88", (1,) * 4])
def test_wrong_image_shapes(shape):
    bad(np.zeros((2, 25)), "image_shape must be (height, width)", image_shape=shape)


def test_wrong_types_are_named():
    bad(scipy.sparse.csr_array(np.eye(4)), "is sparse", image_shape=(2, 2))
    bad(np.array([[["a"]]]), "must be numbers")
    bad(np.zeros((1, 1, 1), complex), "complex128")
    bad(np.array([[["a", None]]], object), "X has objects")
    bad(np.array([[[0, 2**53 + 1]]]), "no floating type represents exactly")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_place_of_what_is_not_finite(value, dtype, monkeypatch):
    monkeypatch.setattr("lamina.data.images.images._CHECKED_AT_ONCE", 50)
    X = np.zeros((7, 4, 3, 2), dtype)
    as_images(X)
    X[5, 2, 1, 0] = X[6, 0, 0, 0] = value
    bad(X, f"image 5 has {value} at row 2, column 1, channel 0")


def test_large_collections_pass_through():
    class Large:
        is_images = True
        shape = (5, 4, 3, 1)

    large = Large()
    assert as_images(large) is large
    assert as_images(large, (4, 3)) is large
    bad(large, "image_shape=(3, 4)", "have (4, 3, 1)", image_shape=(3, 4))
