"""Inputs and targets on the host, and how their rows become arrays of a batch.

One class for each storage format: :class:`Dense` arrays, rows in a :class:`Stored`
file, :class:`Sparse` rows, :class:`Ragged` sequences of different lengths, and
:class:`Several` inputs side by side. Each knows its size on the device and whether it
may stay there, and gathers rows.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from lamina.learning.data.bucketing import filled_up
from lamina.networks.core.sparse import SparseRows

STREAM_BYTES = 64 * 2**20
"""Approximate memory of a streamed chunk of batches."""

THIN, WIDE = 0.05, 256
"""Rows stay sparse up to this density, and from this number of features on.

A step of Adam with 40,000 features and 100 hidden units, ms of processor time:

=====================  ======  ==========  ============
batch, entries         sparse  all dense   dense blocks
=====================  ======  ==========  ============
200, 0.1 %                  8          53            61
200, 1 %                   20          53            63
32, 0.1 %                   6          14            15
32, 1 %                     7          15            16
32, 5 %                    17          15            16
=====================  ======  ==========  ============

With 200 features they take the same time.
"""


class Inputs(ABC):
    """Rows of numbers on the host.

    Parameters
    ----------
    values : container of the numbers, with ``values.shape[0]`` rows
    dtype : dtype
        Type of floating-point numbers on the device. ``uint8`` keeps its type; the
        network converts it.
    """

    resident = True
    """Whether all rows may be on the device at once, if there is room."""

    def __init__(self, values: Any, dtype: Any) -> None:
        self.values = values
        bytes_ = values.dtype == np.uint8
        self.dtype = np.dtype(np.uint8) if bytes_ else np.dtype(dtype)

    @property
    def n(self) -> int:
        """How many rows there are."""
        return self.values.shape[0]

    @property
    def shape(self) -> Any:
        """Shape of one row; for several inputs a tree of shapes."""
        return tuple(self.values.shape[1:])

    @property
    def numbers(self) -> int:
        """Number of values per row."""
        return math.prod(self.shape)

    @property
    def row_bytes(self) -> int:
        """Bytes of a dense row on the device."""
        return self.numbers * self.dtype.itemsize

    @property
    def bytes(self) -> int:
        """Bytes of all rows on the device."""
        return self.n * self.row_bytes

    def all(self, size: int) -> Any:
        """Return all rows, padded to ``size``."""
        return self.gather(np.arange(self.n), size, None)

    @abstractmethod
    def gather(self, rows: np.ndarray, size: int, positions: Any) -> Any:
        """Return rows at these positions of a batch; None: the first positions."""


class Dense(Inputs):
    """An array (n, \\*shape)."""

    def gather(self, rows: np.ndarray, size: int, positions: Any) -> Any:
        """Return an array (size, \\*shape), 0 where there is no row."""
        return gathered(self.values, rows, size, positions, self.dtype)


class Stored(Dense):
    """Rows on disk, larger than memory; ``values[rows]`` reads some of them."""

    resident = False


class Sparse(Inputs):
    """A SciPy sparse array (n, features).

    Parameters
    ----------
    values, dtype
    dense : bool
        Whether its rows must be dense on the device.
    """

    def __init__(self, values: Any, dtype: Any, dense: bool = False) -> None:
        self.values, self.dtype = values.tocsr(), np.dtype(dtype)
        thin = is_thin(self.values)
        large = self.n * self.row_bytes > STREAM_BYTES
        self.stays_sparse = not dense and (thin or large)
        # Streaming chunks of dense rows is faster than sparse rows with many entries.
        self.resident = dense or thin or not large

    @property
    def bytes(self) -> int:
        """Bytes of all rows on the device."""
        if not self.stays_sparse:
            return super().bytes
        return self.values.nnz * (self.dtype.itemsize + np.dtype(np.int32).itemsize)

    def all(self, size: int) -> Any:
        """Return all rows, padded to ``size``; sparse if they stay sparse."""
        if self.stays_sparse:
            return sparse_rows(self.values, self.dtype, size)
        return super().all(size)

    def gather(self, rows: np.ndarray, size: int, positions: Any) -> Any:
        """Return a dense array (size, features), 0 where there is no row."""
        return gathered(self.values, rows, size, positions, self.dtype)


class Ragged(Inputs):
    """Sequences: ``lengths`` (n,), and ``only(rows).padded(time, dtype)``.

    They are streamed: each batch has its own padded length.
    """

    resident = False

    def gather(self, rows: np.ndarray, size: int, positions: Any) -> Any:
        """Return :class:`lamina.networks.core.masking.Sequences`."""
        positions = slice(len(rows)) if positions is None else positions
        return filled_up(self.values, rows, size, positions, self.dtype)


class Several(Inputs):
    """A tuple or dictionary of inputs with the same rows.

    Parameters
    ----------
    values : tree of values
    parts : tree of Inputs
        The same tree.
    """

    def __init__(self, values: Any, parts: Any) -> None:
        self.values, self.parts = values, parts
        self.resident = all(part.resident for part in self._leaves)
        self.dtype = np.result_type(*[part.dtype for part in self._leaves])

    @property
    def n(self) -> int:
        """How many rows there are."""
        return self._leaves[0].n

    @property
    def _leaves(self) -> list[Inputs]:
        return jax.tree.leaves(self.parts)

    @property
    def shape(self) -> Any:
        """Shape of one row of each input."""
        return jax.tree.map(lambda part: part.shape, self.parts)

    @property
    def numbers(self) -> int:
        """Number of values per row in all inputs."""
        return sum(part.numbers for part in self._leaves)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of all inputs."""
        return sum(part.row_bytes for part in self._leaves)

    @property
    def bytes(self) -> int:
        """Bytes of all rows on the device."""
        return sum(part.bytes for part in self._leaves)

    def all(self, size: int) -> Any:
        """Return all rows of each input."""
        return jax.tree.map(lambda part: part.all(size), self.parts)

    def gather(self, rows: np.ndarray, size: int, positions: Any) -> Any:
        """Return these rows of each input."""
        return jax.tree.map(lambda p: p.gather(rows, size, positions), self.parts)


