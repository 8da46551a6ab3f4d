"""Targets that are a label for each pixel."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_consistent_length

from lamina.data import ImageError
from lamina.estimators._core.targets.place_labels import PlaceLabels
from lamina.estimators._core.targets.target import TargetValues, require
from lamina.metrics.segmentation import (
    confusion_matrix,
    intersection_over_union,
    mean_of_present,
)


@dataclass(eq=False)
class PixelTarget(PlaceLabels):
    """Labels (n, height, width)."""

    unit: ClassVar[str] = "pixel"

    def check(self, owner: Any, y: Any, X: Any) -> TargetValues:
        require(owner, y)
        y = label_images(y)
        check_consistent_length(X, y)
        if y.shape[1:] != tuple(X.shape[1:3]):
            raise ImageError(
                f"y must have a label for each pixel: images are {X.shape[1:3]}, but "
                f"labels {y.shape[1:]}"
            )
        return TargetValues(y)

    def _labels(self, answers: TargetValues) -> np.ndarray:
        return answers.values

    def _formed(self, codes: np.ndarray, answers: TargetValues) -> np.ndarray:
        return codes

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:2], self.n_outputs)

    def decode(self, outputs: np.ndarray, dtype: np.dtype) -> np.ndarray:
        return self.classes[outputs.argmax(axis=-1)]

    def score(self, y: Any, outputs: Any, weight: np.ndarray) -> float:
        """Return the mean intersection over union."""
        K = len(self.classes)
        confusion = confusion_matrix(y, outputs.argmax(-1), K, weight)
        return mean_of_present(intersection_over_union(confusion))


def label_images(y: Any) -> np.ndarray:
    """Return labels as (n, height, width); a last axis of one channel is left out.

    Raises
    ------
    ImageError
        If they are of another shape, or some are NaN.
    """
    if isinstance(y, list | tuple) and len({np.shape(one) for one in y}) > 1:
        raise ImageError("labels must all be of one shape, as the images of a fit")
    y = np.asarray(y)
    y = y[..., 0] if y.ndim == 4 and y.shape[-1] == 1 else y
    if y.ndim != 3:
        raise ImageError(
            f"y must be labels (n_samples, height, width), got shape {y.shape}"
        )
    if y.dtype.kind == "f" and np.isnan(y).any():
        raise ImageError("y holds NaN; give pixels without a label the ignore_label")
    return y
