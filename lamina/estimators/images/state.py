"""What estimators of images have learnt."""

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
    Is("(height, width, channels) of as many numbers as features", _fits_features),
]


@dataclass(kw_only=True, eq=False)
class OfImages(State):
    """What they have learnt of their inputs."""

    named: ClassVar[dict[str, str]] = {"scale": "_scale"}

    image_shape: ImageShape
    scale: tuple[FiniteNumber, FiniteNumber] | None


@dataclass(kw_only=True, eq=False)
class FittedImageClassifier(OfClasses, OfImages, FittedFeedForward):
    """What a classifier of images has learnt."""


@dataclass(kw_only=True, eq=False)
class FittedImageRegressor(OfNumbers, OfImages, FittedFeedForward):
    """What a regressor of images has learnt."""


@dataclass(kw_only=True, eq=False)
class FittedSegmenter(OfImages, FittedFeedForward):
    """What a classifier of pixels has learnt."""

    classes: Annotated[np.ndarray, LabelsOf("n_outputs")]
