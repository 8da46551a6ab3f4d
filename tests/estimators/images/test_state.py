"""What estimators of images keep, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from lamina.estimators.images.state import (
    FittedImageClassifier,
    FittedImageRegressor,
    FittedSegmenter,
    ImageShape,
)
from lamina.storage.records import Record
from lamina.storage.rules import fits

SCOPE = SimpleNamespace(n_features_in=12, n_outputs=3)


@pytest.mark.parametrize(
    ("shape", "right"),
    [
        ((2, 6, 1), True),
        ((2, 2, 3), True),
        ((2, 5, 1), False),
        ((12, 1), False),
        ((-2, -6, 1), False),
        ([2, 6, 1], False),
        ((2.0, 6, 1), False),
        (None, False),
    ],
)
def test_an_image_has_as_many_numbers_as_there_are_features(shape, right):
    assert fits(ImageShape, shape, SCOPE) is right


def test_the_scale_is_two_finite_numbers_or_none():
    kind = Record(FittedImageRegressor).kinds["scale"]
    assert all(fits(kind, value) for value in (None, (0.0, 2.5)))
    assert not any(fits(kind, v) for v in ((0.0,), [0.0, 1.0], (0.0, np.inf), 1.0))


def test_a_segmenter_has_a_class_for_every_output():
    kind = Record(FittedSegmenter).kinds["classes"]
    assert fits(kind, np.array(["a", "b", "c"]), SCOPE)
    assert not fits(kind, np.array(["a", "b"]), SCOPE)


def test_the_parts_of_a_state_come_after_the_network():
    names = list(Record(FittedImageClassifier).kinds)
    assert names.index("n_outputs") < names.index("image_shape") < names.index("labels")
