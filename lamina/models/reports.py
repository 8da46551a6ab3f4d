"""What a command has to say: typed parts, of which front ends make text, JSON, pages.

A report is a kind (``fit``, ``evaluate``, …) and its parts. The fields of a part are
its JSON; how a part looks to a person is for each front end to say.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeVar, dataclass_transform

PartOf = TypeVar("PartOf", bound="Part")


def plain(value: Any) -> Any:
    """Return JSON types; JSON has no NaN."""
    if isinstance(value, Mapping):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return str(value) if isinstance(value, str) else value


@dataclass_transform()
class Part:
    """A part of a report: a dataclass, whose fields are its JSON.

    Fields that are listed in ``optional`` are not in the JSON where they are None, and
    those in ``unsaid`` never are.
    """

    optional: ClassVar[tuple[str, ...]] = ()
    unsaid: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        # Without equality and repr the thirty parts take 5 ms to define and not 30 ms,
        # for which everybody would wait who asks for help.
        dataclass(eq=False, repr=False)(cls)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.to_json()})"

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON types; those of parts inside among them."""
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
    """What a command has to say.

    Parameters
    ----------
    kind : str
        The command whose report it is.
    parts : tuple of Part
        In the order in which a person reads them.
    """

    kind: str
    parts: tuple[Part, ...]

    def to_json(self) -> dict[str, Any]:
        """Return all parts in one object of JSON types."""
        found: dict[str, Any] = {"command": self.kind}
        for part in self.parts:
            found |= part.to_json()
        return found

    @property
    def is_interrupted(self) -> bool:
        """Whether it tells of a training that a person ended."""
        training = self.part(Training)
        return training is not None and training.stop_reason == "interrupted"

    @property
    def warnings(self) -> Sequence[str]:
        """What was warned of."""
        warned = self.part(Warned)
        return () if warned is None else warned.warnings

    def part(self, cls: type[PartOf]) -> PartOf | None:
        """Return the part of a class, if there is one."""
        return next((one for one in self.parts if isinstance(one, cls)), None)


# ---- what it is about ---------------------------------------------------------------


class Inputs(Part):
    """What a network sees of an example.

    Attributes
    ----------
    examples : str
        What examples are called: rows, images, sequences.
    features : int
    images, sequences : str, optional
        In words, how large an image or a sequence is.
    """

    examples: str
    features: int
    images: str | None = None
    sequences: str | None = None

    optional = ("images", "sequences")

    @property
    def size(self) -> str:
        """How large an example is, in words."""
        return self.images or self.sequences or f"{self.features} features"


class Prediction(Part):
    """What is predicted from what, in data that a network learnt from."""

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
    """What is learnt without labels: codes of what, and what can be done with them."""

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
    """Which series are continued, and how far."""

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
    """Data on which a model was tried."""

    model: str
    data: str
    rows: int
    skipped: int
    examples: str
    target: Sequence[str]
    task: str
    lost: str = "rows without a target"
    """What was left out."""

    unsaid = ("lost",)


# ---- training -----------------------------------------------------------------------


class Split(Part):
    """How many examples were learnt from and held out."""

    trained_on: int
    held_out: int
    examples: str

    unsaid = ("examples",)

    @property
    def scored(self) -> str:
        """The examples to which scores belong."""
        if self.held_out:
            return f"{self.held_out:,} held-out {self.examples}"
        return f"{self.examples} that were learnt"


class NetworkSize(Part):
    """The sizes of a network's layers, and how many parameters it has."""

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

    optional = ("best_epoch", "seconds")


class Ended(Part):
    """That training came to its end, and how long it took."""

    seconds: float
    stop_reason: str = "finished"


class Run(Part):
    """The checkpoint of a training, and where it went on."""

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
    """Scores by name, of a network or of what it is compared with."""

    key: str
    heading: str
    scores: Mapping[str, float | None] | None


class Scores(Part):
    """Scores beside each other; there are none where nothing was tried."""

    title: str
    columns: tuple[ScoreColumn, ...]

    def to_json(self) -> dict[str, Any]:
        return {column.key: plain(column.scores) for column in self.columns}


class Backtest(Part):
    """On how many known ends forecasts were tried."""

    folds: int


class Coverage(Part):
    """The share of numbers that lay within intervals of 80 %."""

    coverage: float | None


class Layers(Part):
    """One row a layer, and the number of parameters."""

    layers: Sequence[Mapping[str, Any]]
    parameters: int | None
    n_estimators: int | None = None
    """How many networks have these layers, if there are several."""

    optional = ("n_estimators",)


class ColumnList(Part):
    """What was learnt of each column of a table."""

    columns: Sequence[Mapping[str, str]]


class Notes(Part):
    """What a person should know."""

    notes: Sequence[str]


class Diagnosis(Part):
    """What to do about what went wrong in training."""

    diagnosis: str | None


class Warned(Part):
    """What was warned of, and what training had not seen."""

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
    """The table of held-out rows."""

    holdout_file: str | None
    holdout_rows: int | None


class Next(Part):
    """Commands that a person may want to give next, each a list of words."""

    commands: Sequence[Sequence[str]]
    is_kept: bool = True
    """Whether there is a model with which they can be given."""

    def to_json(self) -> dict[str, Any]:
        return {}


class Transformed(Part):
    """Codes that were told, or written as a table or as a map."""

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
    """Samples that were drawn, and where they are."""

    model: str
    samples: int
    steps: int
    out: str | None
    figure: bool
    bytes: int | None = None

    optional = ("bytes",)


class Inspected(Part):
    """What a figure shows, and the layers that could be asked for."""

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
    """An embedded data set."""

    name: str
    rows: int
    columns: int
    target: str
    classes: int
    description: str


class DataSets(Part):
    """The embedded data sets."""

    sets: Sequence[DataSet]

    def to_json(self) -> dict[str, Any]:
        return {"sets": [asdict(one) for one in self.sets]}


class Saved(Part):
    """That predictions were made, and in which file they are, if in one."""

    model: str
    data: str
    rows: int
    notes: Sequence[str]
    warnings: Sequence[str]
    unseen: Sequence[Mapping[str, Any]]
    out: str | None = None

    optional = ("out",)


# ---- tables of answers --------------------------------------------------------------


@dataclass(frozen=True)
class Predictions:
    """Names and columns of what was predicted."""

    names: Sequence[str]
    columns: Sequence[Any]
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    unseen: Sequence[Mapping[str, Any]] = ()

    def __len__(self) -> int:
        return len(self.columns[0])

    @property
    def records(self) -> list[dict[str, Any]]:
        """One dictionary a row."""
        columns = [column.tolist() for column in self.columns]
        rows = zip(*columns, strict=True)
        return [dict(zip(self.names, map(plain, row), strict=True)) for row in rows]
