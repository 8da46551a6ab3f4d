"""Progress: a callback that shows a bar to a person, and writes lines to a log."""

import math
import sys
from typing import Any

from lamina.learning import Progress


class ProgressBar:
    """Live progress with loss, score, speed and time left.

    Shown on a terminal, and in a notebook by rich's own widget. Where nobody watches,
    an epoch is a line of the standard output, as in scikit-learn:
    ``Iteration 1, loss = 0.69314718``.

    Parameters
    ----------
    epochs : int
        Number of epochs at most.
    """

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> "ProgressBar":
        from rich.console import Console  # late: only who watches pays for it

        console = Console(file=sys.stderr)
        if console.is_terminal or console.is_jupyter:
            self._bar = self._make(console)
            self._task = self._bar.add_task("epoch", total=self.epochs, numbers="")
            self._bar.start()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Show an epoch."""
        if self._bar is None:
            print(line(progress), flush=True)
        else:
            numbers = describe(progress)
            self._bar.update(self._task, completed=progress.epoch, numbers=numbers)

    @staticmethod
    def _make(console: Any) -> Any:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar

        return Bar(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[numbers]}"),
            TextColumn("· at most"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )


def describe(progress: Progress) -> str:
    """Return an epoch's numbers in one line."""
    words = {"loss": "loss", "validation_loss": "validation", "score": "score"}
    numbers = [
        f"{word} {progress.record[name]:.4g}"
        for name, word in words.items()
        if name in progress.record
    ]
    return " · ".join([*numbers, f"{progress.speed:,.0f} rows/s"])


def line(progress: Progress) -> str:
    """Return an epoch as a line of a log."""
    words = {"validation_loss": "validation loss", "score": "validation score"}
    record = {"loss": math.nan} | progress.record
    numbers = [f"Iteration {progress.epoch}, loss = {record['loss']:.8f}"]
    numbers += [f"{words[k]} = {record[k]:.8f}" for k in words if k in record]
    return ", ".join(numbers)
