"""``lamina predict``."""

import sys
from dataclasses import dataclass

from lamina.app.cli.command import Output, command
from lamina.app.cli.shared import DataArgument, ModelArgument, print_json
from lamina.models.kinds.shared import ImageReading
from lamina.models.options import option


@dataclass(frozen=True, kw_only=True)
class PredictCommand(Output, ImageReading, DataArgument, ModelArgument):
    """Arguments and options of ``lamina predict``."""

    out: str | None = option(
        None,
        "CSV file for the predictions.",
        automatic="standard output",
        short="-o",
        metavar="FILE",
        is_path=True,
    )
    proba: bool = option(False, "Add the probability of each class.")


@command("predict", PredictCommand)
def run(asked: PredictCommand) -> None:
    """Write predictions for rows, images or sequences, or a forecast, as CSV."""
    from lamina.app import jobs, loading, tables
    from lamina.app.messages import printable, say

    if asked.out is not None:
        loading.check_out(asked.out, asked.data, asked.model)
    found = jobs.predict(asked.model, asked.data, asked.proba, asked.skip_broken)
    say("note", found.notes)
    say("warning", found.warnings)
    if not asked.as_json or asked.out is not None:
        tables.write_predictions(found, asked.out)
    if asked.as_json:
        rows = {} if asked.out else {"predictions": found.records}
        report = jobs.predicted(asked.model, asked.data, found, asked.out)
        print_json(report.to_json() | rows)
    elif asked.out is not None:
        n = len(found)
        print(f"{n:,} predictions written to {printable(asked.out)}", file=sys.stderr)
