"""Calls of the compiled program: data and steps, for one model or many."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from lamina.learning.control.records import records
from lamina.learning.data.loader import Loader
from lamina.learning.loop.compiled_step import Work, compiled_train
from lamina.learning.loop.problem import Problem
from lamina.learning.loop.side_by_side import Own, common_or_own, own, stack
from lamina.learning.loop.state import Weights, Within
from lamina.learning.objectives.objective import Batch
from lamina.learning.parallel.mesh import Shards, one_copy, to_each
from lamina.learning.protocols import Algorithm, Record
from lamina.networks.core.keys import Key


@dataclass(frozen=True)
class Epochs:
    """The epochs to run, model by model.

    Parameters
    ----------
    first : list of int
        Number of the first epoch.
    count : list of int
        Number of epochs. A model with 0 stays unchanged, bit for bit.
    steps : int
        Maximum number of steps per epoch.
    """

    first: Sequence[int]
    count: Sequence[int]
    steps: int = sys.maxsize


@dataclass(frozen=True)
class _Source:
    """The rows of some epochs in order; equal sources give equal rows."""

    loader: Loader
    key: Key
    first: int
    count: int

    def order(self) -> np.ndarray:
        return self.loader.order(self.key, self.first, self.count)

    def blocks(self, step: int) -> Iterator[tuple[Batch, np.ndarray, int]]:
        return self.loader.blocks(self.key, self.first, step)


class Trainer:
    """Trains n models side by side.

    Parameters
    ----------
    problems : list of Problem
        Of the same structure, on the same examples, with the same number of steps per
        epoch.
    keys : list of Key
        Models with the same key and rows see them in the same order, which then is on
        the device once.
    limits : dict of float
        Thresholds at which the compiled program ends a call by itself.
    shards : int
        Number of devices that share each batch.
    most_steps : int
        Maximum number of steps per call.

    Attributes
    ----------
    loaders : list of Loader
        The rows that each model trains on now; ``all_rows`` are those of all epochs.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        keys: Sequence[Key],
        limits: dict[str, float],
        shards: int,
        most_steps: int,
    ) -> None:
        self.n, self.keys, self.limits = len(problems), keys, limits
        self.shards, self.most_steps = shards, most_steps
        self.objectives = [
            replace(one.objective, shards=Shards.of(shards)) for one in problems
        ]
        self.objective = own(stack(self.objectives), self.n)
        divided = {id(one.loader): one.loader.divided(shards) for one in problems}
        self.loaders = self.all_rows = [divided[id(one.loader)] for one in problems]
        words = [key.fold_in("steps").words() for key in keys]
        self.words = words[0] if _all_same(keys) else Own(np.stack(words))

    @property
    def loader(self) -> Loader:
        """The loader of the first model; all have the same steps and gear."""
        return self.loaders[0]

    def train(
        self,
        algorithms: Sequence[Algorithm],
        weights: Weights,
        epochs: Epochs,
        within: Within | None = None,
        note: Callable[[Within], None] | None = None,
    ) -> tuple[Weights, list[list[Record]]]:
        """Run epochs; return the weights after them, and the records of each model.

        Parameters
        ----------
        algorithms : list of Algorithm
        weights : Weights
        epochs : Epochs
        within : Within, optional
            Position within the epoch to resume from, instead of the weights.
        note : callable, optional
            Called after each call with the position within the epoch.
        """
        step, weights, sums = within or Within(0, weights)
        algorithm, sums = own(stack(algorithms), self.n), list(sums)
        params, state = to_each(weights, self.shards)
        for data, work in self._calls(epochs, step):
            params, state, part = compiled_train(
                self.objective,
                algorithm,
                own(params, self.n),
                own(state, self.n),
                data,
                work,
            )
            sums.append(part)
            done = work.first_step + work.end
            if note is not None and done < self.loader.steps:
                # Calls return before they are done: one may run while the host prepares
                # the next, but no more, or Ctrl-C would come too late.
                jax.block_until_ready(sums[-2:][0])
                now = Weights(*one_copy((params, state), self.shards))
                note(Within(done, now, tuple(sums)))
        now = Weights(*one_copy((params, state), self.shards))
        return now, records(sums, epochs.count)

    def _calls(self, epochs: Epochs, step: int) -> Iterator[tuple[Any, Work]]:
        """Yield data and steps of each call, starting at a step."""
        if self.n == 1:
            count, first = epochs.count[0], epochs.first[0]
        else:
            count, first = (
                Own(np.array(numbers, np.int32))
                for numbers in (epochs.count, epochs.first)
            )
        for data, order, (begin, end), number in self._spans(epochs, step):
            end = min(end, epochs.steps - number)
            if begin < end:
                span = begin, end, self.words, first, number, self.limits
                yield data, Work(order, count, *span)

    def _spans(self, epochs: Epochs, step: int) -> Iterator[tuple]:
        """Yield (data, order, steps, number of the first) of each call."""
        loader, most = self.loader, self.most_steps
        if loader.whole:
            whole = common_or_own([loader.whole_batch for loader in self.loaders])
            yield whole, None, (0, 1), 0
            return
        sources = self._sources(epochs)
        if not loader.streams:
            orders = {source: source.order() for source in set(sources)}
            order = self._together(sources, orders)
            for begin in range(step, loader.steps, most):
                yield loader.dataset.device, order, _steps(begin, most, loader.steps), 0
            return
        # Chunks are gathered as a whole; steps before `step` are skipped below.
        done = step // loader.block_steps * loader.block_steps
        for data, order, steps in self._blocks(sources, done):
            for begin in range(0, steps, most):
                if done + begin >= step:
                    yield data, order, _steps(begin, most, steps), done
            done += steps

    def _blocks(
        self, sources: list[_Source], step: int
    ) -> Iterator[tuple[Any, np.ndarray, int]]:
        """Yield chunks of batches, as :meth:`Loader.blocks`, for all models."""
        each = {source: source.blocks(step) for source in set(sources)}
        for blocks in zip(*each.values(), strict=True):
            _, order, steps = blocks[0]
            data = dict(zip(each, (block[0] for block in blocks), strict=True))
            yield self._together(sources, data), order, steps

    def _sources(self, epochs: Epochs) -> list[_Source]:
        """Return the rows of each model; those of another, if it runs no epoch."""
        most, taking = max(epochs.count), [i for i in range(self.n) if epochs.count[i]]
        whose = [i if i in taking else taking[0] for i in range(self.n)]
        return [
            _Source(self.loaders[i], self.keys[i], epochs.first[i], most) for i in whose
        ]

    def _together(self, sources: list[_Source], values: dict[_Source, Any]) -> Any:
        """Return the values of the sources, once if they are shared by all models.

        Stopped models leave fewer sources. Whether values are shared does not depend on
        that, or other programs would have to be compiled during the run.
        """
        common = _all_same(self.keys) and _all_same(
            [id(loader) for loader in self.loaders]
        )
        if common and len(values) == 1:
            return values[sources[0]]
        trees = [values[source] for source in sources]
        return jax.tree.map(lambda *leaves: Own(np.stack(leaves)), *trees)


def _all_same(values: Sequence[Any]) -> bool:
    return all(value == values[0] for value in values)


def _steps(begin: int, most: int, end: int) -> tuple[int, int]:
    return begin, min(begin + most, end)


def check_alike(problems: Sequence[Problem], keys: Sequence[Key]) -> None:
    """Reject problems whose models cannot train side by side.

    Raises
    ------
    ValueError
        If the examples or steps differ, or if sequences of different lengths come in
        different orders.
    """
    first, *others = [problem.loader for problem in problems]
    for other in others:
        if other.dataset is not first.dataset:
            raise ValueError("models side by side must train on the same examples")
        if _pace(other) != _pace(first):
            raise ValueError(
                "models side by side must have the same number of steps per epoch and "
                f"examples per step: {_pace(other)} is not {_pace(first)}"
            )
    orders = {
        (problem.loader, key) for problem, key in zip(problems, keys, strict=True)
    }
    if first.dataset.ragged and not first.whole and len(orders) > 1:
        raise ValueError(
            "sequences of different lengths are batched by length: models side by side "
            "must see them in the same order, so give them the same key"
        )


def _pace(loader: Loader) -> tuple[int, int, bool]:
    return loader.steps, loader.batch_size, loader.whole
