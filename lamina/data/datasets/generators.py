"""Generated data sets: the same seed gives the same points.

Each function takes `n` points, `noise` and `seed`, and returns X (n, d) and y (n,).
"""

from __future__ import annotations

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]


def xor(n: int = 4, noise: float = 0.0, seed: int = 0) -> Pair:
    """Exclusive or: y = x₁ ⊕ x₂ on {0, 1}², in the order of the truth table.

    More than four points repeat the four corners; `noise` is the standard deviation of
    Gaussian noise on x.
    """
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    X = corners[np.arange(n) % 4]
    y = (X[:, 0] != X[:, 1]).astype(np.int64)
    return _blurred(X, noise, seed), y


def two_spirals(n: int = 194, noise: float = 0.0, seed: int = 0) -> Pair:
    """Two intertwined spirals of three turns, 97 points each.

    Point i = 0 … 96 is at angle φ = i π/16 and radius r = 6.5 (104 − i)/104: class 1 at
    (r sin φ, r cos φ), class 0 at the opposite point. A different `n` spaces its n/2
    angles evenly over the same curves.

    References
    ----------
    K. J. Lang, M. J. Witbrock (1988), Learning to tell two spirals apart, Proceedings
    of the 1988 Connectionist Models Summer School, Morgan Kaufmann, pages 52–59.
    """
    i = np.linspace(0.0, 96.0, (n + 1) // 2)
    angle, radius = i * np.pi / 16, 6.5 * (104 - i) / 104
    arm = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
    X = np.stack([arm, -arm], axis=1).reshape(-1, 2)[:n]
    y = np.tile([1, 0], len(arm))[:n]
    return _blurred(X, noise, seed), y


def moons(n: int = 200, noise: float = 0.1, seed: int = 0) -> Pair:
    """Two interleaving half circles: (cos t, sin t) is class 0, (1 − cos t, ½ − sin t)
    is class 1, t from 0 to π."""
    outer, inner = _turns(n, np.pi, endpoint=True)
    X = np.concatenate(
        [
            np.column_stack([np.cos(outer), np.sin(outer)]),
            np.column_stack([1 - np.cos(inner), 0.5 - np.sin(inner)]),
        ]
    )
    return _blurred(X, noise, seed), _halves(outer, inner)


def circles(
    n: int = 200, noise: float = 0.05, seed: int = 0, factor: float = 0.5
) -> Pair:
    """A circle of radius 1 (class 0) around a circle of radius `factor` (class 1)."""
    outer, inner = _turns(n, 2 * np.pi, endpoint=False)
    X = np.concatenate(
        [
            np.column_stack([np.cos(outer), np.sin(outer)]),
            factor * np.column_stack([np.cos(inner), np.sin(inner)]),
        ]
    )
    return _blurred(X, noise, seed), _halves(outer, inner)


def blobs(
    n: int = 300, noise: float = 1.0, seed: int = 0, centers: int = 3, features: int = 2
) -> Pair:
    """Gaussian blobs of standard deviation `noise` around centers drawn from ±10."""
    random = np.random.default_rng(seed)
    middle = random.uniform(-10.0, 10.0, (centers, features))
    y = np.arange(n) % centers
    return middle[y] + noise * random.standard_normal((n, features)), y


def friedman1(n: int = 500, noise: float = 1.0, seed: int = 0) -> Pair:
    """y = 10 sin(π x₁ x₂) + 20 (x₃ − ½)² + 10 x₄ + 5 x₅ + noise, x uniform in [0, 1]¹⁰.

    References
    ----------
    J. H. Friedman (1991), Multivariate adaptive regression splines, The Annals of
    Statistics 19(1), section 4.3.
    """
    random = np.random.default_rng(seed)
    X = random.uniform(size=(n, 10))
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    y += 10 * X[:, 3] + 5 * X[:, 4]
    return X, y + noise * random.standard_normal(n)


def sine(n: int = 100, noise: float = 0.0, seed: int = 0) -> Pair:
    """y = sin(3πx) + noise, x evenly spaced in [−1, 1]: three periods of one input."""
    x = np.linspace(-1.0, 1.0, n)
    random = np.random.default_rng(seed)
    return x[:, None], np.sin(3 * np.pi * x) + noise * random.standard_normal(n)


def _turns(n: int, end: float, endpoint: bool) -> tuple[np.ndarray, np.ndarray]:
    outer, inner = n // 2, n - n // 2
    return (
        np.linspace(0, end, outer, endpoint=endpoint),
        np.linspace(0, end, inner, endpoint=endpoint),
    )


def _halves(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    return np.repeat([0, 1], [len(outer), len(inner)])


def _blurred(X: np.ndarray, noise: float, seed: int) -> np.ndarray:
    if not noise:
        return X
    return X + noise * np.random.default_rng(seed).standard_normal(X.shape)
