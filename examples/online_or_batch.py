"""Online learning needs fewer epochs than batch learning.

The same network is trained on the same data three times: with a step after every
example, after every 32, and after all. Each way gets its best rate from a grid that
reaches from too low to too high. Run it with

    python examples/online_or_batch.py [FILE.png]

It prints how many epochs each way needs, and plots the loss if a file is given.
"""

import sys
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from lamina import SGD, MLPClassifier, data

EPOCHS = 150
GOAL = 0.01
RATES = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]
SIZES = {
    "online (1 example per step)": 1,
    "mini-batches of 32": 32,
    "batch (all 569)": 569,
}


class Run(NamedTuple):
    """Training with one batch size and its best learning rate."""

    name: str
    rate: float
    losses: list[float]

    @property
    def epochs(self) -> int | None:
        """The first epoch from which on the mean loss stays below the goal."""
        above = np.flatnonzero(np.array(self.losses) >= GOAL)
        last = int(above[-1]) + 1 if len(above) else 0
        return last + 1 if last < len(self.losses) else None


def standardised() -> tuple[np.ndarray, np.ndarray]:
    """Return the breast cancer data with columns of mean 0 and variance 1."""
    cancer = data.load("breast_cancer")
    return (cancer.X - cancer.X.mean(axis=0)) / cancer.X.std(axis=0), cancer.y


def learn(batch_size: int, rate: float) -> list[float]:
    """Return the mean loss of each epoch."""
    X, y = standardised()
    model = MLPClassifier(
        (16,),
        activation="tanh",
        solver=SGD(rate),
        batch_size=batch_size,
        alpha=0,
        max_iter=EPOCHS,
        tol=0,
        n_iter_no_change=EPOCHS,
        random_state=0,
    )
    return model.fit(X, y).history_["loss"]


def best(name: str, batch_size: int) -> Run:
    """Return the run that stays below the goal from the earliest epoch on."""
    runs = [Run(name, rate, learn(batch_size, rate)) for rate in RATES]
    whole = [run for run in runs if len(run.losses) == EPOCHS]  # did not diverge
    return min(whole or runs, key=lambda run: run.epochs or EPOCHS + 1)


def draw(runs: list[Run]):
    """Return a figure of the losses over the epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    looks = [
        ("#0072B2", "-", (10, 7), "left"),
        ("#B35900", "--", (-8, -18), "right"),
        ("#000000", ":", (4, 9), "left"),
    ]
    for run, (colour, dash, offset, side) in zip(runs, looks, strict=True):
        epochs = np.arange(1, len(run.losses) + 1)
        label = f"{run.name}, η = {run.rate:g}"
        axes.plot(epochs, run.losses, dash, color=colour, lw=2.2, label=label)
        if run.epochs:
            place = run.epochs, run.losses[run.epochs - 1]
            axes.plot(*place, "o", color=colour, ms=8)
            axes.annotate(
                f"{run.epochs} epochs",
                place,
                xytext=offset,
                textcoords="offset points",
                ha=side,
                color=colour,
                fontsize=12,
            )
    axes.axhline(GOAL, color="0.6", lw=1)
    axes.text(1.1, GOAL * 1.1, f"goal: {GOAL} nats", color="0.35", fontsize=11)
    axes.set(xscale="log", yscale="log", xlim=(1, 1.4 * EPOCHS))
    axes.set_xlabel("epochs (passes over the 569 examples)", fontsize=13)
    axes.set_ylabel("training loss (cross entropy, nats per example)", fontsize=13)
    axes.set_title(
        "Online learning needs fewer epochs than batch learning", fontsize=14
    )
    axes.legend(fontsize=12, frameon=False, loc="lower left")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Train in three ways, print the results, and plot them if a file is given."""
    runs = [best(name, size) for name, size in SIZES.items()]
    for run in runs:
        needed = run.epochs or f"more than {EPOCHS}"
        print(f"{run.name:26} best rate {run.rate:<6g} {needed} epochs to {GOAL} nats")
    if len(sys.argv) > 1:
        draw(runs).savefig(sys.argv[1], dpi=120)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    main()
