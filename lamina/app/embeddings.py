"""Embeddings at the command line: what ``transform`` and ``sample`` do."""

import io
import os
from dataclasses import dataclass
from typing import Any

from lamina.app.insights import DPI, FORMATS
from lamina.app.loading import check_out, noted, open_model
from lamina.app.messages import printable
from lamina.app.progress import announce, reading_bar
from lamina.app.sheets import MOST_PIXELS, SHOWN, write_sheet
from lamina.app.tables import write_predictions
from lamina.data.errors import Message, Setting, UserError
from lamina.models.kinds.kind import EmbeddedRows, Reading, check_seed, size
from lamina.models.reports import Predictions, Report, Sampled, Transformed

# ---- transform ----------------------------------------------------------------------


def transform(
    path: str,
    source: str,
    out: str | None = None,
    errors: bool = False,
    skip_broken: bool = False,
) -> tuple[Report, Predictions]:
    """Compute embeddings, and write them to a CSV file or as a scatter plot.

    Without a file nothing is written.

    Raises
    ------
    ValueError
        If the model or the data cannot be used, or a plot is asked for and there are
        not two latent dimensions.
    """
    if out is not None:
        check_out(out, source, path)
    model, kind = open_model(path, "transform")
    drawn = out is not None and _ending(out) in FORMATS
    count = kind.latent_dim(model)
    if drawn and count != 2:
        several = f"{count} latent dimension{'s' * (count != 1)}"
        raise UserError(
            f"a scatter plot needs 2 latent dimensions, but {path} has {several}",
            where=out,
            hint=Message(
                "fit with ", Setting("latent_dim", 2), ", or write a .csv file"
            ),
        )
    announce(source)
    with noted() as notes, reading_bar() as bar:
        data = kind.read(model, source, Reading(skip_broken=skip_broken, progress=bar))
        found = kind.transform(model, data, errors)
    embedded = found.table
    table = Predictions(
        embedded.names, embedded.columns, embedded.notes, notes, notes.unseen
    )
    if drawn:
        _write_map(str(out), found, printable(data.source))
    elif out is not None:
        write_predictions(table, out)
    part = Transformed(
        path,
        data.source,
        found.labels,
        found.examples,
        len(table),
        count,
        drawn,
        table.notes,
        notes,
        notes.unseen,
        out,
    )
    return Report("transform", (part,)), table


def _ending(out: str) -> str:
    return os.path.splitext(out)[1].lower()


def _write_map(out: str, found: EmbeddedRows, heading: str) -> None:
    from lamina.insight import scatter
    from lamina.storage import replace_file

    name = os.path.basename(heading)
    try:
        figure = scatter(found.embedding, found.colours, name, found.colours_are)
    except ImportError as error:
        raise UserError(str(error)) from error
    packed = io.BytesIO()
    figure.savefig(packed, format=_ending(out).removeprefix("."), dpi=DPI)
    replace_file(out, [packed.getvalue()])


# ---- sample -------------------------------------------------------------------------


@dataclass(frozen=True)
class SampleRequest:
    """How many samples to draw, where to write them, and the shape of images."""

    out: str | None = None
    n: int = 100
    steps: int = 1000
    seed: int = 0
    image_shape: str | None = None


def sample(path: str, asked: SampleRequest) -> tuple[Report, Predictions | None]:
    """Draw samples (rows or images) from a generative model, and write them.

    Without a file, rows are returned and not written.

    Raises
    ------
    ValueError
        If the model is not generative, or the options do not fit it.
    """
    _check(asked)
    if asked.out is not None:
        check_out(asked.out, path)
    model, kind = open_model(path, "sample")
    images = kind.draws_images(model)
    out = asked.out or ("samples.png" if images else None)
    sheet = out is not None and _ending(out) == ".png"
    if asked.image_shape and (images or not sheet):
        raise UserError(
            Message(
                Setting("image_shape"),
                " needs a .png file and a model of a table whose columns are pixels",
            ),
            parameter="image_shape",
            value=asked.image_shape,
        )
    if images and not sheet:
        raise UserError("sampled images can only be written as .png", where=out)
    shape = kind.sample_shape(model, asked.image_shape) if sheet else None
    if sheet:
        _check_sheet(path, str(out), shape, asked.n)
    if asked.out is None and out is not None:
        check_out(out, path)
    found = kind.sample(model, asked.n, asked.steps, asked.seed, shape)
    bytes_written = None
    if found.images is not None:
        write_sheet(str(out), found.images)
        bytes_written = size(str(out))
    elif out is not None:
        write_predictions(found.rows, out)
    part = Sampled(path, asked.n, asked.steps, out, sheet, bytes_written)
    return Report("sample", (part,)), found.rows


def _check(asked: SampleRequest) -> None:
    for name, value in (("n", asked.n), ("steps", asked.steps)):
        if value < 1:
            raise UserError(parameter=name, value=value, expected="at least 1")
    check_seed(asked.seed)
    if asked.out is not None and _ending(asked.out) in (".jpg", ".svg", ".pdf"):
        raise UserError("samples can only be written as .png or .csv", where=asked.out)


def _check_sheet(path: str, out: str, shape: Any, n: int) -> None:
    """Refuse a sheet of samples whose shape is unknown, or that is too large."""
    if shape is None:
        example = Setting("image_shape", (8, 8))
        raise UserError(
            f"the height and width of the images are unknown: {path} was trained on a "
            "table",
            where=out,
            parameter="image_shape",
            hint=Message("give them, for example ", example, ", or write a .csv file"),
        )
    side = max(shape)
    if n * (side * max(1, SHOWN // side) + 1) ** 2 > MOST_PIXELS:
        raise UserError(
            Message(
                Setting("n", n),
                f" images of {shape[0]}x{shape[1]} pixels are too many for one file",
            ),
            parameter="n",
            value=n,
            hint="ask for fewer",
        )
