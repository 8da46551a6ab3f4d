"""``lamina sample``."""

from dataclasses import dataclass

from lamina.app.cli.command import Output, command
from lamina.app.cli.shared import ModelArgument, print_json, show
from lamina.models.options import option


@dataclass(frozen=True, kw_only=True)
class SampleCommand(Output, ModelArgument):
    """How many samples are drawn, and where they go."""

    out: str | None = option(
        None,
        "A .png of images, or a CSV file; rows go to standard output, images to "
        "samples.png if not given.",
        short="-o",
        metavar="FILE",
        is_path=True,
    )
    n: int = option(100, "How many.", flag="-n", metavar="N")
    steps: int = option(1000, "Gibbs steps of each.", metavar="N")
    seed: int = option(0, "Seed of what is drawn.", metavar="N")
    image_shape: str | None = option(
        None,
        "How columns of pixels lie in an image.",
        metavar="HEIGHTxWIDTH",
        parameter="image_shape",
    )


@command("sample", SampleCommand)
def run(asked: SampleCommand) -> None:
    """Draw rows or images from a Boltzmann machine."""
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
