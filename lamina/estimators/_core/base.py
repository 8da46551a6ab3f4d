"""What all estimators share: parameters of nested descriptions, keys, fitting, saving.

A shell has no mathematics: it validates, encodes, builds the network, calls the loop
and keeps what came back under names that end in ``_``.
"""

import dataclasses
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from lamina import learning
from lamina.estimators._core.callers import callers_level
from lamina.estimators._core.health import Watched
from lamina.estimators._core.parameters import Checked
from lamina.estimators._core.resuming import drawn_seed, made_with, run_of
from lamina.estimators._core.saved import Saved
from lamina.estimators._core.shared_parameters import CommonParams
from lamina.estimators._core.summary import layer_table
from lamina.learning.loop.apply import outputs
from lamina.learning.parallel.allocator import own_buffers
from lamina.learning.parallel.compilation import compile_count
from lamina.networks import Key, Network
from lamina.networks.core.computing import computing
from lamina.networks.core.description import is_description
from lamina.storage import Checkpoint, claim

DTYPES = ("float32", "float64")


def nested_params(name: str, value: Any) -> dict[str, Any]:
    """Return ``name__field`` (and ``name__0__field``) of the descriptions in value."""
    if is_description(value):
        found = {f"{name}__{k}": v for k, v in vars(value).items()}
        for key, inner in list(found.items()):
            found |= nested_params(key, inner)
        return found
    if isinstance(value, list | tuple) and any(map(is_description, value)):
        found = {f"{name}__{i}": v for i, v in enumerate(value)}
        for key, inner in list(found.items()):
            found |= nested_params(key, inner)
        return found
    return {}


def replaced(value: Any, path: list[str], new: Any, name: str) -> Any:
    """Return a copy of value in which the field that path leads to is new.

    Raises
    ------
    ValueError
        If the path leads nowhere.
    """
    if not path:
        return new
    head, *rest = path
    if isinstance(value, list | tuple) and head.isdigit() and int(head) < len(value):
        items = list(value)
        items[int(head)] = replaced(items[int(head)], rest, new, f"{name}__{head}")
        return type(value)(items)
    if is_description(value) and head in vars(value):
        inner = replaced(getattr(value, head), rest, new, f"{name}__{head}")
        # pyright cannot know that the decorator makes every description a dataclass.
        return dataclasses.replace(value, **{head: inner})  # type: ignore[type-var]
    raise ValueError(f"{name} = {value!r} has no parameter {head!r}")


