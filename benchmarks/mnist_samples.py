"""Digits that nobody wrote: samples of a deep belief network that has seen MNIST.

Two machines, 784-500-1000, learn all 60,000 images without labels, 20 epochs each.
Chains begin where those of learning ended and take 1,000 Gibbs steps in the top one.
Whether what comes out are digits is for a person to say: the image shows the first
hundred, none left out. A perceptron that has learnt to tell digits says of all samples
which digit they are and how sure it is, as it does of images it never saw.
"""

import warnings
from typing import Any

import numpy as np

from benchmarks.mnist_accuracy import read_pair
from benchmarks.options import Options
from benchmarks.report import RESULTS, Claim, Report, Row, Table

UNITS = (500, 1000)
SETTINGS: dict[str, Any] = {
    "learning_rate": 0.05,
    "batch_size": 100,
    "n_iter": 20,
    "schedule": "cosine",
    "random_state": 0,
}
STEPS, SAMPLES, ACROSS = 1000, 1000, 10
SURE = 0.9
TOLD, FEWEST = 0.75, 0.02
"""At least so many samples are told for sure, and so many of them are each digit."""


def run(options: Options) -> Report:
    """Learn, draw, and ask a judge."""
    from lamina import DeepBeliefNetwork

    X, y = read_pair(options.mnist, "train")
    X_new, _ = read_pair(options.mnist, "t10k")
    model = DeepBeliefNetwork(UNITS, **SETTINGS).fit(X)
    drawn = model.sample(SAMPLES, STEPS, mean=True, random_state=0)
    RESULTS.mkdir(exist_ok=True)
    grid(drawn).savefig(RESULTS / "mnist_samples.png", dpi=110)
    table = judged(judge(X, y), drawn, X_new)
    return Report("mnist_samples", "Digits that nobody wrote", [table])


def judge(X: np.ndarray, y: np.ndarray) -> Any:
    """A perceptron that tells digits."""
    from lamina import MLPClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        how: dict[str, Any] = {"dropout": 0.3, "max_iter": 8, "batch_size": 128}
        return MLPClassifier((256,), random_state=0, **how).fit(X, y)


def judged(told: Any, drawn: np.ndarray, known: np.ndarray) -> Table:
    """How many samples are digits for sure, and how many are each of them."""
    chances = told.predict_proba(drawn)
    sure = chances.max(axis=1) >= SURE
    counts = np.bincount(chances[sure].argmax(axis=1), minlength=chances.shape[1])
    shares = counts / max(1, sure.sum())
    of_known = np.mean(told.predict_proba(known).max(axis=1) >= SURE)
    rows = [
        Row("samples told for sure", float(sure.mean())),
        Row("unseen images told for sure", float(of_known)),
        *[Row(f"of these samples, {d}", float(s)) for d, s in enumerate(shares)],
    ]
    claims = [
        Claim("samples told for sure", float(sure.mean()), TOLD),
        Claim("the rarest digit among them", float(shares.min()), FEWEST),
    ]
    return Table(
        f"{len(drawn):,} samples, {STEPS:,} Gibbs steps", "share", rows, claims
    )


def grid(images: np.ndarray) -> Any:
    """A figure of the first hundred."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 8), layout="constrained")
    axes: Any = figure.subplots(ACROSS, ACROSS)
    for axis, pixels in zip(axes.flat, images, strict=False):
        axis.imshow(pixels.reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
        axis.set_axis_off()
    return figure
