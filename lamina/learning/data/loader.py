"""The loader: sends examples to the device in batches, padded to few sizes.

Two gears give the same result. *Resident*: all examples are on the device, and a batch
is a gather by row numbers. *Streaming*: the examples are larger than the device; the
host gathers a chunk of batches at a time, and the same program iterates over it. Bytes
(of images) stay bytes on the device.

Sequences of different lengths are stored on the host back to back. A batch holds
sequences of one length bucket, padded to the bucket's length, so that few programs are
compiled and little computation is wasted.

Sparse examples stay sparse where few of their entries are nonzero: see
:mod:`lamina.networks.core.sparse`. Others are converted to dense arrays, all at once if
that takes little memory, or else chunk by chunk.
"""

import copy
from collections.abc import Iterator
from functools import cached_property

import jax
import numpy as np

from lamina.learning.data import inputs
from lamina.learning.data.bucketing import buckets
from lamina.learning.data.dataset import Dataset, padded_size
from lamina.learning.objectives.objective import Batch
from lamina.networks.core.keys import Key

STEPS_PER_CALL = 4096
"""Small data sets run several epochs per call, up to about this many steps: a call has
a fixed cost."""

MAX_EPOCHS_PER_CALL = 32


class Loader:
    """Some rows of the examples in batches, reshuffled each epoch.

    Parameters
    ----------
    dataset : Dataset
    rows : ndarray of int, optional
        Rows of this loader; all by default.
    batch_size : int
        Examples per step. If it is at least the number of rows, the batch is *whole*:
        all examples as they are on the device, those of other loaders with weight 0.
    shuffle : bool
        Whether the order is drawn with ``fold_in("order", epoch)`` or is that of
        ``rows``.

    Attributes
    ----------
    shards : int
        Number of devices that share each batch; if more than one, batches are streamed.
    """

    shards = 1

    def __init__(
        self,
        dataset: Dataset,
        rows: np.ndarray | None = None,
        *,
        batch_size: int,
        shuffle: bool = True,
    ) -> None:
        self.dataset = dataset
        self.rows = np.arange(dataset.n) if rows is None else np.asarray(rows)
        self.rows = self.rows.astype(np.int32)
        self.whole = batch_size >= len(self.rows)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self._plan()

    def _plan(self) -> None:
        """Count the steps, and the steps that an order has room for."""
        self.steps = -(-len(self.rows) // self.batch_size)
        # Of the padded size, so that fits of similar size share a program.
        self._max_steps = -(-padded_size(len(self.rows) + 1) // self.batch_size)
        self._times, self._few = None, np.zeros(0, int)
        if self.dataset.ragged and not self.whole:
            times = buckets(self.dataset.x.lengths[self.rows], self.batch_size)
            _, counts = np.unique(times, return_counts=True)
            self.steps = self._max_steps = int(np.sum(-(-counts // self.batch_size)))
            # The longest bucket has no longer one to join (see `buckets`): its only
            # batch is narrowed instead, in `blocks`.
            if counts[-1] < self.batch_size:
                self._few = self.rows[times == times.max()]
            self._times = times

    @property
    def streams(self) -> bool:
        """Whether batches come from the host, chunk by chunk."""
        return self.shards > 1 or not self.dataset.resident

    @property
    def epochs_per_call(self) -> int:
        """Maximum number of epochs per call of the compiled program."""
        if self.whole:
            return MAX_EPOCHS_PER_CALL
        return max(1, min(MAX_EPOCHS_PER_CALL, STEPS_PER_CALL // self._max_steps))

    @cached_property
    def whole_batch(self) -> Batch:
        """All rows as one batch on the device."""
        if not (self.dataset.resident or self.dataset.stays_sparse):
            padding = padded_size(len(self.rows) + 1) - len(self.rows)
            return self.dataset.block(np.append(self.rows, [self.dataset.n] * padding))
        batch = self.dataset.device
        if len(self.rows) == self.dataset.n:
            return batch
        # Rows of other loaders get weight 0, so all loaders share one copy on the
        # device. A row that occurs twice counts twice.
        times = np.bincount(self.rows, minlength=len(batch.weight))
        weight = np.asarray(batch.weight) * times.astype(self.dataset.dtype)
        return batch._replace(weight=jax.device_put(weight))

    def only(self, rows: np.ndarray) -> "Loader":
        """Return a loader of some of the rows that uses the same compiled programs."""
        loader = copy.copy(self)
        # The copy would keep the cached batch of the other rows.
        vars(loader).pop("whole_batch", None)
        loader.rows = np.asarray(rows, np.int32)
        if self.dataset.ragged:
            loader._plan()
        else:
            loader.steps = -(-len(rows) // self.batch_size)
        return loader

    def of(self, dataset: Dataset) -> "Loader":
        """Return a loader of the same rows of other examples."""
        loader = copy.copy(self)
        # The copy would keep the cached batch of the other examples.
        vars(loader).pop("whole_batch", None)
        loader.dataset = dataset
        return loader

    def in_order(self) -> "Loader":
        """Return this loader without shuffling."""
        loader = self.divided(1)
        loader.shuffle = False
        return loader

    def divided(self, shards: int) -> "Loader":
        """Return this loader for this number of devices."""
        loader = copy.copy(self)
        loader.shards = shards
        return loader

    def order(self, key: Key, first: int, epochs: int) -> np.ndarray:
        """Return row numbers (epochs per call, steps, batch) from epoch ``first`` on.

        Only the first ``epochs`` are filled; the rest is padding, so that the compiled
        program sees one shape.
        """
        slots = self._max_steps * self.batch_size
        order = np.full((self.epochs_per_call, slots), self.dataset.n, np.int32)
        for epoch in range(epochs):
            order[epoch] = self._slots(key, first + epoch, slots)
        return order.reshape(len(order), self._max_steps, self.batch_size)

    def _slots(self, key: Key, epoch: int, slots: int) -> np.ndarray:
        """Return the rows of an epoch's batches, batch after batch."""
        filled = np.full(slots, self.dataset.n, np.int32)
        if self._times is None:
            filled[: len(self.rows)] = self._rows_of(key, epoch)
            return filled
        generator = key.fold_in("order", epoch).generator()
        drawn = np.arange(len(self.rows))
        drawn = generator.permutation(drawn) if self.shuffle else drawn
        batches = []
        for time in np.unique(self._times):
            rows = self.rows[drawn[self._times[drawn] == time]]
            missing = np.full(-len(rows) % self.batch_size, self.dataset.n, np.int32)
            together = np.concatenate([rows, missing])
            batches += list(together.reshape(-1, self.batch_size))
        turns = np.arange(self.steps)
        turns = generator.permutation(turns) if self.shuffle else turns
        return np.concatenate([batches[i] for i in turns])

    def _rows_of(self, key: Key, epoch: int) -> np.ndarray:
        if not self.shuffle:
            return self.rows
        # On the host: a permutation inside the program cut 8-16-3 with batches of 32
        # from 4.3 to 1.6 million samples per second.
        return key.fold_in("order", epoch).generator().permutation(self.rows)

    @property
    def block_steps(self) -> int:
        """Steps per streamed chunk; 1 for sequences, whose batches differ in length."""
        if self.dataset.ragged:
            return 1
        row_bytes = self.dataset.inputs.row_bytes
        size = int(inputs.STREAM_BYTES // max(1, row_bytes * self.batch_size))
        return max(1, min(size, self._max_steps))

    def blocks(
        self, key: Key, epoch: int, step: int = 0
    ) -> Iterator[tuple[Batch, np.ndarray, int]]:
        """Yield (examples, their order, number of steps) chunk by chunk.

        ``step`` must be the first step of a chunk.
        """
        rows, size, shards = self.order(key, epoch, 1)[0], self.block_steps, self.shards
        for start in range(step, self.steps, size):
            taken = rows[start : min(start + size, self.steps)]
            if len(self._few) and taken[0, 0] in self._few:
                # Rounded to a power of two: few widths, so few compiled programs.
                few = 1 << (len(self._few) - 1).bit_length()
                taken = taken[:, :few]  # no padding rows of the longest length
            share = -(-taken.shape[1] // shards)
            block = np.full((size, share * shards), self.dataset.n, np.int32)
            block[: len(taken), : taken.shape[1]] = taken
            # `divided` shards the first axis: all rows of the first device come first,
            # then those of the second.
            by_share = block.reshape(size, shards, share).swapaxes(0, 1)
            batch = self.dataset.block(by_share.ravel(), shards)
            local = np.arange(size * share, dtype=np.int32).reshape(1, size, share)
            yield batch, local, len(taken)
