"""A page on a terminal: labelled lines, tables and notes."""

import sys
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lamina.app.messages import LONGEST, printable, short_line
from lamina.data.errors import bounded

MOST_NOTES = 8
MOST_ROWS = 20


class Page:
    """Standard output; 100 columns wide if it is not a terminal.

    Parameters
    ----------
    verbose : bool
        Whether long lists are shown in full.
    """

    def __init__(self, verbose: bool = False) -> None:
        width = None if sys.stdout.isatty() else 100
        self._console = Console(
            file=sys.stdout, width=width, highlight=False, soft_wrap=False
        )
        self.verbose = verbose

    def line(self, head: str, text: str) -> None:
        """Print a labelled line; long text is wrapped and indented."""
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(min_width=9, no_wrap=True, style="bold")
        grid.add_column(overflow="fold")
        grid.add_row(head, Text(bounded(text, LONGEST)))
        self._console.print(grid)

    def table(self, table: Table) -> None:
        """Print a table."""
        self._console.print(table)

    def notes(self, notes: Sequence[str]) -> None:
        """Print notes; of many only the first."""
        shown = list(notes)
        if len(shown) > MOST_NOTES and not self.verbose:
            more = f"… and {len(notes) - MOST_NOTES + 1} more; use --verbose to see all"
            shown = [*shown[: MOST_NOTES - 1], more]
        for note in shown:
            self.line("Note", short_line(note))


def empty_table(*heads: str) -> Table:
    """Return an empty table; a head that begins with > aligns its column right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for head in heads:
        right = head.startswith(">")
        table.add_column(head.removeprefix(">"), justify="right" if right else "left")
    return table


def cell(text: Any) -> Text:
    """Return text that is not parsed as markup: a column may be called "[bold]"."""
    return Text(bounded(printable(text), LONGEST))


def bytes_of(size: int | None) -> str:
    """Return the size of a file as text."""
    if size is None:
        return "not saved"
    if size < 1000:
        return f"{size} bytes"
    power = min((len(str(size)) - 1) // 3, 3)
    return f"{size / 1000**power:.3g} {('kB', 'MB', 'GB')[power - 1]}"
