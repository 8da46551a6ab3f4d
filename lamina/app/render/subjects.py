"""Data, targets and splits, as text."""

from lamina.app.messages import printable
from lamina.app.render.page import Page
from lamina.app.render.show import show_part
from lamina.models.reports import (
    Encoding,
    Forecasting,
    Inputs,
    Predicted,
    Prediction,
    Split,
    Trial,
)

MOST_CLASSES = 12


@show_part.register
def _(part: Inputs, page: Page) -> None:
    """Show nothing: the number of examples is part of the data line."""


@show_part.register
def _(part: Prediction, page: Page) -> None:
    target = printable(", ".join(part.target))
    rows = f"{part.rows:,} {part.inputs.examples}"
    summary = f"{rows}; {part.inputs.size} → {target} ({part.task})"
    page.line("Data", f"{printable(part.data)}: {summary}")


@show_part.register
def _(part: Predicted, page: Page) -> None:
    target = printable(", ".join(part.target))
    page.line("Predicts", f"{target} ({part.task})")
    if part.inputs.images or part.inputs.sequences:
        page.line(part.inputs.examples.capitalize(), part.inputs.size)
    if part.classes:
        shown = ", ".join(map(str, part.classes[:MOST_CLASSES]))
        more = ", …" if len(part.classes) > MOST_CLASSES else ""
        page.line("Classes", printable(f"{len(part.classes)}: {shown}{more}"))


@show_part.register
def _(part: Split, page: Page) -> None:
    sizes = {
        "training": part.trained_on - part.validation,
        "validation": part.validation,
        "test": part.held_out,
    }
    counts = (f"{name} {count:,}" for name, count in sizes.items() if count)
    page.line("Split", f"{' · '.join(counts)} {part.examples}")


@show_part.register
def _(part: Encoding, page: Page) -> None:
    names = printable(", ".join(part.target))
    left_out = f" (without {names})" if names else ""
    count = codes(part.latent_dim)
    if part.data is None:
        page.line("Learns", f"{part.inputs.size}{left_out} → {count}")
        return
    rows = f"{part.rows:,} {part.inputs.examples}"
    summary = f"{rows}; {part.inputs.size}{left_out} → {count}"
    page.line("Data", f"{printable(part.data)}: {summary}")


def codes(count: int) -> str:
    """Return the number of latent dimensions, in words."""
    return f"{count:,} latent dimension{'s' * (count != 1)}"


@show_part.register
def _(part: Forecasting, page: Page) -> None:
    target = printable(", ".join(part.target))
    next_steps = f"the next {part.horizon} steps of {target}"
    if part.data is None:
        seasonal_period = (
            f", seasonal period {part.seasonal_period}"
            if part.seasonal_period > 1
            else ""
        )
        page.line("Predicts", f"{next_steps}{seasonal_period}")
        return
    several = f"{part.series:,} series of up to " if part.series > 1 else ""
    by = f" by {printable(part.time)}" if part.time else ""
    seasonal_period = (
        f"seasonal period {part.seasonal_period}"
        if part.seasonal_period > 1
        else "no seasonality"
    )
    steps = f"{several}{part.rows:,} steps{by}, {seasonal_period}"
    page.line("Data", f"{printable(part.data)}: {steps}")
    page.line("Forecasts", next_steps)


@show_part.register
def _(part: Trial, page: Page) -> None:
    more = f"; skipped {part.skipped:,} {part.lost}" if part.skipped else ""
    page.line("Model", printable(part.model))
    rows = f"{part.rows:,} {part.examples}"
    page.line("Data", f"{printable(part.data)}: {rows}{more}")
