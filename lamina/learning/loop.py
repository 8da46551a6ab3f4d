"""The training loop: the only loop over epochs in lamina.

It owns epochs, batches, stopping, the validation pass, the best weights, history,
callbacks and interruption. Its compiled part is :func:`lamina.learning.program.train`;
what the host decides (when to stop, which weights were best) it decides here, from one
record of numbers an epoch.
"""

import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from lamina.learning.feed import Feed
from lamina.learning.memory import check_memory
from lamina.learning.objective import Objective
from lamina.learning.program import (
    compiled_evaluate,
    compiled_train,
)
from lamina.learning.schedules import Adaptive, Constant, Moment
from lamina.learning.stopping import NoImprovement, Record, SmallChange
from lamina.networks.keys import Key

SECONDS_PER_CALL = 0.05
"""Short epochs are taken several in one call, as long as the call is this short."""

STEPS_PER_SUM = 2**14
"""Longer epochs take several calls: the device sums losses in float32, and the host
sums those sums in float64. Ctrl-C is also heard between them."""

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
        Give back the weights of the epoch in which this number was best: largest, or
        smallest if its name ends in "loss".
    callbacks : functions of :class:`Progress`
        Called after every epoch; one that returns True stops.

    Returns
    -------
    Result
    """
    check_memory(algorithm, params, feed.examples.n)
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
    return run.finish()


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
    previous: Any = None
    plateaus: int = 0
    done: bool = False
    next_epochs: int = 0
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.done = self.epochs < 1
        self.plan(self.expected_seconds())

    def expected_seconds(self) -> float:
        """Guess how long an epoch takes, before the first one."""
        sizes = sum(np.size(leaf) for leaf in jax.tree.leaves(self.result.params))
        work = 6 * sizes * len(self.feed.rows)
        return self.feed.steps * SECONDS_PER_STEP + work / FLOPS

    def advance(self) -> None:
        """Take the next epochs in one call, and take note of each."""
        began, start = time.perf_counter(), (self.result.params, self.result.state)
        params, state, records = self.train(*start, self.next_epochs)
        finite = _leading(math.isfinite(record["loss"]) for record in records)
        if len(records) == finite == 1:
            if self.validation is not None:
                records[0] |= validate(self.objective, params, self.validation)
            if self.watches_change:
                records[0]["weight_change"] = _largest_change(start[0], params)
            self.accept(params, state, 1)  # before callbacks, which may interrupt
            self.note(records[0])
        else:
            kept = _leading(self.goes_on(record) for record in records[:finite])
            kept = min(kept + 1, finite)  # the epoch that ended the run counts
            if kept < len(records):  # it ended amid the call: only so far, once more
                params, state = self.train(*start, kept)[:2] if kept else start
            self.accept(params, state, kept)
        if finite < len(records):
            self.diverge()
        self.done = self.done or self.result.epochs >= self.epochs
        self.plan((time.perf_counter() - began) / len(records))

    @property
    def watches_change(self) -> bool:
        """Whether a rule asks how far the weights have moved."""
        return any(isinstance(rule, SmallChange) for rule in self.stopping)

    def accept(self, params: Any, state: Any, epochs: int) -> None:
        """Make these weights the result; remember those before."""
        result = self.result
        if epochs:
            self.previous = result.params, result.state, result.epochs
        result.params, result.state = params, state
        result.epochs += epochs
        result.examples += epochs * len(self.feed.rows)

    def goes_on(self, record: Record) -> bool:
        self.note(record)
        return not self.done

    def diverge(self) -> None:
        """End the run: a loss was not finite.

        Within an epoch of several steps it was the weights of that epoch that went bad,
        and they have not been accepted. A whole batch's loss is that of the weights
        before its step: the last accepted step was the bad one.
        """
        self.result.reason, self.done = "diverged", True
        if self.feed.whole:
            self.rewind()

    def rewind(self) -> None:
        """Give back the weights of one epoch earlier."""
        if self.previous is None:
            return
        result = self.result
        epochs = result.epochs - 1
        result.params, result.state, result.epochs = self.previous
        result.examples -= len(self.feed.rows)
        if again := epochs - result.epochs:
            trained = self.train(result.params, result.state, again)
            result.params, result.state, _ = trained
        result.epochs, self.previous = epochs, None
        for values in result.history.values():
            del values[epochs:]

    def finish(self) -> Result:
        """Check the last weights, whose loss nobody has seen, and give the result."""
        result = self.result
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(result.params)):
            result.reason = "diverged"
            self.rewind()
        if self.best_params is not None:
            result.params = self.best_params
        return result

    def note(self, record: Record) -> None:
        """Write history, keep the best weights, ask rules and callbacks."""
        for name, value in record.items():
            self.result.history.setdefault(name, []).append(value)
        if self.keep_best:
            worth = record[self.keep_best]
            worth = -worth if self.keep_best.endswith("loss") else worth
            if worth > self.best:
                self.best, self.best_params = worth, self.result.params
        stop = self.ask_rules(record)
        for callback in self.callbacks:
            stop = callback(self.progress(record)) is True or stop
        if stop:
            self.result.reason, self.done = "stopped", True

    def ask_rules(self, record: Record) -> bool:
        """Ask every rule; a plateau may be answered by a smaller rate instead."""
        answers = [(rule, rule(record)) for rule in self.stopping]
        yes = [rule for rule, stop in answers if stop]
        plateau = all(isinstance(rule, NoImprovement) for rule in yes)
        if yes and plateau and isinstance(self.schedule, Adaptive):
            return not self.slow_down(yes)
        return bool(yes)

    def slow_down(self, plateaus: list[NoImprovement]) -> bool:
        """Answer a plateau by a smaller rate, if the schedule has one left."""
        if not self.schedule.goes_on(self.rate(self.plateaus)):
            return False
        self.plateaus += 1
        for rule in plateaus:
            rule.restart()
        return True

    def rate(self, plateaus: int) -> Any:
        moment = Moment(
            epoch=self.first_epoch + self.result.epochs,
            epochs=self.first_epoch + self.epochs,
            examples=self.result.examples,
            plateaus=plateaus,
            losses=self.result.history.get("loss", ()),
        )
        return self.schedule.rate(self.algorithm.learning_rate, moment)

    def progress(self, record: Record) -> Progress:
        result, seconds = self.result, time.perf_counter() - self.started
        return Progress(
            epoch=result.epochs,
            epochs=self.epochs,
            record=record,
            params=result.params,
            seconds=seconds,
            examples=result.epochs * len(self.feed.rows),
            state=result.state,
        )

    def plan(self, seconds: float) -> None:
        """Choose how many epochs the next call takes.

        One, if something has to see the weights after every epoch, or the rate changes.
        """
        left = self.epochs - self.result.epochs
        one = self.validation or self.callbacks or self.keep_best
        one = one or self.watches_change or not self.feed.examples.resident
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
        for data, order, (begin, end), first_step in self.calls(first, epochs):
            params, state, part = compiled_train(
                self.objective,
                algorithm,
                params,
                state,
                data,
                order,
                epochs,
                begin,
                end,
                words,
                first,
                first_step,
            )
            sums.append(part)
        return params, state, _records(sums, epochs)

    def calls(self, first: int, epochs: int) -> Iterable[tuple]:
        """Yield (data, order, steps, number of the first) of each call."""
        feed = self.feed
        if feed.whole:
            yield feed.whole_batch, None, (0, 1), 0
        elif feed.examples.resident:
            order = feed.order(self.key, first, epochs)
            for begin in range(0, feed.steps, STEPS_PER_SUM):
                end = min(begin + STEPS_PER_SUM, feed.steps)
                yield feed.examples.device, order, (begin, end), 0
        else:
            done = 0
            for data, order, steps in feed.blocks(self.key, first):
                yield data, order, (0, steps), done
                done += steps


def _largest_change(before: Any, after: Any) -> float:
    """Return maxⱼ |θⱼ − θⱼ'|."""
    pairs = zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)
    moves = [np.max(np.abs(np.asarray(b) - np.asarray(a)), initial=0) for a, b in pairs]
    return float(max(moves, default=0.0))


def _leading(answers: Iterable[bool]) -> int:
    """Return how many yeses come before the first no."""
    return sum(1 for _ in itertools.takewhile(bool, answers))


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
    key, feed = Key(0), feed.in_order()
    if feed.examples.resident:
        yield feed.examples.device, feed.order(key, 0, 1)[0]
    else:
        for data, order, _ in feed.blocks(key, 0):
            yield data, order[0]
