"""``lamina evaluate``."""

from dataclasses import dataclass

from lamina.app.cli.command import Output, command
from lamina.app.cli.shared import DataArgument, ModelArgument, show
from lamina.models.kinds.shared import ImageReading


@dataclass(frozen=True, kw_only=True)
class EvaluateCommand(Output, ImageReading, DataArgument, ModelArgument):
    """Arguments and options of ``lamina evaluate``."""


@command("evaluate", EvaluateCommand)
def run(asked: EvaluateCommand) -> None:
    """Score a model on a table, images or sequences with known targets."""
    from lamina.app import jobs
    from lamina.app.messages import say

    report = jobs.evaluate(asked.model, asked.data, asked.skip_broken)
    say("warning", report.warnings)
    show(report, asked)
