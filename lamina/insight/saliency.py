"""Which pixels drive a prediction: by gradients, and by occlusion."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lamina.insight import plotting
from lamina.insight.network_view import (
    NetworkView,
    is_whole,
    pre_activation,
    view_network_for,
)
from lamina.networks.core.keys import Key, device_key

METHODS = ("gradient", "integrated", "smooth")

TOGETHER = 16
"""Copies of the image that are differentiated or occluded at a time."""


@dataclass(frozen=True)
class Saliency:
    """How much each pixel matters for an output.

    Parameters
    ----------
    attribution : ndarray (height, width, channels)
        Signed: the gradient, or the pixel's contribution to the score.
    image : ndarray
    target : int
    score : float
        h of the class or output; −h of the first of two classes that share an output.
    method : str
    name : str
        Name of the target.
    probability : float or None
        Of the class; None if the network's outputs are not probabilities.
    """

    attribution: np.ndarray
    image: np.ndarray
    target: int
    score: float
    method: str
    name: str = ""
    probability: float | None = None

    @property
    def map(self) -> np.ndarray:
        """max over the channels of |attribution|, (height, width)."""
        return np.abs(self.attribution).max(axis=-1)

    def figure(self, names: Any = None) -> Any:
        """Return a matplotlib figure of the image and the attribution.

        Parameters
        ----------
        names : sequence, optional
            Of the classes or outputs, other than they are called.
        """
        figure = plotting.blank(6.2, 3.6)
        left, right = figure.subplots(1, 2)
        plotting.show(left, plotting.as_seen(self.image), "image")
        if self.method == "integrated":
            shares = self.attribution.sum(axis=-1)
            bound = float(np.abs(shares).max()) or 1.0
            faint = np.ones((*shares.shape, 3))
            plotting.heat(right, faint, shares, "red supports, blue opposes", bound)
        else:
            most = float(self.map.max()) or 1.0
            plotting.show(right, self.map / most, f"saliency ({self.method})")
        name = self.name if names is None else names[self.target]
        score = f"{self.score:.3g}".replace("-", "−")
        title = f"Output {name}: h = {score}"
        if self.probability is not None:
            title = f"{name}: logit {score} (p = {self.probability:.2f})"
        figure.suptitle(title, **plotting.LARGE)
        return figure


def saliency(
    model: Any,
    image: Any,
    target: Any = None,
    method: str = "gradient",
    *,
    baseline: Any = 0.0,
    steps: Any = 64,
    noise: float = 0.1,
    seed: int = 0,
) -> Saliency:
    """Return how much each pixel matters for an output.

    Equations
    ---------
    With f the pre-activation h of the output (the logit of a class), K steps, and
    f = −h for the first of two classes that share a logistic output:

        A = ∂f(x)/∂x                                                    "gradient"
        A = (x − x′) · (1/K) Σₖ ∂f(x′ + (k − ½)/K · (x − x′))/∂x        "integrated"
        A = (1/K) Σₖ ∂f(x + εₖ)/∂x,   εₖ ~ N(0, (noise · (max x − min x))²)   "smooth"

    Integrated gradients distribute the score over the pixels: Σ A = f(x) − f(x′) as K
    grows ("completeness"). A plain gradient shows where f would change, and is noisy;
    the mean over noisy copies is smoother.

    Shapes
    ------
    A and x (height, width, channels).

    Parameters
    ----------
    model : fitted estimator, or (network, params)
    image : array (height, width) or (height, width, channels)
        x.
    target : int or str, optional
        Index of the output, for a classifier that of the class in ``classes_`` or its
        name; by default the predicted class or the largest output.
    method : {"gradient", "integrated", "smooth"}, default="gradient"
    baseline : number or array, default=0
        x′, a neutral image: black by default.
    steps : int, default=64
        K.
    noise : float, default=0.1
    seed : int, default=0
        Random seed of the noise.

    Raises
    ------
    ValueError
        If the output or method does not exist, or the image does not have the model's
        shape.

    References
    ----------
    Simonyan, Vedaldi & Zisserman (2014), Deep inside convolutional networks, ICLR
    workshop, section 3. Sundararajan, Taly & Yan (2017), Axiomatic attribution for deep
    networks, ICML, sections 3 and 5. Smilkov, Thorat, Kim, Viégas & Wattenberg (2017),
    SmoothGrad, arXiv:1706.03825, section 3.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    if not is_whole(steps) or steps < 1:
        raise ValueError(f"steps must be a whole number of at least 1, got {steps!r}")
    if not noise >= 0:
        raise ValueError(f"noise must not be negative, got {noise}")
    seen = view_network_for(model, np.asarray(image)[None])
    x = seen.image(image)[0]
    target, a, h = _target(seen, x, target)
    output, sign = seen.output(target)
    integrated = method == "integrated"
    start = _baseline(seen, baseline) if integrated else np.zeros_like(x)
    k = np.arange(1 if method == "gradient" else steps)
    share = (k + 0.5) / steps if integrated else np.ones(len(k))
    spread = noise * (x.max() - x.min()) if method == "smooth" else 0.0
    mean = sign * _mean_gradient(seen, x, start, share, spread, seed, output)
    return Saliency(
        (x - start) * mean if integrated else mean,
        np.asarray(image),
        target,
        float(sign * h[output]),
        method,
        seen.names[target],
        float(a[target]) if seen.tells_probabilities else None,
    )


