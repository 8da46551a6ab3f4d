"""The image that a unit answers to most."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lamina.insight import plotting
from lamina.insight.network_view import (
    NetworkView,
    is_whole,
    pre_activation,
    view_network,
)
from lamina.insight.receptive import box, receptive_field
from lamina.networks.core.keys import Key, device_key

STARTS = ("noise", "zeros")

NOISE = 0.1
"""Standard deviation of the noise to start from, in units of the standardised input."""

TOGETHER = 16
"""Units that climb side by side."""


@dataclass(frozen=True)
class Ascent:
    """How an input is changed so that a unit answers more.

    Parameters
    ----------
    steps : int
        T.
    step : float
        η, the length of the first step.
    contrast : float or None
        κ; None is no bound.
    l2, tv : float
        Penalties on large values and on differences of neighbours.
    jitter : int
        How many pixels the image is moved by at most in each step.
    start : "noise", "zeros" or an image
        z is N(0, 0.1²) or 0 at first, or x is an image.
    seed : int
        Of noise and jitter.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    steps: Any = 128
    step: float = 0.1
    contrast: float | None = 1.0
    l2: float = 0.0
    tv: float = 1.0
    jitter: Any = 1
    start: Any = "noise"
    seed: int = 0

    def __post_init__(self) -> None:
        steps, jitter, step = self.steps, self.jitter, self.step
        contrast, l2, tv = self.contrast, self.l2, self.tv
        if not is_whole(steps) or steps < 1:
            raise ValueError(
                f"steps must be a whole number of at least 1, got {steps!r}"
            )
        if not is_whole(jitter) or jitter < 0:
            raise ValueError(f"jitter must be a whole number from 0 on, got {jitter!r}")
        if not step > 0 or (contrast is not None and not contrast > 0):
            raise ValueError(
                f"step and contrast must be above 0, got step={step} and "
                f"contrast={contrast}"
            )
        if not (l2 >= 0 and tv >= 0):
            raise ValueError(f"l2 and tv must not be negative, got l2={l2} and tv={tv}")


class Climbers(NamedTuple):
    """What climbs side by side: z at first, keys, units and their signs."""

    begin: Any
    words: Any
    units: Any
    signs: Any


@dataclass(frozen=True)
class Maximised:
    """Images that maximise units.

    Parameters
    ----------
    images : ndarray (units, height, width, channels)
        In the units of the model's inputs.
    scores : ndarray (units, steps + 1)
        h of each unit: of the start, and after each step; −h for the first of two
        classes that share an output.
    units : tuple of int
    layer : int
    box : ndarray of int (2, 2)
        What the units see from their place: (first, last + 1) of rows and of columns.
        All else is as it was at the start.
    names : tuple of str
        What the units are called: of the output layer the classes.
    """

    images: np.ndarray
    scores: np.ndarray
    units: tuple[int, ...]
    layer: int
    box: np.ndarray
    names: tuple[str, ...] = ()

    @property
    def seen(self) -> np.ndarray:
        """The images, cut to the box."""
        (top, bottom), (left, right) = self.box
        return self.images[:, top:bottom, left:right]

    def figure(self, names: Sequence[Any] | None = None) -> Any:
        """Return a matplotlib figure of the images, cut to what the units see.

        Parameters
        ----------
        names : sequence, optional
            What the units stand for, other than they are called.
        """
        shown = [plotting.as_seen(part) for part in self.seen]
        told = self.names or tuple(map(str, self.units))
        if names is not None:
            told = [str(names[u]) for u in self.units]
        last = zip(told, self.scores[:, -1], strict=True)
        titles = [f"{name}: {s:.3g}" for name, s in last]
        heading = f"What maximises units of layer {self.layer}"
        return plotting.grid(shown, titles, heading)


