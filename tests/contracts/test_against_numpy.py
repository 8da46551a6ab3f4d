"""Perceptrons against a plain NumPy model: loss, gradient and score of random draws.

A draw has a random architecture, head, target, NaN pattern, sample and class weights.
The estimator takes one step of gradient descent over all examples, from given weights;
what it reports and where it goes is compared with :func:`plain`, which knows nothing of
lamina. A structure is compiled once and takes several draws of numbers.
"""

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

from lamina import Dense, MLPClassifier, MLPRegressor, Output

DRAWS = 8
"""Draws of numbers for each structure: 125 structures make 1,000 draws."""

RATE = 0.125
TOLERANCE = {"float64": 1e-9, "float32": 1e-5}

PHI = {  # φ(h), and φ′ by a = φ(h)
    "identity": (lambda h: h, lambda a: np.ones_like(a)),
    "logistic": (lambda h: 1 / (1 + np.exp(-h)), lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda a: 1 - a * a),
    "relu": (lambda h: np.maximum(h, 0), lambda a: (a > 0).astype(float)),
    "exp": (np.exp, lambda a: a),
    "softmax": (lambda h: np.exp(h) / np.exp(h).sum(1, keepdims=True), None),
}
LOSS = {  # ℓ(a, y) of each output, and ∂ℓ/∂a
    "squared_error": (lambda a, y: (a - y) ** 2 / 2, lambda a, y: a - y),
    "absolute_error": (lambda a, y: abs(a - y), lambda a, y: np.sign(a - y)),
    "poisson": (
        lambda a, y: a - y * np.log(a) + y * np.log(np.where(y, y, 1)) - y,
        lambda a, y: 1 - y / a,
    ),
    "binary_cross_entropy": (
        lambda a, y: -y * np.log(a) - (1 - y) * np.log(1 - a),
        lambda a, y: (a - y) / (a * (1 - a)),
    ),
    "cross_entropy": (lambda a, y: -y * np.log(a), None),
}
REACH = {"logistic": (0, 1), "tanh": (-1, 1)}  # the range of outputs


def forward(weights, biases, phis, X):
    """Return the outputs of all layers, the inputs first."""
    a = [X]
    for W, b, phi in zip(weights, biases, phis, strict=True):
        a.append(PHI[phi][0](a[-1] @ W + b))
    return a


def plain(weights, biases, phis, loss, X, Y, w, alpha, l1):
    """Return E without penalties, the penalties, and the gradients of their sum.

    E = Σⱼ Σᵢ wᵢ ℓ(aᵢⱼ, yᵢⱼ) / Σᵢ wᵢ  +  (½ α Σ W² + λ Σ |W|) / Σᵢ wᵢ, where the first i
    run over the rows in which target j is measured, the last ones over all.
    """
    a, total = forward(weights, biases, phis, X), w.sum()
    m, y, out = w[:, None] * ~np.isnan(Y), np.nan_to_num(Y), a[-1]
    m = m / m.sum(0)
    error = (m * LOSS[loss][0](out, y)).sum()
    penalty = sum((alpha * W**2 / 2 + l1 * abs(W)).sum() for W in weights) / total
    slope = out - y if phis[-1] == "softmax" else LOSS[loss][1](out, y)
    delta = m * slope * (1 if phis[-1] == "softmax" else PHI[phis[-1]][1](out))
    by_W, by_b = [], []
    for i, W in reversed(list(enumerate(weights))):
        by_W.insert(0, a[i].T @ delta + (alpha * W + l1 * np.sign(W)) / total)
        by_b.insert(0, delta.sum(0))
        delta = (delta @ W.T) * PHI[phis[i - 1]][1](a[i]) if i else delta
    return error, penalty, by_W, by_b


def balanced(Y):
    """Return n / (k count) of each row's label, multiplied over the columns.

    n and k are the rows and the labels measured in a column; NaN counts as 1.
    """
    weight = np.ones(len(Y))
    for column in Y.T:
        known = column[~np.isnan(column)]
        labels, counts = np.unique(known, return_counts=True)
        for label, count in zip(labels, counts, strict=True):
            weight[column == label] *= len(known) / (len(labels) * count)
    return weight


def r2(predicted, Y, w):
    """Return the mean over columns of 1 − Σ w (y − ŷ)² / Σ w (y − ȳ)²."""
    scores = []
    for p, y in zip(predicted.T, Y.T, strict=True):
        known = ~np.isnan(y)
        p, y, v = p[known], y[known], w[known]
        rest, mean = (v * (y - p) ** 2).sum(), (v * y).sum() / v.sum()
        spread = (v * (y - mean) ** 2).sum()
        # As in scikit-learn, a constant target has the score 0, or 1 if it is exact.
        scores.append(1 - rest / spread if spread > 0 else float(rest == 0))
    return np.mean(scores)