class NetworkEstimator(CommonParams, Saved, Watched, Checked):
    """Base of all estimators that hold a network.

    Attributes
    ----------
    network_ : Network
        Description of the network.
    params_ : tuple of dict of ndarray
        Its parameters, one dictionary a layer.
    history_ : dict of list
        One number an epoch: ``loss``, and with validation ``validation_loss`` and
        ``score``.
    n_iter_ : int
        Epochs of the last call of ``fit``.
    n_compiles_ : int
        Programs that ``fit`` had to compile; 0 when the structure was known.
    diagnostics_ : dict of list
        What went on inside the network: see
        :attr:`lamina.estimators._core.health.Watched.diagnostics_`.
    stop_reason_ : str
        Why learning ended: "finished", "stopped", "diverged" or "interrupted".
    resumed_from_ : int or None
        Epochs that the checkpoint held already when ``fit`` began; None if there was
        none.
    """

    n_features_in_: int  # set by scikit-learn's validation

    _advice = "raise max_iter, the learning rate or tol."
    _checkpoint: Checkpoint | None = None

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return parameters; with ``deep`` those of descriptions too.

        A description's field is ``solver__learning_rate``, a layer's
        ``layers__0__units``.
        """
        params = super().get_params(deep=deep)
        if deep:
            for name in list(params):
                params |= nested_params(name, params[name])
        return params

    def set_params(self, **params: Any) -> "NetworkEstimator":
        """Set parameters, nested ones by a changed copy of their description."""
        plain = {k: v for k, v in params.items() if "__" not in k}
        super().set_params(**plain)
        own = self._get_param_names()
        for name, new in params.items():
            head, *path = name.split("__")
            if path:
                if head not in own:
                    super().set_params(**{name: new})  # raises, naming what is valid
                value = getattr(self, head)
                setattr(self, head, replaced(value, path, new, head))
        return self

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Check parameters; undo every change of the estimator if a fit is refused."""
        with self._plain_params():
            self._check_params()
            before = dict(vars(self))
            try:
                with own_buffers():
                    yield
            except BaseException:
                vars(self).clear()
                vars(self).update(before)
                raise

    def summary(self) -> str:
        """Return a table of layers, shapes and parameters as text, and any advice.

        Raises
        ------
        NotFittedError
            If there is no network yet.
        """
        check_is_fitted(self)
        table = layer_table(self.network_, self.params_, self._input_shape())
        advice = getattr(self, "diagnosis_", None)
        return table if advice is None else f"{table}\nadvice: {advice}"

    def _input_shape(self) -> tuple[int, ...]:
        return (self.n_features_in_,)

    def _output_positions(self) -> tuple[int, ...]:
        """Return the places of an example that have an answer of their own."""
        return ()

    def _key(self) -> Key:
        """Return the key of a run; one that goes on has that of its checkpoint."""
        if isinstance(self.random_state, int | np.integer):
            return Key(int(self.random_state))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return Key(drawn_seed(self._checkpoint, seed))

    @contextmanager
    def _checkpointed(self, fresh: bool) -> Iterator[None]:
        """Hold the folder of the checkpoint, if there is to be one, during a fit.

        Raises
        ------
        ValueError
            If the fit starts from what was learnt before: only a fresh one can be
            taken up again.
        """
        if self.checkpoint is None:
            yield
            return
        if not fresh:
            raise ValueError(
                "checkpoint is for fits that start afresh, not for partial_fit and "
                "warm starts: raise max_iter to go on from a checkpoint"
            )
        with Checkpoint(self.checkpoint, self.checkpoint_seconds) as self._checkpoint:
            try:
                yield
            finally:
                del self._checkpoint

    def _dtype(self) -> np.dtype:
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype must be one of {DTYPES}, got {self.dtype!r}")
        return np.dtype(self.dtype)

    def _learning_dtype(self, algorithm: Any) -> np.dtype:
        """Return the type to learn in; some algorithms need double precision."""
        return np.dtype(float) if algorithm.needs.float64 else self._dtype()

    def _precision(self, dtype: np.dtype | None = None) -> Any:
        """Return a context in which JAX computes in a type, the estimator's."""
        return computing(dtype or self._dtype())

    def _learn(
        self,
        problem: learning.Problem,
        start: learning.Start,
        control: learning.Control,
        prefix: str = "",
    ) -> None:
        """Call the loop, from where an earlier call ended, and keep what it returns.

        A prefix keeps the history of a second run apart.
        """
        before = compile_count()
        problem, start, control = self._ready(problem, start, control, prefix)
        result = learning.fit(problem, start, control)
        self.n_compiles_ = compile_count() - before
        self._keep(result, problem.algorithm, control.epochs, prefix)

    def _ready(
        self,
        problem: learning.Problem,
        start: learning.Start,
        control: learning.Control,
        prefix: str = "",
    ) -> tuple[learning.Problem, learning.Start, learning.Control]:
        """Return what the loop is called with: checkpoint, precision, recorder."""
        dtype, checkpoint = self._learning_dtype(problem.algorithm), self._checkpoint
        if checkpoint is not None:
            control = replace(control, checkpoint=checkpoint.part(prefix or "run"))
        params = jax.tree.map(lambda a: np.asarray(a, dtype), start.params)
        health = self._new_recorder(problem.objective, problem.loader, params)
        if not prefix:
            self._own_checkpoint(problem.loader, problem.validation)
            there = checkpoint.load("run") if checkpoint is not None else None
            self.resumed_from_ = None if there is None else there.get("epochs")
        return replace(problem, recorder=health), replace(start, params=params), control

    def _keep(
        self, result: learning.Result, algorithm: Any, epochs: int, prefix: str = ""
    ) -> None:
        """Keep what the loop returned, and warn if it is not what was hoped for."""
        self.params_ = jax.tree.map(self._kept, result.params)
        self._state = jax.tree.map(np.asarray, result.state)
        self._state_owner = self._owner(algorithm)
        self._epochs += result.epochs
        self.t_ = result.examples
        self.n_iter_ = result.epochs
        self.stop_reason_ = result.reason
        for name, values in result.history.items():
            self.history_.setdefault(prefix + name, []).extend(values)
        _explain(result, epochs, self._advice, self._remedies(algorithm))

    def _remedies(self, algorithm: Any) -> str:
        """Return what helps where steps lead away from what is best."""
        remedies = ["scaled inputs (StandardScaler)"]
        if algorithm.needs.first_order:
            remedies.insert(0, "a smaller learning rate")
        if self._given_params().get("scale_target") is False:
            remedies.append("scale_target=True")
        return ", ".join(remedies)

    def _own_checkpoint(self, loader: Any, validation: Any, also: Any = None) -> None:
        """Say, once a fit, which run the checkpoint is of, if there is one.

        Raises
        ------
        CheckpointError
            If it is of another.
        """
        if self._checkpoint is not None and not self._checkpoint.run:
            run = run_of(self, loader, validation, also)
            self._checkpoint.belongs_to(run, made_with())

    def _kept_state(self, algorithm: Any) -> Any:
        """Return the solver's state of the last call, if this solver can go on."""
        return self._state if self._state_owner == self._owner(algorithm) else None

    def _owner(self, algorithm: Any) -> str:
        return f"{algorithm.name} {self._learning_dtype(algorithm)}"

    def _kept(self, leaf: Any) -> np.ndarray:
        """Return a writable copy in the estimator's type."""
        return np.array(leaf, self._dtype())

    def _fresh(
        self, network: Network, key: Key, shape: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Start anew: initial parameters, no history. Return the shape of an output."""
        self.network_ = network
        self.params_, made = network.init(key.fold_in("init"), shape, self._dtype())
        claim(sum(leaf.nbytes for leaf in jax.tree.leaves(self.params_)))
        self._state, self._state_owner = None, None
        self._recorder, self._diagnostics = None, None
        self._epochs, self.t_ = 0, 0
        self.history_: dict[str, list[float]] = {}
        return made

    def _outputs(self, X: Any) -> Any:
        return outputs(self.network_, self.params_, X, self._dtype())


class InterruptedWarning(ConvergenceWarning):
    """Learning was interrupted, and the weights known are kept."""


WORSE = 1.05
"""A loss of so many times that of a constant prediction is worse than it: the loss of
an epoch of mini-batches is that of weights on the move."""

EVEN = 0.999
"""From so many times that loss on, a fit that has converged has learnt nothing: its
units may be saturated, where gradients are 0."""


def _explain(result: learning.Result, epochs: int, advice: str, remedies: str) -> None:
    """Warn about an end that is not what the user wanted, and say what to try."""
    message = ""
    if result.reason == "diverged":
        message = (
            f"learning {divergence(result)}. The best weights known are kept. Try "
            f"{remedies} or dtype='float64'."
        )
    elif result.reason == "interrupted":
        message = f"learning was interrupted after {result.epochs} epochs; weights kept"
    elif result.reason == "finished" and result.rules:
        message = (
            f"max_iter={epochs} epochs reached and learning has not converged yet: "
            f"{advice}"
        )
    elif (limit := _used_up(result)) is not None:
        message = (
            f"learning ended after {limit} and has not "
            "converged yet: raise max_fun or tol, or scale the inputs (StandardScaler)."
        )
    message += _no_use(result, remedies, " " if message else "")
    if message:
        ended = result.reason == "interrupted"
        category = InterruptedWarning if ended else ConvergenceWarning
        warnings.warn(message, category, stacklevel=callers_level())


def _no_use(result: learning.Result, remedies: str, before: str) -> str:
    """Say that a fit is not better than the mean of its targets, if so."""
    bound = result.constant_loss
    if bound is None or result.reason not in ("finished", "stopped"):
        return ""
    if result.loss > WORSE * bound:
        how = "worse than"
    elif result.loss > EVEN * bound and result.reason == "stopped":
        how = "no better than"
    else:
        return ""
    return (
        f"{before}The training loss is {result.loss:.3g}, {how} the {bound:.3g} of "
        f"always predicting the mean: try {remedies} or another solver."
    )


def divergence(result: learning.Result) -> str:
    """Say how a run diverged."""
    if math.isinf(result.end_loss):
        return f"diverged in epoch {result.epochs + 1}: the loss grew without bounds"
    start, end = result.start_loss, result.end_loss
    return f"diverged: the loss rose from {start:.3g} to {end:.3g}"


def _used_up(result: learning.Result) -> str | None:
    """Return the budget that ended learning, if no rule says that it is done."""
    if result.reason != "stopped":
        return None
    last = {name: values[-1] for name, values in result.history.items()}
    if any(rule.has_fired(last) for rule in result.rules):
        return None
    return next(filter(None, [rule.used_up() for rule in result.rules]), None)


def split(
    key: Key, n: int, fraction: float, strata: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Split row numbers into training and validation rows.

    Rows are put in random order, sorted by class, and validation rows taken at equal
    distances: every class gives its share, and a class of one row is no error.

    Raises
    ------
    ValueError
        If fewer than two rows are left for either part.
    """
    order = key.fold_in("split").generator().permutation(n)
    if strata is not None:
        order = order[np.argsort(strata[order], kind="stable")]
    size = int(np.ceil(fraction * n))
    if size < 2 or n - size < 1:
        raise ValueError(
            f"The validation set is too small: validation_fraction={fraction} of {n} "
            f"examples is {size}, at least 2 are needed. Increase "
            "'validation_fraction' or the size of your dataset."
        )
    held = np.zeros(n, bool)
    held[((np.arange(size) + 0.5) * n / size).astype(int)] = True
    return np.sort(order[~held]), np.sort(order[held])
