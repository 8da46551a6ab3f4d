"""Parameters that models of several kinds of data share."""

from typing import Any

from lamina.data.images.image_files import ERRORS
from lamina.data.images.image_schema import RESIZES
from lamina.data.tables.target import TASKS
from lamina.estimators._core.parameters.checks import (
    NONE,
    TEXT,
    Check,
    each,
    having,
    number,
    option,
)
from lamina.estimators._core.parameters.constraints import COUNT, NAMES, SETTINGS, sides
from lamina.estimators._core.parameters.shared import CheckpointParams, ProgressParams
from lamina.estimators._core.parameters.table import SeedParams, fixed, param, table


@table("Model")
class SettingsParams:
    """Settings of the default estimator."""

    settings: Any = param(
        default=None,
        doc="""Parameters of the default estimator to change, ``{"max_iter": 50}``.""",
        check=SETTINGS,
    )


@table("Model")
class ModelParams(SettingsParams, SeedParams, ProgressParams, CheckpointParams):
    """Parameters of models that train one network and test it on held-out rows."""

    target: Any = param(
        default=None,
        doc="Column to predict, or several; bundled data sets know their own.",
        check=NAMES | NONE,
        kw_only=False,
    )
    estimator: Any = param(
        default=None,
        doc="""Trained unchanged, except that a missing seed is set. The default uses
        early stopping on the loss of ``validation_fraction`` of the training rows.""",
        check=having("fit", "an estimator") | NONE,
        kw_only=False,
    )
    task: str | None = param(
        default=None,
        doc="Inferred from the target if None.",
        check=option(*TASKS) | NONE,
    )
    holdout: float = param(
        default=0.2,
        doc="""Fraction of the rows held out as the test set, stratified by class.
        With 0, or fewer than 20 rows, there is no test set.""",
        check=number(0, 0.9),
    )
    random_state: Any = param(
        default=None, doc="Seed of the train/test split and of the network."
    )
    checkpoint: Any = param(
        default=None,
        doc="""Folder from which an interrupted fit is resumed: see
        :class:`lamina.MLPClassifier`. The data have to be the same.""",
    )
    checkpoint_seconds: float = fixed(
        default=30.0, reason="it is a setting of the estimator"
    )


@table("Columns")
class ColumnParams:
    """Which columns of a table are inputs, and their types."""

    exclude: Any = param(
        default=(),
        doc="Columns to exclude.",
        check=each(TEXT, "a list of column names"),
    )
    column_types: Any = param(
        default=None,
        doc="""Types of columns, if the inferred one is wrong: "number", "category" or
        "date".""",
        check=Check(
            "a dict of types by column",
            lambda v: isinstance(v, dict) and all(map(TEXT.accepts, (*v, *v.values()))),
        )
        | NONE,
    )


@table("Images")
class ImageFileParams:
    """How image files are read."""

    size: Any = param(
        default=None,
        doc="""Height and width to which images are resized; by default the size of the
        images if all have the same and it is at most 128 pixels, otherwise the median
        size, at most 128.""",
        check=COUNT | sides("height", "width") | NONE,
    )
    channels: int | None = param(
        default=None,
        doc="Grayscale (1) or colour (3); by default grayscale if all files are.",
        check=Check("1 or 3", lambda v: COUNT.accepts(v) and v in (1, 3)) | NONE,
    )
    resize: str = param(
        default="letterbox",
        doc="How to treat other aspect ratios: see :class:`lamina.data.ImageSchema`.",
        check=option(*RESIZES),
    )
    errors: str = param(
        default="raise",
        doc="""Whether unreadable files raise an error, or are skipped with a note.""",
        check=option(*ERRORS),
    )