def accuracy(kind, outputs, Y, w):
    """Return the share, by weight, of rows of which every measured label is right."""
    known = ~np.isnan(Y)
    if kind == "multiclass":
        right = outputs.argmax(1) == Y.argmax(1)
    else:
        right = (((outputs > 0.5) == (Y == 1)) | ~known).all(1)
    w = w * known.any(1)
    return (w * right).sum() / w.sum()


class Structure:
    """What is compiled: sizes, activations, the head, and which terms there are."""

    def __init__(self, seed: int):
        rng = np.random.default_rng([1, seed])
        self.kind = str(
            rng.choice(["number", "numbers", "binary", "multiclass", "labels"])
        )
        several = self.kind in ("numbers", "multiclass", "labels")
        self.outputs = int(rng.integers(2, 5)) if several else 1
        if self.kind == "multiclass":
            self.outputs = max(3, self.outputs)
        self.features, self.rows = int(rng.integers(1, 5)), int(rng.integers(8, 16))
        depth = int(rng.integers(0, 4))
        self.hidden = [int(n) for n in rng.integers(1, 5, depth)]
        if depth and rng.random() < 0.5:  # as many units as there are outputs
            self.hidden[-1] = self.outputs
        words = ["identity", "logistic", "tanh", "relu"]
        self.phis = [str(word) for word in rng.choice(words, depth)]
        self.dtype = str(rng.choice(["float64", "float32"]))
        self.alpha = float(rng.choice([0, 0.3]))
        self.l1 = float(rng.choice([0, 0.2]))
        self.smoothing, self.scaled = 0.0, False
        if self.kind in ("number", "numbers"):
            losses = ["squared_error", "absolute_error", "poisson"]
            self.loss = self.given = str(rng.choice(losses))
            self.head = str(rng.choice(["identity", "identity", "logistic", "tanh"]))
            self.head = "exp" if self.loss == "poisson" else self.head
            self.scaled = self.loss != "poisson" and bool(rng.random() < 0.4)
        else:
            softmax = self.kind == "multiclass" and rng.random() < 0.7
            self.head = "softmax" if softmax else "logistic"
            self.loss = "cross_entropy" if softmax else "binary_cross_entropy"
            self.given = "log_loss"
            self.smoothing = float(rng.choice([0, 0.1]))
        self.missing = self.kind in ("numbers", "labels") and bool(rng.random() < 0.5)
        self.weighted = str(rng.choice(["no", "sample", "class", "both"]))
        if self.kind in ("number", "numbers") and self.weighted != "no":
            self.weighted = "sample"

        usual = {"number": "identity", "numbers": "identity", "multiclass": "softmax"}
        follows = self.head in (usual.get(self.kind, "logistic"), "exp")
        self.marked = not follows or bool(rng.random() < 0.2)

    def model(self) -> Any:
        if self.marked:
            pairs = zip(self.hidden, self.phis, strict=True)
            head = Output(Dense(self.outputs, self.head))
            layers = {"layers": [*itertools.starmap(Dense, pairs), head]}
        else:
            sizes, phis = tuple(self.hidden), self.phis or "relu"
            layers = {"hidden_layer_sizes": sizes, "activation": phis}
        how = layers | {
            "loss": self.given,
            "alpha": self.alpha,
            "l1": self.l1,
            "dtype": self.dtype,
            "solver": "sgd",
            "learning_rate_init": RATE,
            "momentum": 0,
            "batch_size": "full",
            "max_iter": 1,
            "random_state": 0,
        }
        if self.kind in ("number", "numbers"):
            return MLPRegressor(**how, scale_target=self.scaled)
        weight = "balanced" if self.weighted in ("class", "both") else None
        smoothing = self.smoothing
        return MLPClassifier(**how, class_weight=weight, label_smoothing=smoothing)


