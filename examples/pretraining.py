"""Plain gradient descent trains a deep logistic network after pre-training only.

Five layers of logistic units let the error signal vanish: with momentum and a rate of
0.1 the network's output is the same for every input. If each layer is first trained to
model the output of the layer below it (a Boltzmann machine, an autoencoder; Bengio et
al. 2007), the same steps train it. (Adam also trains it from random weights.) Run it
with

    python examples/pretraining.py [FILE.png]

It prints the test accuracy without and with pre-training, and plots the learning curves
if a file is given.
"""

import sys
import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from lamina import SGD, MLPClassifier, data

WAYS = (None, "rbm", "autoencoder", "denoising", "supervised")
EPOCHS = 80


def fitted(pretraining: str | None) -> MLPClassifier:
    """Train five logistic layers on digits, with test data for the curves."""
    digits = data.load("digits")
    parts = train_test_split(digits.X / 16, digits.y, random_state=0)
    train, held, labels, truth = parts
    model = MLPClassifier(
        (100,) * 5,
        activation="logistic",
        solver=SGD(0.1, momentum=0.9),
        max_iter=EPOCHS,
        stopping=[],
        pretraining=pretraining,
        random_state=0,
    )
    return model.fit(train, labels, X_val=held, y_val=truth)


def draw(models: dict[str, MLPClassifier]):
    """Return a figure of the test accuracy by epoch."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot()
    colours = ("#000000", "#D55E00", "#0072B2", "#56B4E9", "#009E73")
    dashes = ("-", "-", "-", "--", "-.")
    for (name, model), colour, dash in zip(
        models.items(), colours, dashes, strict=True
    ):
        scores = model.history_["score"]
        epochs = range(1, len(scores) + 1)
        last = f"{name}, {scores[-1]:.1%}"
        axes.plot(epochs, scores, dash, color=colour, lw=2, label=last)
    axes.set(xlabel="epoch (fine-tuning)", ylabel="test accuracy", ylim=(0, 1))
    axes.set_title("Test accuracy of five logistic layers of 100 units")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(title="pre-training", frameon=False, loc="center right")
    return figure


def main() -> None:
    """Train, compare and plot."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    models = {str(way or "none"): fitted(way) for way in WAYS}
    for name, model in models.items():
        share = model.history_["score"][-1]
        print(f"pre-training {name}: test accuracy {share:.1%}")
    if len(sys.argv) > 1:
        draw(models).savefig(sys.argv[1], dpi=100)


if __name__ == "__main__":
    main()
