"""``lamina summary``."""

from dataclasses import dataclass

from lamina.app.cli.command import Output, command
from lamina.app.cli.shared import ModelArgument, show


@dataclass(frozen=True, kw_only=True)
class SummaryCommand(Output, ModelArgument):
    """Which model is described."""


@command("summary", SummaryCommand)
def run(asked: SummaryCommand) -> None:
    """Show a model's layers, columns and scores."""
    from lamina.app import jobs

    show(jobs.summary(asked.model), asked)
