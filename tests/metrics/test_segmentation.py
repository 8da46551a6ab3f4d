"""Intersection over union, by hand."""

import numpy as np

from lamina.metrics.segmentation import (
    confusion_matrix,
    intersection_over_union,
    mean_of_present,
)


def test_iou_by_hand():
    """Rows are truth: 3 of class 0 found, 1 taken for 1; class 1: 2 of 4; 2 nowhere.

    IoU₀ = 3 / (4 + 5 − 3), IoU₁ = 2 / (4 + 3 − 2).
    """
    confusion = np.array([[3, 1, 0], [2, 2, 0], [0, 0, 0]])
    np.testing.assert_allclose(
        intersection_over_union(confusion), [1 / 2, 2 / 5, np.nan]
    )
    assert mean_of_present(intersection_over_union(confusion)) == 0.45
    assert np.isnan(mean_of_present(intersection_over_union(np.zeros((2, 2)))))


def test_pixels_without_a_label_do_not_count_and_images_have_weights():
    """Truth 0 0 1 ?, found 0 1 1 1; the second image counts twice."""
    codes = np.array([[[0, 0, 1, -1]], [[1, 1, -1, -1]]])
    found = np.array([[[0, 1, 1, 1]], [[1, 0, 0, 0]]])
    plain = confusion_matrix(codes, found, 2)
    assert plain.tolist() == [[1, 1], [1, 2]]
    weighted = confusion_matrix(codes, found, 2, [1.0, 2.0])
    assert weighted.tolist() == [[1, 1], [2, 3]]