def maximising_input(
    model: Any,
    layer: int = -1,
    unit: Any = None,
    *,
    position: Any = None,
    shape: Any = None,
    **ascent: Any,
) -> Maximised:
    """Return the input that maximises a unit, by gradient ascent on the pixels.

    Equations
    ---------
        x = μ + z / f
        J(z) = h(roll(x, r)) − (l2 Σ z² + tv Σ (difference of neighbours)²) / n
        z ← P(z + η (1 − t / T) √n ∇J / ‖∇J‖),   t = 0, 1, …, T − 1
        P(z) = z · min(1, κ √n / ‖z‖)

    μ and f are the shift and the factor of a ``Rescale`` that the network begins with,
    so z are standardised pixels; without one they are 0 and 1. Only the pixels that the
    unit sees from its place change, and ‖ ‖ is of these; n is how many values they
    hold, η the ``step``, T the ``steps``, κ the ``contrast``: the image differs from
    mean grey by at most κ, root mean square, and 1 is what the training images do. r
    is drawn anew in each step from −jitter … jitter places along either axis; the
    image is rolled by it, so that it does not hang on single pixels. h is the
    pre-activation
     of the unit at a place, or a where the layer has none. Neighbours lie below
    each other or side by side.

    For a unit that is linear in x, h = ⟨w, x⟩ + b, with tv = 0 and no jitter, the
    answer is known: z = κ √n w / ‖w‖, and with l2 and no bound z = n w / (2 f l2).

    Parameters
    ----------
    model : fitted estimator, or (network, params)
    layer : int, default=-1
        A number of :func:`lamina.insight.layers`; the output layer by default.
    unit : int, name of a class, or sequence of these, optional
        All units of the layer by default. Names are for the output layer; the first of
        two classes that share an output is what minimises it. Each has noise of its
        own, so that its image does not depend on which others are asked for.
    place : (row, column), optional
        Of the layer's map; the middle one by default.
    shape : (height, width, channels), optional
        Of the image, if the model is (network, params).
    **ascent
        Fields of :class:`lamina.insight.Ascent`: ``steps=128``, ``step=0.1``,
        ``contrast=1.0``, ``l2=0.0``, ``tv=1.0``, ``jitter=1``, ``start="noise"`` and
        ``seed=0``.

    Raises
    ------
    ValueError
        If there is no such layer, unit or place, or a number is out of range.

    References
    ----------
    Erhan, Bengio, Courville & Vincent (2009), Visualizing higher-layer features of a
    deep network, technical report 1341, University of Montreal, section 4.1. Simonyan,
    Vedaldi & Zisserman (2014), Deep inside convolutional networks, ICLR workshop,
    section 2. Mahendran & Vedaldi (2015), Understanding deep image representations by
    inverting them, CVPR, section 2.1 (neighbours).
    """
    how, seen = Ascent(**ascent), view_network(model, shape)
    layer = seen.number(layer)
    chosen = range(seen.shapes[layer][-1]) if unit is None else unit
    alone = is_whole(chosen) or isinstance(chosen, str)
    pairs = [seen.speaking(layer, u) for u in ((chosen,) if alone else chosen)]
    if not pairs:
        raise ValueError("there must be at least one unit")
    units, signs = map(tuple, zip(*pairs, strict=True))
    at = seen.position(layer, position)
    field = box(receptive_field(seen, layer, at))
    n = max(1, np.prod(np.diff(field)) * seen.shape[-1])
    bound = np.inf if how.contrast is None else how.contrast * np.sqrt(n)
    mean, unit_of_x = seen.scale or (0.0, 1.0)
    numbers = {"mean": mean, "unit": unit_of_x, "step": how.step, "bound": bound}
    numbers |= {"l2": how.l2, "tv": how.tv, "jitter": how.jitter, "n": n}
    numbers = {name: np.asarray(value) for name, value in numbers.items()}
    keys = [Key(how.seed).fold_in("maximise", layer, u) for u in units]
    changed = _around(field, how.jitter, seen)
    begin = np.stack([_start(seen, how.start, key, changed) for key in keys])
    words = np.stack([key.fold_in("jitter").words() for key in keys])
    climbers = Climbers(begin, words, np.array(units), np.array(signs, seen.dtype))
    now = seen.network, seen.params, climbers, at, changed, numbers
    with seen.precision():
        images, scores = _ascend(*now, layer, how.steps)
    found = np.asarray(images), np.asarray(scores), units, layer, field
    return Maximised(*found, _names(seen, layer, pairs))


