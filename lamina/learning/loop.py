"""The training loop: the only loop over epochs in lamina.

It owns epochs, batches, stopping, the validation pass, the best weights, history,
callbacks and interruption. Its compiled part is :func:`lamina.learning.program.train`;
what the host decides (when to stop, which weights were best) it decides here, from one
record of numbers an epoch.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from lamina.learning.feed import Feed
from lamina.learning.objective import Objective
from lamina.learning.program import (
    compiled_evaluate,
    compiled_train,
)
from lamina.learning.schedules import Adaptive, Constant
from lamina.learning.stopping import Record
from lamina.networks.keys import Key

SECONDS_PER_CALL = 0.05
"""Short epochs are taken several in one call, as long as the call is this short."""

SECONDS_PER_STEP, FLOPS = 1e-5, 5e10
"""A modest machine, to guess how long the first epoch will take."""


@dataclass(frozen=True)
class Progress:
    """What a callback is told after an epoch."""

    epoch: int
    epochs: int
    record: Record
    params: Any
    seconds: float
    examples: int
    state: Any = None

    @property
    def speed(self) -> float:
        """Examples a second so far."""
        return self.examples / max(self.seconds, 1e-9)


Callback = Callable[[Progress], Any]


@dataclass(frozen=True)
class Validation:
    """The validation pass: held-out rows and how to score the outputs for them."""

    feed: Feed
    score: Callable[[np.ndarray], float]


@dataclass
class Result:
    """What learning gives back.

    ``reason`` is one of "finished" (all epochs done), "stopped" (a stopping rule or a
    callback), "diverged" (the loss was not finite: the weights before that epoch are
    kept) and "interrupted" (Ctrl-C).
    """

    params: Any
    state: Any
    epochs: int = 0
    examples: int = 0
    reason: str = "finished"
    history: dict[str, list[float]] = field(default_factory=dict)


def fit(
    objective: Objective,
    algorithm: Any,
    feed: Feed,
    params: Any,
    *,
    key: Key,
    epochs: int,
    state: Any = None,
    first_epoch: int = 0,
    examples: int = 0,
    stopping: Iterable[Callable[[Record], bool]] = (),
    schedule: Any = None,
    validation: Validation | None = None,
    keep_best: str | None = None,
    callbacks: Iterable[Callback] = (),
) -> Result:
    """Train a network.

    Parameters
    ----------
    objective, algorithm : descriptions
    feed : Feed
        Training examples in batches.
    params, state : pytrees
        Parameters, and the algorithm's state (None: a fresh one).
    key : Key
        All random choices derive from it by ``fold_in``.
    epochs : int
        Most epochs to take.
    first_epoch, examples : int
        Epochs taken and examples seen in earlier calls; they continue the order of the
        data and the schedule.
    stopping : rules, see :mod:`lamina.learning.stopping`
    schedule : see :mod:`lamina.learning.schedules`
    validation : Validation, optional
        Adds ``validation_loss`` and ``score`` to each epoch's record.
    keep_best : str, optional
        Give back the weights of the epoch in which this number was largest.
    callbacks : functions of :class:`Progress`
        Called after every epoch; one that returns True stops.

    Returns
    -------
    Result
    """
    if state is None:
        state = algorithm.init(params)
    run = _Run(
        objective=objective,
        algorithm=algorithm,
        feed=feed,
        key=key,
        epochs=epochs,
        first_epoch=first_epoch,
        stopping=tuple(stopping),
        schedule=schedule or Constant(),
        validation=validation,
        keep_best=keep_best,
        callbacks=tuple(callbacks),
        result=Result(params, state, examples=examples),
    )
    try:
        while not run.done:
            run.advance()
    except KeyboardInterrupt:
        run.result.reason = "interrupted"
    if run.best_params is not None:
        run.result.params = run.best_params
    return run.result


@dataclass
class _Run:
    """A fit under way."""

    objective: Objective
    algorithm: Any
    feed: Feed
    key: Key
    epochs: int
    first_epoch: int
    stopping: tuple
    schedule: Any
    validation: Validation | None
    keep_best: str | None
    callbacks: tuple
    result: Result
    best: float = -math.inf
    best_params: Any = None
    plateaus: int = 0
    done: bool = False
    next_epochs: int = 0
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.plan(self.expected_seconds())

    def expected_seconds(self) -> float:
        """Guess how long an epoch takes, before the first one."""
        sizes = sum(np.size(leaf) for leaf in jax.tree.leaves(self.result.params))
        work = 6 * sizes * len(self.feed.rows)
        return self.feed.steps * SECONDS_PER_STEP + work / FLOPS

    def advance(self) -> None:
        """Take the next epochs in one call, then look at each of them."""
        result, start = self.result, time.perf_counter()
        before = result.params, result.state
        params, state, records = self.train(*before, self.next_epochs)
        kept = self.look(records, params, state)
        if kept < len(records):  # ended amid the call: take only what was kept again
            params, state, _ = self.train(*before, kept) if kept else (*before, [])
        result.params, result.state = params, state
        result.epochs += kept
        result.examples += kept * len(self.feed.rows)
        self.done = self.done or result.epochs >= self.epochs
        self.plan((time.perf_counter() - start) / len(records))

    def look(self, records: list[Record], params: Any, state: Any) -> int:
        """Take note of epochs until one ends the run; return how many are kept."""
        for i, record in enumerate(records):
            if not math.isfinite(record["loss"]):
                self.result.reason, self.done = "diverged", True
                return i
            self.note(record, self.result.epochs + i + 1, params, state)
            if self.done:
                return i + 1
        return len(records)

    def note(self, record: Record, epoch: int, params: Any, state: Any) -> None:
        """Validate, write history, keep the best weights, ask rules and callbacks."""
        if self.validation is not None:
            record |= validate(self.objective, params, self.validation)
        for name, value in record.items():
            self.result.history.setdefault(name, []).append(value)
        if self.keep_best and record[self.keep_best] > self.best:
            self.best, self.best_params = record[self.keep_best], params
        stop = any(rule(record) for rule in self.stopping)
        if stop and isinstance(self.schedule, Adaptive):
            stop = not self.slow_down()
        for callback in self.callbacks:
            progress = self.progress(epoch, record, params, state)
            stop = callback(progress) is True or stop
        if stop:
            self.result.reason, self.done = "stopped", True

    def slow_down(self) -> bool:
        """Answer a plateau by a smaller rate, if the schedule has one left."""
        if not self.schedule.goes_on(self.rate(self.plateaus)):
            return False
        self.plateaus += 1
        for rule in self.stopping:
            rule.restart()
        return True

    def rate(self, plateaus: int) -> Any:
        initial = self.algorithm.learning_rate
        return self.schedule.rate(initial, self.result.examples, plateaus)

    def progress(self, epoch: int, record: Record, params: Any, state: Any) -> Progress:
        seconds = time.perf_counter() - self.started
        examples = epoch * len(self.feed.rows)
        return Progress(epoch, self.epochs, record, params, seconds, examples, state)

    def plan(self, seconds: float) -> None:
        """Choose how many epochs the next call takes.

        One, if something has to see the weights after every epoch, or the rate changes.
        """
        left = self.epochs - self.result.epochs
        one = self.validation or self.callbacks or not self.feed.examples.resident
        if one or not isinstance(self.schedule, Constant):
            self.next_epochs = 1
        else:
            fitting = int(SECONDS_PER_CALL / max(seconds, 1e-9))
            self.next_epochs = max(1, min(left, fitting, self.feed.epochs_per_call))

    def train(self, params: Any, state: Any, epochs: int) -> tuple[Any, Any, list]:
        """Call the compiled program; return parameters, state and the records."""
        algorithm = self.algorithm
        if not isinstance(self.schedule, Constant):
            rate = self.rate(self.plateaus)
            algorithm = dataclasses.replace(algorithm, learning_rate=rate)
        first = self.first_epoch + self.result.epochs
        words = self.key.fold_in("steps").words()
        sums = []
        for data, order, steps, first_step in self.calls(first, epochs):
            params, state, part = compiled_train(
                self.objective,
                algorithm,
                params,
                state,
                data,
                order,
                epochs,
                steps,
                words,
                first,
                first_step,
            )
            sums.append(part)
        return params, state, _records(sums, epochs)

    def calls(self, first: int, epochs: int) -> Iterable[tuple]:
        """Yield (data, order, steps, first step) of each call of the program."""
        feed = self.feed
        if feed.whole:
            yield feed.whole_batch, None, 1, 0
        elif feed.examples.resident:
            order = feed.order(self.key, first, epochs)
            yield feed.examples.device, order, feed.steps, 0
        else:
            done = 0
            for data, order, steps in feed.blocks(self.key, first):
                yield data, order, steps, done
                done += steps


def _records(sums: list[dict[str, Any]], epochs: int) -> list[Record]:
    """Weighted means of what was reported, one record an epoch."""
    total = {k: sum(np.asarray(s[k], np.float64) for s in sums) for k in sums[0]}
    weight = np.maximum(total.pop("weight"), 1e-300)
    means = {name: value / weight for name, value in total.items()}
    return [{k: float(v[i]) for k, v in means.items()} for i in range(epochs)]


def validate(objective: Objective, params: Any, validation: Validation) -> Record:
    """Return the loss and the score of held-out examples."""
    feed = validation.feed
    losses, weights, outputs = [], [], []
    for data, order in _passes(feed):
        loss, weight, output = compiled_evaluate(objective, params, data, order)
        losses.append(loss)
        weights.append(weight)
        outputs.append(output)
    output = np.concatenate([np.asarray(o) for o in outputs])[: len(feed.rows)]
    weight = max(float(sum(map(float, weights))), 1e-300)
    loss = float(sum(map(float, losses))) / weight
    return {"validation_loss": loss, "score": validation.score(output)}


def _passes(feed: Feed) -> Iterable[tuple]:
    """Yield (data, order) that visit all rows once, in order."""
    key = Key(0)
    if feed.examples.resident:
        yield feed.examples.device, feed.order(key, 0, 1)[0]
    else:
        for data, order, _ in feed.blocks(key, 0):
            yield data, order[0]
