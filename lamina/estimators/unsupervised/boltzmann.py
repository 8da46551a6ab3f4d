"""What estimators of restricted Boltzmann machines share: inputs, learning, samples.

A network is a stack of RBMs, of which each learns from what those below make of the
inputs; one machine is a stack of one.
"""

import warnings
from abc import ABC, abstractmethod
from dataclasses import replace
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
from lamina.estimators._core.estimator import Estimator
from lamina.estimators._core.network_estimator import NetworkEstimator
from lamina.estimators._core.parameters.checks import (
    BOOLEAN,
    NONE,
    check_fits_float32,
    check_integer,
    each,
    number,
    option,
)
from lamina.estimators._core.parameters.constraints import (
    COUNT,
    PART,
    POSITIVE,
    SCHEDULE,
)
from lamina.estimators._core.parameters.shared import CommonParams
from lamina.estimators._core.parameters.table import param, table
from lamina.estimators._core.reporting.callers import callers_level
from lamina.estimators._core.run import (
    all_or_nothing,
    checkpointed,
    kept_state,
    key_of,
    learn,
    start_anew,
    with_progress,
)
from lamina.estimators._core.training import schedule_of
from lamina.estimators.unsupervised.state import FittedBoltzmann
from lamina.learning.data.loader import padded_size
from lamina.learning.loop.apply import outputs
from lamina.learning.sampling.gibbs import (
    compiled_descent,
    compiled_made_again,
    compiled_walk,
)
from lamina.metrics.scores import mean_squares
from lamina.networks import RBM, Key, Network
from lamina.networks.core.computing import computing
from lamina.networks.energy.rbm import VISIBLE

ROWS = 2048
"""So many rows at a time."""


STACK = COUNT | each(
    COUNT, "how many hidden units each machine has, such as (256, 256)", empty=False
)


@table("Machine")
class BoltzmannParams(CommonParams):
    """Parameters of restricted Boltzmann machines, one or a stack."""

    n_components: Any = param(
        default=(256, 256),
        doc="""Hidden units of each machine, the lowest first; a number is one machine.
        """,
        check=STACK,
        kw_only=False,
    )
    visible: str = param(
        default="binary",
        doc="""What the inputs are: 0 and 1 or between them, or numbers, which are
        scaled.""",
        check=option(*VISIBLE),
    )
    standardize: bool = param(
        default=True,
        doc="Whether Gaussian inputs are scaled to mean 0 and variance 1.",
        check=BOOLEAN,
    )
    learning_rate: float = param(
        default=0.1,
        doc="η, of the mean over a batch; for Gaussian inputs take a tenth of it.",
        check=POSITIVE,
    )
    batch_size: int = param(
        default=10, doc="Examples in each step, and persistent chains.", check=COUNT
    )
    n_iter: int = param(default=10, doc="Epochs.", check=COUNT)
    verbose: Any = param(
        default=0,
        doc="""Whether to show a progress bar. Its loss is ⟨F(v)⟩ − ⟨F(vᵏ)⟩, which stays
        about 0: what tells how good the machine is are ``score`` and
        ``log_likelihood``.""",
    )
    n_steps: int = param(default=1, doc="k, Gibbs steps for an update.", check=COUNT)
    persistent: bool = param(
        default=True,
        doc="""Whether the chains go on from where they were (persistent contrastive
        divergence, as in scikit-learn); otherwise they begin at the data (CD-k).""",
        check=BOOLEAN,
    )
    momentum: float = param(default=0.0, doc="μ.", check=PART)
    alpha: float = param(
        default=0.0,
        doc="Weight decay, divided by the batch size as in the other estimators.",
        check=number(0),
    )
    sparsity_target: float | None = param(
        default=None,
        doc="How often a hidden unit is to be active.",
        check=number(0, 1, open_low=True, open_high=True) | NONE,
    )
    sparsity_cost: float = param(
        default=0.1, doc="How strongly it is moved there.", check=number(0)
    )
    shuffle: bool = param(
        default=True,
        doc="Whether each epoch has its own order; scikit-learn's keeps that of X.",
        check=BOOLEAN,
    )
    init_scale: float = param(
        default=0.01,
        doc="Standard deviation of the initial weights.",
        check=number(0),
    )
    schedule: Any = param(
        default=None,
        doc="""How η changes from epoch to epoch, as of :class:`lamina.MLPClassifier`.
        Persistent chains follow the machine better if it slows down: "cosine".""",
        check=SCHEDULE,
    )