def _names(
    seen: NetworkView, layer: int, pairs: list[tuple[int, int]]
) -> tuple[str, ...]:
    """Return what units of a layer are called: the classes they speak for."""
    if layer == len(seen.shapes) - 1 and seen.is_binary:
        return tuple(seen.names[(sign + 1) // 2] for _, sign in pairs)
    if layer == len(seen.shapes) - 1 and len(seen.shapes[-1]) == 1:
        return tuple(seen.names[unit] for unit, _ in pairs)
    return tuple(str(unit) for unit, _ in pairs)


def _around(field: np.ndarray, jitter: int, seen: NetworkView) -> np.ndarray:
    """Return 1 for the pixels that a unit sees in an image rolled by the jitter."""
    inside = np.zeros((*seen.shape[:2], 1), seen.dtype)
    (top, bottom), (left, right) = field
    rows = slice(max(0, top - jitter), bottom + jitter)
    inside[rows, max(0, left - jitter) : right + jitter] = 1
    return inside


def _start(seen: NetworkView, start: Any, key: Key, changed: np.ndarray) -> np.ndarray:
    """Return z at first."""
    if not isinstance(start, str):
        mean, unit = seen.scale or (0.0, 1.0)
        return (seen.image(start)[0] - mean) / unit
    if start not in STARTS:
        raise ValueError(f"start must be {' or '.join(STARTS)}, or an image")
    noise = key.fold_in("noise").generator().standard_normal(seen.shape)
    return (NOISE * noise * changed * (start == "noise")).astype(seen.dtype)


@partial(jax.jit, static_argnums=(6, 7))
def _ascend(
    network: Any,
    params: Any,
    climbers: Climbers,
    at: Any,
    changed: Any,
    numbers: Any,
    layer: int,
    steps: int,
) -> tuple[Any, Any]:
    """Return x, and h before and after each step, of all units side by side."""
    begin, words, units, signs = climbers
    dtype = begin.dtype
    names = ("mean", "unit", "step", "bound", "l2", "tv", "n")
    mean, unit_of_x, step, bound, l2, tv, n = (numbers[k].astype(dtype) for k in names)

    def h(z: Any, unit: Any) -> Any:
        x, (number, sign) = (mean + unit_of_x * z)[None], unit
        return sign * pre_activation(network, params, x, layer)[(0, *at, number)]

    def objective(z: Any, unit: Any, r: Any) -> Any:
        rolled = jnp.roll(z, r, axis=(0, 1))
        rough = sum(jnp.sum(jnp.diff(z, axis=axis) ** 2) for axis in (0, 1)) / n
        return h(rolled, unit) - l2 * jnp.sum(z * z) / n - tv * rough

    each = begin, words, (units, signs)

    def one(z: Any, words: Any, unit: Any) -> tuple[Any, Any]:
        key = device_key(words)

        def ascend(z: Any, t: Any) -> tuple[Any, Any]:
            most = numbers["jitter"]
            r = jax.random.randint(jax.random.fold_in(key, t), (2,), -most, most + 1)
            up = changed * jax.grad(objective)(z, unit, r)
            length = jnp.sqrt(jnp.sum(up * up))
            up = up / jnp.where(length > 0, length, 1)
            rate = step * (1 - t / steps) * jnp.sqrt(n)
            climbed = _within(changed * z + rate.astype(dtype) * up, bound)
            z = climbed + (1 - changed) * z
            return z, h(z, unit)

        first = h(z, unit)
        z, scores = jax.lax.scan(ascend, z, jnp.arange(steps))
        return mean + unit_of_x * z, jnp.concatenate([first[None], scores])

    together = min(TOGETHER, len(begin))
    return jax.lax.map(lambda given: one(*given), each, batch_size=together)


def _within(z: Any, bound: Any) -> Any:
    """Return P(z)."""
    length = jnp.sqrt(jnp.sum(z * z))
    return z * jnp.minimum(1, bound / jnp.where(length > 0, length, 1))
