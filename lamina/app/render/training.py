"""Networks and their training, as text."""

from lamina.app.messages import printable
from lamina.app.render.page import Page
from lamina.app.render.show import said_elsewhere, show_part
from lamina.models.reports import (
    Compiled,
    Diagnosis,
    Ended,
    NetworkSize,
    Notes,
    Run,
    Training,
)

STOPPED = {
    "finished": "all epochs done",
    "stopped": "stopping criterion met",
    "diverged": "diverged, best weights so far kept",
    "interrupted": "interrupted, best weights so far kept",
}

show_part.register(Compiled)(said_elsewhere)


@show_part.register
def _(part: NetworkSize, page: Page) -> None:
    each = "" if part.n_estimators is None else " each"
    count = ""
    if part.parameters is not None:
        count = f" ({part.parameters:,} parameters{each})"
    members = "" if part.n_estimators is None else f"{part.n_estimators} networks: "
    learner = f"{part.learner}: " if part.learner else ""
    page.line("Network", f"{learner}{members}{part.network}{count}")


@show_part.register
def _(part: Training, page: Page) -> None:
    seconds = "" if part.seconds is None else f" in {part.seconds:.1f} s"
    is_last = part.best_epoch in (None, part.epochs)
    best = "" if is_last else f" (best: {part.best_epoch})"
    epochs = f"{part.epochs} epoch{'s' * (part.epochs != 1)}"
    page.line("Training", f"{epochs}{seconds}; {_end(part)}{best}")


def _end(part: Training) -> str:
    """Return why training ended."""
    if part.stop_reason != "stopped" or part.patience is None:
        return STOPPED.get(part.stop_reason, part.stop_reason)
    since = part.epochs - (part.best_epoch or part.epochs)
    change = (
        "did not improve" if since >= part.patience else "improved by less than tol"
    )
    return f"stopped early: {part.watched} {change} for {part.patience:g} epochs"


@show_part.register
def _(part: Ended, page: Page) -> None:
    page.line("Training", f"{part.seconds:.1f} s")


@show_part.register
def _(part: Run, page: Page) -> None:
    if part.checkpoint is None:
        return
    epoch = part.resumed_from
    began = f"resumed after epoch {epoch}" if epoch else "new"
    if epoch == part.epochs:
        began = f"had already finished after epoch {epoch}"
    if part.stop_reason == "interrupted":
        began += "; rerun the command to resume"
    page.line("Run", f"checkpoint {printable(part.checkpoint)}: {began}")


@show_part.register
def _(part: Notes, page: Page) -> None:
    page.notes(part.notes)


@show_part.register
def _(part: Diagnosis, page: Page) -> None:
    if part.diagnosis:
        page.line("Advice", printable(part.diagnosis))
