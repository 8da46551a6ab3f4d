"""Operation counts per example, for planning and for summaries."""

from functools import lru_cache
from typing import Any

import jax
import numpy as np
from numpy.typing import DTypeLike

from lamina.networks.core.layer import Composite, Layer, size


def flops(network: Any, params: Any, shape: Any, dtype: DTypeLike | None = None) -> int:
    """Return multiplications and additions of the forward pass of one example.

    Equations
    ---------
        Σ over layers of flops(params, shape),   shape: of the layer's input

    A backward pass costs about twice as much.

    Parameters
    ----------
    network : Network
    params : tree of arrays
        Its parameters.
    shape : tuple of int
        Shape of one example; a tree of shapes for several inputs.
    dtype : dtype, optional
        Type of the examples, float32 by default.
    """
    layers = [layer for layer, _ in network.walk(params)]
    itself = any(_counts_itself(layer) for layer in layers)
    if is_shape(shape) and len(shape) == 1 and not itself:
        return 2 * size(params)  # as below, without tracing
    x = one_of(shape, dtype or np.float32)
    leaves, structure = jax.tree.flatten((jax.tree.map(_abstract, params), x))
    return _traced(network.layers, structure, tuple(leaves))


def is_shape(shape: Any) -> bool:
    """Whether this is the shape of one input, not a tree of several shapes."""
    return isinstance(shape, tuple) and all(isinstance(n, int) for n in shape)


def one_of(shape: Any, dtype: DTypeLike) -> Any:
    """Return an abstract example of a shape or tree of shapes."""
    return jax.tree.map(
        lambda own: jax.ShapeDtypeStruct((1, *own), dtype), shape, is_leaf=is_shape
    )


def _abstract(array: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(np.shape(array), array.dtype)


@lru_cache(maxsize=64)  # tracing the layers takes longer than a short epoch
def _traced(
    layers: tuple[Any, ...], structure: Any, leaves: tuple[jax.ShapeDtypeStruct, ...]
) -> int:
    """Return the operations of layers for abstract parameters and examples."""
    return _of_stack(layers, *jax.tree.unflatten(structure, leaves))


def _of_stack(layers: tuple, params: Any, x: Any) -> int:
    """Return the operations of a stack of layers."""
    work = 0
    for layer, own in zip(layers, params, strict=True):
        work += _of_layer(layer, own, x)
        x = jax.eval_shape(layer, own, x)
    return work


def _of_layer(layer: Layer, params: Any, x: Any) -> int:
    if isinstance(layer, Composite):
        branches = layer.branches(params)
        return sum(_of_stack(layers, own, x) for layers, own in branches)
    return layer.flops(params, jax.tree.map(lambda a: a.shape[1:], x))


def _counts_itself(layer: Layer) -> bool:
    """Whether the layer has its own ``flops``."""
    return type(layer).flops is not Layer.flops
