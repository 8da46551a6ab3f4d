"""What pre-training is good for: digits, ten splits, with and without.

Two logistic layers of 200 units with Adam, where a network learns by itself and a
better start makes it better; five of 100 units with momentum, where it does not learn
at all; and a linear classifier on digits that were moved by a pixel, with a machine's
features before it. A row is the mean over splits of 1,347 digits and 450 others, with
the lowest and the highest.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.options import Options
from benchmarks.report import Claim, Report, Row, Table

WAYS = (None, "rbm", "autoencoder", "denoising", "supervised")
SPLITS = 10
LOST, LEARNT = 0.2, 0.9
"""Of the deep network: at most so many right without, at least so many with."""

MOVES = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))


def run(options: Options) -> Report:
    """Train every network from every start."""
    warnings.simplefilter("ignore")
    parts = [split(seed) for seed in range(SPLITS)]
    return Report(
        "pretraining",
        "Pre-training, on digits",
        [two_layers(parts), five_layers(parts), a_line(parts)],
    )


def split(seed: int) -> Any:
    """Digits to learn, others, and the labels of both."""
    from sklearn.model_selection import train_test_split

    from lamina import data

    digits = data.load("digits")
    X, y = digits.X / 16, digits.y
    return train_test_split(X, y, random_state=seed, stratify=y)


def right(make: Callable[[int], Any], parts: list) -> list[float]:
    """Shares of the other digits that are right, one a split."""
    return [
        float(make(seed).fit(X, y).score(X_new, y_new))
        for seed, (X, X_new, y, y_new) in enumerate(parts)
    ]


def table(title: str, shares: dict[str, list[float]]) -> Table:
    """Means, and the lowest and the highest."""
    rows = [
        Row(name, float(np.mean(each)), min(each), max(each))
        for name, each in shares.items()
    ]
    return Table(title, "share of unseen digits", rows)


def two_layers(parts: list) -> Table:
    """Two layers, which learn anyway."""
    from lamina import MLPClassifier

    def network(way: str | None) -> Callable[[int], Any]:
        how: dict[str, Any] = {"activation": "logistic", "max_iter": 100}
        return lambda seed: MLPClassifier(
            (200, 200), pretraining=way, random_state=seed, **how
        )

    shares = {str(way or "none"): right(network(way), parts) for way in WAYS}
    found = table("two logistic layers of 200 units, Adam", shares)
    gain = float(np.mean(shares["rbm"]) - np.mean(shares["none"]))
    found.claims.append(Claim("more right with machines by", gain, 0.005))
    return found


def five_layers(parts: list) -> Table:
    """Five layers, which learn nothing by themselves."""
    from lamina import SGD, MLPClassifier

    def network(way: str | None) -> Callable[[int], Any]:
        how: dict[str, Any] = {"activation": "logistic", "max_iter": 100}
        solver = SGD(0.1, momentum=0.9)
        return lambda seed: MLPClassifier(
            (100,) * 5, solver=solver, pretraining=way, random_state=seed, **how
        )

    shares = {str(way or "none"): right(network(way), parts) for way in WAYS}
    found = table("five logistic layers of 100 units, momentum", shares)
    without = float(np.mean(shares.pop("none")))
    found.claims.append(Claim("right without", without, LOST, at_least=False))
    for way, each in shares.items():
        found.claims.append(Claim(f"right with {way}", float(np.mean(each)), LEARNT))
    return found


def a_line(parts: list) -> Table:
    """A linear classifier of moved digits."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from lamina import BernoulliRBM

    def line(seed: int) -> Any:
        return LogisticRegression(max_iter=500)

    def both(seed: int) -> Any:
        how: dict[str, Any] = {"learning_rate": 0.06, "n_iter": 30}
        return make_pipeline(BernoulliRBM(100, random_state=seed, **how), line(seed))

    pairs = [(*moved(X, y), *moved(X_new, y_new)) for X, X_new, y, y_new in parts]
    shuffled = [(X, X_new, y, y_new) for X, y, X_new, y_new in pairs]
    shares = {
        "pixels": right(line, shuffled),
        "RBM of 100 units": right(both, shuffled),
    }
    found = table("logistic regression, digits moved by a pixel", shares)
    gain = float(np.mean(shares["RBM of 100 units"]) - np.mean(shares["pixels"]))
    found.claims.append(Claim("more right with a machine by", gain, 0.014))
    return found


def moved(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each digit five times: as it is, and moved by a pixel each way."""
    padded = np.pad(X.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    parts = [padded[:, 1 - i : 9 - i, 1 - j : 9 - j] for i, j in MOVES]
    return np.concatenate(parts).reshape(-1, 64), np.tile(y, len(MOVES))
