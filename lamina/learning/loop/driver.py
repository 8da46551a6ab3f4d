"""The training loop: the only loop over epochs in lamina, for n models side by side.

Its compiled part is :func:`lamina.learning.loop.compiled_step.train`. The :class:`Plan`
decides how much the next call runs, the :class:`Controller` decides about each model
after it, and the :class:`ModelState` holds their state.
"""

import contextlib
import time
from collections.abc import Callable, Sequence

from lamina.learning.loop.beginning import begun
from lamina.learning.loop.checkpointer import Checkpointer
from lamina.learning.loop.controller import Controller
from lamina.learning.loop.ending import finished
from lamina.learning.loop.problem import Control, Problem, Result, Start
from lamina.learning.loop.side_by_side import merge
from lamina.learning.loop.state import Weights, Within
from lamina.learning.loop.trainer import Epochs
from lamina.learning.parallel.allocator import own_buffers
from lamina.learning.protocols import Record
from lamina.networks.core.computing import computing


def fit(problem: Problem, start: Start, control: Control) -> Result:
    """Train a network.

    Raises
    ------
    OSError
        If the checkpoint cannot be written at the start; later that is a warning.
    ValueError
        If the checkpoint does not fit this run, or the schedule does not fit the
        algorithm.
    """
    return fit_many([problem], [start], control)[0]


def fit_many(
    problems: Sequence[Problem], starts: Sequence[Start], control: Control
) -> list[Result]:
    """Train n networks of one structure side by side, in one program.

    Each has its own weights, key, and numbers in its objective and algorithm (rates,
    penalties, dropout …). Each stops by itself, with the weights, history and reason
    that it would have alone, up to rounding.

    They train on the same examples, which are on the device once. A stopped model still
    costs its share of every step until the last one ends.

    Parameters
    ----------
    problems, starts : lists of Problem and Start, of the same length
    control : Control
        Shared by all; each model has its own copy of the rules.

    Raises
    ------
    OSError, ValueError
        As :func:`fit`; also if the models cannot train side by side.
    """
    with computing(problems[0].loader.dataset.dtype), own_buffers():
        run = begun(problems, starts, control)
        checkpointer = Checkpointer(run, control.checkpoint)
        checkpointer.resume()
        return finished(run, checkpointer, interrupted=_driven(run, checkpointer))


def _driven(run: Controller, checkpointer: Checkpointer) -> bool:
    """Run epochs until all models have ended; return whether Ctrl-C ended them."""
    seconds = run.trainer.loader.steps * run.plan.step_seconds
    try:
        while run.active:
            seconds = _advance(run, checkpointer, seconds)
    except KeyboardInterrupt:
        checkpointer.write()
        return True
    except Exception:  # of a callback: once it is fixed, the run can resume
        with contextlib.suppress(Exception):  # report the first error
            checkpointer.write()
        raise
    return False


def _advance(run: Controller, checkpointer: Checkpointer, seconds: float) -> float:
    """Run the next epochs in one call; return the duration of one of them."""
    run.select()
    learning, before = run.active, run.state.weights
    each = {i: run.state.each[i] for i in learning}
    count = run.plan.epochs(run.trainer.loader, each, seconds)
    counts = [count * (i in each) for i in range(run.n)]

    def note(within: Within) -> None:
        run.state.within = within
        checkpointer.note()

    began = time.perf_counter()
    after, records = _train(run, before, counts, note)
    taken = [len(own) for own in records]
    if count == 1:
        after = run.look(after, records)
    ended = run.decide(records)
    kept = [len(own) for own in records]
    pairs = list(zip(kept, taken, strict=True))
    if any(0 < some < all_ for some, all_ in pairs):
        # A rule stopped a model within the call, which returns only the weights after
        # its last epoch: rerun up to there.
        after, _ = _train(run, before, kept)
    else:
        after = merge([some == all_ for some, all_ in pairs], after, before)
    run.accept(after, records)  # before callbacks: they may interrupt
    ended |= dict.fromkeys(run.tell(records), "stopped")
    for i, reason in ended.items():
        run.state.each[i].reason = reason
    seconds = (time.perf_counter() - began) / max(taken)
    checkpointer.note()
    return seconds


def _train(
    run: Controller,
    weights: Weights,
    counts: Sequence[int],
    note: Callable[[Within], None] | None = None,
) -> tuple[Weights, list[list[Record]]]:
    """Run this many epochs of each model from its current epoch on.

    With ``note``, the call resumes within the current epoch, if the state holds such a
    position, and reports each new position. Without it, whole epochs are run.
    """
    epochs = Epochs([one.epoch for one in run.state.each], counts)
    within = None if note is None else run.state.within
    return run.trainer.train(run.algorithms(), weights, epochs, within, note)
