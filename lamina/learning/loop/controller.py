"""Decisions of the host about each model between epochs.

Whether the model stops, which weights were best, the next learning rate, the rows it
trains on, and the state from which its best weights can be recomputed.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np

from lamina.learning.control.records import leading
from lamina.learning.loop.evaluation import deltas, validate_each
from lamina.learning.loop.plan import Plan
from lamina.learning.loop.problem import Control, Problem, Progress, Start
from lamina.learning.loop.side_by_side import merge, pick, stack
from lamina.learning.loop.state import ModelState, Standing, Weights
from lamina.learning.loop.trainer import Trainer
from lamina.learning.protocols import Algorithm, Moment, Record, StoppingRule


@dataclass
class Controller:
    """A run: n models in training, and the decisions about them.

    Parameters
    ----------
    problems, starts : list of Problem and of Start
    control : Control
    state : ModelState
    plan : Plan
    """

    problems: Sequence[Problem]
    starts: Sequence[Start]
    control: Control
    state: ModelState
    plan: Plan
    started: float = field(default_factory=time.perf_counter)

    @property
    def n(self) -> int:
        """Number of models."""
        return len(self.problems)

    @property
    def active(self) -> list[int]:
        """The models that are still training."""
        return [
            i
            for i, one in enumerate(self.state.each)
            if one.reason == "finished" and one.epochs < self.control.epochs
        ]

    @property
    def compare(self) -> bool:
        """Whether losses measure how good weights are."""
        lowers = all(one.algorithm.needs.lowers_loss for one in self.problems)
        return self.control.compare and lowers

    @cached_property
    def trainer(self) -> Trainer:
        """The caller of the compiled program; created after the state is restored."""
        return Trainer(
            self.problems,
            [start.key for start in self.starts],
            self.control.limits,
            self.state.shards,
            self.plan.steps,
        )

    # ---- before an epoch ------------------------------------------------------------

    def select(self) -> None:
        """Choose the rows of the next epoch if ``selective`` δ is on."""
        selective, active = self.control.selective, self.active
        if selective is None:
            return
        all_rows, loaders = self.trainer.all_rows, {}
        for i in active:
            one, loaders[i] = self.state.each[i], all_rows[i]
            if selective.place(one.epoch) == 0:
                one.selected = None
                continue
            if one.selected is None:
                objective, params = self.trainer.objectives[i], self.state.params_of(i)
                delta = deltas(objective, params, all_rows[i])
                one.selected = selective.chosen(all_rows[i].rows, delta)
            loaders[i] = all_rows[i].only(one.selected)
        self.trainer.loaders = [
            loaders.get(i, loaders[active[0]]) for i in range(self.n)
        ]

    def rate(self, i: int, plateaus: int, ahead: int = 0) -> Any:
        """Return the rate of a model after some plateaus, ``ahead`` epochs from now."""
        one, rows = self.state.each[i], len(self.trainer.loaders[i].rows)
        moment = Moment(
            epoch=one.epoch + ahead,
            epochs=one.first_epoch + self.control.epochs,
            examples=one.examples + ahead * rows,
            plateaus=plateaus,
            losses=one.losses,
            whole=self.trainer.loader.whole,
        )
        return self.control.rates.rate(self.problems[i].algorithm.rate, moment)

    def algorithms(self) -> list[Algorithm]:
        """Return the algorithm of each model, at the rate of its next epoch."""
        plain = [one.algorithm for one in self.problems]
        if self.control.rates.is_constant:
            return plain
        standings = enumerate(self.state.each)
        return [plain[i].with_rate(self.rate(i, s.plateaus)) for i, s in standings]

    # ---- after epochs ---------------------------------------------------------------

    def is_sound(self, i: int, loss: float) -> bool:
        """Whether a loss is finite and within the algorithm's limit."""
        return math.isfinite(loss) and loss <= self._loss_limits[i]

    @cached_property
    def _loss_limits(self) -> list[float]:
        """The losses beyond which a model has diverged."""
        return [
            one.algorithm.loss_limit(one.objective.network, start.params)
            for one, start in zip(self.problems, self.starts, strict=True)
        ]

    @property
    def lag(self) -> int:
        """Number of epochs by which a reported loss lags behind its weights.

        A full batch's loss is that of the weights before its step; methods that are not
        of first order report it after the step. An epoch of several steps has no lag.
        """
        first_order = self.problems[0].algorithm.needs.first_order
        return int(self.trainer.loader.whole and first_order)

    def look(self, weights: Weights, records: list[list[Record]]) -> Weights:
        """Evaluate the weights after a single epoch, and add to its records.

        Returns
        -------
        Weights
            These; for a model whose step is undone, those before it.
        """
        sound = [i for i, own in enumerate(records) if own]
        # A diverged model is not evaluated: `decide` ends it.
        sound = [i for i in sound if self.is_sound(i, records[i][0]["loss"])]
        weights = self._undone(weights, {i: records[i][0]["loss"] for i in sound})
        held = [one.validation for one in self.problems]
        objectives = self.trainer.objectives
        for i, found in validate_each(objectives, weights.params, held, sound).items():
            records[i][0] |= found
        if self.control.watches_change:
            for i in sound:
                change = _largest_change(
                    self.state.params_of(i), pick(weights.params, i, self.n)
                )
                records[i][0]["weight_change"] = change
        return weights

    def _undone(self, weights: Weights, losses: dict[int, float]) -> Weights:
        """Undo steps that led to higher losses, if the schedule says so."""
        schedule = self.control.rates
        if not (schedule.undoes and self.compare and self.trainer.loader.whole):
            return weights
        least = [one.least for one in self.state.each]
        undone = [losses.get(i, -math.inf) > least[i] for i in range(self.n)]
        if not any(undone):
            return weights
        return merge(undone, self.fresh(self.state.anchor.params), weights)

    def fresh(self, params: Any) -> Weights:
        """Return parameters with the algorithm's state before its first step."""
        each = enumerate(self.problems)
        states = [one.algorithm.init(pick(params, i, self.n)) for i, one in each]
        return Weights(params, stack(states))

    def decide(self, records: list[list[Record]]) -> dict[int, str]:
        """Append to the history, check the rules, and drop epochs after a model's end.

        Returns
        -------
        dict
            The reason, for each model whose training ends.
        """
        ended = {}
        for i, own in enumerate(records):
            sound = leading(self.is_sound(i, record["loss"]) for record in own)
            if sound < len(own):
                ended[i] = "diverged"
            for number, record in enumerate(own[:sound], start=1):
                if self._hear(i, record, number):
                    ended[i], sound = "stopped", number
                    break
            del own[sound:]  # the epoch that ended the run counts
        return ended

    def _hear(self, i: int, record: Record, ahead: int) -> bool:
        """Append an epoch to the history; return whether the rules end the run."""
        one = self.state.each[i]
        for name, value in record.items():
            one.history.setdefault(name, []).append(value)
        if one.selected is not None:
            return False
        answers = [(rule, rule(record)) for rule in one.rules]
        yes = [rule for rule, stop in answers if stop]
        plateau = all(rule.is_plateau for rule in yes)
        if yes and plateau and self.control.rates.answers_plateaus:
            return not self._slow_down(i, yes, ahead)
        return bool(yes)

    def _slow_down(self, i: int, plateaus: list[StoppingRule], ahead: int) -> bool:
        """Reduce the rate at a plateau; return whether the schedule allows it."""
        one = self.state.each[i]
        if not self.control.rates.goes_on(self.rate(i, one.plateaus, ahead)):
            return False
        one.plateaus += 1
        for rule in plateaus:
            rule.restart()
        return True

    def accept(self, weights: Weights, records: list[list[Record]]) -> None:
        """Accept these weights as current; remember where the best ones come from.

        Only weights before or after a call are remembered. Weights from within a call
        would depend on the clock, which determines how many epochs a call runs.
        """
        state, before = self.state, self.state.weights
        now, then, best = ([False] * self.n for _ in range(3))
        for i, own in enumerate(records):
            if own:
                one, start = state.each[i], state.each[i].epochs
                self._count(one, own, len(self.trainer.loaders[i].rows))
                now[i] = one.least_epoch == one.epochs
                then[i] = not now[i] and one.least_epoch >= start
                if now[i] or then[i]:
                    one.anchor_epoch = one.epochs if now[i] else start
                best[i] = self._is_best(one, own[-1])
        state.weights, state.within = weights, None
        state.anchor = merge(now, weights, merge(then, before, state.anchor))
        if any(best):
            known = weights.params if state.best_params is None else state.best_params
            state.best_params = merge(best, weights.params, known)
        for i, own in enumerate(records):
            if own and (recorder := self.problems[i].recorder) is not None:
                recorder.note(state.each[i].epoch, state.params_of(i))

    def _count(self, one: Standing, records: list[Record], rows: int) -> None:
        """Count epochs and examples, and track the lowest loss."""
        first, compare = one.epochs + 1 - self.lag, self.compare
        for epoch, record in enumerate(records, start=first):
            if record["loss"] < one.least or not compare:
                one.least = min(one.least, record["loss"])
                one.least_epoch = epoch
        one.epochs += len(records)
        one.examples += len(records) * rows

    def _is_best(self, one: Standing, record: Record) -> bool:
        """Whether an epoch is the best so far, according to ``keep_best``."""
        name = self.control.keep_best
        if name is None:
            return False
        worth = -record[name] if name.endswith("loss") else record[name]
        better = worth > one.best
        one.best = worth if better else one.best
        return better

    def tell(self, records: list[list[Record]]) -> list[int]:
        """Call the callbacks for the last epoch of each model; return those to stop."""
        stopped = []
        for i, own in enumerate(records if self.control.callbacks else ()):
            if own:
                progress = self._progress(i, own[-1])
                answers = [callback(progress) for callback in self.control.callbacks]
                if any(answer is True for answer in answers):
                    stopped.append(i)
        return stopped

    def _progress(self, i: int, record: Record) -> Progress:
        one = self.state.each[i]
        return Progress(
            epoch=one.epochs,
            epochs=self.control.epochs,
            record=record,
            params=self.state.params_of(i),
            seconds=time.perf_counter() - self.started,
            examples=one.epochs * len(self.trainer.all_rows[i].rows),
            state=pick(self.state.weights.state, i, self.n),
            model=i,
        )


def _largest_change(before: Any, after: Any) -> float:
    """Return maxⱼ |θⱼ − θⱼ'|."""
    pairs = zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)
    moves = [np.max(np.abs(np.asarray(b) - np.asarray(a)), initial=0) for a, b in pairs]
    return float(max(moves, default=0.0))
