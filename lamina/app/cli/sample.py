"""``lamina sample``."""

from dataclasses import dataclass

from lamina.app.cli.command import Output, command
from lamina.app.cli.shared import ModelArgument, print_json, show
from lamina.models.kinds.shared import write_size
from lamina.models.options import option


@dataclass(frozen=True, kw_only=True)
class SampleCommand(Output, ModelArgument):
    """Arguments and options of ``lamina sample``."""

    out: str | None = option(
        None,
        "CSV file for rows, or .png file for images.",
        automatic="standard output for rows, samples.png for images",
        short="-o",
        metavar="FILE",
        is_path=True,
    )
    n: int = option(100, "Number of samples.", flag="-n", metavar="N")
    steps: int = option(1000, "Gibbs steps per sample.", metavar="N")
    seed: int = option(0, "Random seed.", metavar="N")
    image_shape: str | None = option(
        None,
        "Height and width of the images, if the columns are pixels.",
        metavar="HEIGHTxWIDTH",
        parameter="image_shape",
        write=write_size,
    )


@command("sample", SampleCommand)
def run(asked: SampleCommand) -> None:
    """Generate rows or images from a Boltzmann machine."""
    from lamina.app import embeddings, tables

    request = embeddings.SampleRequest(
        asked.out, asked.n, asked.steps, asked.seed, asked.image_shape
    )
    report, found = embeddings.sample(asked.model, request)
    if asked.as_json:
        rows = {"rows": found.records} if found and asked.out is None else {}
        print_json(report.to_json() | rows)
    elif asked.out is None and found is not None:
        tables.write_predictions(found, None)
    else:
        show(report, asked)
