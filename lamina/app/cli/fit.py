"""``lamina fit``."""

from dataclasses import dataclass

import typer

from lamina.app import streams
from lamina.app.cli.command import Output, command
from lamina.app.cli.shared import DataArgument, show
from lamina.app.exit_codes import INTERRUPTED
from lamina.models.kinds.registry import fit_options
from lamina.models.options import Given, option


@dataclass(frozen=True, kw_only=True)
class FitCommand(Output, DataArgument):
    """Arguments and options of ``lamina fit`` beside those of the data."""

    quiet: bool = option(False, "Print no progress and no report.", short="-q")


@command("fit", FitCommand, more=fit_options())
def run(asked: FitCommand, given: Given) -> None:
    """Train a network on a table, images or sequences; score it and save a model.

    It predicts a column, the class of an image or of a sequence, or the next
    steps of a time series. With --model it learns an embedding, without labels.
    """
    from lamina.app import fitting
    from lamina.app.progress import is_watched

    report = fitting.fit(asked.data, given, is_watched() and not asked.quiet)
    if asked.as_json or (streams.is_open() and not asked.quiet):
        show(report, asked)
    if report.is_interrupted:
        raise typer.Exit(INTERRUPTED)
