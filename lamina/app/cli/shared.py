"""Arguments and options that several commands share, and how they print."""

from dataclasses import dataclass
from typing import Any

from lamina.models.options import argument
from lamina.models.reports import Report


@dataclass(frozen=True, kw_only=True)
class DataArgument:
    """What a command reads."""

    data: str = argument(
        "A table (.csv .tsv .parquet .json, also .gz), '-' for standard input, or the "
        "name of an embedded data set; or images: a folder with one sub-folder for "
        "each class, a table with a column of paths, an IDX file; or sequences: a .ts "
        "file, a table with --group-column.",
        metavar="DATA",
        is_path=True,
    )


@dataclass(frozen=True, kw_only=True)
class ModelArgument:
    """The model that a command uses."""

    model: str = argument("A .lamina model file.", metavar="MODEL", is_path=True)


def show(report: Report, asked: Any) -> None:
    """Print a report, as text or as JSON."""
    if asked.as_json:
        print_json(report.to_json())
        return
    from lamina.app.render.terminal import show as show_text

    show_text(report, asked.verbose)


def print_json(report: Any) -> None:
    """Print JSON types in one line."""
    from lamina.app.render.as_json import as_json

    print(as_json(report))
