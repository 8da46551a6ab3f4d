"""Output files and next commands, as text."""

import shlex

from lamina.app.messages import printable
from lamina.app.render.page import Page, bytes_of
from lamina.app.render.show import said_elsewhere, show_part
from lamina.app.render.subjects import codes
from lamina.models.reports import (
    HoldoutFile,
    Inspected,
    ModelFile,
    Next,
    Sampled,
    Transformed,
    Warned,
)

show_part.register(HoldoutFile)(said_elsewhere)
show_part.register(Warned)(said_elsewhere)  # printed to standard error


@show_part.register
def _(part: ModelFile, page: Page) -> None:
    of = "" if part.estimator is None else f", {part.estimator}"
    page.line("Model", f"{printable(part.model)} ({bytes_of(part.model_bytes)}){of}")


@show_part.register
def _(part: Next, page: Page) -> None:
    if not part.is_kept:
        page.line("Next", "to keep the model: lamina fit … -o model.lamina")
        return
    for number, command in enumerate(part.commands):
        typed = shlex.join(["lamina", *command])
        page.line("" if number else "Next", printable(typed))


@show_part.register
def _(part: Transformed, page: Page) -> None:
    rows = f"{part.rows:,} {part.examples}"
    what = "scatter plot" if part.figure else codes(part.latent_dim)
    page.line("Written", f"{what} of {rows}: {printable(part.out)}")


@show_part.register
def _(part: Sampled, page: Page) -> None:
    what = "images" if part.figure else "rows"
    drawn = f"{part.samples:,} {what} after {part.steps:,} Gibbs steps each"
    page.line("Written", f"{drawn}: {printable(part.out)}")


@show_part.register
def _(part: Inspected, page: Page) -> None:
    parts = [part.what]
    parts += [] if part.layer is None else [f"layer {part.layer}"]
    parts += [] if part.unit is None else [f"unit {part.unit}"]
    parts += [] if part.output is None else [_explained(part)]
    if part.image is not None:
        several = part.what == "patches" and (part.images or 0) > 1
        parts.append(f"of {f'{part.images:,} images' if several else part.image}")
    page.line("Plot", printable(", ".join(parts)))
    layers = [
        f"{row['number']} {row['layer']} {'×'.join(map(str, row['output']))}"
        for row in part.layers
    ]
    page.line("Layers", ", ".join(layers))
    page.line("Figure", f"{printable(part.figure)} ({bytes_of(part.figure_bytes)})")


def _explained(part: Inspected) -> str:
    """Return what is explained: ``flower: logit −106 (p = 0.00)``, or ``output 0``."""
    if part.probability is None:
        return f"output {part.output}"
    p = f"p = {part.probability:.2f}"
    if part.h is None:
        return f"{part.output}: {p}"
    logit = f"{part.h:.3g}".replace("-", "−")  # a minus sign, not a hyphen
    return f"{part.output}: logit {logit} ({p})"
