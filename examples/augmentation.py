"""Data augmentation: random changes of the images in every training step.

Run it with

    python examples/augmentation.py [FILE.png]

It trains on 225 digits with and without augmentation, prints the test accuracy, and
plots augmented images if a file is given.
"""

import sys
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from lamina import Augment, ConvNetClassifier, data
from lamina.networks import Key

KINDS = {
    "shift=0.2": Augment(shift=0.2),
    "rotate=30": Augment(rotate=30),
    "scale=0.4": Augment(scale=0.4),
    "flip=0.5": Augment(flip=0.5),
    "noise=2": Augment(noise=2.0),
    "cutout=0.4": Augment(cutout=0.4),
    "contrast=0.8": Augment(contrast=0.8),
}


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 8, 8) and labels."""
    found = data.load("digits")
    return found.X.reshape(-1, 8, 8), found.y


def scores() -> dict[str, float]:
    """Train on every eighth digit, with and without, and test on the others."""
    X, y = digits()
    few = np.arange(len(y)) % 8 == 0
    found = {}
    for name, augmentation in {"plain": None, "augmented": "default"}.items():
        model = ConvNetClassifier(
            augmentation=augmentation, max_iter=80, tol=0, random_state=0
        )
        found[name] = model.fit(X[few], y[few]).score(X[~few], y[~few])
    return found


def draw():
    """Return a figure: one image per row, and eight augmented versions of it."""
    from matplotlib.figure import Figure

    images = digits()[0].astype(np.float32)
    figure = Figure(figsize=(9, 8), layout="constrained")
    grid = figure.subplots(len(KINDS), 9)
    for i, (axes, (name, layer)) in enumerate(zip(grid, KINDS.items(), strict=True)):
        same = np.repeat(images[i + 1][None, :, :, None], 8, axis=0)
        changed = layer({}, same, key=Key(0).device())
        for axis, shown in zip(axes, [same[0], *np.asarray(changed)], strict=True):
            axis.imshow(shown[..., 0], cmap="gray", vmin=0, vmax=16)
            axis.set(xticks=[], yticks=[])
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=12)
    grid[0, 0].set_title("original", fontsize=12)
    grid[0, 4].set_title("augmented, in eight training steps", fontsize=12)
    return figure


def main() -> None:
    """Print both scores, and plot the images if a file is given."""
    for name, score in scores().items():
        print(f"{name}: test accuracy {score:.1%} (1,572 digits)")
    if len(sys.argv) > 1:
        draw().savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    main()
