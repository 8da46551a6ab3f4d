"""Handling of diverged models: the best known weights are returned."""

import math
import sys
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from lamina.learning.control.baseline import constant_loss
from lamina.learning.loop.controller import Controller
from lamina.learning.loop.problem import Result
from lamina.learning.loop.side_by_side import pick, stack
from lamina.learning.loop.state import Standing, Weights
from lamina.learning.loop.trainer import Epochs
from lamina.learning.protocols import Algorithm, Record

STILL = 1e-30
"""A learning rate at which weights do not change; some methods reject 0."""

FAR = 2
"""A final loss of more than this multiple of the constant outputs' loss counts as
divergence: R² = −1."""

FEWEST_STEPS, RUN_SHARE = 32, 20
"""Weights are compared over this many batches, or a 20th of those of the run."""


@dataclass
class Verdict:
    """The verdict on a model whose training has ended.

    Parameters
    ----------
    run : Controller
    i : int
        Index of the model.
    result : Result
        Result with the last weights; it is updated in place.
    best_params : pytree or None
        Parameters of its best epoch, if they are kept.
    """

    run: Controller
    i: int
    result: Result
    best_params: Any

    @property
    def standing(self) -> Standing:
        """The state of the model."""
        return self.run.state.each[self.i]

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm at its initial rate."""
        return self.run.problems[self.i].algorithm

    def judge(self) -> None:
        """Return the best known weights if training diverged.

        It did if a loss was not finite, or if it ended far above the loss of constant
        outputs with weights worse than the initial ones.
        """
        result, run = self.result, self.run
        burst = result.reason == "diverged"
        result.loss = self._last_loss()
        result.end_loss = math.inf if burst else result.loss
        if run.compare:
            objective, loader = run.trainer.objectives[self.i], self._all_rows
            result.constant_loss = constant_loss(objective, loader)
        if not (burst or self._is_useless()):
            return
        # A full batch reports the loss before its step: the bad step was an epoch
        # earlier.
        bad_epochs = run.lag if is_finite(result.params) else 1
        if run.compare and self.algorithm.needs.first_order:
            self._compare(burst)
        elif burst:
            self._go_back()
        if burst:
            self._forget(bad_epochs)

    @property
    def _all_rows(self) -> Any:
        return self.run.trainer.all_rows[self.i]

    def _last_loss(self) -> float:
        """Return the training loss of the epoch whose weights are returned."""
        history, name = self.result.history, self.run.control.keep_best
        losses = history.get("loss", [math.nan])
        if self.best_params is None or name is None:
            return losses[-1]
        sign = -1 if name.endswith("loss") else 1
        return losses[history[name].index(sign * self.standing.best)]

    def _is_useless(self) -> bool:
        """Whether training ended far above the loss of constant outputs.

        If that loss is unknown, the loss of the first epoch is used.
        """
        bound = self.result.constant_loss
        if bound is None:
            bound = self.result.history.get("loss", [math.nan])[0]
        # |bound|: twice a negative bound would lie below it.
        return self.run.compare and self.result.loss > bound + (FAR - 1) * abs(bound)

    def _compare(self, burst: bool) -> None:
        """Return the best of the last, the initial and the best known weights."""
        result, start = self.result, self.run.starts[self.i].params
        last = result.params if self.best_params is None else self.best_params
        result.start_loss, result.loss = self.loss_of(start), self.loss_of(last)
        better = result.loss <= result.start_loss
        if better and not (burst and self.best_params is None):
            return
        result.reason, self.best_params = "diverged", None
        self._go_back()
        known = [
            (self.loss_of(result.params), result.params, result.state),
            (result.loss, last, self.algorithm.init(last)),
            (result.start_loss, start, self.algorithm.init(start)),
        ]
        sound = [one for one in known if math.isfinite(one[0]) and is_finite(one[1])]
        found = min(sound or known[-1:], key=lambda one: one[0])
        result.loss, result.params, result.state = found

    def _go_back(self) -> None:
        """Make the weights with the lowest training loss the result."""
        run, one, result = self.run, self.standing, self.result
        anchor = pick(run.state.anchor, self.i, run.n)
        if again := one.least_epoch - one.anchor_epoch:
            first = one.first_epoch + one.anchor_epoch
            algorithm = run.algorithms()[self.i]
            anchor, _ = self._train(algorithm, anchor, first, again)
        result.params, result.state = anchor

    def _forget(self, epochs: int) -> None:
        """Drop the last epochs from the result and its history."""
        result, run = self.result, self.run
        epochs = min(epochs, result.epochs)
        result.epochs -= epochs
        result.examples -= epochs * len(run.trainer.loaders[self.i].rows)
        if (recorder := run.problems[self.i].recorder) is not None:
            recorder.forget(self.standing.first_epoch + result.epochs)
        for values in result.history.values():
            del values[result.epochs :]

    def loss_of(self, params: Any) -> float:
        """Return the training loss of these weights without changing them.

        It runs in the training program at a rate near 0, so that nothing new is
        compiled, over so many batches that it costs a small fraction of the run.
        """
        run, loader = self.run, self._all_rows
        run.trainer.loaders = run.trainer.all_rows
        steps = max(FEWEST_STEPS, loader.steps * self.result.epochs // RUN_SHARE)
        algorithm = self.algorithm.with_rate(STILL)
        weights = Weights(params, algorithm.init(params))
        _, records = self._train(algorithm, weights, self.standing.epoch, 1, steps)
        return records[0]["loss"]

    def _train(
        self,
        algorithm: Algorithm,
        weights: Weights,
        first: int,
        count: int,
        steps: int = sys.maxsize,
    ) -> tuple[Weights, list[Record]]:
        """Run epochs of this model alone, in the program that trains all of them."""
        n, trainer = self.run.n, self.run.trainer
        counts = [count if i == self.i else 0 for i in range(n)]
        epochs = Epochs([first] * n, counts, steps)
        after, records = trainer.train([algorithm] * n, stack([weights] * n), epochs)
        return pick(after, self.i, n), records[self.i]


def is_finite(params: Any) -> bool:
    """Whether all numbers of a tree are finite."""
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params))
