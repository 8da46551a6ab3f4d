"""A Boltzmann machine learns a model of digits, and generates new ones.

The grid shows Gibbs chains that start at noise, after increasing numbers of steps. The
hidden units are also features: digits shifted by one pixel are hard for a linear
classifier, and easier on top of an RBM. Run it with

    python examples/rbm_digits.py [FILE.png]

It prints the test accuracy with and without the RBM, and plots receptive fields and
samples if a file is given.
"""

import sys
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from lamina import BernoulliRBM, data

STEPS = (1, 10, 100, 1000)
ACROSS = 10
MOVES = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))


def moved(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each digit five times: unchanged, and shifted by a pixel each way."""
    images = X.reshape(-1, 8, 8)
    parts = []
    for down, right in MOVES:
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
        parts.append(padded[:, 1 - down : 9 - down, 1 - right : 9 - right])
    return np.concatenate(parts).reshape(-1, 64), np.tile(y, len(MOVES))


def draw(model: BernoulliRBM):
    """Return a figure: receptive fields, and samples after increasing steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 5.6), layout="constrained")
    parts: Any = figure.subfigures(1, 2)
    left, right = parts
    left.suptitle("Weights of the hidden units, each on its own scale", fontsize=14)
    fields = zip(left.subplots(10, 10).flat, model.components_, strict=True)
    for axis, weights in fields:
        most = np.abs(weights).max()
        axis.imshow(weights.reshape(8, 8), cmap="RdBu_r", vmin=-most, vmax=most)
        axis.set_axis_off()
    right.suptitle("Samples from noise, by number of Gibbs steps", fontsize=14)
    noise = np.random.default_rng(0).random((ACROSS, 64)).round()
    found = [model.gibbs(noise, n, mean=True, random_state=1) for n in STEPS]
    rows = right.subplots(len(STEPS) + 1, ACROSS)
    for row, n, images in zip(rows, (0, *STEPS), [noise, *found], strict=True):
        for axis, pixels in zip(row, images, strict=True):
            axis.imshow(pixels.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        how = {"rotation": 0, "labelpad": 24, "va": "center", "fontsize": 13}
        row[0].set_ylabel(f"{n:,}", **how)
    return figure


def main() -> None:
    """Train, compare and plot."""
    digits = data.load("digits")
    # Split first: a shifted copy of a training digit must not be in the test set.
    parts = train_test_split(digits.X / 16, digits.y, test_size=0.2, random_state=0)
    train, labels = moved(parts[0], parts[2])
    test, truth = moved(parts[1], parts[3])
    machine = BernoulliRBM(100, learning_rate=0.06, n_iter=30, random_state=0)
    line = LogisticRegression(max_iter=500)
    pixels = line.fit(train, labels).score(test, truth)
    both = make_pipeline(machine, line).fit(train, labels)
    print(f"pixels, logistic regression: {pixels:.3f}")
    print(f"RBM of 100 units, logistic regression: {both.score(test, truth):.3f}")
    if len(sys.argv) > 1:
        draw(both[0]).savefig(sys.argv[1], dpi=100)


if __name__ == "__main__":
    main()
