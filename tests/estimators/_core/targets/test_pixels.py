"""A label for each pixel."""

import numpy as np
import pytest

from lamina.estimators._core.targets.pixels import PixelTarget, label_images
from lamina.networks.functional.losses import UNKNOWN

IMAGES = np.zeros((2, 2, 3, 1))
Y = np.array([[["b", "a", "?"], ["a", "a", "a"]], [["a", "b", "b"], ["?", "?", "?"]]])


def learnt(**how):
    target = PixelTarget("float32", "log_loss", "?", **how)
    return target.learn(target.check(target, Y, IMAGES), None)


def test_shapes_of_labels():
    assert label_images(np.zeros((2, 3, 4, 1))).shape == (2, 3, 4)
    assert label_images([[[1, 2]], [[3, 4]]]).shape == (2, 1, 2)
    with pytest.raises(ValueError, match=r"got shape \(2, 3\)"):
        label_images(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="NaN"):
        label_images(np.full((1, 2, 2), np.nan))
    with pytest.raises(ValueError, match="of one shape"):
        label_images([np.zeros((2, 2)), np.zeros((2, 3))])


def test_labels_become_class_numbers_and_none_where_they_are_ignored():
    target, codes = learnt()
    assert target.classes.tolist() == ["a", "b"]
    assert codes[0].tolist() == [[1, 0, UNKNOWN], [0, 0, 0]]
    assert target.output_shape((2, 3, 1)) == (2, 3, 2)


def test_decoded_and_scored_by_hand():
    """Class a: 5 of 5 found, class b: 3 of 3, but one a is taken for b."""
    target, codes = learnt()
    outputs = np.zeros((2, 2, 3, 2))
    guess = np.where(codes == UNKNOWN, 0, codes)
    guess[0, 1, 0] = 1
    np.put_along_axis(outputs, guess[..., None], 1.0, axis=-1)
    assert target.decode(outputs, np.dtype("f4"))[0].tolist() == [
        list("baa"),
        list("baa"),
    ]
    score = target.score(codes, outputs, np.ones(2))
    assert score == pytest.approx((4 / 5 + 3 / 4) / 2)


def test_labels_of_other_sizes_are_refused():
    target = PixelTarget("float32", "log_loss", None)
    with pytest.raises(ValueError, match="a label for each pixel: images are"):
        target.check(target, Y[:, :1], IMAGES)
    with pytest.raises(ValueError, match="requires y to be passed"):
        target.check(target, None, IMAGES)
