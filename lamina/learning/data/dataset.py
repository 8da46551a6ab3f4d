"""Examples: inputs, targets and weights, as they are sent to the device."""

from functools import cached_property
from typing import Any

import jax
import numpy as np

from lamina.learning.data import inputs
from lamina.learning.data.bucketing import answers_filled_up, of_steps
from lamina.learning.data.inputs import (
    Ragged,
    Sparse,
    gathered,
    inputs_of,
    is_ragged,
    is_sparse,
)
from lamina.learning.objectives.objective import Batch, chunks_of
from lamina.learning.parallel.allocator import LARGE, keep_large_buffers
from lamina.learning.parallel.mesh import ask_for_all_cores, divided

RESIDENT_SHARE = 0.5
"""Examples stay resident if they fit into this fraction of an accelerator's memory."""


def padded_size(n: int) -> int:
    """Return the padded number of rows: at most an eighth or 31 rows more than ``n``.

    Sizes are 32, 64, …, 256, 288, …, 512, 576, …, 2048, so fits of similar size share a
    compiled program. Beyond that, where rows cost more than compiling, at most a 64th
    is added: the chunks in which a full batch is summed get equal sizes.
    """
    if (chunks := chunks_of(n)) > 1:
        return chunks * 16 * -(-n // (16 * chunks))
    granule = max(32, 1 << max(0, n.bit_length() - 4))
    return max(1, -(-n // granule)) * granule


class Dataset:
    """Inputs, targets and weights of all examples.

    Parameters
    ----------
    x : ndarray (n, \\*shape), SciPy sparse array (n, features), stored rows, sequences
        Stored rows are larger than memory: they have ``shape`` and ``dtype``, and
        ``x[rows]`` reads some of them; they are streamed. Sequences have ``lengths``
        (n,), and ``only(rows).padded(time, dtype)`` returns some of them, padded. A
        tuple or dictionary of these holds several inputs per example.
    y : ndarray (n, outputs), or (n,) class numbers
        NaN where a target is missing. The known ones count W / Wⱼ times, where Wⱼ is
        the weight of the examples known for output j and W that of all: the loss of
        each output is the mean over its own examples. Targets of each step are (n,
        time) class numbers or (n, time, outputs); for sequences they are sequences too,
        of (steps, 1) class numbers or (steps, outputs). If y is x itself, as in an
        autoencoder, a batch is gathered once; if both are sparse, it is dense.
    weight : ndarray (n,), optional
        Weight of each example, 1 by default.
    dtype : dtype of the arrays on the device
        ``uint8`` inputs keep their type; the network converts them.
    resident : bool, optional
        Resident or streaming gear; by default resident if ``x`` fits on the device. A
        streamed batch is dense, except for a full batch of sparse rows.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        weight: np.ndarray | None = None,
        *,
        dtype: Any = np.float32,
        resident: bool | None = None,
    ) -> None:
        ask_for_all_cores()
        self.dtype = np.dtype(dtype)
        self.inputs = inputs_of(x, dtype, dense=is_sparse(y))
        self.n = self.inputs.n
        self.weight = np.ones(self.n, dtype) if weight is None else weight
        self.y, self.mask = _measured(y, self.weight)
        self.resident = self._fits() if resident is None else resident

    @property
    def x(self) -> Any:
        """The inputs as they were given; sparse ones in CSR format."""
        return self.inputs.values

    @property
    def shape(self) -> Any:
        """Shape of one example; for several inputs a tree of shapes."""
        return self.inputs.shape

    @property
    def x_dtype(self) -> np.dtype:
        """Type of the inputs on the device."""
        return self.inputs.dtype

    @property
    def sparse(self) -> bool:
        """Whether the inputs were given as a sparse array."""
        return isinstance(self.inputs, Sparse)

    @property
    def ragged(self) -> bool:
        """Whether the inputs are sequences of different lengths."""
        return isinstance(self.inputs, Ragged)

    @property
    def stored(self) -> bool:
        """Whether the inputs are too large to be in memory all at once."""
        return not (self.inputs.resident or self.sparse)

    @property
    def stays_sparse(self) -> bool:
        """Whether the rows on the device are sparse, not converted to dense ones."""
        return isinstance(self.inputs, Sparse) and self.inputs.stays_sparse

    def hold_out(self, rows: np.ndarray) -> None:
        """Weight missing targets separately for these rows and for all others.

        Known targets are weighted up for missing ones: in training rows by training
        rows only, in validation rows by validation rows only.
        """
        if self.mask is None or self.mask.ndim != 2:
            return
        held, known = np.zeros(self.n, bool), self.mask > 0
        held[rows] = True
        for own in (held, ~held):
            self.mask[own] = _shards(known[own], self.weight[own])

    def _fits(self) -> bool:
        if not self.inputs.resident:
            return False
        if is_sparse(self.y) and self.n * self.inputs.row_bytes > inputs.STREAM_BYTES:
            return False  # both are dense on the device
        # None on a CPU: its memory has no limit of its own.
        stats = jax.devices()[0].memory_stats() or {}
        limit = stats.get("bytes_limit", float("inf"))
        return self.inputs.bytes <= RESIDENT_SHARE * limit

    @cached_property
    def device(self) -> Batch:
        """All examples on the device, padded with rows of weight 0."""
        keep_large_buffers(self.inputs.bytes)
        size = padded_size(self.n + 1)  # at least one row of weight 0
        batch = self._batch(self.inputs.all(size), np.arange(self.n), size, None)
        return jax.device_put(batch)

    def block(self, rows: np.ndarray, shards: int = 1) -> Batch:
        """Gather rows on the host; the row number ``n`` means padding.

        With several shards, each device gets its own.
        """
        if shards > 1:
            keep_large_buffers(LARGE)
        real = np.flatnonzero(rows < self.n)
        batch = self.padded(rows[real], len(rows), real)
        return jax.device_put(batch) if shards == 1 else divided(batch, shards)

    def padded(
        self, rows: np.ndarray, size: int, positions: np.ndarray | None = None
    ) -> Batch:
        """Return a batch of these rows at these positions, the first by default."""
        x = self.inputs.gather(rows, size, positions)
        return self._batch(x, rows, size, positions)

    def _batch(self, x: Any, rows: np.ndarray, size: int, positions: Any) -> Batch:
        """Return the batch with inputs x."""
        where = rows, size, positions
        weight = gathered(self.weight, *where, self.dtype)
        if is_ragged(self.y):
            y, mask = answers_filled_up(
                self.y,
                rows,
                size,
                slice(len(rows)) if positions is None else positions,
                x.values.shape[1],
                self.dtype,
            )
            return Batch(x, y, weight, mask)
        # An autoencoder's targets are its inputs: gathered once, and on the device
        # once.
        same = self.y is self.x and self._y_dtype() == self.x_dtype
        y = x if same else gathered(self.y, *where, self._y_dtype())
        mask = None if self.mask is None else gathered(self.mask, *where, self.dtype)
        return Batch(x, y, weight, mask)

    def _y_dtype(self) -> Any:
        return np.int32 if self.y.dtype.kind in "iu" else self.dtype


def _measured(y: Any, weight: np.ndarray) -> tuple[Any, Any]:
    """Return y with 0 for NaN, and the weight of each output (None: all the same)."""
    if is_ragged(y) or is_sparse(y):
        return y, None
    numbers = y.dtype.kind == "f"
    if numbers and y.ndim == 3:
        return of_steps(y)
    missing = np.isnan(y) if numbers else np.zeros(0, bool)
    if not missing.any():
        return y, None
    return np.where(missing, 0, y), _shards(~missing, weight)


def _shards(known: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return W / Wⱼ where output j is known, 0 where it is not."""
    measured = (weight[:, None] * known).sum(axis=0)
    with np.errstate(divide="ignore"):
        scale = np.where(measured > 0, weight.sum() / measured, 0)
    return known * scale
