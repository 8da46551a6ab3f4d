"""Features of a layer: its filters, its feature maps, and the top patches of a unit."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamina.insight import plotting
from lamina.insight.network_view import (
    NetworkView,
    activations,
    as_batch,
    is_whole,
    pre_activation,
    view_network,
    view_network_for,
)
from lamina.insight.receptive import box, receptive_field
from lamina.networks.convolution.conv import Conv

BATCH = 64
"""Images that are processed together."""


# ---- filters ------------------------------------------------------------------------


@dataclass(frozen=True)
class Filters:
    """The weights of a convolutional layer.

    Parameters
    ----------
    weights : ndarray (height, width, channels, filters)
        As applied to the image: rotated by 180° if the layer has ``flip=True``.
    layer : int
    of_pixels : bool
        Whether the channels are those of the image.
    """

    weights: np.ndarray
    layer: int
    of_pixels: bool

    @property
    def images(self) -> np.ndarray:
        """Each filter as an image (filters, height, width) or (…, 3), in [0, 1].

        Equations
        ---------
            ½ + ½ W[u, v, c, f] / max |W[·, ·, ·, f]|      of pixels, one or three c
            n[u, v, f] / max n[·, ·, f],   n = √Σ_c W²     otherwise: the norm
        """
        each = np.moveaxis(self.weights, -1, 0)
        if self.of_pixels and each.shape[-1] in (1, 3):
            return np.stack([plotting.around_grey(w) for w in each])
        norms = np.sqrt(np.sum(each**2, axis=-1))
        most = norms.max(axis=(1, 2), keepdims=True)
        return norms / np.where(most > 0, most, 1)

    def figure(self, channel: int | None = None) -> Any:
        """Return a matplotlib figure of the filters.

        Parameters
        ----------
        channel : int, optional
            Plot the signed weights of one input channel, on one scale for all filters;
            by default :attr:`images`.

        Raises
        ------
        ValueError
            If the channel does not exist.
        """
        titles = [str(f) for f in range(self.weights.shape[-1])]
        heading = f"Filters of layer {self.layer}"
        if channel is None:
            title = heading if self.of_pixels else f"{heading}, norm over channels"
            return plotting.grid(list(self.images), titles, title)
        if not 0 <= channel < self.weights.shape[2]:
            raise ValueError(
                f"channel must be from 0 to {self.weights.shape[2] - 1}, got {channel}"
            )
        weights = np.moveaxis(self.weights[:, :, channel], -1, 0)
        bound = float(np.abs(weights).max())
        images = [plotting.around_grey(w, bound) for w in weights]
        return plotting.grid(images, titles, f"{heading}, channel {channel}")


def filters(model: Any, layer: Any = None) -> Filters:
    """Return the weights of a convolutional layer.

    A filter of the first layer is a template: among patches of equal norm it responds
    most to the one that looks like it.

    Shapes
    ------
    weights (height, width, channels / groups, filters).

    Parameters
    ----------
    model : fitted estimator, or (network, params)
    layer : int, optional
        An index of :func:`lamina.insight.layers`; by default the first convolution.

    Raises
    ------
    ValueError
        If the layer has no filters; the message lists those that have.

    References
    ----------
    Krizhevsky, Sutskever & Hinton (2012), ImageNet classification with deep
    convolutional neural networks, NIPS, figure 3.
    """
    network, params = _unopened(model)
    pairs = network.walk(params)
    convolutions = [i for i, (kind, _) in enumerate(pairs) if isinstance(kind, Conv)]
    names = ", ".join(f"{i} {type(kind).__name__}" for i, (kind, _) in enumerate(pairs))
    number: Any = convolutions[0] if layer is None and convolutions else layer
    if is_whole(number) and number < 0:
        number += len(pairs)
    if number not in convolutions:
        found = ", ".join(map(str, convolutions)) or "none"
        raise ValueError(
            f"layer {layer} has no filters; the convolutional layers are {found} among "
            f"{names}"
        )
    kind, own = pairs[number]
    weights = np.asarray(own["weight"])
    if weights.ndim == 3:  # of a 1-D convolution: height 1
        weights = weights[None]
    if kind.flip:
        weights = weights[::-1, ::-1]
    before = jax.tree.leaves([own for _, own in pairs[:number]])
    return Filters(weights, number, not before)


def _unopened(model: Any) -> tuple[Any, Any]:
    """Return network and parameters; filters need no image shape."""
    known = view_network(model, shape=(1, 1, 1))
    return known.network, known.params


# ---- maps ---------------------------------------------------------------------------


@dataclass(frozen=True)
class FeatureMaps:
    """The activations of a layer for an image.

    Parameters
    ----------
    maps : ndarray (height, width, units)
        Activations a.
    image : ndarray
    layer : int
    """

    maps: np.ndarray
    image: np.ndarray
    layer: int

    def figure(self) -> Any:
        """Return a matplotlib figure of the image and the maps on one scale."""
        n = min(self.maps.shape[-1], plotting.AT_MOST - 1)
        low, high = min(0.0, float(self.maps.min())), float(self.maps.max())
        spread = high - low if high > low else 1.0
        scaled = [(self.maps[..., u] - low) / spread for u in range(n)]
        total = self.maps.shape[-1]
        some = "" if n == total else f", {n} of {total}"
        return plotting.grid(
            [plotting.as_seen(self.image), *scaled],
            ["image", *map(str, range(n))],
            f"Feature maps of layer {self.layer}{some}: black {low:.3g}, "
            f"white {high:.3g}",
        )


def feature_maps(model: Any, image: Any, layer: int) -> FeatureMaps:
    """Return the activations of a spatial layer, one map for each unit.

    Equations
    ---------
        maps[i, j, f] = a[i, j, f] of the layer, in inference mode

    Parameters
    ----------
    model : fitted estimator, or (network, params)
    image : array (height, width) or (height, width, channels)
    layer : int
        An index of :func:`lamina.insight.layers`; negative ones count from the end.

    Raises
    ------
    ValueError
        If the layer does not exist or is not spatial, or the image does not have the
        model's shape.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document
    recognition, Proc. IEEE 86, figure 12.
    """
    seen = view_network_for(model, np.asarray(image)[None])
    x = seen.image(image)
    number = seen.number(layer, positions=True)
    with seen.precision():
        maps = activations(seen.network, seen.params, x, number)
    return FeatureMaps(np.asarray(maps)[0], np.asarray(image), number)


# ---- patches ------------------------------------------------------------------------


@dataclass(frozen=True)
class Patches:
    """The parts of images that activate a unit most.

    Parameters
    ----------
    patches : list of ndarray (height, width, channels)
        Crops of the images as they were given; smaller at a border.
    scores : ndarray (k,)
        Pre-activations of the unit, the largest first.
    rows : ndarray of int (k,)
        Indices of the images.
    positions : ndarray of int (k, axes)
        Positions in the unit's map.
    boxes : ndarray of int (k, 2, 2)
        (first, last + 1) of rows and of columns of the image.
    layer, unit : int
    """

    patches: list[np.ndarray]
    scores: np.ndarray
    rows: np.ndarray
    positions: np.ndarray
    boxes: np.ndarray
    layer: int
    unit: int

    def figure(self) -> Any:
        """Return a matplotlib figure of the patches, the strongest first."""
        values = np.stack([[p.min(), p.max()] for p in self.patches])
        low, high = float(values.min()), float(values.max())
        alike = all(patch.dtype == np.uint8 for patch in self.patches)
        low, high = (0.0, 255.0) if alike else (low, high)
        spread = high - low if high > low else 1.0
        images = [
            plotting.as_seen(np.uint8(np.round(255 * (p - low) / spread)))
            for p in self.patches
        ]
        titles = [
            f"{s:.3g} (image {row})"
            for s, row in zip(self.scores, self.rows, strict=True)
        ]
        heading = f"Top patches of unit {self.unit} in layer {self.layer}"
        return plotting.grid(images, titles, heading)


def top_patches(model: Any, images: Any, layer: int, unit: int, k: int = 9) -> Patches:
    """Return the patches of images that activate a unit most, one per image.

    Equations
    ---------
        score(x) = max over positions p of h[p, unit](x)

    The k images with the largest scores are cropped to the unit's receptive field at
    its best position: see :func:`lamina.insight.receptive.receptive_field`. Ties go to
    the first image and position. h is the pre-activation, or a for a layer without one.

    Shapes
    ------
    images (n, height, width) or (n, height, width, channels).

    Parameters
    ----------
    model : fitted estimator, or (network, params)
    images : array, or any object with a length and slices
    layer, unit : int
        Indices of the layer and of the unit, i.e. its channel.
    k : int, default=9

    Raises
    ------
    ValueError
        If the layer or unit does not exist, k is below 1, or the images do not have the
        model's shape.

    References
    ----------
    Zeiler & Fergus (2014), Visualizing and understanding convolutional networks, ECCV,
    section 4.1 and figure 2.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    seen = view_network_for(model, images[:1])
    layer = seen.number(layer)
    unit = seen.unit(layer, unit)
    scores, flat = _best_positions(seen, images, layer, unit)
    rows = np.argsort(-scores, kind="stable")[:k]
    map_shape = seen.shapes[layer][:-1]
    positions = np.stack(np.unravel_index(flat[rows], map_shape or (1,)), axis=1)
    positions = positions[:, : len(map_shape)]
    fields = [receptive_field(seen, layer, tuple(p)) for p in positions.tolist()]
    boxes = np.stack([box(field) for field in fields])
    patches = [
        as_batch(images[row : row + 1])[0, top:bottom, left:right]
        for row, ((top, bottom), (left, right)) in zip(
            rows.tolist(), boxes.tolist(), strict=True
        )
    ]
    return Patches(patches, scores[rows], rows, positions, boxes, layer, unit)


def _best_positions(
    seen: NetworkView, images: Any, layer: int, unit: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest h of each image and its position, counted row by row."""
    scores, positions = [], []
    for start in range(0, len(images), BATCH):
        x = seen.images(images[start : start + BATCH])
        missing = min(BATCH, len(images)) - len(x)  # one shape, one program
        padded = np.pad(x, ((0, missing), (0, 0), (0, 0), (0, 0)))
        with seen.precision():
            best = _best(seen.network, seen.params, padded, layer, unit)
        score, position = map(np.asarray, best)
        scores.append(score[: len(x)])
        positions.append(position[: len(x)])
    return np.concatenate(scores), np.concatenate(positions)


@partial(jax.jit, static_argnums=3)
def _best(network: Any, params: Any, x: Any, layer: int, unit: Any) -> Any:
    h = pre_activation(network, params, x, layer)[..., unit].reshape(len(x), -1)
    return jnp.max(h, axis=1), jnp.argmax(h, axis=1)