def _baseline(seen: NetworkView, baseline: Any) -> np.ndarray:
    """Return x′ in the shape of x."""
    if np.ndim(baseline) == 0:
        return np.full(seen.shape, baseline, seen.dtype)
    return seen.image(baseline)[0]


def _target(
    seen: NetworkView, x: np.ndarray, target: Any
) -> tuple[int, np.ndarray, np.ndarray]:
    """Return the index of the class to explain, a of all classes, and h of outputs."""
    seen.target(0)
    with seen.precision():
        a, h = _outputs(seen.network, seen.params, x[None])
    a, h = seen.of_classes(np.asarray(a)[0]), np.asarray(h)[0]
    return seen.target(int(np.argmax(a)) if target is None else target), a, h


@jax.jit
def _outputs(network: Any, params: Any, x: Any) -> Any:
    return network(params, x), pre_activation(network, params, x, -1)


def _mean_gradient(
    seen: NetworkView,
    x: np.ndarray,
    start: np.ndarray,
    share: np.ndarray,
    spread: float,
    seed: int,
    target: int,
) -> np.ndarray:
    """Return the mean over k of ∂f/∂x at x′ + shareₖ (x − x′) + spread · N(0, 1).

    All methods have this form, so one compiled program serves them for any number of
    steps: a few copies at a time, padded by copies of weight 0.
    """
    words = Key(seed).fold_in("saliency").words()
    total = np.zeros_like(x)
    for first in range(0, len(share), TOGETHER):
        some = share[first : first + TOGETHER]
        missing = (0, TOGETHER - len(some))
        count = np.pad(np.ones(len(some)), missing).astype(seen.dtype)
        shares = np.pad(some, missing).astype(seen.dtype)
        copies = Copies(shares, count, np.asarray(spread, seen.dtype), words, first)
        now = seen.network, seen.params, x, start
        with seen.precision():
            total += np.asarray(_gradients(*now, copies, target))
    return total / len(share)


class Copies(NamedTuple):
    """Copies of an image: shares of the way from x′ to x, which of them count, the
    spread of their noise, the words of its key, and the number of the first."""

    share: Any
    count: Any
    spread: Any
    words: Any
    first: Any


@jax.jit
def _gradients(
    network: Any,
    params: Any,
    x: Any,
    start: Any,
    copies: Copies,
    target: Any,
) -> Any:
    """Return the sum of the gradients of the copies, weighted by ``count``."""
    share, count, spread, words, first = copies
    key = device_key(words)
    numbers = first + jnp.arange(len(share))
    keys = jax.vmap(lambda k: jax.random.fold_in(key, k))(numbers)
    noise = jax.vmap(lambda key: jax.random.normal(key, x.shape, x.dtype))(keys)
    weight = share[:, None, None, None]
    points = start + weight * (x - start) + spread * noise

    def f(points: Any) -> Any:
        return jnp.sum(count * pre_activation(network, params, points, -1)[:, target])

    return jnp.sum(jax.grad(f)(points), axis=0)


# ---- occlusion ----------------------------------------------------------------------


@dataclass(frozen=True)
class Occlusion:
    """The output of a network while a square of the image is occluded.

    Parameters
    ----------
    outputs : ndarray (rows, columns)
        a of the target with the square at each position.
    boxes : ndarray of int (rows, columns, 2, 2)
        The squares: (first, last + 1) of rows and of columns of the image.
    whole : float
        a of the target for the whole image.
    image : ndarray
    target : int
    name : str
        Name of the target.
    of_probability : bool
        Whether a is a probability.
    """

    outputs: np.ndarray
    boxes: np.ndarray
    whole: float
    image: np.ndarray
    target: int
    name: str = ""
    of_probability: bool = False

    @property
    def map(self) -> np.ndarray:
        """Mean drop whole − output of the squares that cover each pixel, (h, w)."""
        shape = np.asarray(self.image).shape[:2]
        total, count = np.zeros(shape), np.zeros(shape)
        lost = (self.whole - self.outputs).ravel().tolist()
        for loss, (rows, columns) in zip(
            lost, self.boxes.reshape(-1, 2, 2).tolist(), strict=True
        ):
            part = slice(*rows), slice(*columns)
            total[part] += loss
            count[part] += 1
        return total / np.maximum(count, 1)

    def figure(self, names: Any = None) -> Any:
        """Return a matplotlib figure of the image and the drop when occluded.

        Parameters
        ----------
        names : sequence, optional
            Of the classes or outputs, other than they are called.
        """
        figure = plotting.blank(6.8, 3.6)
        left, right = figure.subplots(1, 2)
        shown = plotting.as_seen(self.image)
        plotting.show(left, shown, "image")
        bound = float(np.abs(self.map).max()) or 1.0
        what = "probability" if self.of_probability else "output"
        heading = f"drop in {what} when occluded"
        drawn = plotting.heat(right, shown, self.map, heading, bound)
        figure.colorbar(drawn, ax=right, shrink=0.8)
        name = self.name if names is None else names[self.target]
        title = f"Output {name}: a = {self.whole:.3g}"
        if self.of_probability:
            title = f"{name}: p = {self.whole:.2f}"
        figure.suptitle(title, **plotting.LARGE)
        return figure


