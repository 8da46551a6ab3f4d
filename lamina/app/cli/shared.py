"""Arguments and options that several commands share, and how they print."""

from dataclasses import dataclass
from typing import Any

from lamina.models.options import argument
from lamina.models.reports import Report


@dataclass(frozen=True, kw_only=True)
class DataArgument:
    """The data that a command reads."""

    data: str = argument(
        "Table: a .csv, .tsv, .parquet or .json file (also gzipped), '-' for standard "
        "input, or the name of a bundled data set. Images: a folder with one subfolder "
        "per class, a table with a column of paths, or an IDX file. Sequences: a .ts "
        "file, or a table with --group-column.",
        metavar="DATA",
        is_path=True,
    )


@dataclass(frozen=True, kw_only=True)
class ModelArgument:
    """The model that a command uses."""

    model: str = argument("A model file (.lamina).", metavar="MODEL", is_path=True)


def show(report: Report, asked: Any) -> None:
    """Print a report, as text or as JSON."""
    if asked.as_json:
        print_json(report.to_json())
        return
    from lamina.app.render.terminal import show as show_text

    show_text(report, asked.verbose)


def print_json(report: Any) -> None:
    """Print a report as one line of JSON."""
    from lamina.app.render.as_json import as_json

    print(as_json(report))
