"""A collection of images and what it says of itself."""

import numpy as np

from lamina.data.images.image_schema import ImageSchema
from lamina.data.images.image_set import ImageSet, counted, listed

X = np.zeros((3, 4, 5, 1), np.uint8)
SCHEMA = ImageSchema(4, 5, 1)


def test_what_it_tells():
    y = np.array(["b", "a", "b"], object)
    images = ImageSet(X, y, ["1", "2", "3"], SCHEMA, "here", task="classification")
    assert len(images) == 3
    assert images.classes == ["a", "b"]
    assert repr(images) == "ImageSet(3 × 4 × 5, grey, letterbox, here)"
    numbers = ImageSet(X, np.arange(3.0), ["1"] * 3, SCHEMA, "", task="regression")
    assert numbers.classes == ImageSet(X, None, ["1"] * 3, SCHEMA, "").classes == []


def test_numbers_and_their_verbs():
    assert counted(1, "image") == "1 image is"
    assert counted(1200, "file", "lies", "lie") == "1,200 files lie"


def test_lists_end_early():
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcde")) == "a, b, c, …"
