"""Images: in a folder, in an IDX file, or listed in a table of paths."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lamina.data.errors import Message, Setting, UserError
from lamina.models.kinds.kind import Progress, Reading
from lamina.models.kinds.predictive import PREDICTS, Predicting
from lamina.models.kinds.shared import (
    FitOptions,
    SizeOptions,
    TargetOptions,
    TaskOptions,
    TrainingOptions,
    parse_skip,
)
from lamina.models.kinds.trained import TrainedKind
from lamina.models.options import Given
from lamina.models.reports import Inputs

PATH = "image"
"""Column of paths in a list of images, which ``lamina evaluate`` can read."""


@dataclass(frozen=True, kw_only=True)
class ImageOptions(
    SizeOptions, TrainingOptions, TaskOptions, FitOptions, TargetOptions
):
    """Options of a fit of images."""


class Images(Predicting, TrainedKind):
    """Images, each with a label."""

    name = "image"
    noun = "a set of images"
    plural = "images"
    options = ImageOptions
    lacks: ClassVar[Mapping[str, str]] = PREDICTS
    lost = "unreadable files"
    new = "NEW.png"

    def recognises(self, source: str, given: Given) -> bool:
        from lamina.data import holds_images

        return holds_images(source)

    def check(self, source: str, options: Any) -> None:
        super().check(source, options)
        if len(options.target) > 1:
            raise UserError(
                Message("images can have only one ", Setting("target")),
                where=source,
                parameter="target",
                value=options.target,
            )
        if options.save_holdout:
            folder_of(source)

    def prepare(
        self, source: str, options: Any, progress: Progress = None
    ) -> tuple[Any, Any]:
        from lamina.models.image import ImageModel

        model = ImageModel(**self.parameters(options, ImageModel, progress))
        return model, model.read_training(source, progress=progress)

    def holdout(self, model: Any, data: Any, out: str) -> Any:
        return listed(data, model.holdout_rows_, out)

    def targets(self, model: Any) -> list[str]:
        return [model.target_]

    def inputs(self, model: Any) -> Inputs:
        return image_inputs(model.schema_)

    def read(self, model: Any, source: str, reading: Reading) -> Any:
        return model.read(
            source,
            labels=reading.labels,
            errors=parse_skip(reading.skip_broken),
            progress=reading.progress,
        )

    def places(self, data: Any) -> tuple[list[str], list[Any]]:
        return image_places(data)

    def notes(self, data: Any) -> Sequence[str]:
        return data.notes


def image_inputs(schema: Any) -> Inputs:
    """Return the inputs of a network of images."""
    height, width, channels = schema.shape
    return Inputs("images", height * width * channels, images=schema.describe())


def image_places(images: Any) -> tuple[list[str], list[Any]]:
    """Return the names of images, as a column of a table."""
    import numpy as np

    return [PATH], [np.array(images.names, object)]


def folder_of(source: str) -> str:
    """Return the folder to which the names of images are relative.

    Raises
    ------
    UserError
        If they are all in one file and so have no paths.
    """
    from lamina.data.sources.images import is_image_table

    if os.path.isdir(source):
        return os.path.abspath(source)
    if is_image_table(source):
        return os.path.dirname(os.path.abspath(source))
    raise UserError(
        Message(
            Setting("save_holdout"),
            f" cannot list the images of {source}: they are all in one file",
        ),
        parameter="save_holdout",
    )


def listed(images: Any, rows: Any, out: str) -> Any:
    """Return a table of some images, with their labels if known, that can be read.

    The paths are relative to the folder of the table.
    """
    import numpy as np

    from lamina.data import Table

    folder, here = folder_of(images.source), os.path.dirname(os.path.abspath(out))
    paths = [os.path.join(folder, images.names[row]) for row in rows.tolist()]
    columns = {PATH: np.array([os.path.relpath(p, here) for p in paths], object)}
    if images.y is not None:
        labels = images.y[rows]
        number = labels.dtype.kind in "iuf"
        columns[images.target] = labels.astype(float if number else object)
    return Table(columns, out)
