"""Receptive fields: which pixels of an image a unit depends on."""

from typing import Any

import numpy as np

from lamina.insight.network_view import NetworkView
from lamina.networks.composite.residual import Residual
from lamina.networks.composite.skip import SkipConnection
from lamina.networks.convolution.conv import Conv, Geometry
from lamina.networks.convolution.conv_transpose import ConvTranspose
from lamina.networks.convolution.fixed_conv import KERNELS, FixedConv
from lamina.networks.convolution.locally_connected import LocallyConnected
from lamina.networks.convolution.pooling import AveragePool, MaxPool, SumPool
from lamina.networks.convolution.rescale import Rescale
from lamina.networks.convolution.spatial import padded_positions, per_axis
from lamina.networks.convolution.upsample import Upsample
from lamina.networks.core.layer import Composite
from lamina.networks.layers.augment import Augment
from lamina.networks.layers.dense import Dense
from lamina.networks.layers.dropout import Dropout
from lamina.networks.layers.norms import LayerNorm
from lamina.networks.network import Network

WINDOWS = (Conv, MaxPool, AveragePool, SumPool, LocallyConnected, FixedConv)
EACH_POSITION = (Rescale, Augment, Dropout, Dense)

Seen = tuple[np.ndarray, ...]
"""Positions along each axis, in ascending order."""


def receptive_field(model: NetworkView, layer: int, position: tuple[int, ...]) -> Seen:
    """Return the rows and the columns of the image that a unit depends on.

    Equations
    ---------
    Backwards from layer to layer, along each axis, for the set S of relevant positions:

        S ← {s o + d u − p : o ∈ S, 0 ≤ u < k} ∩ {0, …, n − 1}     convolution, pool
        S ← {o : s o + d u − p ∈ S} ∩ {0, …, n − 1}                ConvTranspose
        S ← S                                                      pointwise layers
        S ← {0, …, n − 1}                                          all others

    with size k, stride s, dilation d, padding p before the first position, and n input
    positions. Where a ``Residual`` adds or a ``SkipConnection`` concatenates, the sets
    of both branches are united. Without padding and borders this is the known
    recursion: fields of size r with distance j become r + d (k − 1) j and j s.

    The sets follow from the connections: pixels outside have no influence, whatever the
    weights. With dilation the sets have gaps.

    Parameters
    ----------
    model : NetworkView
    layer : int
    position : (row, column) of the layer's map; () for a layer that is not spatial

    References
    ----------
    Dumoulin & Visin (2016), A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285; Araujo, Norris & Sim (2019), Computing receptive fields of
    convolutional neural networks, Distill, section "Computing receptive field region".
    """
    ways = sources(model.network.layers, model.params)
    fields: dict[int, Seen] = {layer: tuple(np.array([i]) for i in position)}
    for number in range(layer, -1, -1):
        if number not in fields:
            continue
        kind = model.layers[number][0]
        after = model.shapes[number][:-1]
        for i, source in enumerate(ways[number]):
            before = (model.shapes[source] if source >= 0 else model.shape)[:-1]
            seen = _before(kind, fields[number], before, after, i)
            fields[source] = _united(fields.get(source), seen)
    return fields[-1]


def sources(
    layers: Any, params: Any, before: int = -1, first: int = 0
) -> list[tuple[int, ...]]:
    """Return the layers from which each takes its input, in the order of ``walk``.

    The image has index −1. A ``Residual`` and a ``SkipConnection`` take the last layer
    of f, and the last one of the shortcut or the input of the block.
    """
    found: list[tuple[int, ...]] = []
    for layer, own in zip(layers, params, strict=True):
        if not isinstance(layer, Composite):
            found.append((before,))
            before = first + len(found) - 1
            continue
        ends = []
        for inner, inner_params in layer.branches(own):
            part = sources(inner, inner_params, before, first + len(found))
            found += part
            ends.append(first + len(found) - 1 if part else before)
        if isinstance(layer, Network):
            (before,) = ends
        else:
            found.append((ends[0], ends[1] if ends[1:] else before))
            before = first + len(found) - 1
    return found


def _united(one: Seen | None, other: Seen) -> Seen:
    if one is None:
        return other
    return tuple(np.union1d(a, b) for a, b in zip(one, other, strict=True))


def _before(
    layer: Any, seen: Seen, before: tuple[int, ...], after: tuple[int, ...], way: int
) -> Seen:
    """Return the relevant input positions of a layer."""
    if isinstance(layer, WINDOWS):
        return _window(layer, seen, before)
    if isinstance(layer, ConvTranspose):
        return _transposed(layer, seen, before, after)
    if isinstance(layer, Upsample):
        return _finer(layer, seen, before)
    if isinstance(layer, SkipConnection):  # the first positions of f are those of x
        return seen
    if isinstance(layer, Residual) and before != after:  # the shortcut takes every r-th
        axes = zip(seen, before, after, strict=True)
        return tuple(o * (n // m) for o, n, m in axes)
    alone = isinstance(layer, LayerNorm) and layer.axes == 1
    if before == after and (alone or isinstance(layer, (*EACH_POSITION, Residual))):
        return seen
    return tuple(map(np.arange, before))


def _geometry(
    layer: Any, positions: tuple[int, ...]
) -> tuple[tuple[int, ...], Geometry]:
    """Return size and geometry of a layer's window."""
    if isinstance(layer, FixedConv):
        kernel = layer.kernel
        size = np.shape(KERNELS[kernel] if isinstance(kernel, str) else kernel)
    else:
        size = per_axis("size", layer.size, len(positions))
    stride = getattr(layer, "stride", 1)
    stride = size if stride is None else per_axis("stride", stride, len(positions))
    dilation = per_axis("dilation", getattr(layer, "dilation", 1), len(positions))
    how = Geometry(stride, ((0, 0),) * len(positions), dilation)
    pads = padded_positions(layer.padding, positions, how.reach(size), stride)
    return size, how._replace(pads=pads)


def _window(layer: Any, seen: Seen, before: tuple[int, ...]) -> Seen:
    size, how = _geometry(layer, before)
    axes = zip(seen, before, size, how.stride, how.dilation, how.pads, strict=True)
    return tuple(
        _inside(s * o[:, None] + d * np.arange(k) - p, n)
        for o, n, k, s, d, (p, _) in axes
    )


def _transposed(
    layer: Any, seen: Seen, before: tuple[int, ...], after: tuple[int, ...]
) -> Seen:
    size, how = _geometry(layer, after)  # of the adjoint Conv
    axes = zip(seen, before, size, how.stride, how.dilation, how.pads, strict=True)
    found = []
    for i, n, k, s, d, (p, _) in axes:
        met = i[:, None] + p - d * np.arange(k)
        found.append(_inside(met[met % s == 0] // s, n))
    return tuple(found)


def _finer(layer: Any, seen: Seen, before: tuple[int, ...]) -> Seen:
    found = []
    factors = per_axis("factor", layer.factor, len(before))
    for i, n, f in zip(seen, before, factors, strict=True):
        at = (i + 0.5) / f - 0.5 if layer.method == "bilinear" else i // f
        met = np.concatenate([np.floor(at), np.ceil(at)]).astype(int)
        found.append(np.unique(np.clip(met, 0, n - 1)))
    return tuple(found)


def _inside(positions: np.ndarray, n: int) -> np.ndarray:
    return np.unique(positions[(positions >= 0) & (positions < n)])


def box(seen: Seen) -> np.ndarray:
    """Return the bounding box of positions: (first, last + 1) per axis."""
    return np.array([[a.min(), a.max() + 1] if a.size else [0, 0] for a in seen])
