"""What estimators of restricted Boltzmann machines share: learning, chains, likelihood.

BernoulliRBM and GaussianRBM differ in what goes in and comes out, and in what their
score is.
"""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from lamina import learning
from lamina.estimators.base import NetworkEstimator
from lamina.estimators.checks import (
    check_fits_float32,
    check_integer,
    check_number,
    check_option,
)
from lamina.estimators.progress import ProgressBar
from lamina.learning.chains import (
    compiled_annealed,
    compiled_exact,
    compiled_free_energy,
    compiled_walk,
)
from lamina.learning.feed import padded_size
from lamina.networks import RBM, Key, Network
from lamina.networks.partition import enumerable

PARTITIONS = ("auto", "exact", "annealed")

ROWS = 2048
"""So many rows at a time."""


class BoltzmannMachine(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator, ABC
):
    """Base of estimators that hold one restricted Boltzmann machine.

    A subclass says what the visible units are (``_visible``), what it takes
    (``_encoded``) and what it gives (``_decoded``), and what ``score_samples`` is.
    """

    _visible: str
    _sparse: bool

    n_components: int
    learning_rate: float
    batch_size: int
    n_iter: int
    verbose: Any
    n_steps: int
    persistent: bool
    momentum: float
    alpha: float
    sparsity_target: float | None
    sparsity_cost: float
    shuffle: bool
    spread: float
    callbacks: Any
    checkpoint: Any
    checkpoint_seconds: float

    _run_key: Key

    def fit(self, X, y=None, sample_weight=None):
        """Learn the distribution of X.

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features)
        y : ignored
        sample_weight : array-like (n_samples,), optional
            How much each example counts.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If parameters or data cannot be used.

        Warns
        -----
        ConvergenceWarning
            If learning diverged or was interrupted.
        """
        with self._all_or_nothing(), self._checkpointed(fresh=True):
            return self._fit(X, sample_weight, incremental=False)

    def partial_fit(self, X, y=None, sample_weight=None):
        """Take one step over all of these examples together, as scikit-learn does.

        Parameters
        ----------
        X, y, sample_weight : as for :meth:`fit`

        Returns
        -------
        self
        """
        with self._all_or_nothing(), self._checkpointed(fresh=False):
            return self._fit(X, sample_weight, incremental=True)

    def transform(self, X):
        """Return P(h = 1 | v) (n_samples, n_components)."""
        check_is_fitted(self)
        return self._outputs(self._encoded(self._checked(X, reset=False)))

    def gibbs(self, v, n_steps=1, random_state=None):
        """Return v after Gibbs steps: from each v draw h, and from h draw v.

        Parameters
        ----------
        v : array-like (n_samples, n_features)
        n_steps : int, default=1
        random_state : int, optional
            By default each call draws other numbers, in the order of the calls.

        Returns
        -------
        ndarray (n_samples, n_features)
        """
        check_is_fitted(self)
        check_integer("n_steps", n_steps, 1)
        key = self._drawn_key("gibbs", random_state)
        v = _dense(self._encoded(self._checked(v, reset=False)))
        with self._precision():
            own = key.fold_in("h").device()
            h = np.asarray(self._machine.hidden(self.params_[0], self._array(v), own))
            return self._decoded(self._walk(h, n_steps, key)[0])

    def sample(self, n_samples=1, n_steps=1000, *, mean=False, random_state=None):
        """Draw examples from the machine, each from a Gibbs chain of its own.

        Parameters
        ----------
        n_samples : int, default=1
        n_steps : int, default=1000
            Steps of a chain. Chains begin where the persistent ones of learning are, or
            with all hidden units off.
        mean : bool, default=False
            Whether to give the mean of v in the last step in place of v itself: grey
            rather than black and white.
        random_state : int, optional
            By default each call draws other numbers, in the order of the calls.

        Returns
        -------
        ndarray (n_samples, n_features)
        """
        check_is_fitted(self)
        check_integer("n_samples", n_samples, 1)
        check_integer("n_steps", n_steps, 1)
        key = self._drawn_key("sample", random_state)
        h = self._beginnings(n_samples)
        with self._precision():
            v, _, means = self._walk(h, n_steps, key)
        return self._decoded(means if mean else v)

    def free_energy(self, X):
        """Return F(v) (n_samples,): P(v) = exp(−F(v)) / Z."""
        check_is_fitted(self)
        return self._free_energy(self._encoded(self._checked(X, reset=False)))

    @abstractmethod
    def score_samples(self, X) -> np.ndarray:
        """Return how likely each example is (n_samples,), or something like it."""

    def score(self, X, y=None):
        """Return the mean of :meth:`score_samples`."""
        return float(np.mean(self.score_samples(X)))

    def log_partition(
        self, method="auto", *, n_chains=100, n_temperatures=10_000, random_state=0
    ):
        """Return log Z.

        Parameters
        ----------
        method : {"auto", "exact", "annealed"}, default="auto"
            Sum over all states, or estimate by annealed importance sampling; by default
            the sum where one side of the machine has at most 22 units.
        n_chains, n_temperatures : int
            Of the estimate.
        random_state : int, default=0

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the states are too many for a sum.
        """
        check_is_fitted(self)
        check_option("method", method, PARTITIONS)
        check_integer("n_chains", n_chains, 2)
        check_integer("n_temperatures", n_temperatures, 1)
        rbm, (params,) = self._machine, self.params_
        if method == "auto":
            method = "exact" if enumerable(rbm, params) else "annealed"
        with self._precision():
            if method == "exact":
                return float(compiled_exact(rbm, params))
            start = np.zeros(n_chains, self._dtype())
            words = Key(int(random_state)).fold_in("annealed").words()
            base = params["visible_bias"]
            found = compiled_annealed(rbm, params, base, start, n_temperatures, words)
            return float(found[0])

    def log_likelihood(self, X, log_partition=None):
        """Return log P(v) (n_samples,).

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features)
        log_partition : float, optional
            log Z; by default that of :meth:`log_partition`.
        """
        energy = self.free_energy(X)
        log_z = self.log_partition() if log_partition is None else log_partition
        return -energy - log_z

    # ---- scikit-learn's names ------------------------------------------------------

    @property
    def components_(self) -> np.ndarray:
        """W as (n_components, n_features)."""
        return self.params_[0]["weight"].T

    @property
    def intercept_hidden_(self) -> np.ndarray:
        """Biases b of the hidden units (n_components,)."""
        return self.params_[0]["bias"]

    @property
    def intercept_visible_(self) -> np.ndarray:
        """Biases a of the visible units (n_features,)."""
        return self.params_[0]["visible_bias"]

    @property
    def h_samples_(self) -> np.ndarray:
        """Hidden units of the persistent chains (batch_size, n_components)."""
        if not isinstance(self._state, dict) or "chains" not in self._state:
            raise AttributeError("there are no persistent chains")
        return self._state["chains"]

    # ---- what goes in and comes out -------------------------------------------------

    def _checked(self, X: Any, reset: bool) -> Any:
        how: dict[str, Any] = {"accept_sparse": "csr"} if self._sparse else {}
        dtype = (np.float64, np.float32)
        X = validate_data(self, X, dtype=dtype, reset=reset, **how)
        if self._dtype() == np.float32 and X.dtype == np.float64:
            check_fits_float32(X if isinstance(X, np.ndarray) else X.data[:, None])
        return X

    def _measure(self, X: Any, weight: np.ndarray | None, first: bool) -> None:
        """Take note of what the inputs are like."""

    def _encoded(self, X: Any) -> Any:
        """Return what the visible units are to be."""
        return X

    def _decoded(self, v: np.ndarray) -> np.ndarray:
        """Return inputs, of visible units."""
        return v

    def _array(self, X: np.ndarray) -> np.ndarray:
        return X.astype(self._dtype(), copy=False)

    # ---- learning -------------------------------------------------------------------

    @property
    def _machine(self) -> RBM:
        return self.network_.layers[0]

    def _check_params(self) -> None:
        for name in ("n_components", "batch_size", "n_iter", "n_steps"):
            check_integer(name, getattr(self, name), 1)
        for name in ("alpha", "sparsity_cost", "spread"):
            check_number(name, getattr(self, name), 0)
        check_number("learning_rate", self.learning_rate, 0, open_low=True)
        check_number("momentum", self.momentum, 0, 1, open_high=True)
        if self.sparsity_target is not None:
            how = {"open_low": True, "open_high": True}
            check_number("sparsity_target", self.sparsity_target, 0, 1, **how)
        if not all(map(callable, self.callbacks or ())):
            raise ValueError(f"callbacks must be functions, got {self.callbacks!r}")
        check_number("checkpoint_seconds", self.checkpoint_seconds, 0)

    def _algorithm(self) -> Any:
        return learning.ContrastiveDivergence(
            self.learning_rate,
            self.n_steps,
            self.batch_size if self.persistent else None,
            self.momentum or None,
            self.sparsity_target,
            self.sparsity_cost,
        )

    def _fit(self, X: Any, sample_weight: Any, *, incremental: bool) -> Any:
        self._check_params()
        first = not (incremental and hasattr(self, "params_"))
        X = self._checked(X, reset=first)
        weight = None
        if sample_weight is not None:
            how = {"ensure_non_negative": True}
            weight = _check_sample_weight(sample_weight, X, **how)
        self._measure(X, weight, first)
        X = self._encoded(X)
        with self._precision():
            if first:
                layer = RBM(self.n_components, self._visible, self.spread)
                self._run_key, self._draws = self._key(), 0
                self._fresh(Network((layer,)), self._run_key, (X.shape[1],))
            self._train(X, weight, incremental)
        return self

    def _train(self, X: Any, weight: np.ndarray | None, incremental: bool) -> None:
        n = X.shape[0]
        no_target = np.zeros((n, 1), self._dtype())
        examples = learning.Examples(X, no_target, weight, dtype=self._dtype())
        size = n if incremental else self.batch_size
        feed = learning.Feed(examples, batch_size=size, shuffle=self.shuffle)
        epochs, algorithm = 1 if incremental else self.n_iter, self._algorithm()
        # Of the objective, contrastive divergence takes the network and the penalty.
        objective = learning.Objective(
            self.network_, "squared_error", l2=self.alpha or None
        )
        with ExitStack() as stack:
            callbacks: list[Any] = list(self.callbacks or ())
            if self.verbose:
                callbacks.append(stack.enter_context(ProgressBar(epochs)))
            self._learn(
                objective,
                algorithm,
                feed=feed,
                params=self.params_,
                state=self._kept_state(algorithm),
                key=self._run_key,
                epochs=epochs,
                first_epoch=self._epochs,
                examples=self.t_,
                callbacks=callbacks,
            )

    def _new_recorder(self, objective: Any, feed: Any, params: Any) -> None:
        """No records of health: they are about the gradients of a loss."""

    # ---- chains ---------------------------------------------------------------------

    def _drawn_key(self, purpose: str, random_state: Any) -> Key:
        if random_state is not None:
            check_integer("random_state", random_state, 0)
            return Key(int(random_state)).fold_in(purpose)
        self._draws += 1
        return self._run_key.fold_in(purpose, self._draws)

    def _beginnings(self, n: int) -> np.ndarray:
        """Return h of so many chains, those of the persistent ones in turn."""
        state = self._state
        if not isinstance(state, dict) or "chains" not in state:
            return np.zeros((n, self._machine.units), self._dtype())
        return state["chains"][np.arange(n) % len(state["chains"])]

    def _walk(self, h: np.ndarray, steps: int, key: Key) -> tuple[np.ndarray, ...]:
        """Return v, h and the mean of v, after so many steps."""
        found = compiled_walk(self._machine, self.params_[0], h, steps, key.words())
        return tuple(map(np.asarray, found))

    def _free_energy(self, X: Any) -> np.ndarray:
        return self._by_chunks(compiled_free_energy, X)

    def _by_chunks(self, program: Any, X: Any, also: Any = None) -> np.ndarray:
        """Return what a program says of each row, in chunks of few sizes.

        With the rows of a chunk it gets what the function ``also`` makes of them.
        """
        n = X.shape[0]
        size, parts = min(ROWS, padded_size(n)), []
        with self._precision():
            for start in range(0, n, size):
                rows = self._array(_dense(X[start : start + size]))
                given = [rows] if also is None else [rows, also(rows)]
                given = [_padded(a, size) for a in given]
                found = program(self._machine, self.params_[0], *given)
                parts.append(np.asarray(found)[: n - start])
        return np.concatenate(parts)

    def _check_loaded(self) -> None:
        """Refuse a file whose parts do not fit each other."""
        if not hasattr(self, "params_"):
            return
        layers = self.network_.layers
        if len(layers) != 1 or not isinstance(layers[0], RBM):
            raise ValueError("the network is no restricted Boltzmann machine")
        if layers[0].visible != self._visible:
            raise ValueError(f"its visible units are not {self._visible}")
        shape = self.params_[0]["visible_bias"].shape
        if shape != (self.n_features_in_,):
            raise ValueError("the biases do not fit the number of features")
        if not isinstance(self._run_key, Key) or type(self._draws) is not int:
            raise ValueError("the key is not readable")

    @property
    def _n_features_out(self) -> int:
        return self._machine.units

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._sparse
        tags.transformer_tags.preserves_dtype = []
        tags.non_deterministic = False
        return tags


def _dense(X: Any) -> np.ndarray:
    return X.toarray() if sparse.issparse(X) else X


def _padded(a: np.ndarray, size: int) -> np.ndarray:
    return np.pad(a, [(0, size - len(a))] + [(0, 0)] * (a.ndim - 1))
