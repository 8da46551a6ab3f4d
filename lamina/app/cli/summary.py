"""``lamina summary``."""

from dataclasses import dataclass

from lamina.app.cli.command import Output, command
from lamina.app.cli.shared import ModelArgument, show


@dataclass(frozen=True, kw_only=True)
class SummaryCommand(Output, ModelArgument):
    """Arguments and options of ``lamina summary``."""


@command("summary", SummaryCommand)
def run(asked: SummaryCommand) -> None:
    """Show the layers, columns and scores of a model."""
    from lamina.app import jobs

    show(jobs.summary(asked.model), asked)
