"""Semantic segmentation of overlapping shapes in noise.

Run it with

    python examples/segmentation.py [FILE.png [IMAGES]]

It prints the intersection over union, and plots images, truth and predictions if a file
is given; the last image is larger than the training images. It trains on 2,000 images
by default; with 8,000, which take a minute or two, it is more accurate.
"""

import sys
import warnings

from sklearn.exceptions import ConvergenceWarning

from lamina import ConvNetSegmenter, data

CLASSES = ["circle", "triangle"]


def fitted(n_images: int) -> ConvNetSegmenter:
    """Train on circles and triangles in images of 24 × 24 pixels."""
    images, labels = data.shapes(n_images, size=24, seed=1, classes=CLASSES)
    model = ConvNetSegmenter(max_iter=10, schedule="cosine", random_state=0)
    return model.fit(images, labels)


def draw(model: ConvNetSegmenter):
    """Return a figure of images, truth and predictions."""
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    X, y = data.shapes(4, size=24, seed=2, classes=CLASSES)
    large, truth = data.shapes(1, size=48, seed=5, classes=CLASSES)
    pairs = [*zip(X, y, strict=True), (large[0], truth[0])]
    colours = ListedColormap(["#222222", "#E69F00", "#56B4E9"])
    figure = Figure(figsize=(10, 6), layout="constrained")
    grid = figure.subplots(3, len(pairs))
    for column, (image, labels) in enumerate(pairs):
        found = model.predict(image[None])[0]
        grid[0, column].imshow(image[..., 0], cmap="gray")
        grid[0, column].set_title(f"{image.shape[0]} × {image.shape[1]}", fontsize=12)
        for row, shown in ((1, labels), (2, found)):
            grid[row, column].imshow(shown, cmap=colours, vmin=0, vmax=2)
    for axes, name in zip(grid, ("image", "truth", "prediction"), strict=True):
        axes[0].set_ylabel(name, fontsize=13)
        for axis in axes:
            axis.set(xticks=[], yticks=[])
    return figure


def main() -> None:
    """Print the intersection over union of each class, and plot if a file is given."""
    model = fitted(int(sys.argv[2]) if len(sys.argv) > 2 else 2000)
    X, y = data.shapes(200, size=24, seed=2, classes=CLASSES)
    names = ["background", *CLASSES]
    for name, share in zip(names, model.iou(X, y), strict=True):
        print(f"{name}: intersection over union {share:.1%}")
    print(f"mean: {model.score(X, y):.1%}")
    if len(sys.argv) > 1:
        draw(model).savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    main()
