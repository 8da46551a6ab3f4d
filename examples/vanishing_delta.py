"""Logistic layers make the error signal vanish, as ``diagnostics_`` shows.

σ′ is at most ¼, so each logistic layer passes on at most about a quarter of δ, the
derivative of the loss with respect to its pre-activation. With ten such layers nothing
is left for the lowest ones to learn from; ReLU layers preserve δ. Run it with

    python examples/vanishing_delta.py [FILE.png]

It prints the error signal of each layer and lamina's advice, and plots it if a file is
given.
"""

import sys
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from lamina import SGD, MLPClassifier, data

HIDDEN = (50,) * 9


def fitted(activation: str, rate: float) -> MLPClassifier:
    """Train ten layers on the digits."""
    digits = data.load("digits")
    model = MLPClassifier(
        HIDDEN,
        activation=activation,
        solver=SGD(rate, momentum=0.9),
        batch_size=32,
        max_iter=20,
        random_state=0,
    )
    return model.fit(digits.X / 16, digits.y)


def deltas(model: MLPClassifier) -> np.ndarray:
    """Return δ (records, layers), the root mean square of its norm over examples."""
    return np.reshape(model.diagnostics_["delta"], (-1, len(HIDDEN) + 1))


def draw(models: dict[str, MLPClassifier]):
    """Return a figure of δ in every layer before training."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    layers = np.arange(1, len(HIDDEN) + 2)
    looks = {"logistic": ("#D55E00", "o-"), "relu": ("#0072B2", "s-")}
    for name, model in models.items():
        colour, style = looks[name]
        delta = deltas(model)[0]
        axes.plot(layers, delta, style, color=colour, lw=2, ms=8)
        axes.annotate(
            f"{name}: accuracy {model.score(*known()):.0%} after training",
            (layers[1], delta[1]),
            xytext=(14, -16) if name == "logistic" else (0, -24),
            textcoords="offset points",
            color=colour,
            fontsize=12,
        )
    top = deltas(models["logistic"])[0][-1]
    axes.plot(layers, top / 4.0 ** (len(layers) - layers), ":", color="0.4", lw=1.5)
    axes.annotate(
        "¼ per layer",
        (layers[4], top / 4.0**5),
        xytext=(-64, 8),
        textcoords="offset points",
        color="0.3",
        fontsize=12,
    )
    axes.set(yscale="log", xticks=layers)
    axes.set_xlabel("layer (1 is next to the inputs, 10 is the output)", fontsize=13)
    axes.set_ylabel("gradient norm ‖δ‖", fontsize=13)
    axes.set_title("Ten layers, before training: logistic units lose δ", fontsize=14)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def known() -> tuple[np.ndarray, np.ndarray]:
    """Return the training digits."""
    digits = data.load("digits")
    return digits.X / 16, digits.y


def main() -> None:
    """Train both networks, print δ, and plot it if a file is given."""
    models = {"logistic": fitted("logistic", 0.1), "relu": fitted("relu", 0.01)}
    for name, model in models.items():
        delta = deltas(model)[0]
        factors = delta[:-1] / delta[1:]
        print(f"{name}: accuracy {model.score(*known()):.0%}; before training")
        print("  δ, layers 1 to 10:   ", " ".join(f"{d:.1e}" for d in delta))
        print(f"  factor per layer:     {factors.min():.2f} to {factors.max():.2f}")
        print(f"  advice: {model.diagnosis_ or 'none'}")
    if len(sys.argv) > 1:
        draw(models).savefig(sys.argv[1], dpi=120)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    main()
