"""Networks and their training, as a person reads them."""

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
    "stopped": "no improvement for long",
    "diverged": "diverged; the best weights known are kept",
    "interrupted": "interrupted; the best network so far is kept",
}

show_part.register(Compiled)(said_elsewhere)


@show_part.register
def _(part: NetworkSize, page: Page) -> None:
    count = "" if part.parameters is None else f" ({part.parameters:,} parameters)"
    members = "" if part.n_estimators is None else f"{part.n_estimators} × "
    learner = f"{part.learner}: " if part.learner else ""
    page.line("Network", f"{learner}{members}{part.network}{count}")


@show_part.register
def _(part: Training, page: Page) -> None:
    seconds = "" if part.seconds is None else f" in {part.seconds:.1f} s"
    is_last = part.best_epoch in (None, part.epochs)
    best = "" if is_last else f", best epoch {part.best_epoch}"
    why = STOPPED.get(part.stop_reason, part.stop_reason)
    page.line("Training", f"{part.epochs} epochs{seconds}{best} ({why})")


@show_part.register
def _(part: Ended, page: Page) -> None:
    page.line("Training", f"{part.seconds:.1f} s")


@show_part.register
def _(part: Run, page: Page) -> None:
    if part.checkpoint is None:
        return
    epoch = part.resumed_from
    began = f"went on from epoch {epoch}" if epoch else "begun anew"
    if epoch == part.epochs:
        began = f"had ended before, with epoch {epoch}"
    if part.stop_reason == "interrupted":
        began += "; the same command again goes on"
    page.line("Run", f"{printable(part.checkpoint)}: {began}")


@show_part.register
def _(part: Notes, page: Page) -> None:
    page.notes(part.notes)


@show_part.register
def _(part: Diagnosis, page: Page) -> None:
    if part.diagnosis:
        page.line("Advice", printable(part.diagnosis))
