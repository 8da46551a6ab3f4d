"""The feed: how examples come to the device, padded to few sizes.

Two gears with one result. *Resident*: all examples lie on the device and a batch is
a gather by row numbers. *Streaming*: the host gathers a block of batches at a time (the
examples are larger than the device) and the same program walks through it. Bytes (of
images) stay bytes on the device.

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

import jax
import numpy as np

from lamina.learning.data import inputs
from lamina.learning.data.bucketing import buckets
from lamina.learning.data.dataset import Dataset, padded_size
from lamina.learning.objectives.objective import Batch
from lamina.networks.core.keys import Key

STEPS_PER_CALL = 4096
"""Small data sets take many epochs in one call, until it has about so many steps."""

MAX_EPOCHS_PER_CALL = 32


class Loader:
    """Some rows of the examples, in batches, in an order drawn anew each epoch.

    Parameters
    ----------
    examples : Dataset
    rows : ndarray of int, optional
        The rows that belong to this loader; all by default.
    batch_size : int
        Examples a step. From the number of rows on, the batch is *whole*: all examples
        as they lie on the device, those of other loaders with weight 0.
    shuffle : bool
        Whether the order is drawn by ``fold_in("order", epoch)`` or is ``rows``.

    Attributes
    ----------
    shares : int
        Among how many devices each batch is divided; if more than one, it is streamed.
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
        """Count the steps, and those that an order has room for."""
        self.steps = -(-len(self.rows) // self.batch_size)
        self._max_steps = -(-padded_size(len(self.rows) + 1) // self.batch_size)
        self._times, self._few = None, np.zeros(0, int)
        if self.dataset.ragged and not self.whole:
            times = buckets(self.dataset.x.lengths[self.rows], self.batch_size)
            _, counts = np.unique(times, return_counts=True)
            self.steps = self._max_steps = int(np.sum(-(-counts // self.batch_size)))
            if counts[-1] < self.batch_size:
                self._few = self.rows[times == times.max()]
            self._times = times

    @property
    def streams(self) -> bool:
        """Whether batches come from the host, block by block."""
        return self.shards > 1 or not self.dataset.resident

    @property
    def epochs_per_call(self) -> int:
        """Most epochs that one call of the compiled program takes."""
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
        times = np.bincount(self.rows, minlength=len(batch.weight))
        weight = np.asarray(batch.weight) * times.astype(self.dataset.dtype)
        return batch._replace(weight=jax.device_put(weight))

    def only(self, rows: np.ndarray) -> "Loader":
        """Return a loader of some of the rows that runs in the same programs."""
        loader = copy.copy(self)
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
        vars(loader).pop("whole_batch", None)
        loader.dataset = dataset
        return loader

    def in_order(self) -> "Loader":
        """Return this loader with its rows as they were given."""
        loader = self.divided(1)
        loader.shuffle = False
        return loader

    def divided(self, shards: int) -> "Loader":
        """Return this loader for so many devices."""
        loader = copy.copy(self)
        loader.shards = shards
        return loader

    def order(self, key: Key, first: int, epochs: int) -> np.ndarray:
        """Return row numbers (epochs per call, steps, batch) from epoch ``first`` on.

        Only the first ``epochs`` of them are filled; the rest is padding.
        """
        slots = self._max_steps * self.batch_size
        order = np.full((self.epochs_per_call, slots), self.dataset.n, np.int32)
        for epoch in range(epochs):
            order[epoch] = self._slots(key, first + epoch, slots)
        return order.reshape(len(order), self._max_steps, self.batch_size)

    def _slots(self, key: Key, epoch: int, slots: int) -> np.ndarray:
        """Return the rows of an epoch's batches, one batch behind the other."""
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
        return key.fold_in("order", epoch).generator().permutation(self.rows)

    @property
    def block_steps(self) -> int:
        """Steps of a streamed block; of sequences one, with a time of its own."""
        if self.dataset.ragged:
            return 1
        row_bytes = self.dataset.inputs.row_bytes
        size = int(inputs.STREAM_BYTES // max(1, row_bytes * self.batch_size))
        return max(1, min(size, self._max_steps))

    def blocks(
        self, key: Key, epoch: int, step: int = 0
    ) -> Iterator[tuple[Batch, np.ndarray, int]]:
        """Yield (examples, their order, number of steps) block by block.

        From a step on at which a block begins.
        """
        rows, size, shards = self.order(key, epoch, 1)[0], self.block_steps, self.shards
        for start in range(step, self.steps, size):
            taken = rows[start : min(start + size, self.steps)]
            if len(self._few) and taken[0, 0] in self._few:
                few = 1 << (len(self._few) - 1).bit_length()
                taken = taken[:, :few]  # no empty places as long as the longest
            share = -(-taken.shape[1] // shards)
            block = np.full((size, share * shards), self.dataset.n, np.int32)
            block[: len(taken), : taken.shape[1]] = taken
            by_share = block.reshape(size, shards, share).swapaxes(0, 1)
            batch = self.dataset.block(by_share.ravel(), shards)
            local = np.arange(size * share, dtype=np.int32).reshape(1, size, share)
            yield batch, local, len(taken)
