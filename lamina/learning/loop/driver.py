"""The training loop: the only loop over epochs in lamina.

It owns epochs, batches, stopping, the validation pass, the best weights, history,
callbacks and interruption. Its compiled part is
:func:`lamina.learning.loop.compiled_step.train`; what the host decides (when to stop,
which weights were best) it decides here, from one record of numbers an epoch.
"""

import contextlib
import dataclasses
import functools
import itertools
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import jax
import numpy as np

from lamina.learning.control.schedules import Constant, check_schedulable
from lamina.learning.control.stopping import rules_of
from lamina.learning.data.loader import MAX_EPOCHS_PER_CALL, Feed
from lamina.learning.data.selective import SelectiveDelta
from lamina.learning.diagnostics.recorder import Recorder
from lamina.learning.loop.baseline import constant_loss
from lamina.learning.loop.checkpointer import Checkpoint, Keeper, Within, total
from lamina.learning.loop.compiled_step import compiled_train
from lamina.learning.loop.evaluation import Validation, deltas, validate
from lamina.learning.objectives.objective import Objective
from lamina.learning.parallel.allocator import own_buffers
from lamina.learning.parallel.memory import check_memory
from lamina.learning.parallel.mesh import (
    Shares,
    computing_threads,
    one_copy,
    shares_of,
    to_each,
)
from lamina.learning.protocols import (
    Algorithm,
    Moment,
    Record,
    Schedule,
    StoppingRule,
)
from lamina.networks.core.computing import computing
from lamina.networks.core.flops import flops
from lamina.networks.core.keys import Key

SECONDS_PER_CALL = 0.05
"""Short epochs are taken several in one call, as long as the call is this short."""

SECONDS_OF_A_CALL = 2e-3
"""Some times what a call itself costs: shorter ones are not worth while."""

STEPS_PER_SUM, SECONDS_PER_SUM = 2**14, 1.0
"""Epochs that are longer than either take several calls: the device sums losses in
float32, and the host sums those sums in float64. Between them Ctrl-C is heard and a
checkpoint can be written. Where an epoch is broken changes the last bits of its loss,
and through a stopping rule perhaps more: it follows from sizes, never from a clock."""

STILL = 1e-30
"""A rate at which weights stay as they are. 0 is one that some methods refuse."""

FAR = 2
"""A loss of so many times that of constant outputs is none that learning ends with: an
R² of −1."""

FEWEST_STEPS, RUN_SHARE = 32, 20
"""Weights are compared over so many batches, or a 20th of those of the run."""

SECONDS_PER_STEP, FLOPS = 1e-5, 5e10
"""A modest machine, to guess how long a step will take."""


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


@dataclass
class Result:
    """What learning gives back.

    ``reason`` is one of "finished" (all epochs done), "stopped" (a stopping rule or a
    callback), "diverged" and "interrupted" (Ctrl-C).

    A run diverged if its loss was not finite or beyond the algorithm's ``loss_limit``,
    or if it ends above that of its start and above twice that of constant outputs. The
    best weights known are given back: those with the least training loss, or those of
    the start.

    Attributes
    ----------
    end_loss : float
        Training loss of the last epoch; infinite if it was not finite.
    loss : float
        That of the weights that are given back, as far as it is known.
    start_loss : float
        That of the first weights; NaN where nobody had to ask for it.
    constant_loss : float or None
        That of outputs which are the same for all examples: see
        :func:`lamina.learning.loop.baseline.constant_loss`.
    """

    params: Any
    state: Any
    epochs: int = 0
    examples: int = 0
    reason: str = "finished"
    history: dict[str, list[float]] = field(default_factory=dict)
    end_loss: float = math.nan
    loss: float = math.nan
    start_loss: float = math.nan
    constant_loss: float | None = None


def _undisturbed(fit: Callable) -> Callable:
    """Let a fit run under JAX's settings as it needs them, with buffers of its own."""

    @functools.wraps(fit)
    def undisturbed(objective: Any, algorithm: Any, feed: Feed, *args: Any, **how: Any):
        with computing(feed.examples.dtype), own_buffers():
            return fit(objective, algorithm, feed, *args, **how)

    return undisturbed


