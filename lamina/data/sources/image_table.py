"""A table with a column of image paths and a column of labels."""

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

#: Names by which a column of labels is recognised among several.
LABELS = ("label", "labels", "class", "target", "category", "y")
#: Values of a column that are checked, and fraction of them that must be images.
_LOOKED_AT, _MOSTLY = 200, 0.9


def read_image_table(
    path: str | os.PathLike[Any],
    target: str | None = None,
    *,
    labels: bool = True,
    task: str | None = None,
    **options: Any,
) -> ImageSet:
    """Read the images listed in a table, with their labels.

    Parameters
    ----------
    path : path
        A table in a format of `read_table`, for instance a CSV file. The column of
        paths is detected by its values; paths are relative to the folder of the table.
    target : str, optional
        The column of labels. By default the only other column, or the one named label,
        class, target, category or y.
    labels : bool, default=True
        Whether to read labels.
    task : {"classification", "regression"}, optional
        None infers it from the labels, by the rules for tables: text and a few distinct
        integers are classes.
    **options
        ``size``, ``channels``, ``resize``, ``errors``, ``progress``, ``threads``: see
        `read_image_folder`.

    Returns
    -------
    ImageSet
        In the order of the table; rows without a label are dropped with a note.

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
            f"{table.source}: no column has paths of images (.jpg, .png, …); the "
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
            notes.append(f"unused columns: {', '.join(unused[:10])}")
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
    """Return the column whose values are image names; None if there is none.

    Raises
    ------
    ImageError
        If there are several.
    """
    found = [name for name in table.names if _is_paths(table.column(name))]
    if len(found) > 1:
        raise ImageError(
            f"{table.source}: several columns have paths of images: "
            f"{', '.join(found)}; keep only one of them in the table"
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
            raise ImageError(f"{table.source}: {target!r} has the paths, not labels")
        return target
    others = [name for name in table.names if name != paths]
    if len(others) == 1:
        return others[0]
    named = [name for name in others if name.strip().lower() in LABELS]
    if len(named) == 1:
        return named[0]
    if not others:
        raise ImageError(
            f"{table.source}: there is no column of labels besides {paths!r}"
        )
    raise ImageError(
        Message(
            "which column has the labels? Pass for instance ",
            Setting("target", (named or others)[0]),
            f"; the columns are: {', '.join(others[:20])}",
        ),
        where=table.source,
        parameter="target",
    )


def _with_label(table: Table, name: str, notes: list[str]) -> Table:
    missing = is_missing(table.column(name))
    if not missing.any():
        return table
    if not missing.all():  # else finding the target reports it better
        first = table.where(int(missing.argmax()))
        notes.append(
            f"{counted(int(missing.sum()), 'row', 'has', 'have')} no {name!r} and "
            f"dropped, first in {first}"
        )
        return table.take(np.flatnonzero(~missing))
    return table


def _file(text: str | None, folder: Path) -> Path:
    """Return the file of a cell; backslashes of Windows paths are understood."""
    if text is None:
        return folder / "\0"  # no file has this name: it is reported as missing
    file = folder / text
    if "\\" in text and not file.exists():
        return folder / PureWindowsPath(text).as_posix()
    return file
