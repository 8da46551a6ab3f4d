"""Activation maximisation: the image that maximises a unit."""

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
"""Standard deviation of the initial noise, in units of the standardised input."""

TOGETHER = 16
"""Units that are optimised in parallel."""


@dataclass(frozen=True)
class Ascent:
    """How gradient ascent changes an input to maximise a unit.

    Parameters
    ----------
    steps : int
        T.
    step : float
        η, the length of the first step.
    contrast : float or None
        κ; None is no bound.
    l2, tv : float
        Penalties on large values and on differences between neighbours.
    jitter : int
        Largest shift of the image in each step, in pixels.
    start : "noise", "zeros" or an image
        Initial z from N(0, 0.1²), or 0, or an initial image x.
    seed : int
        Random seed of noise and jitter.

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
            raise ValueError(
                f"jitter must be a whole number of at least 0, got {jitter!r}"
            )
        if not step > 0 or (contrast is not None and not contrast > 0):
            raise ValueError(
                f"step and contrast must be above 0, got step={step} and "
                f"contrast={contrast}"
            )
        if not (l2 >= 0 and tv >= 0):
            raise ValueError(f"l2 and tv must not be negative, got l2={l2} and tv={tv}")


class Climbers(NamedTuple):
    """What is optimised in parallel: initial z, keys, units and their signs."""

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
        h of each unit at the start and after each step; −h for the first of two classes
        that share an output.
    units : tuple of int
    layer : int
    box : ndarray of int (2, 2)
        Receptive field of the units: (first, last + 1) of rows and of columns.
        Everything outside is as at the start.
    names : tuple of str
        Names of the units: the classes for the output layer.
    """

    images: np.ndarray
    scores: np.ndarray
    units: tuple[int, ...]
    layer: int
    box: np.ndarray
    names: tuple[str, ...] = ()

    @property
    def seen(self) -> np.ndarray:
        """The images, cropped to the box."""
        (top, bottom), (left, right) = self.box
        return self.images[:, top:bottom, left:right]

    def figure(self, names: Sequence[Any] | None = None) -> Any:
        """Return a matplotlib figure of the images, cropped to the receptive field.

        Parameters
        ----------
        names : sequence, optional
            Alternative names of the units.
        """
        shown = [plotting.as_seen(part) for part in self.seen]
        labels = self.names or tuple(map(str, self.units))
        if names is not None:
            labels = [str(names[u]) for u in self.units]
        last = zip(labels, self.scores[:, -1], strict=True)
        titles = [f"{name}: {s:.3g}" for name, s in last]
        heading = f"Images that maximise units of layer {self.layer}"
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

    μ and f are the shift and the factor of an initial ``Rescale`` of the network, so z
    are standardised pixels; without one they are 0 and 1. Only the pixels in the unit's
    receptive field change, and ‖ ‖ covers these; n is their number of values, η the
    ``step``, T the ``steps``, and κ the ``contrast``: the root mean square difference
    of the image from mean grey is at most κ, and 1 is that of the training images. In
    each step r is drawn from −jitter … jitter pixels along either axis, and the image
    is rolled by it, so that it does not depend on single pixels. h is the
    pre-activation of the unit at a position, or a if the layer has none. Neighbours are
    vertical or horizontal.

    For a unit that is linear in x, h = ⟨w, x⟩ + b, with tv = 0 and no jitter, the
    solution is known: z = κ √n w / ‖w‖, and with l2 and no bound z = n w / (2 f l2).

    Parameters
    ----------
    model : fitted estimator, or (network, params)
    layer : int, default=-1
        An index of :func:`lamina.insight.layers`; by default the output layer.
    unit : int, name of a class, or sequence of these, optional
        All units of the layer by default. Names are for the output layer; the first of
        two classes that share an output minimises it. Each unit has its own noise, so
        its image does not depend on which other units are requested.
    position : (row, column), optional
        Position in the layer's map; by default the centre.
    shape : (height, width, channels), optional
        Of the image, if the model is (network, params).
    **ascent
        Fields of :class:`lamina.insight.Ascent`: ``steps=128``, ``step=0.1``,
        ``contrast=1.0``, ``l2=0.0``, ``tv=1.0``, ``jitter=1``, ``start="noise"`` and
        ``seed=0``.

    Raises
    ------
    ValueError
        If the layer, unit or position does not exist, or a number is out of range.

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
    """Return names of units: for the output layer their classes."""
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
    """Return the initial z."""
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
    """Return x, and h before and after each step, for all units in parallel."""
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
