"""Fitted state of estimators for images."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from lamina.estimators._core.files.network_state import (
    FittedFeedForward,
    OfClasses,
    OfNumbers,
)
from lamina.estimators._core.files.state import Count, State
from lamina.storage.rules import Finite, Is, LabelsOf

FiniteNumber = Annotated[float, Finite()]


def _fits_features(shape: tuple[int, ...], scope: Any) -> bool:
    return math.prod(shape) == scope.n_features_in


ImageShape = Annotated[
    tuple[Count, Count, Count],
    Is("(height, width, channels) with as many values as features", _fits_features),
]


@dataclass(kw_only=True, eq=False)
class OfImages(State):
    """Fitted state of the inputs: shape and scale of the images."""

    named: ClassVar[dict[str, str]] = {"scale": "_scale"}

    image_shape: ImageShape
    scale: tuple[FiniteNumber, FiniteNumber] | None


@dataclass(kw_only=True, eq=False)
class FittedImageClassifier(OfClasses, OfImages, FittedFeedForward):
    """Fitted state of an image classifier."""


@dataclass(kw_only=True, eq=False)
class FittedImageRegressor(OfNumbers, OfImages, FittedFeedForward):
    """Fitted state of an image regressor."""


@dataclass(kw_only=True, eq=False)
class FittedSegmenter(OfImages, FittedFeedForward):
    """Fitted state of a segmenter."""

    classes: Annotated[np.ndarray, LabelsOf("n_outputs")]
