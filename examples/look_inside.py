"""Look inside a convolutional network that classifies digits.

Filters, inputs that maximise each output, the patches that activate a unit most, and,
for one digit, saliency, integrated gradients, occlusion and deconvolution. Run it with

    python examples/look_inside.py [FILE.png]

It prints a few numbers, and plots everything if a file is given.
"""

import sys
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from lamina import Conv, ConvNetClassifier, Dense, MaxPool, data, insight
from lamina.insight import plotting

LAYERS = [Conv(10, 3, padding="same"), MaxPool(2), Conv(16, 3), Dense(32)]
UNIT, DIGIT = 5, 1503


def fitted(images: np.ndarray, labels: np.ndarray) -> ConvNetClassifier:
    """Train on all digits but the last 297."""
    model = ConvNetClassifier(LAYERS, batch_size=64, max_iter=25, random_state=0)
    return model.fit(images[:1500], labels[:1500])


def looks(model: ConvNetClassifier, images: np.ndarray) -> dict:
    """Return all visualisations."""
    image = images[DIGIT]
    last = max(i for i, name, _ in insight.layers(model) if name == "Conv")
    return {
        "filters": insight.filters(model),
        "liked": insight.maximising_input(model, tv=3.0),
        "patches": insight.top_patches(model, images, last, UNIT, k=9),
        "liked by the unit": insight.maximising_input(model, last, UNIT),
        "gradient": insight.saliency(model, image),
        "smooth": insight.saliency(model, image, method="smooth"),
        "integrated": insight.saliency(model, image, method="integrated", steps=256),
        "occlusion": insight.occlusion(model, image, size=3, stride=1),
        "deconvnet": insight.deconvolution(model, image, last),
        "guided": insight.deconvolution(model, image, last, rule="guided"),
        "maps": insight.feature_maps(model, image, 1),
    }


def tell(model: ConvNetClassifier, images: np.ndarray, seen: dict) -> None:
    """Print a few numbers."""
    scores = seen["liked"].scores
    sure = np.diag(model.predict_proba(seen["liked"].images))
    print(f"logits of the ten outputs, for noise: {scores[:, 0].round(1)}")
    print(f"  after {scores.shape[1] - 1} steps of ascent: {scores[:, -1].round(1)}")
    print(f"  each is classified as its digit, p at least {sure.min():.4f}")
    digit, shares = images[DIGIT], seen["integrated"]
    black = insight.saliency(model, np.zeros_like(digit), shares.target).score
    print(f"digit {DIGIT}, classified as {model.classes_[shares.target]}:")
    print(f"  logit {shares.score:.3f}, of a black image {black:.3f}")
    print(f"  integrated gradients add up to {shares.attribution.sum():.3f}")
    hidden = seen["occlusion"]
    print(f"  p = {hidden.whole:.4f}, and {hidden.outputs.min():.4f} when occluded")


def draw(images: np.ndarray, seen: dict):
    """Return a figure of four rows of ten panels."""
    figure = plotting.blank(12.5, 6.6)
    rows = figure.subfigures(4, 1)
    digit = plotting.as_seen(images[DIGIT][..., None])
    strips = [
        ("Filters of the first layer", seen["filters"].images),
        (
            "Inputs that maximise the outputs 0 to 9",
            [plotting.as_seen(p) for p in seen["liked"].images],
        ),
        (
            f"Unit {UNIT} of the second convolution: the input that maximises it, and "
            "the nine patches that activate it most",
            [
                plotting.as_seen(seen["liked by the unit"].seen[0]),
                *(p[..., 0] / 16 for p in seen["patches"].patches),
            ],
        ),
    ]
    for part, (title, panels) in zip(rows, strips, strict=False):
        part.suptitle(title, fontsize=12)
        for axis, panel in zip(part.subplots(1, 10), panels, strict=True):
            plotting.show(axis, panel, "")
    last = rows[3]
    last.suptitle("One digit: which pixels drive the prediction", fontsize=12)
    axes = last.subplots(1, 7)
    plotting.show(axes[0], digit, "the digit")
    for axis, name in zip(axes[1:3], ("gradient", "smooth"), strict=True):
        plotting.show(axis, seen[name].map / seen[name].map.max(), name)
    shares = seen["integrated"].attribution[..., 0]
    white = np.ones((*shares.shape, 3))
    plotting.heat(axes[3], white, shares, "integrated", np.abs(shares).max())
    lost = seen["occlusion"].map
    plotting.heat(axes[4], digit, lost, "occlusion", np.abs(lost).max())
    for axis, name in zip(axes[5:], ("deconvnet", "guided"), strict=True):
        found = seen[name]
        plotting.show(
            axis, plotting.around_grey(found.reconstruction), f"{name}, one unit"
        )
        plotting.frame(axis, found.box)
    return figure


def main() -> None:
    """Train, print, and plot if a file is given."""
    digits = data.load("digits")
    images, labels = digits.X.reshape(-1, 8, 8), digits.y
    model = fitted(images, labels)
    print(f"test accuracy {model.score(images[1500:], labels[1500:]):.1%}")
    seen = looks(model, images)
    tell(model, images, seen)
    if len(sys.argv) > 1:
        draw(images, seen).savefig(sys.argv[1], dpi=100)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    main()
