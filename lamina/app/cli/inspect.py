"""``lamina inspect``."""

from dataclasses import dataclass

from lamina.app.cli.command import Output, command
from lamina.app.cli.shared import ModelArgument, show
from lamina.models.kinds.shared import ImageReading
from lamina.models.options import option


@dataclass(frozen=True, kw_only=True)
class InspectCommand(Output, ImageReading, ModelArgument):
    """What is shown of a model."""

    what: str | None = option(
        None,
        "filters, maximise; with --image also maps, patches, deconvolution, saliency, "
        "occlusion. Filters, or with --image saliency, by default.",
        metavar="WHAT",
    )
    image: str | None = option(
        None,
        "What the model is to look at; for patches a folder of images.",
        metavar="IMAGE",
        is_path=True,
    )
    layer: int | None = option(
        None, "Number of a layer; the report lists them.", metavar="N"
    )
    unit: int | None = option(None, "Number of a unit of that layer.", metavar="N")
    target: str | None = option(
        None, "Class to explain; the predicted one by default.", metavar="CLASS"
    )
    method: str | None = option(
        None,
        "Of saliency: gradient, integrated or smooth; of deconvolution: deconvnet, "
        "guided or gradient.",
        metavar="NAME",
    )
    out: str | None = option(
        None,
        "Where the figure goes: .png, .svg or .pdf; filters.png, say.",
        short="-o",
        metavar="FILE",
        is_path=True,
    )


@command("inspect", InspectCommand)
def run(asked: InspectCommand) -> None:
    """Draw what a model of images has learnt, or why it answers as it does."""
    from lamina.app import insights

    request = insights.InspectRequest(
        what=asked.what,
        image=asked.image,
        layer=asked.layer,
        unit=asked.unit,
        target=asked.target,
        method=asked.method,
        out=asked.out,
        skip_broken=asked.skip_broken,
    )
    show(insights.inspect(asked.model, request), asked)
