"""A table with a column of paths to images and a column of labels."""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from lamina.data.errors import Message, Setting
from lamina.data.images.decoding import is_image_name
from lamina.data.images.image_files import Reading, read_files, skipped_note
from lamina.data.images.image_set import ImageSet, counted
from lamina.data.images.images import ImageError
from lamina.data.sources.tables import read_table
from lamina.data.tables.parsing import is_missing
from lamina.data.tables.table import Table
from lamina.data.tables.target import find_target

#: Names that a column of labels has, where there are several columns.
LABELS = ("label", "labels", "class", "target", "category", "y")
#: So many values of a column are looked at, and so many of them must be images.
_LOOKED_AT, _MOSTLY = 200, 0.9


def read_image_table(
    path: str | os.PathLike[Any],
    target: str | None = None,
    *,
    labels: bool = True,
    task: str | None = None,
    **options: Any,
) -> ImageSet:
    """Read the images that a table lists, with their labels.

    Parameters
    ----------
    path : path
        A table as `read_table` reads it, a CSV file for instance. The column of paths
        is found by its values; they are relative to the folder of the table.
    target : str, optional
        The column of labels. By default the only other one, or the one called label,
        class, target, category or y.
    labels : bool, default=True
        False reads the images only.
    task : {"classification", "regression"}, optional
        Found from the labels where None, by the rules that hold for tables: text and
        few whole numbers are classes.
    **options
        ``size``, ``channels``, ``resize``, ``errors``, ``progress``, ``threads``: see
        `read_image_folder`.

    Returns
    -------
    ImageSet
        In the order of the table; rows without a label are left out with a note.

    Raises
    ------
    ImageError
        No column of paths or several, no column of labels, or images that cannot be
        read.
    TableError
        If the table or the labels cannot be read.
    """
    reading = Reading(**options)
    table = read_table(os.fspath(path))
    column = path_column(table)
    if column is None:
        raise ImageError(
            f"{table.source}: no column holds paths of images (.jpg, .png, …); the "
            f"columns are: {', '.join(table.names[:20])}"
        )
    notes: list[str] = []
    name = _label_column(table, column, target) if labels else None
    kind = None
    if name is not None:
        table = _with_label(table, name, notes)
        kind, note = find_target(table, name, task)
        notes += [note] if note else []
        unused = [other for other in table.names if other not in (column, name)]
        if unused:
            notes.append(f"columns that are not used: {', '.join(unused[:10])}")
    written = table.column(column).tolist()
    folder = Path(path).parent
    names = [text or f"({table.where(row)})" for row, text in enumerate(written)]
    files = [_file(text, folder) for text in written]
    read = read_files(files, names, table.source, reading)
    return ImageSet(
        read.X,
        None if kind is None else kind.encode(table.take(read.rows)),
        [names[row] for row in read.rows],
        read.schema,
        table.source,
        target=name or "class",
        task=None if kind is None else kind.task,
        notes=read.notes + notes + skipped_note(read.skipped),
        skipped=read.skipped,
    )


def path_column(table: Table) -> str | None:
    """The column whose values are named like images; None if there is none.

    Raises
    ------
    ImageError
        If there are several.
    """
    found = [name for name in table.names if _is_paths(table.column(name))]
    if len(found) > 1:
        raise ImageError(
            f"{table.source}: several columns hold paths of images: "
            f"{', '.join(found)}; leave one of them in the table"
        )
    return found[0] if found else None


def _is_paths(values: np.ndarray) -> bool:
    if values.dtype != object:
        return False
    present = values[~is_missing(values)][:_LOOKED_AT].tolist()
    images = sum(map(is_image_name, present))
    return bool(present) and images >= _MOSTLY * len(present)


def _label_column(table: Table, paths: str, target: str | None) -> str:
    if target is not None:
        table.column(target)
        if target == paths:
            raise ImageError(f"{table.source}: {target!r} holds the paths, not labels")
        return target
    others = [name for name in table.names if name != paths]
    if len(others) == 1:
        return others[0]
    named = [name for name in others if name.strip().lower() in LABELS]
    if len(named) == 1:
        return named[0]
    if not others:
        raise ImageError(
            f"{table.source}: there is no column of labels beside {paths!r}"
        )
    raise ImageError(
        Message(
            "which column holds the labels? ",
            Setting("target", (named or others)[0]),
            f" would name one of: {', '.join(others[:20])}",
        ),
        where=table.source,
        parameter="target",
    )


def _with_label(table: Table, name: str, notes: list[str]) -> Table:
    missing = is_missing(table.column(name))
    if not missing.any():
        return table
    if not missing.all():  # else finding the target tells it better
        first = table.where(int(missing.argmax()))
        notes.append(
            f"{counted(int(missing.sum()), 'row', 'has', 'have')} no {name!r}, left "
            f"out, first in {first}"
        )
        return table.take(np.flatnonzero(~missing))
    return table


def _file(text: str | None, folder: Path) -> Path:
    """The file that a cell means; backslashes of another system are understood."""
    if text is None:
        return folder / "\0"  # no file has this name: it is reported as not there
    file = folder / text
    if "\\" in text and not file.exists():
        return folder / PureWindowsPath(text).as_posix()
    return file