class Boltzmann(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BoltzmannParams,
    NetworkEstimator,
    Estimator,
    ABC,
):
    """Base of estimators that hold restricted Boltzmann machines, one or a stack.

    A subclass says how many hidden units each of them has (``_units``), brings a
    docstring and its own parameters, and whatever it can tell beyond features and
    samples.
    """

    _state_type = FittedBoltzmann

    _is_recorded = False

    feature_mean_: np.ndarray
    feature_scale_: np.ndarray

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
        with all_or_nothing(self), checkpointed(self, fresh=True):
            return self._fit(X, sample_weight, incremental=False)

    def transform(self, X):
        """Return P(h = 1 | v) (n_samples, n_components)."""
        check_is_fitted(self)
        X = self._encoded(self._checked(X, reset=False))
        return outputs(self.network_, self.params_, X, self._dtype())

    def reconstruct(self, X):
        """Return X as the machine makes it again from its features, in its own units.

        Equations
        ---------
            v̂ = ⟨v | h⟩,   h = P(h = 1 | v)

        of a stack machine by machine, up and down again; of a deep Boltzmann machine h
        are the means μ¹.
        """
        check_is_fitted(self)
        X = self._encoded(self._checked(X, reset=False))
        return self._decoded(self._made_again(X))

    def reconstruction_error(self, X):
        """Return how unlike each example is what the machine makes of it (n_samples,).

        Equations
        ---------
            eᵢ = 1/d Σⱼ (vᵢⱼ − v̂ᵢⱼ)²

        over the d numbers of an example as the machine sees them: scaled ones where
        inputs are scaled. It is what an autoencoder tells, and no measure of how likely
        an example is.
        """
        check_is_fitted(self)
        X, errors = self._encoded(self._checked(X, reset=False)), []
        for start in range(0, X.shape[0], ROWS):
            some = X[start : start + ROWS]
            errors.append(mean_squares(self._rows(some), self._made_again(some)))
        return np.concatenate(errors)

    def _made_again(self, X: Any) -> np.ndarray:
        """Return v̂ of rows of visible units."""
        return self._by_chunks(compiled_made_again, (self.network_, self.params_), X)

    def sample(self, n_samples=1, n_steps=1000, *, mean=False, random_state=None):
        """Draw examples, each by a Gibbs chain of its own in the top machine.

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
        with computing(self._dtype()):
            v, means = self._drawn(n_samples, n_steps, key)
        return self._decoded(means if mean else v)

    @property
    def coefs_(self) -> tuple[np.ndarray, ...]:
        """Weights of the way up, one matrix a machine, for inputs in units of X.

        With :attr:`intercepts_` they are where a perceptron of logistic layers can
        start: ``MLPClassifier(…).fit(X, y, coefs_init=…, intercepts_init=…)``.
        """
        return tuple([layer["weight"] for layer in self._way_up()])

    @property
    def intercepts_(self) -> tuple[np.ndarray, ...]:
        """Biases of hidden units, one vector a machine, for inputs in units of X."""
        return tuple([layer["bias"] for layer in self._way_up()])

    def _way_up(self) -> list[dict]:
        first, *others = self.params_
        if self.visible == "gaussian":
            scaling = self.feature_mean_, self.feature_scale_
            first = learning.for_unscaled(first, *scaling)
        return [first, *others]

    # ---- what goes in and comes out -------------------------------------------------

    @property
    def _sparse(self) -> bool:
        return self.visible == "binary"

    def _checked(self, X: Any, reset: bool) -> Any:
        how: dict[str, Any] = {"accept_sparse": "csr"} if self._sparse else {}
        dtype = (np.float64, np.float32)
        X = validate_data(self, X, dtype=dtype, reset=reset, **how)
        if self._dtype() == np.float32 and X.dtype == np.float64:
            check_fits_float32(X if isinstance(X, np.ndarray) else X.data[:, None])
        return X

    def _check_bits(self, X: Any) -> None:
        """Warn of inputs that binary units cannot be."""
        values = X if isinstance(X, np.ndarray) else X.data
        if values.size and (values.min() < 0 or values.max() > 1):
            warnings.warn(
                f"X has values from {values.min():.3g} to {values.max():.3g}, but "
                "binary units are 0 or 1: scale X (MinMaxScaler), or take Gaussian "
                "ones",
                UserWarning,
                stacklevel=callers_level(),
            )

    def _measure(self, X: Any, weight: np.ndarray | None) -> None:
        """Take note of the scale of the inputs of Gaussian units."""
        n = X.shape[1]
        self.feature_mean_, self.feature_scale_ = np.zeros(n), np.ones(n)
        if self.standardize:
            found = learning.mean_and_scale(X, weight)
            self.feature_mean_, self.feature_scale_ = found

    def _encoded(self, X: Any) -> Any:
        """Return what the visible units are to be."""
        if self.visible == "binary":
            return X
        return (X - self.feature_mean_) / self.feature_scale_

    def _decoded(self, v: np.ndarray) -> np.ndarray:
        """Return inputs, of visible units."""
        if self.visible == "binary":
            return v
        found = v * self.feature_scale_ + self.feature_mean_
        return found.astype(v.dtype, copy=False)

    # ---- learning -------------------------------------------------------------------

    @property
    @abstractmethod
    def _units(self) -> tuple[int, ...]:
        """How many hidden units each machine has, the lowest first."""

    @property
    def _rbm(self) -> RBM:
        """The top machine."""
        return self.network_.layers[-1]

    def _layers(self) -> tuple[RBM, ...]:
        kinds = [self.visible, *["binary"] * (len(self._units) - 1)]
        pairs = zip(self._units, kinds, strict=True)
        return tuple([RBM(units, kind, self.init_scale) for units, kind in pairs])

    def _learnt_layers(self) -> tuple[RBM, ...]:
        """Return the machines that a fit ends with."""
        return self._layers()

    def _check_params(self) -> None:
        super()._check_params()
        self._schedule()  # refuses one that this algorithm has no use for

    def _algorithm(self) -> Any:
        return learning.ContrastiveDivergence(
            self.learning_rate,
            int(self.n_steps),
            int(self.batch_size) if self.persistent else None,
            self.momentum or None,
            self.sparsity_target,
            self.sparsity_cost,
        )

    def _schedule(self) -> Any:
        if self.schedule is None:
            return None
        return schedule_of(self.schedule, self._algorithm())

    def _fit(self, X: Any, sample_weight: Any, *, incremental: bool) -> Any:
        first = not (incremental and hasattr(self, "params_"))
        X = self._checked(X, reset=first)
        weight = None
        if sample_weight is not None:
            how = {"ensure_non_negative": True}
            weight = _check_sample_weight(sample_weight, X, **how)
        if self.visible == "binary":
            self._check_bits(X)
        elif first:
            self._measure(X, weight)
        X = self._encoded(X)
        with computing(self._dtype()):
            if first:
                self._run_key, self._draws = key_of(self), 0
                start_anew(self, Network(self._layers()), self._run_key, (X.shape[1],))
            self._train(X, weight, incremental)
        return self

    def _train(self, X: Any, weight: np.ndarray | None, incremental: bool) -> None:
        """Let one machine after the other learn; an interruption ends them all."""
        layers, learnt = self.network_.layers, list(self.params_)
        v, compiled, epochs = X, 0, 0
        for i in range(len(layers)):
            if i:
                below = Network(layers[i - 1 : i]), (learnt[i - 1],)
                v = outputs(*below, v, self._dtype())
            self.params_ = (learnt[i],)
            self._train_one(i, slice(i, i + 1), v, weight, incremental)
            learnt[i] = self.params_[0]
            compiled, epochs = compiled + self.n_compiles_, epochs + self.n_iter_
            if self.stop_reason_ in ("interrupted", "diverged"):
                break
        self.params_, self.n_compiles_, self.n_iter_ = tuple(learnt), compiled, epochs

    def _train_one(
        self,
        number: int,
        some: slice,
        v: Any,
        weight: np.ndarray | None,
        incremental: bool,
    ) -> None:
        """Let some machines, whose parameters ``params_`` are now, learn from v."""
        # Of the objective, contrastive divergence takes the network and the penalty.
        network = Network(self.network_.layers[some])
        objective = learning.Objective(
            network, "squared_error", learning.penalties(self.alpha)
        )
        algorithm, higher = self._algorithm(), number > 0
        size = v.shape[0] if incremental else self.batch_size
        key = self._run_key.fold_in("layer", number) if higher else self._run_key
        start = learning.Start(
            self.params_,
            key,
            kept_state(self, algorithm) if incremental else None,
            0 if higher else self._epochs,
            0 if higher else self.t_,
        )
        control = learning.Control(
            1 if incremental else self.n_iter,
            schedule=None if incremental else self._schedule(),
        )
        problem = learning.Problem(objective, algorithm, self._loader(v, weight, size))
        self._run(problem, start, control, f"layer{number + 1}_" if higher else "")

    def _loader(
        self, v: Any, weight: np.ndarray | None, batch_size: int
    ) -> learning.Loader:
        """Return examples without targets, in batches."""
        dtype = self._dtype()
        no_target = np.zeros((v.shape[0], 1), dtype)
        examples = learning.Dataset(v, no_target, weight, dtype=dtype)
        return learning.Loader(examples, batch_size=batch_size, shuffle=self.shuffle)

    def _run(
        self,
        problem: learning.Problem,
        start: learning.Start,
        control: learning.Control,
        prefix: str,
    ) -> None:
        """Call the loop, and show how it goes."""
        control = replace(control, callbacks=self.callbacks or ())
        with with_progress(self, control) as control:
            learn(self, problem, start, control, prefix)

    # ---- chains ---------------------------------------------------------------------

    def _drawn_key(self, purpose: str, random_state: Any) -> Key:
        if random_state is not None:
            check_integer("random_state", random_state, 0)
            return Key(int(random_state)).fold_in(purpose)
        self._draws += 1
        return self._run_key.fold_in(purpose, self._draws)

    def _chains(self) -> np.ndarray | None:
        """Return h of the persistent chains of the top machine, if it has some."""
        state = self._state
        return state.get("chains") if isinstance(state, dict) else None

    def _beginnings(self, n: int) -> np.ndarray:
        """Return h of so many chains, those of the persistent ones in turn."""
        chains = self._chains()
        if chains is None:
            return np.zeros((n, self._rbm.units), self._dtype())
        return chains[np.arange(n) % len(chains)]

    def _drawn(self, n: int, steps: int, key: Key) -> tuple[np.ndarray, np.ndarray]:
        """Return so many visible units, and their means."""
        v, _, means = self._walk(self._beginnings(n), steps, key)
        *below, _ = self.network_.layers
        if below:
            now = Network(tuple(below)), self.params_[:-1], v
            found = compiled_descent(*now, key.fold_in("down").words())
            v, means = map(np.asarray, found)
        return v, means

    def _walk(self, h: np.ndarray, steps: int, key: Key) -> tuple[np.ndarray, ...]:
        """Return v, h and the mean of v of the top machine, after so many steps."""
        found = compiled_walk(self._rbm, self.params_[-1], h, steps, key.words())
        return tuple(map(np.asarray, found))

    # ---- rows, in chunks ------------------------------------------------------------

    def _rows(self, X: Any) -> np.ndarray:
        """Return rows as the device takes them."""
        dense = X.toarray() if sparse.issparse(X) else X
        return dense.astype(self._dtype(), copy=False)

    def _by_chunks(
        self, program: Any, now: tuple, X: Any, also: Any = None
    ) -> np.ndarray:
        """Return what a program says of each row, in chunks of few sizes.

        It gets ``now``, the rows of a chunk, and what the function ``also`` makes of
        them.
        """
        n = X.shape[0]
        size, parts = min(ROWS, padded_size(n)), []
        with computing(self._dtype()):
            for start in range(0, n, size):
                rows = self._rows(X[start : start + size])
                given = [rows] if also is None else [rows, also(rows)]
                found = program(*now, *[_padded(a, size) for a in given])
                parts.append(np.asarray(found)[: n - start])
        return np.concatenate(parts)

    @property
    def _n_features_out(self) -> int:
        return self._rbm.units

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._sparse
        tags.transformer_tags.preserves_dtype = []
        tags.non_deterministic = False
        return tags


def _padded(a: np.ndarray, size: int) -> np.ndarray:
    return np.pad(a, [(0, size - len(a))] + [(0, 0)] * (a.ndim - 1))
