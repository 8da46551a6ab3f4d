"""Pictures at the command line: how they are read, told of, and listed."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamina.app.tables import cell, csv_chunks

#: Columns of a list of pictures: `lamina evaluate` reads it again.
PATH = "picture"


def parse_size(text: str, option: str = "--size") -> int | tuple[int, int]:
    """Return a size as it is written at the command line: ``64`` or ``48x64``.

    Raises
    ------
    ValueError
        If it is written in another way.
    """
    sides = text.lower().replace("×", "x").split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise ValueError(
            f"{option} is one side or HEIGHTxWIDTH, such as 64 or 48x64, not {text!r}"
        )
    height, width = int(sides[0]), int(sides[-1])
    return height if len(sides) == 1 else (height, width)


def parse_shape(text: str) -> tuple[int, int]:
    """Return the shape of pictures whose pixels are columns, ``8x8`` or ``8``.

    Raises
    ------
    ValueError
        If it is written in another way.
    """
    size = parse_size(text, "--shape")
    height, width = (size, size) if isinstance(size, int) else size
    if not height or not width:
        raise ValueError(f"--shape needs sides of at least 1, not {text!r}")
    return height, width


@contextmanager
def reading_bar(wanted: bool = True) -> Iterator[Any]:
    """Show how many pictures have been read; only to a person at a terminal."""
    if not (wanted and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("reading pictures"),
        MofNCompleteColumn(),
        BarColumn(bar_width=20),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("pictures", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def errors_option(skip_broken: bool) -> str:
    """Return the word for what happens to files that cannot be read."""
    return "skip" if skip_broken else "raise"


def folder_of(source: str) -> str:
    """Return the folder that the names of pictures are relative to.

    Raises
    ------
    ValueError
        If they have no paths: they lie in one file.
    """
    from lamina.data.sources.images import is_image_table

    if os.path.isdir(source):
        return os.path.abspath(source)
    if is_image_table(source):
        return os.path.dirname(os.path.abspath(source))
    raise ValueError(
        f"--holdout-out: the pictures of {source} lie in one file and have no paths "
        "to be listed"
    )


def write_list(out: str, images: Any, source: str, rows: Any) -> int:
    """Write a table of some pictures and labels if known, which can be read again.

    The paths are relative to the folder of the table.
    """
    from lamina.storage import replace_file

    folder, here = folder_of(source), os.path.dirname(os.path.abspath(out))

    def lines() -> Iterator[list[str]]:
        known = images.y is not None
        yield [PATH, images.target] if known else [PATH]
        for row in rows.tolist():
            path = os.path.join(folder, images.names[row])
            label = [cell(images.y[row])] if known else []
            yield [os.path.relpath(path, here), *label]

    replace_file(out, csv_chunks(lines()))
    return len(rows)
