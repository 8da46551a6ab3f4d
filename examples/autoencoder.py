"""A 2-D embedding of digits by an autoencoder, compared with PCA.

PCA finds the plane of largest variance; a deep autoencoder finds a curved surface. Both
are trained without labels. Run it with

    python examples/autoencoder.py [FILE.png]

It prints the reconstruction error and the 1-nearest-neighbour accuracy in the
embedding, both on test data, and plots the test digits if a file is given.
"""

import sys
import warnings
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import KNeighborsClassifier

from lamina import Autoencoder, data

LEARNT = 1347
COLOURS = [
    "#4E79A7",
    "#F28E2B",
    "#E15759",
    "#76B7B2",
    "#59A14F",
    "#B6992D",
    "#B07AA1",
    "#FF7FA7",
    "#9C755F",
    "#79706E",
]


def fitted(X: np.ndarray) -> dict[str, Any]:
    """Fit both 2-D embeddings."""
    deep = Autoencoder(
        (128, 64, 32, 2),
        init="he",
        learning_rate_init=0.002,
        batch_size=50,
        max_iter=200,
        schedule="cosine",
        random_state=0,
    )
    return {"PCA": PCA(2).fit(X), "autoencoder": deep.fit(X)}


def error(model: Any, X: np.ndarray) -> float:
    """Return the mean squared reconstruction error of X."""
    return float(np.mean((X - model.inverse_transform(model.transform(X))) ** 2))


def nearest(model: Any, known: tuple, new: tuple) -> float:
    """Return the 1-nearest-neighbour accuracy in the embedding."""
    (X, y), (X_new, y_new) = known, new
    judge = KNeighborsClassifier(1).fit(model.transform(X), y)
    return float(judge.score(model.transform(X_new), y_new))


def draw(models: dict[str, Any], shares: list[float], X: np.ndarray, y: np.ndarray):
    """Return a figure: the embeddings, and reconstructed digits."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 8), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=[2.2, 1])
    halves = zip(parts[0].subplots(1, 2), models.items(), shares, strict=True)
    for axes, (name, model), share in halves:
        codes = model.transform(X)
        for digit, colour in enumerate(COLOURS):
            own = codes[y == digit]
            axes.plot(*own.T, "o", color=colour, ms=5, alpha=0.75, mew=0)
        for digit, colour in enumerate(COLOURS):
            box = {"fc": "white", "ec": colour, "alpha": 0.9, "boxstyle": "circle"}
            at = np.median(codes[y == digit], axis=0)
            axes.text(*at, str(digit), fontsize=12, ha="center", va="center", bbox=box)
        axes.set_title(f"{name}: 1-NN accuracy {share:.0%}", fontsize=14)
        axes.set(xticks=[], yticks=[])
    chosen = [int(np.flatnonzero(y == digit)[0]) for digit in range(10)]
    rows = {"digit": X[chosen]}
    for name, model in models.items():
        rows[name] = model.inverse_transform(model.transform(X[chosen]))
    grid = parts[1].subplots(len(rows), len(chosen))
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        for axes, image in zip(line, images, strict=True):
            axes.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=13)
    return figure


def main() -> None:
    """Print the scores of both embeddings, and plot them if a file is given."""
    digits = data.load("digits")
    order = np.random.default_rng(0).permutation(len(digits.y))
    X, y = digits.X[order] / 16, digits.y[order]
    known, new = (X[:LEARNT], y[:LEARNT]), (X[LEARNT:], y[LEARNT:])
    models = fitted(known[0])
    shares = [nearest(model, known, new) for model in models.values()]
    for (name, model), share in zip(models.items(), shares, strict=True):
        made = error(model, new[0])
        print(f"{name:11}: squared error {made:.4f}, 1-NN accuracy {share:.1%}")
    if len(sys.argv) > 1:
        draw(models, shares, *new).savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    main()
