"""Sizes and borders, worked by hand."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lamina.data.images.image_schema import ImageSchema, checked_size, chosen_size
from lamina.data.images.images import ImageError
from tests.data.helpers import refused


def image(rows) -> Image.Image:
    return Image.fromarray(np.array(rows, np.uint8))


def test_a_image_of_the_size_is_taken_as_it_is(rng):
    values = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    for resize in ("letterbox", "stretch", "crop"):
        found = ImageSchema(5, 7, 3, resize).pixels(Image.fromarray(values))
        np.testing.assert_array_equal(found, values)


def test_letterbox_puts_the_mean_at_both_sides():
    # 2 × 4 into 4 × 4: scale 1; rows of 10 and 30 between two borders of their mean
    found = ImageSchema(4, 4, 1).pixels(image([[10] * 4, [30] * 4]))
    assert found[..., 0].tolist() == [[20] * 4, [10] * 4, [30] * 4, [20] * 4]
    assert ImageSchema(64, 64).scaled(100, 400) == (16, 64)
    assert ImageSchema(64, 32).scaled(100, 400) == (8, 32)
    assert ImageSchema(64, 64).scaled(1, 5000) == (1, 64)


def test_crop_keeps_the_middle_and_stretch_keeps_all():
    values = [[0, 50, 90, 200]] * 2
    found = ImageSchema(2, 2, 1, "crop").pixels(image(values))
    assert found[..., 0].tolist() == [[50, 90]] * 2
    assert ImageSchema(64, 64, 3, "crop").scaled(100, 400) == (64, 256)
    assert ImageSchema(64, 64, 3, "stretch").scaled(100, 400) == (64, 64)


def test_pixels_that_fall_together_are_averaged():
    # Columns 0, 255, 0, 255, … at half the size: taking every second one would give
    # all black or all white.
    stripes = image([[0, 255] * 32] * 64)
    found = ImageSchema(32, 32, 1, "stretch").pixels(stripes).astype(int)
    assert np.abs(found[:, 2:-2] - 127.5).max() < 1
    constant = ImageSchema(9, 9, 1).pixels(image([[77] * 100] * 100))
    assert (constant == 77).all()


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ([(28, 28)] * 3, (28, 28)),
        ([(128, 5)] * 2, (128, 5)),
        ([(129, 129)] * 2, (128, 128)),
        ([(480, 640)] * 2, (96, 128)),
        ([(640, 480)] * 2, (128, 96)),
        ([(30, 30), (41, 50), (60, 90)], (40, 48)),
        ([(3, 3), (3, 4)], (8, 8)),
        ([(5000, 10), (5000, 11)], (128, 8)),
        ([(100, 100)] * 9 + [(9000, 9000)], (96, 96)),
    ],
)
def test_the_size_that_is_chosen(sizes, wanted):
    assert chosen_size(*np.array(sizes).T) == wanted


def test_sizes_as_people_give_them():
    assert checked_size(None) is None
    assert checked_size(32) == checked_size((32, 32)) == (32, 32)
    assert checked_size([np.int64(3), 4]) == (3, 4)
    for size in ("32", 0, -1, 2.5, (1, 2, 3), (1, 0), True, (True, 2), 10**6):
        with pytest.raises(ImageError):
            checked_size(size)


def test_shape_mode_and_words():
    schema = ImageSchema(5, 7, 1, "crop")
    assert schema.shape == (5, 7, 1)
    assert (schema.mode, ImageSchema(5, 7).mode) == ("L", "RGB")
    assert schema.describe() == "5 × 7, grey, crop"


@pytest.mark.parametrize(
    "change",
    [{"height": 0}, {"height": 10**7}, {"channels": 2}, {"resize": "tile"}],
)
def test_impossible_schemas_are_refused(change):
    refused(lambda: replace(ImageSchema(5, 7), **change), error=ImageError)
