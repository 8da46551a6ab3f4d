"""Tables of the parameters that models of several kinds of data share."""

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
    """Another setting here and there."""

    settings: Any = param(
        default=None,
        doc="""Parameters of the default estimator to change, ``{"max_iter": 50}``.""",
        check=SETTINGS,
    )


@table("Model")
class ModelParams(SettingsParams, SeedParams, ProgressParams, CheckpointParams):
    """Parameters of models that hold one network and try it on held-out rows."""

    target: Any = param(
        default=None,
        doc="Column to predict, or several; an embedded data set knows its own.",
        check=NAMES | NONE,
        kw_only=False,
    )
    estimator: Any = param(
        default=None,
        doc="""Trained as it is, but for its seed if it has none. The default stops
        early, at the lowest loss on ``validation_fraction`` of the training rows.""",
        check=having("fit", "an estimator") | NONE,
        kw_only=False,
    )
    task: str | None = param(
        default=None,
        doc="Found from the target where None.",
        check=option(*TASKS) | NONE,
    )
    holdout: float = param(
        default=0.2,
        doc="""Share of the rows held out for the scores, the same of every class; 0
        holds out none, and of fewer than 20 rows none are held out either.""",
        check=number(0, 0.9),
    )
    random_state: Any = param(
        default=None, doc="The seed of the hold-out split and of the network."
    )
    checkpoint: Any = param(
        default=None,
        doc="""Folder from which a fit that was killed goes on: see
        :class:`lamina.MLPClassifier`. The data have to be the same.""",
    )
    checkpoint_seconds: float = fixed(
        default=30.0, reason="it is a setting of the estimator"
    )


@table("Columns")
class ColumnParams:
    """Which columns of a table are inputs, and of which kind they are."""

    exclude: Any = param(
        default=(),
        doc="Columns to leave out.",
        check=each(TEXT, "a list of column names"),
    )
    column_types: Any = param(
        default=None,
        doc="""Kinds of columns where the one found is wrong: "number", "category",
        "date".""",
        check=Check(
            "a dict of kinds by column",
            lambda v: isinstance(v, dict) and all(map(TEXT.accepts, (*v, *v.values()))),
        )
        | NONE,
    )


@table("Images")
class ImageFileParams:
    """How image files are read."""

    size: Any = param(
        default=None,
        doc="""Height and width to which images are brought; by default that of the
        images where all have one of at most 128 pixels, or else their median, at most
        128.""",
        check=COUNT | sides("height", "width") | NONE,
    )
    channels: int | None = param(
        default=None,
        doc="Grey (1) or colour (3); by default grey if all files are grey.",
        check=Check("1 or 3", lambda v: COUNT.accepts(v) and v in (1, 3)) | NONE,
    )
    resize: str = param(
        default="letterbox",
        doc="What happens to other proportions: see :class:`lamina.data.ImageSchema`.",
        check=option(*RESIZES),
    )
    errors: str = param(
        default="raise",
        doc="""Whether files that cannot be read are refused, or left out with a note.
        """,
        check=option(*ERRORS),
    )
