"""``lamina inspect``: plot the inside of an image model to a file."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lamina.app.loading import check_out, open_model
from lamina.app.progress import reading_bar
from lamina.data.errors import Message, Setting, UserError
from lamina.models.kinds.kind import Reading
from lamina.models.reports import Inspected, Report

FORMATS = (".png", ".svg", ".pdf")

NEEDS: dict[str, tuple[str, ...]] = {
    "filters": ("layer",),
    "maximise": ("layer", "unit", "target"),
    "maps": ("image", "layer"),
    "patches": ("image", "layer", "unit"),
    "deconvolution": ("image", "layer", "unit", "method"),
    "saliency": ("image", "target", "method"),
    "occlusion": ("image", "target"),
}
"""What can be plotted, and the options that apply to it."""

DPI = 150


@dataclass(frozen=True)
class InspectRequest:
    """What to plot, for which layer, unit, class and image."""

    what: str | None = None
    image: str | None = None
    layer: int | None = None
    unit: int | None = None
    target: str | None = None
    method: str | None = None
    out: str | None = None
    skip_broken: bool = False

    @property
    def shown(self) -> str:
        """What is plotted: by default saliency with an image, filters without."""
        return self.what or ("filters" if self.image is None else "saliency")

    @property
    def file(self) -> str:
        """Path of the figure."""
        return self.out or f"{self.shown}.png"


@dataclass(frozen=True)
class Shown:
    """A figure, and the layer, unit or output that it shows."""

    figure: Callable[[], Any]
    layer: int | None = None
    unit: int | None = None
    output: str | None = None
    h: float | None = None
    probability: float | None = None


def inspect(path: str, asked: InspectRequest) -> Report:
    """Plot the inside of an image model, and write the figure.

    Raises
    ------
    ValueError
        If the model, the image or the options cannot be used.
    """
    check(asked)
    check_out(asked.file, path, *([asked.image] if asked.image else []))
    model, kind = open_model(path, "inspect")
    images = None
    if asked.image is not None:
        kind.check_can(model, "read images", path)
        with reading_bar() as bar:
            reading = Reading(skip_broken=asked.skip_broken, progress=bar)
            images = kind.read(model, asked.image, reading)
    return Report("inspect", (look(path, model, images, asked),))


def check(asked: InspectRequest) -> None:
    """Refuse what cannot be plotted, and options that do not apply.

    Raises
    ------
    UserError
        Naming what is possible.
    """
    what = asked.shown
    if what not in NEEDS:
        expected = f"one of {', '.join(NEEDS)}"
        raise UserError(parameter="what", value=what, expected=expected)
    for name in ("image", "layer", "unit", "target", "method"):
        if getattr(asked, name) is not None and name not in NEEDS[what]:
            users = ", ".join(k for k, needs in NEEDS.items() if name in needs)
            raise UserError(
                Message(Setting(name), f" applies to {users}, not to {what}"),
                parameter=name,
                value=getattr(asked, name),
                expected=users,
            )
    if "image" in NEEDS[what] and asked.image is None:
        needs = Setting("what", what), " needs ", Setting("image")
        raise UserError(
            Message(*needs, ", an image or a folder of images"), parameter="image"
        )
    if os.path.splitext(asked.file)[1].lower() not in FORMATS:
        raise UserError(
            f"figures can be written as {', '.join(FORMATS)}",
            where=asked.file,
        )


def look(path: str, model: Any, images: Any, asked: InspectRequest) -> Inspected:
    """Plot the figure, write it, and return what it shows.

    Parameters
    ----------
    path : str
        File of the model.
    model : fitted ImageModel, or an estimator of images
    images : ImageSet or None
    asked : InspectRequest

    Raises
    ------
    ValueError
        If the options do not fit the model, or matplotlib is not installed.
    """
    from lamina import insight
    from lamina.storage import replace_file

    layers = insight.layers(model)
    found = SHOW[asked.shown](model, images, asked)
    try:
        figure = found.figure()
    except ImportError as error:
        raise UserError(str(error)) from error
    packed = io.BytesIO()
    ending = os.path.splitext(asked.file)[1].lower().removeprefix(".")
    figure.savefig(packed, format=ending, dpi=DPI)
    replace_file(asked.file, [packed.getvalue()])
    return Inspected(
        path,
        asked.shown,
        None if images is None else str(images.names[0]),
        None if images is None else len(images),
        found.layer,
        found.unit,
        found.output,
        found.h,
        found.probability,
        [
            {"number": number, "layer": name, "output": list(shape)}
            for number, name, shape in layers
        ],
        asked.file,
        len(packed.getvalue()),
    )


def _filters(model: Any, images: Any, asked: InspectRequest) -> Shown:
    from lamina.insight import filters

    found = filters(model, asked.layer)
    return Shown(found.figure, found.layer)


def _maximise(model: Any, images: Any, asked: InspectRequest) -> Shown:
    from lamina.insight import maximising_input

    layer = -1 if asked.layer is None else asked.layer
    unit = asked.unit if asked.target is None else asked.target
    if asked.target is not None and (asked.unit is not None or layer != -1):
        others = Setting("unit"), " and ", Setting("layer")
        raise UserError(
            Message(Setting("target"), " names a class"),
            parameter="target",
            value=asked.target,
            hint=Message("omit ", *others),
        )
    found = maximising_input(model, layer, unit)
    return Shown(found.figure, found.layer)


def _maps(model: Any, images: Any, asked: InspectRequest) -> Shown:
    from lamina.insight import feature_maps

    found = feature_maps(model, images.X[:1][0], _layer(model, asked))
    return Shown(found.figure, found.layer)


def _patches(model: Any, images: Any, asked: InspectRequest) -> Shown:
    from lamina.insight import top_patches

    layer = _layer(model, asked)
    if asked.unit is None:
        needs = Setting("what", "patches"), " needs ", Setting("unit")
        raise UserError(
            Message(*needs, f", the number of a unit of layer {layer}"),
            parameter="unit",
        )
    found = top_patches(model, images.X, layer, asked.unit, k=16)
    return Shown(found.figure, found.layer, found.unit)


def _deconvolution(model: Any, images: Any, asked: InspectRequest) -> Shown:
    from lamina.insight import deconvolution

    layer, rule = _layer(model, asked), asked.method or "deconvnet"
    found = deconvolution(model, images.X[:1][0], layer, asked.unit, rule=rule)
    return Shown(found.figure, found.layer, found.unit)


def _saliency(model: Any, images: Any, asked: InspectRequest) -> Shown:
    from lamina.insight import saliency

    method = asked.method or "gradient"
    found = saliency(model, images.X[:1][0], asked.target, method)
    how = {"h": found.score, "probability": found.probability}
    return Shown(found.figure, output=found.name, **how)


def _occlusion(model: Any, images: Any, asked: InspectRequest) -> Shown:
    from lamina.insight import occlusion

    found = occlusion(model, images.X[:1][0], target=asked.target)
    probability = found.whole if found.of_probability else None
    return Shown(found.figure, output=found.name, probability=probability)


SHOW: dict[str, Callable[[Any, Any, InspectRequest], Shown]] = {
    "filters": _filters,
    "maximise": _maximise,
    "maps": _maps,
    "patches": _patches,
    "deconvolution": _deconvolution,
    "saliency": _saliency,
    "occlusion": _occlusion,
}


def _layer(model: Any, asked: InspectRequest) -> int:
    """Return the requested layer, or else the last convolution."""
    from lamina.insight import layers

    if asked.layer is not None:
        return asked.layer
    convolutions = [number for number, name, _ in layers(model) if name == "Conv"]
    if not convolutions:
        raise UserError(
            "the network has no Conv layer",
            parameter="layer",
            hint=Message("choose a layer with ", Setting("layer")),
        )
    return convolutions[-1]
