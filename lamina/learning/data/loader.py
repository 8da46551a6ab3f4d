"""The feed: how examples come to the device, padded to few sizes.

Two gears with one result. *Resident*: all examples lie on the device and a batch is
a gather by row numbers. *Streaming*: the host gathers a block of batches at a time (the
examples are larger than the device) and the same program walks through it. Bytes (of
pictures) stay bytes on the device.

Sequences of different lengths lie on the host one behind the other. A batch has those
of one bucket of lengths, filled up to the bucket's, so that few programs are compiled
and little is computed for nothing.

Sparse examples stay sparse where few of their entries are not 0: see
:mod:`lamina.networks.core.sparse`. Others are made dense, all at once if that takes
little memory, or else block by block.
"""

import copy
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import jax
import numpy as np

from lamina.learning.data.bucketing import (
    answers_filled_up,
    buckets,
    filled_up,
    of_steps,
)
from lamina.learning.objectives.objective import Batch, chunks_of
from lamina.learning.parallel.allocator import LARGE, keep_large_buffers
from lamina.learning.parallel.mesh import ask_for_all_cores, divided
from lamina.networks.core.keys import Key
from lamina.networks.core.sparse import SparseRows

STEPS_PER_CALL = 4096
"""Small data sets take many epochs in one call, until it has about so many steps."""

MAX_EPOCHS_PER_CALL = 32

STREAM_BYTES = 64 * 2**20
"""A streamed block of batches takes about so much memory."""

THIN, WIDE = 0.05, 256
"""Rows stay sparse up to this share of entries, and from so many features on.

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

RESIDENT_SHARE = 0.5
"""Examples stay resident while they fit into this share of an accelerator's memory."""


