"""Fitted state of estimators for sequences."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from lamina.estimators._core.files.network_state import (
    FittedFeedForward,
    OfClasses,
    OfNumbers,
)
from lamina.estimators._core.files.state import MOST_EPOCHS, Count, Fitted, State
from lamina.storage.rules import UNSET, Floats, LabelsOf, Unset, Whole


@dataclass(kw_only=True, eq=False)
class OfSequences(State):
    """Fitted state of the inputs: vocabulary, longest sequence and scale."""

    vocabulary: str | None
    max_length: Annotated[int, Whole(1, MOST_EPOCHS)]
    feature_mean: Annotated[np.ndarray, Floats("n_features_in")]
    feature_scale: Annotated[np.ndarray, Floats("n_features_in", above=0)]


@dataclass(kw_only=True, eq=False)
class FittedSequenceClassifier(OfClasses, OfSequences, FittedFeedForward):
    """Fitted state of a sequence classifier."""


@dataclass(kw_only=True, eq=False)
class FittedSequenceRegressor(OfNumbers, OfSequences, FittedFeedForward):
    """Fitted state of a sequence regressor."""


@dataclass(kw_only=True, eq=False)
class OfSteps(State):
    """Fitted state of a network with an output at every step: labels or numbers."""

    named: ClassVar[dict[str, str]] = {"y_ndim": "_y_ndim"}

    classes: Annotated[np.ndarray, LabelsOf("n_outputs")] | Unset = UNSET
    y_ndim: Annotated[int, Whole(1, 2)] | Unset = UNSET
    target_mean: Annotated[np.ndarray, Floats("n_outputs")] | Unset = UNSET
    target_scale: Annotated[np.ndarray, Floats("n_outputs", above=0)] | Unset = UNSET

    def check(self, estimator: Any) -> None:
        super().check(estimator)
        labels, numbers = ("classes",), ("y_ndim", "target_mean", "target_scale")
        if not self.has(*(labels if estimator._tells_labels else numbers)):
            raise ValueError("the fitted state of the targets does not fit the loss")


@dataclass(kw_only=True, eq=False)
class FittedTagger(OfSteps, OfSequences, FittedFeedForward):
    """Fitted state of a tagger, for labels or for numbers."""


@dataclass(kw_only=True, eq=False)
class FittedHybrid(State):
    """Fitted state of a hybrid: a network, and a Markov chain of its labels."""

    estimator: Fitted
    n_features_in: Count
    classes: Annotated[np.ndarray, LabelsOf(None)]
    start: Annotated[np.ndarray, Floats(lambda own: len(own.classes), low=0)]
    transition: Annotated[
        np.ndarray,
        Floats(lambda own: len(own.classes), lambda own: len(own.classes), low=0),
    ]
    prior: Annotated[np.ndarray, Floats(lambda own: len(own.classes), low=0)]

    def check(self, estimator: Any) -> None:
        super().check(estimator)
        network: Any = self.estimator
        if not np.array_equal(self.classes, getattr(network, "classes_", ())):
            raise ValueError("the states do not fit the network")
        if network.n_features_in_ != estimator._seen_at_once() * self.n_features_in:
            raise ValueError("the network does not fit the features")
