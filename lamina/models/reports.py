"""Reports of commands: typed parts, which front ends turn into text, JSON or pages.

A report is a kind (``fit``, ``evaluate``, …) and its parts. The fields of a part are
its JSON; each front end decides how to display a part.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeVar, dataclass_transform

PartOf = TypeVar("PartOf", bound="Part")


def plain(value: Any) -> Any:
    """Convert to JSON types; NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return str(value) if isinstance(value, str) else value


@dataclass_transform()
class Part:
    """A part of a report: a dataclass whose fields are its JSON.

    Fields listed in ``optional`` are left out of the JSON if they are None, fields
    listed in ``unsaid`` always.
    """

    optional: ClassVar[tuple[str, ...]] = ()
    unsaid: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        # Without equality and repr, defining the thirty parts takes 5 ms instead of
        # 30 ms, for which every call of help would wait.
        dataclass(eq=False, repr=False)(cls)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.to_json()})"

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON types, including those of nested parts."""
        found: dict[str, Any] = {}
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            if isinstance(value, Part):
                found |= value.to_json()
            elif one.name not in self.unsaid and (
                value is not None or one.name not in self.optional
            ):
                found[one.name] = plain(value)
        return found


@dataclass(frozen=True)
class Report:
    """The report of a command.

    Parameters
    ----------
    kind : str
        Name of the command.
    parts : tuple of Part
        In reading order.
    """

    kind: str
    parts: tuple[Part, ...]

    def to_json(self) -> dict[str, Any]:
        """Return all parts as one JSON object."""
        found: dict[str, Any] = {"command": self.kind}
        for part in self.parts:
            found |= part.to_json()
        return found

    @property
    def is_interrupted(self) -> bool:
        """Whether training was interrupted."""
        training = self.part(Training)
        return training is not None and training.stop_reason == "interrupted"

    @property
    def warnings(self) -> Sequence[str]:
        """Warnings."""
        warned = self.part(Warned)
        return () if warned is None else warned.warnings

    def part(self, cls: type[PartOf]) -> PartOf | None:
        """Return the part of this class, if there is one."""
        return next((one for one in self.parts if isinstance(one, cls)), None)


# ---- data and targets ----------------------------------------------------------------


class Inputs(Part):
    """The inputs of a network, per example.

    Attributes
    ----------
    examples : str
        What the examples are: rows, images or sequences.
    features : int
    images, sequences : str, optional
        Size of an image or of a sequence, in words.
    """

    examples: str
    features: int
    images: str | None = None
    sequences: str | None = None

    optional = ("images", "sequences")

    @property
    def size(self) -> str:
        """Size of an example, in words."""
        return self.images or self.sequences or f"{self.features} features"


class Prediction(Part):
    """What a network was trained to predict, and from which data."""

    data: str
    rows: int
    inputs: Inputs
    target: Sequence[str]
    task: str
    series: str | None = None


class Predicted(Part):
    """What a model predicts."""

    target: Sequence[str]
    task: str
    classes: Sequence[Any] | None
    inputs: Inputs


class Encoding(Part):
    """What an unsupervised model embeds, and what can be done with it."""

    inputs: Inputs
    target: Sequence[str]
    learner: str
    latent_dim: int
    samples: bool
    drawable: bool
    data: str | None = None
    rows: int | None = None
    task: str = "embedding"

    optional = ("data", "rows")


class Forecasting(Part):
    """Which series are forecast, and how far."""

    rows: int
    series: int
    target: Sequence[str]
    time: str | None
    seasonal_period: int
    horizon: int
    data: str | None = None
    task: str = "forecast"

    optional = ("data",)


class Trial(Part):
    """Data on which a model was evaluated."""

    model: str
    data: str
    rows: int
    skipped: int
    examples: str
    target: Sequence[str]
    task: str
    lost: str = "rows without a target"
    """What was skipped."""

    unsaid = ("lost",)


# ---- training -----------------------------------------------------------------------


class Split(Part):
    """How many examples were used for training, validation and testing.

    Those for training include those for validation.
    """

    trained_on: int
    held_out: int
    examples: str
    validation: int = 0

    unsaid = ("examples", "validation")

    @property
    def scored(self) -> str:
        """What the scores are: on test data, or else on the training data."""
        if self.held_out:
            return f"score on {self.held_out:,} test {self.examples}"
        return "training score"


class NetworkSize(Part):
    """The sizes of a network's layers, and its number of parameters."""

    network: str
    parameters: int | None
    n_estimators: int | None = None
    learner: str = ""

    optional = ("n_estimators",)
    unsaid = ("learner",)