class Draw:
    """The numbers of a draw: weights to start from, examples and their weights."""

    def __init__(self, s: Structure, seed: int):
        rng = np.random.default_rng([2, seed])
        sizes = [s.features, *s.hidden, s.outputs]
        shapes = itertools.pairwise(sizes)
        self.weights = [0.7 * rng.normal(size=shape) for shape in shapes]
        self.biases = [0.3 * rng.normal(size=n) for n in sizes[1:]]
        self.X = rng.normal(size=(s.rows, s.features))
        self.w = None
        if s.weighted in ("sample", "both"):
            self.w = rng.integers(0, 4, s.rows).astype(float)
            self.w[0] = 1
        shape = s.rows, s.outputs
        if s.kind in ("number", "numbers"):
            counts = s.loss == "poisson"
            self.Y = 3 + 2 * rng.normal(size=shape)
            self.Y = rng.poisson(2, shape).astype(float) if counts else self.Y
        elif s.kind == "multiclass":
            order = rng.permutation(np.arange(s.rows) % s.outputs)
            self.Y = np.eye(s.outputs)[order]
        else:
            self.Y = (rng.random(shape) < 0.4).astype(float)
            self.Y[0], self.Y[1] = 0, 1
        if s.missing:
            gone = rng.random(shape) < 0.3
            gone[:3] = False  # every label of a column is measured
            gone[3, 0] = True  # there is one in every draw: the program is the same
            self.Y = np.where(gone, np.nan, self.Y)

    def target(self, s: Structure) -> np.ndarray:
        """Return y as a user has it."""
        if s.kind == "multiclass":
            return np.array([f"c{i}" for i in self.Y.argmax(1)])
        return self.Y[:, 0] if s.outputs == 1 else self.Y


def check(s: Structure, seed: int) -> None:
    """Compare one draw of a structure."""
    draw, near = Draw(s, seed), TOLERANCE[s.dtype]
    model, y, phis = s.model(), draw.target(s), [*s.phis, s.head]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one step does not converge
        how = {"coefs_init": draw.weights, "intercepts_init": draw.biases}
        model.fit(draw.X, y, draw.w, **how)
    w = np.ones(s.rows) if draw.w is None else draw.w
    wanted, scale, mean = draw.Y, 1.0, 0.0
    if s.scaled:
        mean, scale = np.nanmean(draw.Y, 0), np.nanstd(draw.Y, 0)
        if s.head in REACH:
            begin, end = REACH[s.head]
            low, high = np.nanmin(draw.Y, 0), np.nanmax(draw.Y, 0)
            scale = (high - low) / (end - begin)
            mean = low - begin * scale
        wanted = (draw.Y - mean) / scale
    share = 2 if s.head == "logistic" else s.outputs
    wanted = (1 - s.smoothing) * wanted + s.smoothing / share
    by_class = balanced(draw.Y if s.kind != "multiclass" else draw.Y.argmax(1)[:, None])
    weight = w * by_class if s.weighted in ("class", "both") else w
    start = draw.weights, draw.biases, phis
    numbers = draw.X, wanted, weight, s.alpha, s.l1
    error, penalty, by_W, by_b = plain(*start, s.loss, *numbers)
    close = {"rtol": near, "atol": near}
    after = [
        [array - RATE * slope for array, slope in zip(arrays, slopes, strict=True)]
        for arrays, slopes in ((draw.weights, by_W), (draw.biases, by_b))
    ]
    if model.stop_reason_ == "diverged":  # a step too large is taken back
        with np.errstate(over="ignore"):
            ends = plain(*after, phis, s.loss, *numbers)
        assert not ends[0] + ends[1] <= error + penalty
        after = draw.weights, draw.biases
    for before, found, wanted_array in [
        *zip(draw.weights, model.coefs_, after[0], strict=True),
        *zip(draw.biases, model.intercepts_, after[1], strict=True),
    ]:
        moved, step = (before - found) / RATE, (before - wanted_array) / RATE
        np.testing.assert_allclose(moved, step, **close)
    if model.history_["loss"]:
        error /= s.outputs if s.loss == "squared_error" else 1  # as in scikit-learn
        np.testing.assert_allclose(model.loss_, error + penalty, **close)
    outputs = forward(model.coefs_, model.intercepts_, phis, draw.X)[-1]
    if s.given == "log_loss":
        predicted = model.predict_proba(draw.X)
        predicted = predicted[:, 1:] if s.kind == "binary" else predicted
        score = accuracy(s.kind, outputs, draw.Y, w)
        if s.kind == "multiclass":
            outputs = outputs / outputs.sum(1, keepdims=True)
    else:
        outputs = outputs * scale + mean
        predicted = model.predict(draw.X).reshape(outputs.shape)
        score = r2(outputs, draw.Y, w)
    np.testing.assert_allclose(predicted, outputs, **close)
    np.testing.assert_allclose(model.score(draw.X, y, draw.w), score, **close)


@pytest.mark.parametrize("structure", range(12))
def test_a_perceptron_is_its_equations(structure):
    for seed in range(DRAWS):
        check(Structure(structure), seed)


@pytest.mark.slow
def test_a_thousand_perceptrons_are_their_equations():
    for structure in range(125):
        s = Structure(structure)
        for seed in range(DRAWS):
            try:
                check(s, 1000 * structure + seed)
            except AssertionError as error:
                raise AssertionError(f"{vars(s)}, draw {seed}: {error}") from None
