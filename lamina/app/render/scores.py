"""Tables of scores, as text."""

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
    "bound": "bound on log likelihood, up to a constant",
    "same_label": "1-NN accuracy in latent space",
}
"""Names of scores where the key is not clear enough."""

SHARES = ("accuracy", "balanced_accuracy", "same_label")
"""Scores that are shown as a percentage."""

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
    """Return a score as text; a dash if it is unknown."""
    if value is None or value != value:
        return "–"
    return f"{value:.1%}" if name in SHARES else f"{value:.4g}"


@show_part.register
def _(part: Coverage, page: Page) -> None:
    if part.coverage is not None:
        share = f"{part.coverage:.0%}".replace("%", " %")
        page.line(
            "Coverage", f"80 % prediction interval covered {share} of actual values"
        )
