"""Application of a trained network: few rows with NumPy, many with a compiled program.

A compiled program starts in tens of microseconds and has to be compiled once; plain
NumPy runs the same layers at once. Which of the two answers depends only on the sizes,
so that the same rows always get the same answer.
"""

from typing import Any

import jax
import numpy as np

from lamina.learning.feed import STREAM_BYTES, padded_size
from lamina.learning.program import compiled_apply

NUMPY_WORK = 2**28
"""Up to so many multiplications (a few milliseconds) nothing is compiled."""

NUMPY_ROWS = 512
COMPILED_ROWS = 2048
"""Rows at a time: activations then stay in the processor's cache."""


def outputs(network: Any, params: Any, x: Any, dtype: Any) -> np.ndarray:
    """Return the network's outputs for all rows of x, in application mode.

    Parameters
    ----------
    network : Network
    params : pytree of arrays
    x : ndarray (n, \\*shape) or SciPy sparse array (n, features)
    dtype : dtype of the computation

    Returns
    -------
    ndarray (n, outputs)
    """
    work = x.shape[0] * sum(leaf.size for leaf in jax.tree.leaves(params))
    if work <= NUMPY_WORK and all(is_portable(layer) for layer in network.layers):
        parts = [
            network(params, x[i : i + NUMPY_ROWS].astype(dtype, copy=False))
            for i in range(0, max(1, x.shape[0]), NUMPY_ROWS)
        ]
    else:
        parts = _compiled(network, params, x, dtype)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def is_portable(layer: Any) -> bool:
    """Return whether a layer runs on NumPy arrays as well as in compiled code."""
    return getattr(layer, "portable", False)


def _compiled(network: Any, params: Any, x: Any, dtype: Any) -> list[np.ndarray]:
    n, sparse = x.shape[0], not isinstance(x, np.ndarray)
    row_bytes = int(np.prod(x.shape[1:])) * np.dtype(dtype).itemsize
    most = max(8, STREAM_BYTES // max(1, row_bytes))
    chunk = min(padded_size(n), COMPILED_ROWS, most)
    params = jax.device_put(params)
    parts = []
    for start in range(0, max(1, n), chunk):
        rows = x[start : start + chunk]
        block = np.asarray(rows.toarray() if sparse else rows, dtype)
        if missing := chunk - block.shape[0]:
            padding = [(0, missing)] + [(0, 0)] * (block.ndim - 1)
            block = np.pad(block, padding)
        part = np.asarray(compiled_apply(network, params, block))
        parts.append(part[: part.shape[0] - missing])
    return parts