def occlusion(
    model: Any,
    image: Any,
    size: Any = None,
    stride: Any = None,
    fill: float | None = None,
    target: Any = None,
) -> Occlusion:
    """Return the output as a square moves over the image.

    Equations
    ---------
        outputs[i, j] = a(x with fill in rows rᵢ … rᵢ + size − 1 and columns cⱼ …)
        r, c = 0, stride, 2 stride, …, and the last one flush with the border

    where a is the output: the probability of a class, and 1 − a for the first of two
    classes that share a logistic output. Where it drops, the network relies on the
    occluded pixels.

    Shapes
    ------
    x (height, width, channels), outputs (rows, columns).

    Parameters
    ----------
    model : fitted estimator, or (network, params)
    image : array (height, width) or (height, width, channels)
    size : int, optional
        Side of the square; by default a quarter of the image's shorter side.
    stride : int, optional
        By default half the size.
    fill : float, optional
        Value of the square. By default mean grey: the shift of an initial ``Rescale``
        of the network, which is the mean of the training images, or else the mean of
        this image.
    target : int or str, optional
        As in :func:`saliency`.

    Raises
    ------
    ValueError
        If the square is larger than the image, the output does not exist, or the image
        does not have the model's shape.

    References
    ----------
    Zeiler & Fergus (2014), Visualizing and understanding convolutional networks, ECCV,
    section 4.2 and figure 7.
    """
    seen = view_network_for(model, np.asarray(image)[None])
    x = seen.image(image)[0]
    side = min(seen.shape[:2])
    size = max(1, side // 4) if size is None else size
    stride = max(1, size // 2) if stride is None else stride
    if not is_whole(size) or not is_whole(stride) or not 1 <= size <= side:
        raise ValueError(
            f"size and stride must be whole numbers, and size from 1 to {side}; got "
            f"size={size!r} and stride={stride!r}"
        )
    if stride < 1:
        raise ValueError(f"stride must be at least 1, got {stride}")
    target, outputs, _ = _target(seen, x, target)
    rows, columns = (_starts(n, size, stride) for n in seen.shape[:2])
    corners = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    grey = np.asarray(_grey(seen, x) if fill is None else fill, seen.dtype)
    covered = _covered(seen, x, corners.reshape(-1, 2), size, grey, target)
    return Occlusion(
        covered.reshape(corners.shape[:2]),
        np.stack([corners, corners + size], axis=-1),
        float(outputs[target]),
        np.asarray(image),
        target,
        seen.names[target],
        seen.tells_probabilities,
    )


def _starts(n: int, size: int, stride: int) -> np.ndarray:
    """Return where squares begin along an axis; the last one ends at the border."""
    return np.union1d(np.arange(0, n - size, stride), [n - size])


def _grey(seen: NetworkView, x: np.ndarray) -> float:
    return float(x.mean()) if seen.scale is None else seen.scale[0]


def _covered(
    seen: NetworkView,
    x: np.ndarray,
    corners: np.ndarray,
    size: int,
    grey: Any,
    target: int,
) -> np.ndarray:
    """Return the output for a square at each corner, a batch at a time."""
    found = []
    for start in range(0, len(corners), TOGETHER):
        some = corners[start : start + TOGETHER]
        padded = np.pad(some, ((0, TOGETHER - len(some)), (0, 0)), mode="edge")
        with seen.precision():
            outputs = _cover(seen.network, seen.params, x, padded, size, grey)
        found.append(seen.of_classes(np.asarray(outputs))[: len(some), target])
    return np.concatenate(found)


@jax.jit
def _cover(
    network: Any, params: Any, x: Any, corners: Any, size: Any, grey: Any
) -> Any:
    inside = [
        (jnp.arange(n) >= first[:, None]) & (jnp.arange(n) < first[:, None] + size)
        for n, first in zip(x.shape[:2], corners.T, strict=True)
    ]
    square = inside[0][:, :, None, None] & inside[1][:, None, :, None]
    return network(params, jnp.where(square, grey, x))
