"""Two numbers a digit of MNIST: a deep autoencoder's codes beside PCA's.

Deck 003's network, 784-1000-500-250-2 and its mirror, learns from the first 10,000
images, from random weights. What it makes of the codes of the first 2,000 test
images is compared with them, and the digit of the nearest code that was learnt with
theirs. The four files are read from the folder that ``--data`` names; this repository
has none of them.
"""

from typing import Any

import numpy as np

from benchmarks.mnist_accuracy import read_pair
from benchmarks.options import Options
from benchmarks.report import RESULTS, Claim, Report, Row, Table

ENCODER = (1000, 500, 250, 2)
LEARNT, TRIED = 10_000, 2_000
SETTINGS = {
    "init": "he",
    "batch_size": 50,
    "max_iter": 60,
    "schedule": "cosine",
    "random_state": 0,
}
ERRORS, SHARES = 0.75, 0.2
"""At most so many times PCA's error, and at least so much more of the digits."""


def run(options: Options) -> Report:
    """Learn codes in both ways, and compare them."""
    X, y = read_pair(options.mnist, "train")
    X_new, y_new = read_pair(options.mnist, "t10k")
    known, new = (X[:LEARNT], y[:LEARNT]), (X_new[:TRIED], y_new[:TRIED])
    models = fitted(known[0], ENCODER, SETTINGS)
    tables = compared(models, known, new)
    RESULTS.mkdir(exist_ok=True)
    maps(models, *new).savefig(RESULTS / "autoencoder.png", dpi=110)
    names = "-".join(map(str, (X.shape[1], *ENCODER)))
    for table in tables:
        table.title = f"{names}, {LEARNT:,} images: {table.title}"
    return Report("autoencoder", "Two numbers a digit of MNIST", tables)


def fitted(X: np.ndarray, encoder: tuple, how: dict) -> dict[str, Any]:
    """PCA of as many components as the code has numbers, and an autoencoder."""
    from sklearn.decomposition import PCA

    from lamina import Autoencoder

    pca = PCA(encoder[-1], random_state=0).fit(X)
    return {"PCA": pca, "Autoencoder": Autoencoder(encoder, **how).fit(X)}


def compared(models: dict[str, Any], known: tuple, new: tuple) -> list[Table]:
    """Errors and shares of digits of both, PCA first, and what is claimed."""
    errors = {name: error(model, new[0]) for name, model in models.items()}
    shares = {name: nearest(model, known, new) for name, model in models.items()}
    ratio = errors["Autoencoder"] / errors["PCA"]
    gain = shares["Autoencoder"] - shares["PCA"]
    return [
        Table(
            "what is made of two numbers",
            "mean squared error",
            [Row(name, value) for name, value in errors.items()],
            [Claim("error ÷ PCA's", ratio, ERRORS, False)],
        ),
        Table(
            "the nearest code is the same digit's",
            "share",
            [Row(name, value) for name, value in shares.items()],
            [Claim("more than PCA's by", gain, SHARES)],
        ),
    ]


def error(model: Any, X: np.ndarray) -> float:
    """Mean squared difference of X and what is made of its codes."""
    made = model.inverse_transform(model.transform(X))
    return float(np.mean((X - made) ** 2, dtype=np.float64))


def nearest(model: Any, known: tuple, new: tuple) -> float:
    """How often the nearest known code is that of the same digit."""
    from sklearn.neighbors import KNeighborsClassifier

    judge = KNeighborsClassifier(1).fit(model.transform(known[0]), known[1])
    return float(judge.score(model.transform(new[0]), new[1]))


def maps(models: dict[str, Any], X: np.ndarray, y: np.ndarray) -> Any:
    """A figure of the codes of the same images by each model, coloured by digit.

    Few codes lie far out and most close together: axes are linear in the middle half of
    them, and logarithmic beyond (asinh).
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6), layout="constrained")
    colours = colormaps["tab10"]
    axes: Any = figure.subplots(1, len(models))
    for axis, (name, model) in zip(axes, models.items(), strict=True):
        codes = model.transform(X)
        low, middle, high = np.quantile(codes, (0.25, 0.5, 0.75), axis=0)
        codes = np.arcsinh(4 * (codes - middle) / (high - low))
        for digit in range(10):
            points = codes[y == digit]
            axis.scatter(*points.T, s=8, color=[colours(digit)], lw=0, label=digit)
        axis.set_title(name, fontsize=15)
        axis.set(xticks=[], yticks=[])
    where: Any = "outside right center"
    figure.legend(*axes[0].get_legend_handles_labels(), loc=where, markerscale=3)
    return figure
