"""Progress of reading, on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def is_watched() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr.isatty()


@contextmanager
def reading_bar(wanted: bool = True) -> Iterator[Any]:
    """Yield a progress bar for files being read; None if nobody would see it.

    The bar appears with the first file; data in a single file show none.
    """
    if not (wanted and is_watched()):
        yield None
        return
    bar = ReadingBar()
    try:
        yield bar
    finally:
        bar.close()


class ReadingBar:
    """Progress bar of files read; it appears at the first call."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None

    def __call__(self, done: int, total: int | None) -> None:
        if self._bar is None:
            self._bar = _bar()
            self._task = self._bar.add_task("files", total=None)
            self._bar.start()
        self._bar.update(self._task, completed=done, total=total)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("reading images"),
        MofNCompleteColumn(),
        BarColumn(bar_width=20),
        TimeRemainingColumn(compact=True),
    )
    return Progress(*columns, console=Console(file=sys.stderr), transient=True)


def announce(source: str) -> None:
    """Say that a table is expected from the keyboard, if there is one."""
    if source == "-" and sys.stdin.isatty():
        print(
            "reading a table from the keyboard; press Ctrl-D to end it", file=sys.stderr
        )