def padded_size(n: int) -> int:
    """Return the padded number of rows: at most an eighth more than ``n``, or 31 more.

    Sizes 32, 64, …, 256, 288, …, 512, 576, …, 2048: a fit of similar size finds its
    program compiled. From there on, where rows cost more than compiling, at most a
    64th more: as many chunks of equal size as a whole batch is summed in.
    """
    if (chunks := chunks_of(n)) > 1:
        return chunks * 16 * -(-n // (16 * chunks))
    granule = max(32, 1 << max(0, n.bit_length() - 4))
    return max(1, -(-n // granule)) * granule


def _aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array at a 64-byte boundary, which the CPU device takes uncopied."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


def is_thin(x: Any) -> bool:
    """Return whether a SciPy array has so few entries that it should stay sparse."""
    n, features = x.shape
    few = x.nnz <= THIN * n * features
    return few and features >= WIDE and x.nnz < np.iinfo(np.int32).max


def sparse_rows(x: Any, dtype: Any, size: int) -> SparseRows:
    """Return all rows of a CSR array, padded; similar numbers of entries look alike."""
    granule = max(1024, 1 << max(0, x.nnz.bit_length() - 4))  # an eighth at most
    return SparseRows.from_csr(x, dtype, size, -(-(x.nnz + 1) // granule) * granule)


class Examples:
    """Inputs, targets and weights of all examples.

    Parameters
    ----------
    x : ndarray (n, \\*shape), SciPy sparse array (n, features), stored rows, sequences
        Stored rows are larger than memory: they have ``shape`` and ``dtype``, and
        ``x[rows]`` reads some of them; they are streamed. Sequences have ``lengths``
        (n,), and ``only(rows).padded(time, dtype)`` are some of them, filled up.
    y : ndarray (n, outputs), or (n,) class numbers
        NaN where an output is not measured. The measured ones count W / Wⱼ times, Wⱼ
        the weight of those measured for output j and W that of all: the loss of each
        output is the mean over its own examples. Answers of each step are (n, time)
        class numbers or (n, time, outputs); of sequences they are sequences too, of
        (steps, 1) class numbers or (steps, outputs). If y is x itself, as that of an
        autoencoder is, a batch is gathered once; if both are sparse, it is dense.
    weight : ndarray (n,), optional
        Weight of each example, 1 by default.
    dtype : dtype of the arrays on the device
        ``uint8`` inputs keep their type: the network makes numbers of them.
    resident : bool, optional
        Which gear; by default resident if ``x`` fits on the device. A streamed batch is
        dense, but never one of all sparse rows.
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
        self.sparse, self.ragged = hasattr(x, "tocsr"), hasattr(x, "lengths")
        self.x, self.n = x.tocsr() if self.sparse else x, x.shape[0]
        self.stored = not (self.sparse or isinstance(x, np.ndarray))
        self.weight = np.ones(self.n, dtype) if weight is None else weight
        self.y, self.mask = _measured(y, self.weight)
        self.dtype = np.dtype(dtype)
        bytes_ = x.dtype == np.uint8 and not self.sparse
        self.x_dtype = np.dtype(np.uint8) if bytes_ else self.dtype
        self.resident = self._fits() if resident is None else resident

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(self.x.shape[1:])

    def hold_out(self, rows: np.ndarray) -> None:
        """Let these rows and all others count as if the other ones were not there.

        Where an output is not measured, the measured ones stand in for it: of training
        rows only those of training, of validation rows only those of validation.
        """
        if self.mask is None or self.mask.ndim != 2:
            return
        held, known = np.zeros(self.n, bool), self.mask > 0
        held[rows] = True
        for own in (held, ~held):
            self.mask[own] = _shares(known[own], self.weight[own])

    @property
    def stays_sparse(self) -> bool:
        """Whether sparse rows lie on the device, or dense ones made of them."""
        if not self.sparse or hasattr(self.y, "tocsr"):
            return False
        return is_thin(self.x) or self._dense_bytes() > STREAM_BYTES

    def _dense_bytes(self) -> int:
        return int(np.prod(self.x.shape)) * self.x_dtype.itemsize

    def _bytes(self) -> int:
        """Return how many bytes x takes on the device."""
        if not self.stays_sparse:
            return self._dense_bytes()
        return self.x.nnz * (self.x_dtype.itemsize + np.dtype(np.int32).itemsize)

    def _fits(self) -> bool:
        if self.stored:
            return False
        if self.stays_sparse and not is_thin(self.x):
            return False  # dense blocks are quicker
        if hasattr(self.y, "tocsr") and self._dense_bytes() > STREAM_BYTES:
            return False
        stats = jax.devices()[0].memory_stats() or {}
        limit = stats.get("bytes_limit", float("inf"))
        return self._bytes() <= RESIDENT_SHARE * limit

    @cached_property
    def device(self) -> Batch:
        """All examples on the device, padded with rows of weight 0."""
        keep_large_buffers(self._bytes())
        size = padded_size(self.n + 1)  # at least one row of weight 0
        x = sparse_rows(self.x, self.x_dtype, size) if self.stays_sparse else None
        return jax.device_put(self.padded(np.arange(self.n), size, x=x))

    def block(self, rows: np.ndarray, shares: int = 1) -> Batch:
        """Gather rows on the host; the row number ``n`` stands for padding.

        With several shares, each device gets its part of them.
        """
        if shares > 1:
            keep_large_buffers(LARGE)
        real = np.flatnonzero(rows < self.n)
        batch = self.padded(rows[real], len(rows), real)
        return jax.device_put(batch) if shares == 1 else divided(batch, shares)

    def padded(
        self, rows: np.ndarray, size: int, at: np.ndarray | None = None, x: Any = None
    ) -> Batch:
        """Return a batch of these rows at these places, the first ones by default."""

        places = slice(len(rows)) if at is None else at
        padding = np.ones(size, bool)
        padding[places] = False
        whole = at is None and len(rows) == self.n

        if self.ragged:
            x = filled_up(self.x, rows, size, places, self.x_dtype)
        if hasattr(self.y, "lengths"):
            time = x.values.shape[1]
            y, mask = answers_filled_up(self.y, rows, size, places, time, self.dtype)
        else:
            y = mask = None

        def gathered(source: Any, dtype: Any) -> np.ndarray:
            out = _aligned((size, *source.shape[1:]), dtype)
            taken = source if whole else source[rows]  # no copy of all
            out[places] = taken.toarray() if hasattr(taken, "toarray") else taken
            out[padding] = 0
            return out

        x = gathered(self.x, self.x_dtype) if x is None else x
        if y is None:
            shared = self.y is self.x and self._y_dtype() == self.x_dtype
            y = x if shared else gathered(self.y, self._y_dtype())
        return Batch(
            x,
            y,
            gathered(self.weight, self.dtype),
            mask if self.mask is None else gathered(self.mask, self.dtype),
        )

    def _y_dtype(self) -> Any:
        return np.int32 if self.y.dtype.kind in "iu" else self.dtype


def _measured(y: Any, weight: np.ndarray) -> tuple[Any, Any]:
    """Return y with 0 for NaN, and how much each output counts (None: all the same)."""
    if hasattr(y, "lengths") or hasattr(y, "tocsr"):
        return y, None
    numbers = y.dtype.kind == "f"
    if numbers and y.ndim == 3:
        return of_steps(y)
    missing = np.isnan(y) if numbers else np.zeros(0, bool)
    if not missing.any():
        return y, None
    return np.where(missing, 0, y), _shares(~missing, weight)


def _shares(known: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return W / Wⱼ where output j is known, 0 where it is not."""
    measured = (weight[:, None] * known).sum(axis=0)
    with np.errstate(divide="ignore"):
        scale = np.where(measured > 0, weight.sum() / measured, 0)
    return known * scale


class Feed:
    """Some rows of the examples, in batches, in an order drawn anew each epoch.

    Parameters
    ----------
    examples : Examples
    rows : ndarray of int, optional
        The rows that belong to this feed; all by default.
    batch_size : int
        Examples a step. From the number of rows on, the batch is *whole*: all examples
        as they lie on the device, those of other feeds with weight 0.
    shuffle : bool
        Whether the order is drawn by ``fold_in("order", epoch)`` or is ``rows``.

    Attributes
    ----------
    shares : int
        Among how many devices each batch is divided; if more than one, it is streamed.
    """

    shares = 1

    def __init__(
        self,
        examples: Examples,
        rows: np.ndarray | None = None,
        *,
        batch_size: int,
        shuffle: bool = True,
    ) -> None:
        self.examples = examples
        self.rows = np.arange(examples.n) if rows is None else np.asarray(rows)
        self.rows = self.rows.astype(np.int32)
        self.whole = batch_size >= len(self.rows)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self._plan()

    def _plan(self) -> None:
        """Count the steps, and those that an order has room for."""
        self.steps = -(-len(self.rows) // self.batch_size)
        self._max_steps = -(-padded_size(len(self.rows) + 1) // self.batch_size)
        self._times, self._few = None, np.zeros(0, int)
        if self.examples.ragged and not self.whole:
            times = buckets(self.examples.x.lengths[self.rows], self.batch_size)
            _, counts = np.unique(times, return_counts=True)
            self.steps = self._max_steps = int(np.sum(-(-counts // self.batch_size)))
            if counts[-1] < self.batch_size:
                self._few = self.rows[times == times.max()]
            self._times = times

    @property
    def streams(self) -> bool:
        """Whether batches come from the host, block by block."""
        return self.shares > 1 or not self.examples.resident

    @property
    def epochs_per_call(self) -> int:
        """Most epochs that one call of the compiled program takes."""
        if self.whole:
            return MAX_EPOCHS_PER_CALL
        return max(1, min(MAX_EPOCHS_PER_CALL, STEPS_PER_CALL // self._max_steps))

    @cached_property
    def whole_batch(self) -> Batch:
        """All rows as one batch on the device."""
        if not (self.examples.resident or self.examples.stays_sparse):
            padding = padded_size(len(self.rows) + 1) - len(self.rows)
            return self.examples.block(
                np.append(self.rows, [self.examples.n] * padding)
            )
        batch = self.examples.device
        if len(self.rows) == self.examples.n:
            return batch
        times = np.bincount(self.rows, minlength=len(batch.weight))
        weight = np.asarray(batch.weight) * times.astype(self.examples.dtype)
        return batch._replace(weight=jax.device_put(weight))

    def only(self, rows: np.ndarray) -> "Feed":
        """Return a feed of some of the rows that runs in the same programs."""
        feed = copy.copy(self)
        vars(feed).pop("whole_batch", None)
        feed.rows = np.asarray(rows, np.int32)
        if self.examples.ragged:
            feed._plan()
        else:
            feed.steps = -(-len(rows) // self.batch_size)
        return feed

    def in_order(self) -> "Feed":
        """Return this feed with its rows as they were given."""
        feed = self.divided(1)
        feed.shuffle = False
        return feed

    def divided(self, shares: int) -> "Feed":
        """Return this feed for so many devices."""
        feed = copy.copy(self)
        feed.shares = shares
        return feed

    def order(self, key: Key, first: int, epochs: int) -> np.ndarray:
        """Return row numbers (epochs per call, steps, batch) from epoch ``first`` on.

        Only the first ``epochs`` of them are filled; the rest is padding.
        """
        slots = self._max_steps * self.batch_size
        order = np.full((self.epochs_per_call, slots), self.examples.n, np.int32)
        for epoch in range(epochs):
            order[epoch] = self._slots(key, first + epoch, slots)
        return order.reshape(len(order), self._max_steps, self.batch_size)

    def _slots(self, key: Key, epoch: int, slots: int) -> np.ndarray:
        """Return the rows of an epoch's batches, one batch behind the other."""
        filled = np.full(slots, self.examples.n, np.int32)
        if self._times is None:
            filled[: len(self.rows)] = self._rows_of(key, epoch)
            return filled
        generator = key.fold_in("order", epoch).generator()
        drawn = np.arange(len(self.rows))
        drawn = generator.permutation(drawn) if self.shuffle else drawn
        batches = []
        for time in np.unique(self._times):
            rows = self.rows[drawn[self._times[drawn] == time]]
            missing = np.full(-len(rows) % self.batch_size, self.examples.n, np.int32)
            together = np.concatenate([rows, missing])
            batches += list(together.reshape(-1, self.batch_size))
        turns = np.arange(self.steps)
        turns = generator.permutation(turns) if self.shuffle else turns
        return np.concatenate([batches[i] for i in turns])

    def _rows_of(self, key: Key, epoch: int) -> np.ndarray:
        if not self.shuffle:
            return self.rows
        return key.fold_in("order", epoch).generator().permutation(self.rows)

    @property
    def block_steps(self) -> int:
        """Steps of a streamed block; of sequences one, with a time of its own."""
        if self.examples.ragged:
            return 1
        itemsize = self.examples.x_dtype.itemsize
        row_bytes = int(np.prod(self.examples.shape)) * itemsize
        size = int(STREAM_BYTES // max(1, row_bytes * self.batch_size))
        return max(1, min(size, self._max_steps))

    def blocks(
        self, key: Key, epoch: int, step: int = 0
    ) -> Iterator[tuple[Batch, np.ndarray, int]]:
        """Yield (examples, their order, number of steps) block by block.

        From a step on at which a block begins.
        """
        rows, size, shares = self.order(key, epoch, 1)[0], self.block_steps, self.shares
        for start in range(step, self.steps, size):
            taken = rows[start : min(start + size, self.steps)]
            if len(self._few) and taken[0, 0] in self._few:
                few = 1 << (len(self._few) - 1).bit_length()
                taken = taken[:, :few]  # no empty places as long as the longest
            share = -(-taken.shape[1] // shares)
            block = np.full((size, share * shares), self.examples.n, np.int32)
            block[: len(taken), : taken.shape[1]] = taken
            by_share = block.reshape(size, shares, share).swapaxes(0, 1)
            batch = self.examples.block(by_share.ravel(), shares)
            local = np.arange(size * share, dtype=np.int32).reshape(1, size, share)
            yield batch, local, len(taken)
