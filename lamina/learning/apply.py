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

NUMPY_WORK = 2**22
"""Up to so many multiplications NumPy is quicker than a compiled program."""


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
    weights = sum(np.size(leaf) for leaf in jax.tree.leaves(params))
    portable = all(getattr(layer, "portable", False) for layer in network.layers)
    if portable and x.shape[0] * weights <= NUMPY_WORK:
        return network(params, x.astype(dtype, copy=False))
    return _compiled(network, params, x, dtype)


def _compiled(network: Any, params: Any, x: Any, dtype: Any) -> np.ndarray:
    n = x.shape[0]
    row_bytes = int(np.prod(x.shape[1:])) * np.dtype(dtype).itemsize
    chunk = min(padded_size(n), max(8, STREAM_BYTES // max(1, row_bytes)))
    params = jax.device_put(params)
    parts = []
    for start in range(0, n, chunk):
        rows = x[start : start + chunk]
        block = np.zeros((chunk, *x.shape[1:]), dtype)
        block[: rows.shape[0]] = rows if isinstance(x, np.ndarray) else rows.toarray()
        part = compiled_apply(network, params, block)
        parts.append(np.asarray(part)[: rows.shape[0]])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
