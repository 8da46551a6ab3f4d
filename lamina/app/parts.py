"""Parts of reports as a person reads them on a terminal."""

import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lamina.app.reports import Report
from lamina.app.words import LONGEST, printable, short_line
from lamina.data.tables.table import bounded

MOST_COLUMNS = 20
MOST_NOTES = 8
STOPPED = {
    "finished": "all epochs done",
    "stopped": "no improvement for long",
    "diverged": "diverged; the best weights known are kept",
    "interrupted": "interrupted; the best network so far is kept",
}


def console() -> Console:
    """Return a console on standard output, as wide as its lines when piped."""
    width = None if sys.stdout.isatty() else 100
    return Console(file=sys.stdout, width=width, highlight=False, soft_wrap=False)


def rows_of(report: Report) -> str:
    """Return what the examples are called."""
    return report.get("examples", "rows")


def inputs_of(report: Report) -> str:
    """Say what an example is: so many features, or an image of this size."""
    shape = report.get("images") or report.get("sequences")
    return shape or f"{report['features']} features"


def checkpoint_of(report: Report) -> str:
    """Say where the training began this time, and where it can go on."""
    folder, epoch = printable(report["checkpoint"]), report["resumed_from"]
    began = "begun anew" if not epoch else f"went on from epoch {epoch}"
    if epoch == report["epochs"]:
        began = f"had ended before, with epoch {epoch}"
    if report["stopped"] == "interrupted":
        return f"{folder}: {began}; the same command again goes on"
    return f"{folder}: {began}"


def layer_table(report: Report) -> Table:
    """Return a row a layer."""
    table = empty_table("layer", ">input", ">output", ">parameters", "")
    for row in report["layers"]:
        shapes = [" × ".join(map(str, row[side])) for side in ("input", "output")]
        numbers = f"{row['parameters']:,}"
        name = "  " * row.get("depth", 0) + row["layer"]
        table.add_row(name, *shapes, numbers, cell(row["details"]))
    table.add_row("total", "", "", f"{report['parameters']:,}", "")
    return table


def column_table(columns: list[dict[str, str]]) -> Table:
    """Return a row a column, of many the first and the last."""
    table = empty_table("column", "kind", "what was learnt of it")
    shown = columns if len(columns) <= MOST_COLUMNS else columns[: MOST_COLUMNS - 2]
    for column in shown:
        table.add_row(*(cell(column[part]) for part in ("name", "kind", "detail")))
    if len(shown) < len(columns):
        left = len(columns) - len(shown) - 1
        table.add_row(f"… {left} more", "", "lamina summary --json lists them all")
        table.add_row(*(cell(columns[-1][p]) for p in ("name", "kind", "detail")))
    return table


def empty_table(*heads: str) -> Table:
    """Return an empty table; columns whose heads begin with > are numbers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for head in heads:
        right = head.startswith(">")
        table.add_column(head.removeprefix(">"), justify="right" if right else "left")
    return table


def cell(text: str) -> Text:
    """Return text that is no markup: a column may be called "[bold]"."""
    return Text(bounded(printable(text), LONGEST))


def show_notes(out: Console, notes: list[str]) -> None:
    """Print notes, of many the first."""
    shown = notes if len(notes) <= MOST_NOTES else notes[: MOST_NOTES - 1]
    if len(shown) < len(notes):
        shown = [*shown, f"… and {len(notes) - len(shown)} more: see --json"]
    for note in shown:
        line(out, "Note", short_line(note))


def line(out: Console, head: str, text: str) -> None:
    """Print a labelled line; long ones are wrapped under their beginning."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=9, style="bold")
    grid.add_column(overflow="fold")
    grid.add_row(head, Text(bounded(text, LONGEST)))
    out.print(grid)


def bytes_of(size: int | None) -> str:
    """Return the size of a file in words."""
    if size is None:
        return "not kept"
    if size < 1000:
        return f"{size} bytes"
    power = min((len(str(size)) - 1) // 3, 3)
    return f"{size / 1000**power:.3g} {('kB', 'MB', 'GB')[power - 1]}"
