"""Looking into a model of pictures at the command line: a figure into a file."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lamina.app.reports import Report

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
"""What can be shown, and which options each has a use for."""

DPI = 150


@dataclass(frozen=True)
class InspectOptions:
    """Options of :func:`lamina.app.jobs.inspect`."""

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
        """What is shown: saliency if there is an image, or else filters."""
        return self.what or ("filters" if self.image is None else "saliency")

    @property
    def file(self) -> str:
        """Where the figure goes."""
        return self.out or f"{self.shown}.png"


def check(options: InspectOptions) -> None:
    """Refuse what cannot be shown, and options that have no use.

    Raises
    ------
    ValueError
        One line that says what is possible.
    """
    what = options.shown
    if what not in NEEDS:
        raise ValueError(f"--what is one of {', '.join(NEEDS)}; not {what!r}")
    for name in ("image", "layer", "unit", "target", "method"):
        if getattr(options, name) is not None and name not in NEEDS[what]:
            users = ", ".join(k for k, needs in NEEDS.items() if name in needs)
            raise ValueError(f"--{name} is for {users}, not for {what}")
    if "image" in NEEDS[what] and options.image is None:
        raise ValueError(
            f"--what {what} needs --image, a picture (or a folder of them)"
        )
    ending = os.path.splitext(options.file)[1].lower()
    if ending not in FORMATS:
        raise ValueError(
            f"{options.file}: a figure is written as {', '.join(FORMATS)}, by the "
            "ending of the name"
        )


def look(model: Any, images: Any, options: InspectOptions) -> Report:
    """Draw the figure, write it, and return what it shows.

    Parameters
    ----------
    model : fitted ImageModel or estimator of pictures
    images : ImageSet or None
    options : InspectOptions

    Raises
    ------
    ValueError
        If the model has no pictures to look at, the options do not fit it, or
        matplotlib is not installed.
    """
    from lamina import insight
    from lamina.storage import replace_file

    estimator = getattr(model, "estimator_", model)
    if not hasattr(estimator, "image_shape_"):
        raise ValueError(
            f"the model is a {type(model).__name__}, and lamina inspect is for models "
            "of pictures; lamina summary shows any"
        )
    layers = insight.layers(estimator)
    found = SHOW[options.shown](model, images, options)
    try:
        figure = found.figure()
    except ImportError as error:
        raise ValueError(str(error)) from error
    packed = io.BytesIO()
    ending = os.path.splitext(options.file)[1].lower().removeprefix(".")
    figure.savefig(packed, format=ending, dpi=DPI)
    replace_file(options.file, [packed.getvalue()])
    return {
        "what": options.shown,
        "image": None if images is None else str(images.names[0]),
        "images": None if images is None else len(images),
        "layer": getattr(found, "layer", None),
        "unit": getattr(found, "unit", None),
        **_explained(found),
        "layers": [
            {"number": number, "layer": name, "output": list(shape)}
            for number, name, shape in layers
        ],
        "figure": options.file,
        "figure_bytes": len(packed.getvalue()),
    }


def _explained(found: Any) -> dict[str, Any]:
    """Return the class or output that is explained, h of it, and its probability."""
    if not hasattr(found, "target"):
        return {"output": None, "h": None, "probability": None}
    probability = getattr(found, "probability", None)
    if getattr(found, "of_probability", False):
        probability = found.whole
    h = getattr(found, "score", None)
    return {"output": found.name, "h": h, "probability": probability}


def _filters(model: Any, images: Any, options: InspectOptions) -> Any:
    from lamina.insight import filters

    return filters(model, options.layer)


def _maximise(model: Any, images: Any, options: InspectOptions) -> Any:
    from lamina.insight import maximising_input

    layer = -1 if options.layer is None else options.layer
    unit = options.unit if options.target is None else options.target
    if options.target is not None and (options.unit is not None or layer != -1):
        raise ValueError("--target names a class; leave out --unit and --layer")
    return maximising_input(model, layer, unit)


def _maps(model: Any, images: Any, options: InspectOptions) -> Any:
    from lamina.insight import feature_maps

    return feature_maps(model, images.X[:1][0], _layer(model, options))


def _patches(model: Any, images: Any, options: InspectOptions) -> Any:
    from lamina.insight import top_patches

    layer = _layer(model, options)
    if options.unit is None:
        raise ValueError(f"--what patches needs --unit, of layer {layer} the number")
    return top_patches(model, images.X, layer, options.unit, k=16)


def _deconvolution(model: Any, images: Any, options: InspectOptions) -> Any:
    from lamina.insight import deconvolution

    layer, rule = _layer(model, options), options.method or "deconvnet"
    return deconvolution(model, images.X[:1][0], layer, options.unit, rule=rule)


def _saliency(model: Any, images: Any, options: InspectOptions) -> Any:
    from lamina.insight import saliency

    method = options.method or "gradient"
    return saliency(model, images.X[:1][0], options.target, method)


def _occlusion(model: Any, images: Any, options: InspectOptions) -> Any:
    from lamina.insight import occlusion

    return occlusion(model, images.X[:1][0], target=options.target)


SHOW: dict[str, Callable[[Any, Any, InspectOptions], Any]] = {
    "filters": _filters,
    "maximise": _maximise,
    "maps": _maps,
    "patches": _patches,
    "deconvolution": _deconvolution,
    "saliency": _saliency,
    "occlusion": _occlusion,
}


def _layer(model: Any, options: InspectOptions) -> int:
    """Return the layer that is asked for, or else the last convolution."""
    from lamina.insight import layers

    if options.layer is not None:
        return options.layer
    convolutions = [number for number, name, _ in layers(model) if name == "Conv"]
    if not convolutions:
        raise ValueError("the network has no Conv layer: --layer says which one to see")
    return convolutions[-1]
