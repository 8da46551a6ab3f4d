"""``lamina transform``."""

from dataclasses import dataclass

from lamina.app.cli.command import Output, command
from lamina.app.cli.shared import DataArgument, ModelArgument, print_json, show
from lamina.models.kinds.shared import ImageReading
from lamina.models.options import option


@dataclass(frozen=True, kw_only=True)
class TransformCommand(Output, ImageReading, DataArgument, ModelArgument):
    """Arguments and options of ``lamina transform``."""

    out: str | None = option(
        None,
        "CSV file for the embedding, or .png, .svg or .pdf file for a scatter plot of "
        "two latent dimensions.",
        automatic="CSV on standard output",
        short="-o",
        metavar="FILE",
        is_path=True,
    )
    reconstruction_error: bool = option(
        False, "Add the reconstruction error of each row."
    )


@command("transform", TransformCommand)
def run(asked: TransformCommand) -> None:
    """Write embeddings as CSV or as a 2-D scatter plot."""
    from lamina.app import embeddings, tables
    from lamina.app.messages import say

    report, found = embeddings.transform(
        asked.model,
        asked.data,
        asked.out,
        asked.reconstruction_error,
        asked.skip_broken,
    )
    say("note", found.notes)
    say("warning", found.warnings)
    if asked.as_json:
        rows = {} if asked.out else {"embeddings": found.records}
        print_json(report.to_json() | rows)
    elif asked.out is None:
        tables.write_predictions(found, None)
    else:
        show(report, asked)
