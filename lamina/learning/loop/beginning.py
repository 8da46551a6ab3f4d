"""The start of a run: checks, and the initial state of its models."""

import copy
from collections.abc import Sequence

from lamina.learning.control.schedules import check_schedulable
from lamina.learning.loop.controller import Controller
from lamina.learning.loop.plan import Plan, seconds_of_step
from lamina.learning.loop.problem import Control, Problem, Start
from lamina.learning.loop.side_by_side import stack
from lamina.learning.loop.state import ModelState, Standing, Weights
from lamina.learning.loop.trainer import check_alike
from lamina.learning.parallel.memory import check_memory
from lamina.learning.parallel.mesh import computing_threads, shards_of


def begun(
    problems: Sequence[Problem], starts: Sequence[Start], control: Control
) -> Controller:
    """Return a run that is ready to start.

    Raises
    ------
    ValueError
        If the models cannot train side by side, the memory is too small, or the
        algorithm has no learning rate for the schedule to set.
    """
    first, n = problems[0], len(problems)
    check_alike(problems, [start.key for start in starts])
    check_memory(first.algorithm, starts[0].params, first.loader.dataset.n, n)
    if not control.rates.is_constant:
        check_schedulable(first.algorithm)
    pairs = list(zip(problems, starts, strict=True))
    weights = stack([_weights(problem, start) for problem, start in pairs])
    each = [_standing(start, control, n) for start in starts]
    for (problem, start), one in zip(pairs, each, strict=True):
        if problem.recorder is not None:
            problem.recorder.begin(one.epoch, start.params)
    seconds = seconds_of_step(first, starts[0].params)
    shards = _shards(first, starts[0], seconds)
    state = ModelState(weights, weights, each, shards, computing_threads())
    plan = Plan(problems, control, n * seconds)
    return Controller(problems, starts, control, state, plan)


def _weights(problem: Problem, start: Start) -> Weights:
    fresh = start.state is None
    state = problem.algorithm.init(start.params) if fresh else start.state
    return Weights(start.params, state)


def _standing(start: Start, control: Control, n: int) -> Standing:
    """Return a model's initial state; with many models, each has its own rules."""
    rules = control.rules if n == 1 else copy.deepcopy(control.rules)
    return Standing(rules, first_epoch=start.first_epoch, examples=start.examples)


def _shards(problem: Problem, start: Start, seconds: float) -> int:
    """Return the number of devices that share a batch, the same as for one model."""
    loader = problem.loader
    if loader.whole or loader.dataset.sparse:
        return 1
    rows = min(loader.batch_size, len(loader.rows))
    return shards_of(problem.objective.network, start.params, rows, seconds)
