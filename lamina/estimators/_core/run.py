"""A run of the training loop: its key, its checkpoint, its precision, what it leaves.

What a run leaves is kept as attributes of its estimator: ``params_``, ``history_``,
``n_iter_``, ``stop_reason_`` … and, for a run that goes on later, the solver's state.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from sklearn.utils import check_random_state

from lamina import learning
from lamina.estimators._core.parameters.table import plain_params
from lamina.estimators._core.reporting.outcome import explain, remedies_of
from lamina.estimators._core.reporting.progress import ProgressBar
from lamina.estimators._core.resuming import drawn_seed, made_with, run_of
from lamina.learning.diagnostics.recorder import Recorder, records_of
from lamina.learning.parallel.allocator import own_buffers
from lamina.learning.parallel.compilation import compile_count
from lamina.learning.protocols import Algorithm
from lamina.networks import Key, Network
from lamina.storage import Checkpoint, claim

LayerTask = tuple[learning.Problem, learning.Start, learning.Control]


# ---- before -------------------------------------------------------------------------


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """Check parameters; undo every change of an estimator if a fit is refused."""
    with plain_params(estimator):
        estimator._check_params()
        before = dict(vars(estimator))
        try:
            with own_buffers():
                yield
        except BaseException:
            vars(estimator).clear()
            vars(estimator).update(before)
            raise


@contextmanager
def checkpointed(estimator: Any, fresh: bool) -> Iterator[None]:
    """Hold the folder of the checkpoint, if there is to be one, during a fit.

    Raises
    ------
    ValueError
        If the fit starts from what was learnt before: only a fresh one can be taken up
        again.
    """
    if estimator.checkpoint is None:
        yield
        return
    if not fresh:
        raise ValueError(
            "checkpoint is for fits that start afresh, not for partial_fit and "
            "warm starts: raise max_iter to go on from a checkpoint"
        )
    folder = Checkpoint(estimator.checkpoint, estimator.checkpoint_seconds)
    with folder as estimator._checkpoint:
        try:
            yield
        finally:
            del estimator._checkpoint


def key_of(estimator: Any) -> Key:
    """Return the key of a run; one that goes on has that of its checkpoint."""
    given = estimator.random_state
    if isinstance(given, int | np.integer):
        return Key(int(given))
    seed = int(check_random_state(given).randint(2**31 - 1))
    return Key(drawn_seed(estimator._checkpoint, seed))


def learning_dtype(estimator: Any, algorithm: Algorithm) -> np.dtype:
    """Return the type to learn in; some algorithms need double precision."""
    return np.dtype(float if algorithm.needs.float64 else estimator.dtype)


def start_anew(
    estimator: Any, network: Network, key: Key, shape: tuple[int, ...]
) -> tuple[int, ...]:
    """Give an estimator a network with initial parameters and no history.

    Returns
    -------
    tuple of int
        The shape of an output.
    """
    dtype = np.dtype(estimator.dtype)
    estimator.network_ = network
    estimator.params_, made = network.init(key.fold_in("init"), shape, dtype)
    claim(sum(leaf.nbytes for leaf in jax.tree.leaves(estimator.params_)))
    estimator._state = estimator._state_owner = None
    estimator._recorder = estimator._diagnostics = None
    estimator._epochs = estimator.t_ = 0
    estimator.history_ = {}
    return made


def belongs_to(
    estimator: Any, loader: learning.Loader, validation: Any, also: Any = None
) -> None:
    """Say, once a fit, which run the checkpoint is of, if there is one.

    Raises
    ------
    CheckpointError
        If it is of another.
    """
    checkpoint = estimator._checkpoint
    if checkpoint is not None and not checkpoint.run:
        run = run_of(estimator, loader, validation, also)
        checkpoint.belongs_to(run, made_with())


def owner_of_state(estimator: Any, algorithm: Algorithm) -> str:
    """Return which solver a state is of, and in which type."""
    return f"{algorithm.name} {learning_dtype(estimator, algorithm)}"


def kept_state(estimator: Any, algorithm: Algorithm) -> Any:
    """Return the solver's state of the last call, if this solver can go on."""
    same = estimator._state_owner == owner_of_state(estimator, algorithm)
    return estimator._state if same else None


# ---- the loop -----------------------------------------------------------------------


def learn(
    estimator: Any,
    problem: learning.Problem,
    start: learning.Start,
    control: learning.Control,
    prefix: str = "",
) -> None:
    """Call the loop, and keep what it returns.

    A prefix keeps the history of a second run apart.
    """
    before = compile_count()
    lesson = ready(estimator, problem, start, control, prefix)
    result = learning.fit(*lesson)
    estimator.n_compiles_ = compile_count() - before
    keep_result(estimator, result, problem.algorithm, control.epochs, prefix)


@contextmanager
def with_progress(
    estimator: Any, control: learning.Control
) -> Iterator[learning.Control]:
    """Show how a run goes, if that is asked for; its callbacks are told as well."""
    callbacks = list(control.callbacks)
    with ExitStack() as stack:
        if estimator.verbose:
            callbacks.append(stack.enter_context(ProgressBar(control.epochs)))
        yield replace(control, callbacks=callbacks)


def ready(
    estimator: Any,
    problem: learning.Problem,
    start: learning.Start,
    control: learning.Control,
    prefix: str = "",
) -> LayerTask:
    """Return what the loop is called with: checkpoint, precision, recorder."""
    dtype = learning_dtype(estimator, problem.algorithm)
    checkpoint = estimator._checkpoint
    if checkpoint is not None:
        control = replace(control, checkpoint=checkpoint.part(prefix or "run"))
    params = jax.tree.map(lambda a: np.asarray(a, dtype), start.params)
    recorder = _recorder_of(estimator, problem, params)
    if not prefix:
        belongs_to(estimator, problem.loader, problem.validation)
        there = checkpoint.load("run") if checkpoint is not None else None
        estimator.resumed_from_ = None if there is None else there.get("epochs")
    return replace(problem, recorder=recorder), replace(start, params=params), control


def _recorder_of(
    estimator: Any, problem: learning.Problem, params: Any
) -> Recorder | None:
    """Return what records the run; it goes on where the last one ended."""
    objective = problem.objective
    if not (estimator._is_recorded and isinstance(objective, learning.Objective)):
        return None
    recorder = estimator._recorder
    if recorder is None:
        recorder = Recorder.of(objective, problem.loader, params)
        if estimator._diagnostics is not None:
            recorder.records = records_of(estimator._diagnostics)
    recorder.objective = objective
    estimator._recorder = recorder
    return recorder


def keep_result(
    estimator: Any,
    result: learning.Result,
    algorithm: Algorithm,
    epochs: int,
    prefix: str = "",
) -> None:
    """Keep what the loop returned, and warn if it is not what was hoped for."""

    def kept(leaf: Any) -> np.ndarray:
        """Return a writable copy in the estimator's type."""
        return np.array(leaf, estimator.dtype)

    estimator.params_ = jax.tree.map(kept, result.params)
    estimator._state = jax.tree.map(np.asarray, result.state)
    estimator._state_owner = owner_of_state(estimator, algorithm)
    estimator._epochs += result.epochs
    estimator.t_ = result.examples
    estimator.n_iter_ = result.epochs
    estimator.stop_reason_ = result.reason
    for name, values in result.history.items():
        estimator.history_.setdefault(prefix + name, []).extend(values)
    explain(result, epochs, estimator._advice, remedies_of(estimator, algorithm))
