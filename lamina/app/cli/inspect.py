"""``lamina inspect``."""

from dataclasses import dataclass

from lamina.app.cli.command import Output, command
from lamina.app.cli.shared import ModelArgument, show
from lamina.models.kinds.shared import ImageReading
from lamina.models.options import option


@dataclass(frozen=True, kw_only=True)
class InspectCommand(Output, ImageReading, ModelArgument):
    """Arguments and options of ``lamina inspect``."""

    what: str | None = option(
        None,
        "What to plot: filters or maximise; with --image also maps, patches, "
        "deconvolution, saliency or occlusion.",
        metavar="WHAT",
        automatic="filters; with --image saliency",
    )
    image: str | None = option(
        None,
        "Image to explain; for patches a folder of images.",
        metavar="IMAGE",
        is_path=True,
    )
    layer: int | None = option(
        None, "Number of a layer, as listed in the report.", metavar="N"
    )
    unit: int | None = option(None, "Number of a unit of this layer.", metavar="N")
    target: str | None = option(
        None, "Class to explain.", metavar="CLASS", automatic="the predicted class"
    )
    method: str | None = option(
        None,
        "For saliency: gradient, integrated or smooth. For deconvolution: deconvnet, "
        "guided or gradient.",
        metavar="NAME",
        automatic="gradient; deconvnet",
    )
    out: str | None = option(
        None,
        "Path of the figure (.png, .svg or .pdf).",
        short="-o",
        metavar="FILE",
        automatic="named after --what: filters.png",
        is_path=True,
    )


@command("inspect", InspectCommand)
def run(asked: InspectCommand) -> None:
    """Plot what an image model has learnt, or explain one of its predictions."""
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