def inputs_of(values: Any, dtype: Any, *, dense: bool = False) -> Inputs:
    """Return the inputs for a container of numbers.

    Raises
    ------
    ValueError
        If several inputs have different numbers of rows.
    """
    if isinstance(values, tuple | Mapping) and not is_sparse(values):  # dok is a dict
        parts = jax.tree.map(lambda v: inputs_of(v, dtype, dense=dense), values)
        rows = {part.n for part in jax.tree.leaves(parts)}
        if len(rows) != 1:
            raise ValueError(
                f"several inputs must have the same number of rows, got {sorted(rows)}"
            )
        return Several(values, parts)
    if is_sparse(values):
        return Sparse(values, dtype, dense)
    if is_ragged(values):
        return Ragged(values, dtype)
    return (Dense if isinstance(values, np.ndarray) else Stored)(values, dtype)


def is_sparse(values: Any) -> bool:
    """Return whether values are a SciPy sparse array or matrix."""
    return hasattr(values, "tocsr")


def is_ragged(values: Any) -> bool:
    """Return whether values are sequences of different lengths."""
    return hasattr(values, "lengths")


def is_thin(x: Any) -> bool:
    """Return whether a SciPy array has few enough entries to stay sparse."""
    n, features = x.shape
    few = x.nnz <= THIN * n * features
    # Starts and counts of `SparseRows` are int32.
    return few and features >= WIDE and x.nnz < np.iinfo(np.int32).max


def sparse_rows(x: Any, dtype: Any, size: int) -> SparseRows:
    """Return all rows of a CSR array, padded; similar sizes share a program."""
    # Pads by at most an eighth, or to 1024 entries if there are few.
    # As for rows (`padded_size`): few lengths, so few compiled programs.
    granule = max(1024, 1 << max(0, x.nnz.bit_length() - 4))
    return SparseRows.from_csr(x, dtype, size, -(-(x.nnz + 1) // granule) * granule)


def gathered(
    values: Any, rows: np.ndarray, size: int, positions: Any, dtype: Any
) -> np.ndarray:
    """Return rows at these positions of an array of ``size`` rows, 0 elsewhere.

    Parameters
    ----------
    values : array, sparse array or stored rows
    rows : ndarray of int
    size : int
    positions : ndarray of int or None
        None: the first positions.
    dtype : of the result
    """
    out = aligned((size, *values.shape[1:]), dtype)
    # All rows in order need no temporary copy.
    whole = positions is None and len(rows) == values.shape[0]
    taken = values if whole else values[rows]
    positions = slice(len(rows)) if positions is None else positions
    padding = np.ones(size, bool)
    padding[positions] = False
    out[positions] = taken.toarray() if is_sparse(taken) else taken
    # `aligned` is uninitialised memory: only the padding has to be cleared.
    out[padding] = 0
    return out


def aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return a 64-byte-aligned array, which JAX uses on the CPU without a copy."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)
