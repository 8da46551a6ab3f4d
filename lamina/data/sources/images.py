"""`read_images`: images from any supported source."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data.errors import Message, Setting
from lamina.data.formats.gzip import UNREADABLE, opened
from lamina.data.images.decoding import SUFFIXES, is_image_name
from lamina.data.images.idx import is_idx, read_idx
from lamina.data.images.image_files import Reading, read_files
from lamina.data.images.image_folder import as_text, read_image_folder
from lamina.data.images.image_schema import ImageSchema, checked_size
from lamina.data.images.image_set import ImageSet
from lamina.data.images.images import ImageError
from lamina.data.sources.image_table import path_column, read_image_table
from lamina.data.sources.tables import DELIMITED, RECORDS, read_table
from lamina.data.tables.table import TableError

#: Bytes and rows of a table that are searched for image names.
_HEAD, _ROWS = 1 << 16, 50


def read_images(
    source: Any,
    target: str | None = None,
    *,
    labels: bool = True,
    task: str | None = None,
    **options: Any,
) -> ImageSet:
    """Read images from a folder, a table of paths, an IDX file, or one image file.

    Parameters
    ----------
    source : path or ImageSet
        See `read_image_folder`, `read_image_table` and `read_idx`. An ImageSet is
        returned unchanged.
    target : str, optional
        Column of labels, for a table.
    labels : bool, default=True
        Whether to look for labels.
    task : {"classification", "regression"}, optional
        For a table; None infers it from the labels.
    **options
        ``size``, ``channels``, ``resize``, ``errors``, ``progress``, ``threads``: see
        `read_image_folder`.

    Returns
    -------
    ImageSet

    Raises
    ------
    ImageError, TableError
        If the images cannot be read; the one-line message has the location and the fix.
    """
    if isinstance(source, ImageSet):
        return source
    if not isinstance(source, str | os.PathLike):
        raise ImageError(
            f"images must be a path or an ImageSet; got a "
            f"{type(source).__name__}; the estimators take arrays"
        )
    if not os.fspath(source):
        raise ImageError("the path of images must not be empty")
    path = Path(source)
    if is_image_table(path):
        return read_image_table(path, target, labels=labels, task=task, **options)
    if path.is_dir():
        found = read_image_folder(path, labels=None if labels else False, **options)
    elif is_image_name(path):
        found = _one(path, Reading(**options))
    else:
        found = _brought(read_idx(path, labels=labels), Reading(**options))
    if target is not None:
        raise ImageError(
            Message(Setting("target", target), " is a column, but this is not a table"),
            where=str(source),
            parameter="target",
            value=target,
        )
    if task == "regression" and found.task == "classification":
        regression = Setting("task", task)
        raise ImageError(
            "its labels are classes",
            where=str(source),
            parameter="task",
            value=task,
            hint=Message("for ", regression, " pass a table of paths and numbers"),
        )
    return found


def is_image_table(source: Any) -> bool:
    """Whether an image source is a table: not a folder, image or IDX file."""
    if not isinstance(source, str | os.PathLike):
        return False
    path = Path(source)
    if path.is_dir() or is_image_name(path):
        return False
    return not (path.is_file() and is_idx(path))


def _one(path: Path, reading: Reading) -> ImageSet:
    names = [as_text(path.name)]
    read = read_files([path], names, str(path), reading)
    return ImageSet(read.X, None, names, read.schema, str(path), notes=read.notes)


def _brought(images: ImageSet, reading: Reading) -> ImageSet:
    """Return the images of an array, resized to the requested size and colours."""
    own = images.schema
    height, width = checked_size(reading.size) or (own.height, own.width)
    schema = ImageSchema(
        height, width, reading.channels or own.channels, reading.resize
    )
    if schema.shape == images.X.shape[1:]:
        return replace(images, schema=schema)
    from PIL import Image

    def brought(values: np.ndarray) -> np.ndarray:
        image = Image.fromarray(values if values.shape[-1] == 3 else values[..., 0])
        return schema.pixels(image.convert(schema.mode))

    X = np.empty((len(images), *schema.shape), np.uint8)
    for row, values in enumerate(images.X):
        X[row] = brought(values)
    return replace(images, X=X, schema=schema)


def holds_images(source: Any) -> bool:
    """Whether a source has images rather than tabular data.

    Folders, image files and IDX files have. A table has if it has a column of image
    names, and one of the images exists or there is at most one other column: a table of
    measurements may also name images.
    """
    if isinstance(source, ImageSet):
        return True
    if not isinstance(source, str | os.PathLike) or os.fspath(source) in ("", "-"):
        return False
    path = Path(source)
    try:
        if path.is_dir() or is_image_name(path):
            return True
        if not path.is_file():
            return False
        return is_idx(path) or (_names_images(path) and _lists_images(path))
    except (OSError, ValueError):  # reading it as a table reports the error
        return False


def _names_images(path: Path) -> bool:
    """Check quickly whether an image extension occurs at the beginning of a text."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    packed = suffixes[-1:] == [".gz"]
    kind = (suffixes[-2:-1] if packed else suffixes[-1:]) or [""]
    if kind[0] not in DELIMITED + RECORDS:
        return False
    try:
        with opened(path) as file:
            head = file.read(_HEAD).replace(b"\0", b"").lower()  # UTF-16 too
    except UNREADABLE:
        return False
    return any(suffix.encode() in head for suffix in SUFFIXES)


def _lists_images(path: Path) -> bool:
    try:
        table = read_table(path, nrows=_ROWS)
        column = path_column(table)
    except ImageError:  # several columns of paths: reading reports it
        return True
    except TableError:
        return False
    if column is None:
        return False
    names = [name for name in table.column(column).tolist() if name is not None]
    exists = any((path.parent / name).exists() for name in names)
    return exists or len(table.names) <= 2
