"""A run of the training loop: key, checkpoint, precision and result.

The result is stored as attributes of the estimator: ``params_``, ``history_``,
``n_iter_``, ``stop_reason_`` … and the solver's state, from which training can go on.
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
    """Check the parameters; restore the estimator if a fit fails."""
    with plain_params(estimator):
        estimator._check_params()
        before = dict(vars(estimator))
        try:
            with own_buffers():
                yield
        # Ctrl-C included, where it comes before or after the loop.
        except BaseException:
            vars(estimator).clear()
            vars(estimator).update(before)
            raise


@contextmanager
def checkpointed(estimator: Any, fresh: bool) -> Iterator[None]:
    """Lock the checkpoint folder, if there is one, during a fit.

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
    """Return the key of a run; a resumed run has the key of its checkpoint."""
    given = estimator.random_state
    if isinstance(given, int | np.integer):
        return Key(int(given))
    seed = int(check_random_state(given).randint(2**31 - 1))
    return Key(drawn_seed(estimator._checkpoint, seed))


def learning_dtype(estimator: Any, algorithm: Algorithm) -> np.dtype:
    """Return the data type of training; some algorithms need double precision."""
    return np.dtype(float if algorithm.needs.float64 else estimator.dtype)


def start_anew(
    estimator: Any, network: Network, key: Key, shape: tuple[int, ...]
) -> tuple[int, ...]:
    """Give an estimator a new network with initial parameters and an empty history.

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
    """Identify the run in its checkpoint, if there is one, once per fit.

    Raises
    ------
    CheckpointError
        If the checkpoint belongs to another run.
    """
    checkpoint = estimator._checkpoint
    if checkpoint is not None and not checkpoint.run:
        run = run_of(estimator, loader, validation, also)
        checkpoint.belongs_to(run, made_with())


def owner_of_state(estimator: Any, algorithm: Algorithm) -> str:
    """Return the solver and the data type to which a state belongs."""
    return f"{algorithm.name} {learning_dtype(estimator, algorithm)}"


def kept_state(estimator: Any, algorithm: Algorithm) -> Any:
    """Return the solver's state of the last call, if this solver can continue."""
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
    """Run the training loop and store its result.

    A prefix separates the history of a second run.
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
    """Show a progress bar if the estimator is verbose."""
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
    """Return the arguments of the loop with checkpoint, precision and recorder."""
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
    """Return the recorder of diagnostics, which continues that of the last run."""
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
    """Store the result of the loop, and warn if training did not succeed."""

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
