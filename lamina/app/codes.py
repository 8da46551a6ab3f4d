"""Codes at the command line: fit without labels, transform, sample."""

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.app.insights import DPI, FORMATS
from lamina.app.opening import (
    JobError,
    check_out,
    data_for,
    noted,
    open_codes,
    read_told,
)
from lamina.app.options import FitOptions, kind_setting
from lamina.app.reports import Report, examples, plain, size, targets
from lamina.app.tables import Predictions, write_predictions
from lamina.app.words import printable

TASK = "codes"
ERROR = "error"

SHOWN = 48
"""Pixels that a side of a sampled picture has at least on a sheet."""

MOST_PIXELS = 2**26
GAP = 96
"""The grey between the pictures of a sheet."""


# ---- fit ----------------------------------------------------------------------------


def prepare(source: str, options: FitOptions) -> tuple[Any, Any]:
    """Return a CodeModel that is not fitted yet, and the table or pictures for it."""
    from lamina.app.images import errors_option, parse_shape, parse_size, reading_bar
    from lamina.data import holds_images
    from lamina.estimators._core.settings import parse_setting
    from lamina.models import CodeModel
    from lamina.models.table_input import known_set

    known = known_set(source)
    shape = parse_shape(options.shape) if options.shape else None
    model = CodeModel(
        str(options.model),
        options.codes,
        settings=dict(map(parse_setting, options.sets)),
        exclude=list(options.exclude),
        kinds=dict(map(kind_setting, options.kinds)),
        image_shape=shape,
        size=parse_size(options.size) if options.size else None,
        errors=errors_option(options.skip_broken),
        holdout=0.2 if options.holdout is None else options.holdout,
        random_state=options.seed,
        verbose=options.progress,
        checkpoint=options.resume or options.checkpoint,
    )
    target = list(options.target) or None
    if holds_images(source):
        with reading_bar(options.progress) as progress:
            data, _ = model.read_training(source, target, progress=progress)
        return model, data
    data, target = read_told(model.read_training, source, target)
    whole = not options.exclude and not options.target
    if shape is None and whole and known is not None:
        model.set_params(image_shape=known.image_shape)
    return model.set_params(target=target), data


def described(model: Any) -> Report:
    """Return what a report says of a model beside its network and its scores."""
    if type(model).__name__ != "CodeModel":
        return {"task": model.task_}
    estimator = type(model.estimator_).__name__
    return {
        "task": TASK,
        "learner": estimator,
        "codes": model.n_codes_,
        "pca": plain(model.pca_scores_),
        "samples": estimator != "Autoencoder",
        "drawable": hasattr(model.schema_, "channels") or bool(model.image_shape_),
    }


# ---- transform ----------------------------------------------------------------------


def transform(
    path: str,
    source: str,
    out: str | None = None,
    errors: bool = False,
    skip_broken: bool = False,
) -> tuple[Report, Predictions]:
    """Tell the codes of a table or of pictures, and write them or a map of them.

    Without a file nothing is written.

    Raises
    ------
    ValueError
        If the model or the data cannot be used, or there is no map of so many codes.
    """
    if out is not None:
        check_out(out, source, path)
    model = open_codes(path)
    drawn = out is not None and _ending(out) in FORMATS
    if drawn and model.n_codes_ != 2:
        several = f"{model.n_codes_} codes" if model.n_codes_ > 1 else "one code"
        raise JobError(
            f"{out}: a map shows 2 codes, but {path} has {several}; fit with --codes "
            "2, or write a .csv file"
        )
    with noted() as notes:
        data = data_for(model, source, skip_broken)
        codes, labels = model.transform(data), model.labels(data)
        off = model.reconstruction_error(data) if errors else None
    names, columns = list(labels), list(labels.values())
    if hasattr(data, "names") and hasattr(model.schema_, "channels"):
        from lamina.app.images import PATH

        names, columns = [PATH, *names], [np.array(data.names, object), *columns]
    names += [f"code_{number}" for number in range(1, model.n_codes_ + 1)]
    columns += list(codes.T)
    if off is not None:
        names, columns = [*names, ERROR], [*columns, off.astype(np.float32)]
    read = getattr(data, "notes", ())
    table = Predictions(names, columns, read, notes, notes.unseen)
    if drawn:
        _write_map(str(out), codes, labels, printable(data.source))
    elif out is not None:
        write_predictions(table, out)
    report = {
        "command": "transform",
        "model": path,
        "data": data.source,
        "target": [name for name in targets(model) if name in labels],
        "examples": examples(model),
        "rows": len(codes),
        "codes": model.n_codes_,
        "figure": drawn,
        **table.told,
    }
    return report | ({} if out is None else {"out": out}), table


def _ending(out: str) -> str:
    return os.path.splitext(out)[1].lower()


def _write_map(out: str, codes: Any, labels: dict[str, Any], heading: str) -> None:
    from lamina.estimators._core.embedding_scores import comparable
    from lamina.insight import scatter
    from lamina.models.embedding_input import as_texts
    from lamina.storage import replace_file

    name, values = next(iter(labels.items()), ("", None))
    if values is not None:
        texts = as_texts(values)
        number = np.asarray(values).dtype.kind == "f" and comparable(texts) is None
        values = values if number else texts
    try:
        figure = scatter(codes, values, os.path.basename(heading), name)
    except ImportError as error:
        raise JobError(str(error)) from error
    packed = io.BytesIO()
    figure.savefig(packed, format=_ending(out).removeprefix("."), dpi=DPI)
    replace_file(out, [packed.getvalue()])


