"""Inference with a trained network: few rows with NumPy, many with a compiled program.

A compiled program starts in tens of microseconds and must first be compiled; NumPy runs
the same layers immediately. The choice depends only on the sizes, so the same rows
always get the same outputs. Sparse rows stay sparse unless they are dense enough for
conversion to be faster; then they are converted a chunk at a time.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from math import prod
from typing import Any

import jax
import numpy as np

from lamina.learning.data.bucketing import chunks, filled_up
from lamina.learning.data.dataset import padded_size
from lamina.learning.data.inputs import STREAM_BYTES, is_thin, sparse_rows
from lamina.learning.loop.compiled_step import compiled_apply
from lamina.learning.parallel.mesh import ask_for_all_cores, devices_of
from lamina.networks.core.computing import computing

NUMPY_WORK = 2**28
"""Up to this many multiplications (a few milliseconds) nothing is compiled."""

NUMPY_ROWS = 512
COMPILED_ROWS = 2048
"""Rows at a time: with these the activations stay in the processor's cache."""

FEW = (4, 32, 128)
"""Images at a time, if their layers are not too large; only a few sizes, as each one
needs its own compiled program."""

LAYER_BYTES = 2**24
"""Maximum output of a layer for the images of a chunk: two or four times as much was no
faster."""


def outputs(network: Any, params: Any, x: Any, dtype: Any) -> np.ndarray:
    """Return the network's outputs for all rows of x, in inference mode.

    For sequences see :func:`outputs_of_sequences`.

    Parameters
    ----------
    network : Network
    params : pytree of arrays
    x : ndarray (n, \\*shape), SciPy sparse array (n, features), or stored rows
        Stored rows have ``shape`` and ``dtype`` and are read by ``x[rows]``, a chunk at
        a time.
    dtype : dtype of the computation
        ``uint8`` inputs keep their type; the network converts them.

    Returns
    -------
    ndarray (n, outputs)
    """
    computed_in = dtype
    if hasattr(x, "tocsr"):
        x = x.tocsr()
    elif x.dtype == np.uint8:
        dtype = x.dtype
    # One row of 64-64-10 takes 6.7 µs with NumPy and 43 µs in a compiled program, which
    # has to be traced and compiled first: 0.45 s, or 0.13 s from the cache.
    if network.portable and _work(params, x) <= NUMPY_WORK:
        parts = [
            network(params, x[i : i + NUMPY_ROWS].astype(dtype, copy=False))
            for i in range(0, max(1, x.shape[0]), NUMPY_ROWS)
        ]
    else:
        with computing(computed_in):
            parts = _compiled(network, params, x, dtype)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def outputs_of_sequences(
    network: Any, params: Any, x: Any, dtype: Any
) -> list[np.ndarray]:
    """Return the network's outputs for each sequence, in inference mode.

    Sequences of similar length are batched together.

    Parameters
    ----------
    network : Network
    params : pytree of arrays
    x : sequences, as in :class:`lamina.learning.data.dataset.Dataset`
    dtype : dtype of the computation

    Returns
    -------
    list of ndarray
        (outputs,) each; or (steps, outputs), if the network has an output at each step.
    """
    with computing(dtype):
        return _each_sequence(network, params, x, dtype)


def _each_sequence(network: Any, params: Any, x: Any, dtype: Any) -> list[np.ndarray]:
    ask_for_all_cores()
    devices = devices_of(network, params)
    copies = [jax.device_put(params, device) for device in devices]
    found: list[Any] = [None] * x.shape[0]
    # Calls return before they are done: two per device keep the devices busy without
    # holding all chunks in memory.
    under_way: deque = deque()

    def finish(rows: np.ndarray, outputs: Any) -> None:
        for row, answer in zip(rows, np.asarray(outputs), strict=False):
            found[row] = answer if answer.ndim == 1 else answer[: x.lengths[row]]

    for i, (rows, size) in enumerate(chunks(x.lengths)):
        at = i % len(devices)
        block = filled_up(x, rows, size, slice(len(rows)), dtype)
        block = jax.device_put(block, devices[at])
        under_way.append((rows, compiled_apply(network, copies[at], block)))
        if len(under_way) >= 2 * len(devices):
            finish(*under_way.popleft())
    for one in under_way:
        finish(*one)
    return found