@_undisturbed
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
    checkpoint: Checkpoint | None = None,
    selective: SelectiveDelta | None = None,
    health: Recorder | None = None,
    compare: bool = True,
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
    stopping : rules, see :mod:`lamina.learning.control.stopping`
    schedule : see :mod:`lamina.learning.control.schedules`
    validation : Validation, optional
        Adds ``validation_loss`` and ``score`` to each epoch's record.
    keep_best : str, optional
        Give back the weights of the epoch in which this number was best: largest, or
        smallest if its name ends in "loss".
    callbacks : functions of :class:`Progress`
        Called after every epoch; one that returns True stops.
    checkpoint : Checkpoint, optional
        Where the run is written from time to time, and where it goes on from: with the
        same bits as a run that was never broken off. A callback that has a memory
        gives and takes it by ``get_state()`` and ``set_state(state)``.
    selective : SelectiveDelta, optional
        Learn from the examples with large δ between two whole epochs.
    health : Recorder, optional
        Takes records of what goes on inside the network.
    compare : bool
        Whether a run that ends worse than it began has diverged. A single epoch of
        many, as ``partial_fit`` takes it, may raise the loss.

    Returns
    -------
    Result

    Raises
    ------
    OSError
        If the checkpoint cannot be written at the start; later that is a warning.
    ValueError
        If it does not fit this run, or the schedule not the algorithm.
    """
    check_memory(algorithm, params, feed.examples.n)
    schedule = schedule or Constant()
    if not schedule.is_constant:
        check_schedulable(algorithm)
    if state is None:
        state = algorithm.init(params)
    run = _Run(
        objective=objective,
        algorithm=algorithm,
        feed=feed,
        key=key,
        epochs=epochs,
        first_epoch=first_epoch,
        stopping=rules_of(stopping),
        schedule=schedule,
        validation=validation,
        keep_best=keep_best,
        callbacks=tuple(callbacks),
        selective=selective,
        result=Result(params, state, examples=examples),
        health=health,
        compare=compare and algorithm.needs.lowers_loss,
    )
    if health is not None:
        health.begin(run.epoch, run.result.params)
    run.keep(checkpoint)
    try:
        while not run.done:
            run.advance()
    except KeyboardInterrupt:
        run.result.reason = "interrupted"
        run.keeper.write()
    except Exception:  # of a callback: the run can go on when it is mended
        with contextlib.suppress(Exception):  # the first error is the one to tell
            run.keeper.write()
        raise
    return run.finish()


@dataclass
class _Run:
    """A fit under way."""

    kept: ClassVar[tuple[str, ...]] = (
        *("best", "plateaus", "selected", "shares", "threads"),
        *("least", "least_epoch"),
    )
    """Fields that a snapshot keeps beside the weights and the result."""

    objective: Objective
    algorithm: Algorithm
    feed: Feed
    key: Key
    epochs: int
    first_epoch: int
    stopping: tuple[StoppingRule, ...]
    schedule: Schedule
    validation: Validation | None
    keep_best: str | None
    callbacks: tuple
    selective: SelectiveDelta | None
    result: Result
    best: float = -math.inf
    best_params: Any = None
    least: float = math.inf
    least_epoch: int = 0
    anchor: Any = None
    plateaus: int = 0
    selected: Any = None
    shares: int = 1
    threads: int = field(default_factory=computing_threads)
    done: bool = False
    within: Within | None = None
    next_epochs: int = 0
    health: Recorder | None = None
    compare: bool = True
    start_params: Any = None
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.keeper, self.all_rows = Keeper(self, None), self.feed
        feed, params = self.feed, self.result.params
        self.start_params = params
        self.anchor = params, self.result.state, 0
        rows = min(feed.batch_size, len(feed.rows))
        forward = flops(self.objective.network, params, feed.examples.shape)
        self.step_seconds = SECONDS_PER_STEP + 3 * forward * rows / FLOPS
        if not (feed.whole or feed.examples.sparse):
            network = self.objective.network
            self.shares = shares_of(network, params, rows, self.step_seconds)
        self.start()

    def start(self) -> None:
        """Find out whether anything is left to do, and plan the first call."""
        self.objective = dataclasses.replace(
            self.objective, shares=Shares.of(self.shares)
        )
        self.feed = self.all_rows = self.all_rows.divided(self.shares)
        ended = self.result.reason != "finished"
        self.done = ended or self.result.epochs >= self.epochs
        self.plan(self.feed.steps * self.step_seconds)

    def keep(self, checkpoint: Checkpoint | None) -> None:
        """Write checkpoints from now on; go on from the one that is there."""
        self.keeper = Keeper(self, checkpoint)
        self.keeper.resume()
        self.start()

    @property
    def steps_per_call(self) -> int:
        """Most steps of a call; what it does not depend on is time."""
        return max(1, min(STEPS_PER_SUM, int(SECONDS_PER_SUM / self.step_seconds)))

    def advance(self) -> None:
        """Take the next epochs in one call, and take note of each."""
        self.select()
        began, start = time.perf_counter(), (self.result.params, self.result.state)
        within, self.within = self.within or Within(0, *start), None
        params, state, records = self.train(*start, self.next_epochs, within)
        finite = _leading(self.is_sound(record["loss"]) for record in records)
        if len(records) == finite == 1:
            if self.is_undone(records[0]["loss"]):
                params = self.anchor[0]
                state = self.algorithm.init(params)
            if self.validation is not None:
                records[0] |= validate(self.objective, params, self.validation)
            if self.watches_change:
                records[0]["weight_change"] = _largest_change(start[0], params)
            self.accept(params, state, records)  # before callbacks: they may interrupt
            self.note(records[0])
        else:
            kept = _leading(self.goes_on(record) for record in records[:finite])
            kept = min(kept + 1, finite)  # the epoch that ended the run counts
            if kept < len(records):  # it ended amid the call: only so far, once more
                params, state = self.train(*start, kept)[:2] if kept else start
            self.accept(params, state, records[:kept])
        if finite < len(records):
            self.result.reason, self.done = "diverged", True
        self.done = self.done or self.result.epochs >= self.epochs
        self.plan((time.perf_counter() - began) / len(records))
        self.keeper.note()

    def is_sound(self, loss: float) -> bool:
        """Whether a loss is finite, and within what the algorithm says it can be."""
        return math.isfinite(loss) and loss <= self.loss_limit

    @cached_property
    def loss_limit(self) -> float:
        """The loss from which on an epoch is a bad one."""
        return self.algorithm.loss_limit(self.objective.network, self.start_params)

    @property
    def watches_change(self) -> bool:
        """Whether a rule asks how far the weights have moved."""
        return any(rule.watches_change for rule in self.stopping)

    def select(self) -> None:
        """Choose the rows of the next epoch, where ``selective`` δ says so."""
        if self.selective is None:
            return
        if self.selective.place(self.epoch) == 0:
            self.feed, self.selected = self.all_rows, None
            return
        if self.selected is None:
            delta = deltas(self.objective, self.result.params, self.all_rows)
            self.selected = self.selective.chosen(self.all_rows.rows, delta)
        self.feed = self.all_rows.only(self.selected)

    @property
    def epoch(self) -> int:
        """How many epochs were taken, those of earlier calls included."""
        return self.first_epoch + self.result.epochs

    def accept(self, params: Any, state: Any, records: list[Record]) -> None:
        """Make these weights the result; remember from where the best follow."""
        result, epochs = self.result, len(records)
        before = result.params, result.state, result.epochs
        result.params, result.state = params, state
        result.epochs += epochs
        result.examples += epochs * len(self.feed.rows)
        self.remember(before, [record["loss"] for record in records])
        if self.health is not None and epochs:
            self.health.note(self.epoch, params)

    def remember(self, before: tuple, losses: list[float]) -> None:
        """Take note of the least loss, and of weights from which its own follow.

        They are those before or after a call: with the others of the call they would
        depend on the clock, which says how many epochs a call takes.
        """
        result = self.result
        for number, loss in enumerate(losses, start=1):
            if loss < self.least or not self.compare:
                self.least = min(self.least, loss)
                self.least_epoch = before[2] + number - self.lag
        if losses and self.least_epoch == result.epochs:
            self.anchor = result.params, result.state, result.epochs
        elif self.least_epoch >= before[2]:
            self.anchor = before

    @property
    def lag(self) -> int:
        """By how many epochs weights are older than the step that tells their loss.

        A whole batch's loss is that of the weights before its step; methods without a
        rate tell it after. In an epoch of several steps it is that of all of them.
        """
        return int(self.feed.whole and self.algorithm.needs.first_order)

    def is_undone(self, loss: float) -> bool:
        """Whether the schedule takes back the step that led to this loss."""
        undoes = self.schedule.undoes and self.compare
        return undoes and self.feed.whole and loss > self.least

    def goes_on(self, record: Record) -> bool:
        self.note(record)
        return not self.done

    def finish(self) -> Result:
        """Check the last weights, whose loss nobody has seen, and give the result.

        What went wrong is put right after the run has been written down: with more
        epochs it goes on from where it was.
        """
        result = self.result
        interrupted = result.reason == "interrupted"
        if not _is_finite(result.params):
            result.reason = "diverged"
        if not interrupted:
            self.keeper.note()
            self.keeper.write()
        if result.reason != "interrupted":
            self.judge()
        if self.health is not None:
            self.health.end(self.epoch, result.params)
        if self.best_params is not None:
            result.params = self.best_params
        del self.keeper  # it points back here: the weights would wait to be collected
        return result

    def judge(self) -> None:
        """Give back the best weights known if the run went wrong.

        It did if a loss was not finite, or if it ended far above the loss of constant
        outputs with weights that are worse than the first ones.
        """
        result, burst = self.result, self.result.reason == "diverged"
        result.loss = self.last_loss
        result.end_loss = math.inf if burst else result.loss
        if self.compare:
            result.constant_loss = constant_loss(self.objective, self.all_rows)
        if not (burst or self.is_useless):
            return
        # The step of a whole batch that led to the loss was that of the epoch before.
        bad_epochs = self.lag if _is_finite(result.params) else 1
        if self.compare and self.algorithm.needs.first_order:
            self.compare_weights(burst)
        elif burst:
            self.go_back()
        if burst:
            self.forget(bad_epochs)

    @property
    def last_loss(self) -> float:
        """The training loss of the epoch whose weights are given back."""
        history = self.result.history
        losses = history.get("loss", [math.nan])
        if self.best_params is None or self.keep_best is None:
            return losses[-1]
        sign = -1 if self.keep_best.endswith("loss") else 1
        return losses[history[self.keep_best].index(sign * self.best)]

    @property
    def is_useless(self) -> bool:
        """Whether learning has ended far above the loss of constant outputs.

        Where nobody knows that one, the loss of the first epoch takes its place.
        """
        result = self.result
        bound = result.constant_loss
        if bound is None:
            bound = result.history.get("loss", [math.nan])[0]
        return self.compare and result.loss > bound + (FAR - 1) * abs(bound)

    def compare_weights(self, burst: bool) -> None:
        """Give back the best of the last, the first and the best weights known."""
        result, start = self.result, self.start_params
        last = result.params if self.best_params is None else self.best_params
        result.start_loss, result.loss = self.loss_of(start), self.loss_of(last)
        better = result.loss <= result.start_loss
        if better and not (burst and self.best_params is None):
            return
        result.reason, self.best_params = "diverged", None
        self.go_back()
        known = [
            (self.loss_of(result.params), result.params, result.state),
            (result.loss, last, self.algorithm.init(last)),
            (result.start_loss, start, self.algorithm.init(start)),
        ]
        sound = [one for one in known if math.isfinite(one[0]) and _is_finite(one[1])]
        found = min(sound or known[-1:], key=lambda one: one[0])
        result.loss, result.params, result.state = found

    def go_back(self) -> None:
        """Make the weights with the least training loss the result."""
        result, epochs = self.result, self.result.epochs
        result.params, result.state, result.epochs = self.anchor
        if again := self.least_epoch - result.epochs:
            trained = self.train(result.params, result.state, again)
            result.params, result.state, _ = trained
        result.epochs = epochs

    def forget(self, epochs: int) -> None:
        """Take back what is known of the last epochs."""
        result = self.result
        epochs = min(epochs, result.epochs)
        result.epochs -= epochs
        result.examples -= epochs * len(self.feed.rows)
        if self.health is not None:
            self.health.forget(self.epoch)
        for values in result.history.values():
            del values[result.epochs :]

    def loss_of(self, params: Any) -> float:
        """Return the loss of weights that stay as they are, as training sees it.

        In the program that trains, at a rate of next to 0, so that nothing is compiled;
        over as many batches as cost a small share of the run.
        """
        self.feed = self.all_rows
        steps = max(FEWEST_STEPS, self.feed.steps * self.result.epochs // RUN_SHARE)
        algorithm = self.algorithm.with_rate(STILL)
        state, sums = algorithm.init(params), []
        params, state = to_each((params, state), self.feed.shares)
        for data, order, (begin, end), first in self.calls(self.epoch, 1, 0):
            end = min(end, steps - first)
            if begin < end:
                span = begin, end, first
                call = self.call(algorithm, params, state, data, order, 1, span)
                params, state, part = call
                sums.append(part)
        (record,) = _records(sums, 1)
        return record["loss"]

    def note(self, record: Record) -> None:
        """Write history, keep the best weights, ask rules and callbacks."""
        for name, value in record.items():
            self.result.history.setdefault(name, []).append(value)
        if self.keep_best:
            worth = record[self.keep_best]
            worth = -worth if self.keep_best.endswith("loss") else worth
            if worth > self.best:
                self.best, self.best_params = worth, self.result.params
        stop = self.selected is None and self.ask_rules(record)
        for callback in self.callbacks:
            stop = callback(self.progress(record)) is True or stop
        if stop:
            self.result.reason, self.done = "stopped", True

    def ask_rules(self, record: Record) -> bool:
        """Ask every rule; a plateau may be answered by a smaller rate instead."""
        answers = [(rule, rule(record)) for rule in self.stopping]
        yes = [rule for rule, stop in answers if stop]
        plateau = all(rule.is_plateau for rule in yes)
        if yes and plateau and self.schedule.answers_plateaus:
            return not self.slow_down(yes)
        return bool(yes)

    def slow_down(self, plateaus: list[StoppingRule]) -> bool:
        """Answer a plateau by a smaller rate, if the schedule has one left."""
        if not self.schedule.goes_on(self.rate(self.plateaus)):
            return False
        self.plateaus += 1
        for rule in plateaus:
            rule.restart()
        return True

    def rate(self, plateaus: int) -> Any:
        moment = Moment(
            epoch=self.epoch,
            epochs=self.first_epoch + self.epochs,
            examples=self.result.examples,
            plateaus=plateaus,
            losses=self.result.history.get("loss", ()),
            whole=self.feed.whole,
        )
        return self.schedule.rate(self.algorithm.rate, moment)

    def depends_on_end(self, epoch: int, planned: int) -> bool:
        """Whether an epoch's rate would be another with so many epochs planned."""
        if self.schedule.is_constant:
            return False
        ends = (Moment(epoch=epoch, epochs=end) for end in (planned, self.epochs))
        rates = [self.schedule.rate(self.algorithm.rate, end) for end in ends]
        return rates[0] != rates[1]

    def progress(self, record: Record) -> Progress:
        result, seconds = self.result, time.perf_counter() - self.started
        return Progress(
            epoch=result.epochs,
            epochs=self.epochs,
            record=record,
            params=result.params,
            seconds=seconds,
            examples=result.epochs * len(self.all_rows.rows),
            state=result.state,
        )

    def plan(self, seconds: float) -> None:
        """Choose how many epochs the next call takes.

        One, if something has to see the weights after every epoch, or the rate changes.
        """
        left = self.epochs - self.result.epochs
        one = self.validation or self.callbacks or self.keep_best or self.selective
        one = one or self.watches_change or self.feed.streams
        one = one or self.feed.steps > self.steps_per_call
        if one or not self.schedule.is_constant:
            self.next_epochs = 1
        else:
            fitting = int(SECONDS_PER_CALL / max(seconds, 1e-9))
            most = min(left, self.feed.epochs_per_call, self.soonest_stop(seconds))
            if self.health is not None:
                most = min(most, self.health.until_due(self.epoch))
            self.next_epochs = max(1, min(fitting, most))

    def soonest_stop(self, seconds: float) -> int:
        """Return after how many epochs a rule may end the run, at the soonest.

        Epochs after that are taken for nothing; where they cost less than a call does,
        that does not matter.
        """
        soonest = [rule.soonest() for rule in self.stopping]
        least = int(SECONDS_OF_A_CALL / max(seconds, 1e-9))
        return int(max(min([*soonest, MAX_EPOCHS_PER_CALL]), least, 1))

    @property
    def limits(self) -> dict[str, float]:
        """Thresholds at which the compiled program itself ends a call."""
        limits: dict[str, float] = {}
        for rule in self.stopping:
            for name, threshold in rule.limits().items():
                limits[name] = max(limits.get(name, -math.inf), threshold)
        return limits

    def train(
        self, params: Any, state: Any, epochs: int, within: Within | None = None
    ) -> tuple[Any, Any, list]:
        """Call the compiled program; return parameters, state and the records.

        What is told ``within`` is the epoch under way, which is taken up where it says
        and noted after each call; without it epochs are taken again.
        """
        algorithm = self.algorithm
        if not self.schedule.is_constant:
            algorithm = algorithm.with_rate(self.rate(self.plateaus))
        first = self.epoch
        step, params, state, sums = within or Within(0, params, state)
        params, state = to_each((params, state), self.feed.shares)
        sums = list(sums)
        for data, order, (begin, end), first_step in self.calls(first, epochs, step):
            span = begin, end, first_step
            call = self.call(algorithm, params, state, data, order, epochs, span)
            params, state, part = call
            sums.append(part)
            if within is not None and first_step + end < self.feed.steps:
                # Calls return before they are done: one may be under way while the
                # host prepares the next, but no more, or Ctrl-C would come too late.
                jax.block_until_ready(sums[-2:][0])
                w, s = one_copy((params, state), self.feed.shares)
                noted = Within(first_step + end, w, s, tuple(sums))
                self.keeper.note(noted)
        params, state = one_copy((params, state), self.feed.shares)
        return params, state, _records(sums, epochs)

    def call(
        self,
        algorithm: Any,
        params: Any,
        state: Any,
        data: Any,
        order: Any,
        epochs: int,
        span: tuple[int, int, int],
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take the steps of a span (from, to, number of the first) of some epochs."""
        begin, end, first_step = span
        words = self.key.fold_in("steps").words()
        return compiled_train(
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
            self.epoch,
            first_step,
            self.limits,
        )

    def calls(self, first: int, epochs: int, step: int) -> Iterable[tuple]:
        """Yield (data, order, steps, number of the first) of each call from step on."""
        feed, most = self.feed, self.steps_per_call
        if feed.whole:
            yield feed.whole_batch, None, (0, 1), 0
        elif not feed.streams:
            order = feed.order(self.key, first, epochs)
            for begin in range(step, feed.steps, most):
                yield feed.examples.device, order, _steps(begin, most, feed.steps), 0
        else:
            done = step // feed.block_steps * feed.block_steps
            for data, order, steps in feed.blocks(self.key, first, done):
                for begin in range(0, steps, most):
                    if done + begin >= step:
                        yield data, order, _steps(begin, most, steps), done
                done += steps


def _is_finite(params: Any) -> bool:
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params))


def _largest_change(before: Any, after: Any) -> float:
    """Return maxⱼ |θⱼ − θⱼ'|."""
    pairs = zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)
    moves = [np.max(np.abs(np.asarray(b) - np.asarray(a)), initial=0) for a, b in pairs]
    return float(max(moves, default=0.0))


def _steps(begin: int, most: int, end: int) -> tuple[int, int]:
    return begin, min(begin + most, end)


def _leading(answers: Iterable[bool]) -> int:
    """Return how many yeses come before the first no."""
    return sum(1 for _ in itertools.takewhile(bool, answers))


def _records(sums: list[dict[str, Any]], epochs: int) -> list[Record]:
    """Weighted means of what was reported, one record an epoch.

    Epochs that were not taken are NaN. The first always is: its weight is only NaN if
    an example's is.
    """
    whole = total(sums)
    taken = max(1, int(np.sum(~np.isnan(whole["weight"][:epochs]))))
    weight = np.maximum(whole.pop("weight"), 1e-300)
    means = {name: value / weight for name, value in whole.items()}
    return [{k: float(v[i]) for k, v in means.items()} for i in range(taken)]