# ---- sample -------------------------------------------------------------------------


@dataclass(frozen=True)
class SampleOptions:
    """Options of :func:`sample`."""

    out: str | None = None
    n: int = 100
    steps: int = 1000
    seed: int = 0
    shape: str | None = None


def sample(path: str, options: SampleOptions) -> tuple[Report, Predictions | None]:
    """Draw rows or pictures from a machine, and write them.

    Rows without a file are returned and not written.

    Raises
    ------
    ValueError
        If the model has no samples, or the options do not fit it.
    """
    _check_sample(options)
    if options.out is not None:
        check_out(options.out, path)
    model = open_codes(path)
    if type(model.estimator_).__name__ == "Autoencoder":
        raise JobError(
            f"{path}: holds an autoencoder, which has codes but no distribution to "
            "draw from; lamina fit DATA --model rbm (or gaussian-rbm, dbn, dbm) makes "
            "a model that has"
        )
    pictures = hasattr(model.schema_, "channels")
    out = options.out or ("samples.png" if pictures else None)
    sheet = out is not None and _ending(out) == ".png"
    shape = _shape_for(path, model, options, sheet, pictures)
    if options.out is None and out is not None:
        check_out(out, path)
    found = model.sample(options.n, options.steps, random_state=options.seed)
    report = {
        "command": "sample",
        "model": path,
        "samples": options.n,
        "steps": options.steps,
        "out": out,
        "figure": sheet,
    }
    if sheet:
        values = found if pictures else _bytes_of_pixels(model, found, shape)
        _write_sheet(str(out), values)
        return report | {"bytes": size(str(out))}, None
    columns = [_short(found[name]) for name in found.names]
    table = Predictions(found.names, columns)
    if out is not None:
        write_predictions(table, out)
    return report, table


def _check_sample(options: SampleOptions) -> None:
    for option, value in (("-n", options.n), ("--steps", options.steps)):
        if value < 1:
            raise JobError(f"{option} must be at least 1, not {value}")
    if not 0 <= options.seed < 2**32:
        raise JobError(f"--seed must be in [0, 2³²), not {options.seed}")
    if options.out is not None and _ending(options.out) in (".jpg", ".svg", ".pdf"):
        raise JobError(f"{options.out}: samples are written as .png or as .csv")


def _shape_for(
    path: str, model: Any, options: SampleOptions, sheet: bool, pictures: bool
) -> tuple[int, int] | None:
    """Return how the columns lie in a picture, if there is to be one.

    Raises
    ------
    ValueError
        If that is unknown, is not asked for, or the sheet would be too large.
    """
    from lamina.app.images import parse_shape

    shape = parse_shape(options.shape) if options.shape else model.image_shape_
    if options.shape and (pictures or not sheet):
        raise JobError(
            "--shape is for a .png file of rows of a table whose columns are pixels"
        )
    if pictures and not sheet:
        raise JobError(f"{options.out}: samples of pictures are written as .png")
    if not sheet:
        return None
    if pictures:
        shape = model.schema_.shape[:2]
    elif shape is None:
        raise JobError(
            f"{options.out}: how do the columns of {path} lie in a picture? --shape "
            "8x8, say; or write a .csv file"
        )
    side = max(shape)
    if options.n * (side * max(1, SHOWN // side) + 1) ** 2 > MOST_PIXELS:
        raise JobError(
            f"-n {options.n:,} pictures of {shape[0]}x{shape[1]} are too many for one "
            "file; ask for fewer"
        )
    return shape


def _bytes_of_pixels(model: Any, found: Any, shape: Any) -> np.ndarray:
    from lamina.models.embedding_input import as_pictures

    values, (low, high) = as_pictures(found, shape, model.schema_, model.limits_)
    bright = (values - low) / (high - low if high > low else 1)
    return np.rint(255 * bright.clip(0, 1)).astype(np.uint8)[..., None]


def _short(column: np.ndarray) -> np.ndarray:
    """Return a column with the digits that a network knows."""
    return column.astype(np.float32) if column.dtype.kind == "f" else column


def _write_sheet(out: str, pictures: np.ndarray) -> None:
    from PIL import Image

    from lamina.storage import replace_file

    values = sheet_of(pictures)
    packed = io.BytesIO()
    image = Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
    image.save(packed, format="PNG")
    replace_file(out, [packed.getvalue()])


def sheet_of(pictures: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Return pictures side by side on a grey sheet, small ones enlarged.

    Shapes: bytes (n, h, w, c) → bytes (height, width, c).
    """
    pictures = np.asarray(pictures)
    n, height, width, channels = pictures.shape
    times = max(1, SHOWN // max(height, width))
    large = pictures.repeat(times, axis=1).repeat(times, axis=2)
    across = int(np.ceil(np.sqrt(n)))
    down, gap = -(-n // across), max(1, times // 3)
    step, stride = height * times + gap, width * times + gap
    sheet = np.full((down * step + gap, across * stride + gap, channels), GAP, np.uint8)
    for number, picture in enumerate(large):
        top = gap + number // across * step
        left = gap + number % across * stride
        sheet[top : top + height * times, left : left + width * times] = picture
    return sheet
