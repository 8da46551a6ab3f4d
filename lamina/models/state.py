"""The fitted state of models, as saved in model files."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from lamina.data import ImageSchema, TableSchema
from lamina.estimators._core.files.state import Count, Epochs, Fitted, Number, State
from lamina.estimators._core.parameters.shared import SequenceParams
from lamina.estimators._core.reporting.embedding_scores import NAMES
from lamina.estimators.forecasting.forecaster import Forecaster
from lamina.estimators.unsupervised.autoencoder import Autoencoder
from lamina.estimators.unsupervised.boltzmann import Boltzmann
from lamina.metrics.scores import OF_CLASSES, OF_FORECASTS, OF_NUMBERS, Baseline
from lamina.models.records import Scores
from lamina.storage.rules import Among, Floats, Is, LabelsOf, Length


def _predictive(own: Any) -> tuple[str, ...]:
    return OF_CLASSES if own.task == "classification" else OF_NUMBERS


# ---- models -------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False)
class FittedSource(State):
    """Fitted state of all models that train one network."""

    not_kept = ("holdout_rows_", "holdout_names_", "classes_")

    kind: str
    estimator: Fitted
    best_epoch: Epochs
    n_train: Count
    n_holdout: Number
    notes: list[str]


@dataclass(kw_only=True, eq=False)
class FittedPredictive(FittedSource):
    """Fitted state of models that predict a target."""

    task: Literal["classification", "regression"]
    baseline: Baseline
    scores: Annotated[Scores, Among(_predictive)]
    baseline_scores: Annotated[Scores, Among(lambda own: own.scores, "scores")]

    def restore(self, estimator: Any) -> None:
        if self.task == "classification":
            estimator.classes_ = self.estimator.classes_
        super().restore(estimator)

    def check(self, estimator: Any) -> None:
        super().check(estimator)
        known, other = self.baseline.shares, self.baseline.mean
        if self.task == "classification":
            n = len(self.estimator.classes_)
        else:
            n, known, other = self.estimator.n_outputs_, other, known
        if other is not None or known is None or known.shape != (n,):
            raise ValueError("the baseline does not fit the network")


@dataclass(kw_only=True, eq=False)
class FittedTable(FittedPredictive):
    """Fitted state of a model of a table."""

    schema: TableSchema

    def check(self, estimator: Any) -> None:
        super().check(estimator)
        if self.schema.width != self.estimator.n_features_in_:
            raise ValueError("the network does not fit the columns")


@dataclass(kw_only=True, eq=False)
class FittedImages(FittedPredictive):
    """Fitted state of a model of images."""

    schema: ImageSchema
    target: str

    def check(self, estimator: Any) -> None:
        super().check(estimator)
        if self.schema.shape != tuple(self.estimator._input_shape()):
            raise ValueError("the network does not fit the images")


@dataclass(kw_only=True, eq=False)
class FittedSequences(FittedPredictive):
    """Fitted state of a model of sequences."""

    schema: TableSchema | None
    per_step: bool
    target: Annotated[list[str], Length(least=1)]
    min_length: Count
    max_length: Count

    def check(self, estimator: Any) -> None:
        super().check(estimator)
        estimator._check_params()
        network: Any = self.estimator
        fits = isinstance(network, SequenceParams)
        fits = fits and self.per_step is network._per_step
        if fits and self.per_step:
            fits = network._tells_labels == (self.task == "classification")
        if not fits:
            raise ValueError("the network does not fit the targets")
        if self.schema and self.schema.width != self.estimator.n_features_in_:
            raise ValueError("the network does not fit the columns")


@dataclass(kw_only=True, eq=False)
class FittedEmbedding(FittedSource):
    """Fitted state of an unsupervised model of a table or of images."""

    schema: TableSchema | ImageSchema
    target: list[str]
    image_shape: tuple[Count, Count] | None
    limits: (
        tuple[
            Annotated[np.ndarray, Floats("estimator.n_features_in_")],
            Annotated[np.ndarray, Floats("estimator.n_features_in_", above=0)],
        ]
        | None
    )
    constants: dict[str, str | float]
    latent_dim: Count
    mean: Annotated[np.ndarray, Floats("estimator.n_features_in_")]
    components: (
        Annotated[np.ndarray, Floats("latent_dim", "estimator.n_features_in_")] | None
    )
    scores: Annotated[Scores, Among(NAMES)]
    baseline_scores: Annotated[Scores, Among(lambda own: own.scores, "scores")]
    pca_scores: Annotated[Scores, Among(lambda own: own.scores, "scores")]

    def check(self, estimator: Any) -> None:
        super().check(estimator)
        network = self.estimator
        schema: Any = self.schema
        if not isinstance(network, Autoencoder | Boltzmann):
            raise ValueError("the network is not an unsupervised one")
        shape = getattr(network, "image_shape_", None)
        if schema.of_images:
            width = math.prod(schema.shape)
            if network._takes_images and shape != schema.shape:
                raise ValueError("the network does not fit the images")
        else:
            width = schema.width
            if shape is not None:
                raise ValueError("the network does not fit the columns")
        if network.n_features_in_ != width:
            raise ValueError("the network does not fit the inputs")
        if self.latent_dim != network._n_features_out:
            raise ValueError("the number of latent dimensions does not fit the network")


def as_times(ahead: list[np.ndarray]) -> list[np.ndarray]:
    """Return times that are saved as text, in the unit of the text.

    Numbers of steps are returned unchanged.
    """
    return [
        times.astype(np.datetime64) if times.dtype.kind == "U" else times
        for times in ahead
    ]


def _is_forecaster(value: Any, own: Any) -> bool:
    return isinstance(value, Forecaster) and hasattr(value, "window_")


def _n_series(own: Any) -> int:
    return 1 if own.series is None else len(own.series)


@dataclass(kw_only=True, eq=False)
class FittedForecast(State):
    """Fitted state of a model that forecasts columns of a table."""

    named: ClassVar[dict[str, str]] = {"later": "_later", "ahead": "_ahead"}

    not_kept = ("backtest_",)

    kind: str
    forecaster: Annotated[Any, Is("a fitted Forecaster", _is_forecaster)]
    notes: list[str]
    scores: Annotated[Scores, Among(OF_FORECASTS)] | None
    baseline_scores: Annotated[Scores, Among(OF_FORECASTS, "scores")] | None
    coverage: float | None
    targets: Annotated[list[str], Length(least=1)]
    series: Annotated[list[str], Length(least=1)] | None
    time: str | None
    seasonal_period: Count
    spacing: str | None
    n_steps: Count
    n_series: Count
    later: (
        Annotated[list[Annotated[np.ndarray, Floats(None, None)]], Length(least=1)]
        | None
    )
    ahead: Annotated[
        list[Annotated[np.ndarray, LabelsOf("horizon")]], Length(_n_series)
    ]

    def check(self, estimator: Any) -> None:
        super().check(estimator)
        estimator._check_params()
        model, n = self.forecaster, _n_series(self)
        if model.horizon != estimator.horizon:
            raise ValueError("the forecaster does not fit the horizon")
        if model.n_series_ != n * len(self.targets):
            raise ValueError("the forecaster does not fit the columns")
        known = self.ahead if self.later is None else self.later
        if (self.later is None) != (model._known is None) or len(known) % n:
            raise ValueError("the exogenous values do not fit the series")
        as_times(self.ahead)