def _work(params: Any, x: Any) -> int:
    """Return roughly how many multiplications the outputs take."""
    leaves = jax.tree.leaves(params)
    work = x.shape[0] * sum(leaf.size for leaf in leaves)
    if not hasattr(x, "nnz"):
        return work
    # If the first layer is Dense, its weights are multiplied by nonzero entries only.
    first = sum(leaf.size for leaf in leaves[:2] if leaf.shape[:1] == x.shape[1:])
    # The dense count of W, replaced by one row of W per entry.
    return work - x.shape[0] * first + x.nnz * first // x.shape[1]


def _compiled(network: Any, params: Any, x: Any, dtype: Any) -> list[np.ndarray]:
    ask_for_all_cores()
    most = rows_at_once(network, params, x.shape[1:], dtype)
    devices = devices_of(network, params) if x.shape[0] > most else [None]
    copies = [jax.device_put(params, device) for device in devices]
    parts: list[np.ndarray] = []
    under_way: deque = deque()
    for i, (block, rows) in enumerate(_blocks(x, dtype, most)):
        at = i % len(devices)
        block = block if devices[at] is None else jax.device_put(block, devices[at])
        under_way.append((compiled_apply(network, copies[at], block), rows))
        if len(under_way) >= 2 * len(devices) or devices == [None]:
            parts.append(_finished(*under_way.popleft()))
    return parts + [_finished(*one) for one in under_way]


def _finished(outputs: Any, rows: int) -> np.ndarray:
    """Wait for a chunk's outputs and drop its padding."""
    return np.asarray(outputs)[:rows]


def rows_at_once(network: Any, params: Any, shape: tuple[int, ...], dtype: Any) -> int:
    """Return how many examples of a shape to process at a time.

    2048, or fewer if they take more than `STREAM_BYTES`; for images as many as keep the
    largest layer's outputs in the cache.
    """
    if len(shape) == 1:
        row_bytes = shape[0] * np.dtype(dtype).itemsize
        return min(COMPILED_ROWS, max(8, STREAM_BYTES // max(1, row_bytes)))
    leaves, structure = jax.tree.flatten(params)
    sizes = tuple([leaf.shape for leaf in leaves])
    most = LAYER_BYTES // _largest_output(network, structure, sizes, shape)
    return max([few for few in FEW if few <= most], default=FEW[0])


@lru_cache(maxsize=64)
def _largest_output(
    network: Any, structure: Any, sizes: tuple, shape: tuple[int, ...]
) -> int:
    """Return the bytes of the largest layer's output for one example of a shape."""
    leaves = [jax.ShapeDtypeStruct(size, np.float32) for size in sizes]
    params = jax.tree.unflatten(structure, leaves)
    row = jax.ShapeDtypeStruct((1, *shape), np.float32)
    largest = prod(shape)
    for layer, own in zip(network.layers, params, strict=True):
        row = jax.eval_shape(layer, own, row)
        largest = max(largest, prod(row.shape))
    return largest * np.dtype(np.float32).itemsize


def _blocks(x: Any, dtype: Any, most: int) -> Iterator[tuple[Any, int]]:
    """Yield (rows padded to a fixed number, how many are real)."""
    n = x.shape[0]
    thin = hasattr(x, "nnz") and is_thin(x)
    few = [size for size in FEW if n <= size <= most] if len(x.shape) > 2 else ()
    chunk = min([padded_size(n), COMPILED_ROWS if thin else most, *few])
    steps = range(0, max(1, n), chunk)
    if thin:
        every = sparse_rows(x, dtype, len(steps) * chunk)
        # The entries go to the device once; chunks only select other rows of them.
        values, columns = jax.device_put((every.values, every.columns))
        every = replace(every, values=values, columns=columns)
        for start in steps:
            some = slice(start, start + chunk)
            yield every.map_rows(lambda a, some=some: a[some]), min(chunk, n - start)
        return
    for start in steps:
        rows = x[start : start + chunk]
        block = rows.toarray() if hasattr(rows, "toarray") else rows
        block = np.asarray(block, dtype)
        missing = chunk - block.shape[0]
        padding = [(0, missing)] + [(0, 0)] * (block.ndim - 1)
        yield (np.pad(block, padding) if missing else block), chunk - missing
