"""Scores beside each other, as a person reads them."""

from lamina.app.messages import printable
from lamina.app.render.page import Page, cell, empty_table
from lamina.app.render.show import said_elsewhere, show_part
from lamina.models.reports import Backtest, Coverage, Scores

NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log loss",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "mase": "MASE",
    "reconstruction_error": "reconstruction error",
    "pseudo_likelihood": "pseudo-likelihood",
    "log_likelihood": "log likelihood",
    "free_energy": "free energy",
    "bound": "bound on log likelihood, less a constant",
    "same_label": "nearest code has the same label",
}
"""What scores are called where their name does not say it."""

SHARES = ("accuracy", "balanced_accuracy", "same_label")
"""Scores that are written as per cent."""

show_part.register(Backtest)(said_elsewhere)


@show_part.register
def _(part: Scores, page: Page) -> None:
    first = part.columns[0].scores
    if first is None:
        return
    heads = (f">{column.heading}" for column in part.columns)
    table = empty_table(printable(part.title), *heads)
    for name in first:
        values = ((column.scores or {}).get(name) for column in part.columns)
        written = (score(name, value) for value in values)
        table.add_row(cell(NAMES.get(name, name.replace("_", " "))), *written)
    page.table(table)


def score(name: str, value: float | None) -> str:
    """Return a score as it is written; a dash if it is unknown."""
    if value is None or value != value:
        return "–"
    return f"{value:.1%}" if name in SHARES else f"{value:.4g}"


@show_part.register
def _(part: Coverage, page: Page) -> None:
    if part.coverage is not None:
        inside = f"{part.coverage:.0%} of the numbers lay within bounds for 80 %"
        page.line("Bounds", inside)