class Training(Part):
    """How training went, and why it ended."""

    epochs: int
    best_epoch: int | None
    stop_reason: str
    seconds: float | None = None
    watched: str = ""
    """The quantity that stopped training when it no longer improved, if it was that."""
    patience: float | None = None
    """For how many epochs it did not improve."""

    optional = ("best_epoch", "seconds")
    unsaid = ("watched", "patience")


class Ended(Part):
    """That training finished, and how long it took."""

    seconds: float
    stop_reason: str = "finished"


class Run(Part):
    """The checkpoint of a training run, and where it was resumed."""

    checkpoint: str | None
    resumed_from: int | None
    epochs: int
    stop_reason: str

    unsaid = ("epochs", "stop_reason")


class Compiled(Part):
    """How many programs were compiled."""

    programs_compiled: int


# ---- results ------------------------------------------------------------------------


@dataclass(frozen=True)
class ScoreColumn:
    """Scores by name, of a network or of a baseline."""

    key: str
    heading: str
    scores: Mapping[str, float | None] | None


class Scores(Part):
    """A table of scores; empty if nothing was evaluated."""

    title: str
    columns: tuple[ScoreColumn, ...]

    def to_json(self) -> dict[str, Any]:
        return {column.key: plain(column.scores) for column in self.columns}


class Backtest(Part):
    """The number of backtest folds."""

    folds: int


class Coverage(Part):
    """The fraction of actual values covered by the 80 % prediction intervals."""

    coverage: float | None


class Layers(Part):
    """One row per layer, and the number of parameters."""

    layers: Sequence[Mapping[str, Any]]
    parameters: int | None
    n_estimators: int | None = None
    """How many networks have these layers, if there are several."""

    optional = ("n_estimators",)


class ColumnList(Part):
    """Statistics of each column of a table."""

    columns: Sequence[Mapping[str, str]]


class Notes(Part):
    """Notes for the user."""

    notes: Sequence[str]


class Diagnosis(Part):
    """Advice on problems of training."""

    diagnosis: str | None


class Warned(Part):
    """Warnings, and values that were not seen in training."""

    warnings: Sequence[str] = ()
    unseen: Sequence[Mapping[str, Any]] = ()


# ---- files --------------------------------------------------------------------------


class ModelFile(Part):
    """The file of a model."""

    model: str
    model_bytes: int | None
    estimator: str | None = None

    optional = ("estimator",)


class HoldoutFile(Part):
    """The file of the test rows."""

    holdout_file: str | None
    holdout_rows: int | None


class Next(Part):
    """Suggested next commands, each a list of words."""

    commands: Sequence[Sequence[str]]
    is_kept: bool = True
    """Whether the model was saved, so that they can be run."""

    def to_json(self) -> dict[str, Any]:
        return {}


class Transformed(Part):
    """Embeddings, returned or written as a table or as a scatter plot."""

    model: str
    data: str
    target: Sequence[str]
    examples: str
    rows: int
    latent_dim: int
    figure: bool
    notes: Sequence[str]
    warnings: Sequence[str]
    unseen: Sequence[Mapping[str, Any]]
    out: str | None = None

    optional = ("out",)


class Sampled(Part):
    """Samples, and the file they were written to."""

    model: str
    samples: int
    steps: int
    out: str | None
    figure: bool
    bytes: int | None = None

    optional = ("bytes",)


class Inspected(Part):
    """What a figure shows, and the layers of the model."""

    model: str
    what: str
    image: str | None
    images: int | None
    layer: int | None
    unit: int | None
    output: str | None
    h: float | None
    probability: float | None
    layers: Sequence[Mapping[str, Any]]
    figure: str
    figure_bytes: int


@dataclass(frozen=True)
class DataSet:
    """A bundled data set."""

    name: str
    rows: int
    columns: int
    target: str
    classes: int
    description: str


class DataSets(Part):
    """The bundled data sets."""

    sets: Sequence[DataSet]

    def to_json(self) -> dict[str, Any]:
        return {"sets": [asdict(one) for one in self.sets]}


class Saved(Part):
    """How many predictions were made, and the file they were written to."""

    model: str
    data: str
    rows: int
    notes: Sequence[str]
    warnings: Sequence[str]
    unseen: Sequence[Mapping[str, Any]]
    out: str | None = None

    optional = ("out",)


# ---- tables of predictions ----------------------------------------------------------


@dataclass(frozen=True)
class Predictions:
    """A table of predictions: names and columns."""

    names: Sequence[str]
    columns: Sequence[Any]
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    unseen: Sequence[Mapping[str, Any]] = ()

    def __len__(self) -> int:
        return len(self.columns[0])

    @property
    def records(self) -> list[dict[str, Any]]:
        """One dictionary per row."""
        columns = [column.tolist() for column in self.columns]
        rows = zip(*columns, strict=True)
        return [dict(zip(self.names, map(plain, row), strict=True)) for row in rows]
