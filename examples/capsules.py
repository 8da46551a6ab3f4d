"""A capsule network classifies digits and reconstructs them.

Run it with

    python examples/capsules.py [FILE.png]

It prints the test accuracy. If a file is given, it plots digits reconstructed from the
vector of the longest capsule.
"""

import sys
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from lamina import CapsNetClassifier, data


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 8, 8) and labels."""
    found = data.load("digits")
    return found.X.reshape(-1, 8, 8), found.y


def fitted() -> CapsNetClassifier:
    """Train on every other digit."""
    X, y = digits()
    model = CapsNetClassifier(
        max_iter=25,
        decoder=(128,),
        reconstruction=0.2,
        learning_rate_init=0.003,
        random_state=0,
    )
    return model.fit(X[::2], y[::2])


def draw(model: CapsNetClassifier):
    """Return a figure of test digits and their reconstructions."""
    from matplotlib.figure import Figure

    X, y = digits()
    shown = [int(np.flatnonzero(y[1::2] == k)[3]) * 2 + 1 for k in range(10)]
    figure = Figure(figsize=(10, 2.6), layout="constrained")
    grid = figure.subplots(2, 10)
    rows = {"digit": X[shown], "reconstruction": model.reconstruct(X[shown])[..., 0]}
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        for axis, image in zip(axes, images, strict=True):
            axis.imshow(image, cmap="gray", vmin=0, vmax=16)
            axis.set(xticks=[], yticks=[])
        axes[0].set_ylabel(name, fontsize=11)
    return figure


def main() -> None:
    """Print the test accuracy, and how well test digits are reconstructed."""
    model = fitted()
    X, y = digits()
    unseen = X[1::2]
    print(f"test accuracy {model.score(unseen, y[1::2]):.1%}")
    rest = np.mean((model.reconstruct(unseen)[..., 0] - unseen) ** 2)
    print(f"variance of the pixels explained: {1 - rest / unseen.var():.0%}")
    if len(sys.argv) > 1:
        draw(model).savefig(sys.argv[1], dpi=240)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    main()
