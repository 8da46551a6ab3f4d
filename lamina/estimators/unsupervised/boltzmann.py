"""What all estimators of Boltzmann machines share: inputs, training and sampling.

The network is a stack of RBMs, each trained on the hidden probabilities of the RBM
below it. A single RBM is a stack of one.
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
"""Maximum number of rows per chunk."""


STACK = COUNT | each(
    COUNT,
    "a list of hidden units, one entry per layer, such as (256, 256)",
    empty=False,
)


@table("RBM")
class BoltzmannParams(CommonParams):
    """Parameters of an RBM, or a stack of RBMs."""

    n_components: Any = param(
        default=(256, 256),
        doc="""Number of hidden units of each RBM, the lowest first; a single number is
        one RBM.""",
        check=STACK,
        kw_only=False,
    )
    visible: str = param(
        default="binary",
        doc="""Type of the inputs: "binary" for 0 and 1, or probabilities between them;
        "gaussian" for real numbers.""",
        check=option(*VISIBLE),
    )
    standardize: bool = param(
        default=True,
        doc="Whether to scale Gaussian inputs to mean 0 and variance 1.",
        check=BOOLEAN,
    )
    learning_rate: float = param(
        default=0.1,
        doc="""Learning rate η, for gradients that are means over a batch. Gaussian
        inputs need about a tenth of it.""",
        check=POSITIVE,
    )
    batch_size: int = param(
        default=10,
        doc="Examples per training step, and number of persistent chains.",
        check=COUNT,
    )
    n_iter: int = param(default=10, doc="Number of epochs.", check=COUNT)
    verbose: Any = param(
        default=0,
        doc="""Whether to show a progress bar. Its loss is ⟨F(v)⟩ − ⟨F(vᵏ)⟩, which stays
        near 0 and does not measure progress; use ``score`` and ``log_likelihood`` for
        that.""",
    )
    n_steps: int = param(default=1, doc="Gibbs steps per update, k.", check=COUNT)
    persistent: bool = param(
        default=True,
        doc="""Whether the Gibbs chains continue from one update to the next (persistent
        contrastive divergence, as in scikit-learn). Otherwise they start at the data
        (CD-k).""",
        check=BOOLEAN,
    )
    momentum: float = param(default=0.0, doc="Momentum μ.", check=PART)
    alpha: float = param(
        default=0.0,
        doc="""Weight decay α, divided by the batch size as in the other
        estimators.""",
        check=number(0),
    )
    sparsity_target: float | None = param(
        default=None,
        doc="Desired mean activation of the hidden units; None for no sparsity term.",
        check=number(0, 1, open_low=True, open_high=True) | NONE,
    )
    sparsity_cost: float = param(
        default=0.1, doc="Strength of the sparsity term.", check=number(0)
    )
    shuffle: bool = param(
        default=True,
        doc="""Whether to shuffle the examples in each epoch; scikit-learn keeps the
        order of X.""",
        check=BOOLEAN,
    )
    init_scale: float = param(
        default=0.01,
        doc="Standard deviation of the initial weights.",
        check=number(0),
    )
    schedule: Any = param(
        default=None,
        doc="""Schedule of η, as in :class:`lamina.MLPClassifier`. Persistent chains
        track the model better if η decreases, for instance with "cosine".""",
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
    """Base class of estimators with an RBM, or a stack of RBMs.

    A subclass defines the number of hidden units of each RBM (``_units``), its own
    parameters, and what it computes besides features and samples.
    """

    _state_type = FittedBoltzmann

    _is_recorded = False

    _takes_images = False
    """Whether its inputs may be images; otherwise they are rows."""

    _generates = True
    """Whether it can generate samples."""

    feature_mean_: np.ndarray
    feature_scale_: np.ndarray

    def fit(self, X, y=None, sample_weight=None):
        """Train on the distribution of X.

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features)
        y : ignored
        sample_weight : array-like (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If parameters or data are invalid.

        Warns
        -----
        ConvergenceWarning
            If training diverged or was interrupted.
        """
        with all_or_nothing(self), checkpointed(self, fresh=True):
            return self._fit(X, sample_weight, incremental=False)

    def transform(self, X):
        """Return the hidden probabilities P(h = 1 | v) (n_samples, n_components).

        For a stack, these are those of the top RBM.
        """
        check_is_fitted(self)
        X = self._encoded(self._checked(X, reset=False))
        return outputs(self.network_, self.params_, X, self._dtype())

    def reconstruct(self, X):
        """Return the reconstructions of X from its features, in units of X.

        Equations
        ---------
            v̂ = ⟨v | h⟩,   h = P(h = 1 | v)

        A stack does this RBM by RBM, upwards and then downwards. In a deep Boltzmann
        machine, h are the means μ¹.
        """
        check_is_fitted(self)
        X = self._encoded(self._checked(X, reset=False))
        return self._decoded(self._made_again(X))

    def reconstruction_error(self, X):
        """Return the reconstruction error of each example (n_samples,).

        Equations
        ---------
            eᵢ = 1/d Σⱼ (vᵢⱼ − v̂ᵢⱼ)²

        over the d values of an example, scaled if the inputs are scaled. It is defined
        as for :class:`lamina.Autoencoder`, and does not measure how likely an example
        is.
        """
        check_is_fitted(self)
        X, errors = self._encoded(self._checked(X, reset=False)), []
        for start in range(0, X.shape[0], ROWS):
            some = X[start : start + ROWS]
            errors.append(mean_squares(self._rows(some), self._made_again(some)))
        return np.concatenate(errors)

    @property
    def _takes_bits(self) -> bool:
        """Whether the visible units are binary."""
        return self.visible == "binary"

    @property
    def _needs_units(self) -> bool:
        """Whether inputs have to be in [0, 1]."""
        return self._takes_bits

    def _made_again(self, X: Any) -> np.ndarray:
        """Return v̂ for rows of v."""
        return self._by_chunks(compiled_made_again, (self.network_, self.params_), X)

    def sample(self, n_samples=1, n_steps=1000, *, mean=False, random_state=None):
        """Sample from the model, with a separate Gibbs chain for each sample.

        In a stack the chains run in the top RBM, and the RBMs below decode their
        states. In a deep Boltzmann machine they run in all layers.

        Parameters
        ----------
        n_samples : int, default=1
        n_steps : int, default=1000
            Gibbs steps per chain. Chains start from the persistent chains of training,
            or, if there are none, from hidden units that are all 0.
        mean : bool, default=False
            Whether to return the mean of v in the last step instead of v itself: grey
            levels instead of black and white.
        random_state : int, optional
            By default each call uses new random numbers, which depend on the number of
            calls before it.

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
        """Recognition weights, one matrix per RBM, for inputs in units of X.

        A perceptron of logistic layers can start from them and :attr:`intercepts_`:
        ``MLPClassifier(…).fit(X, y, coefs_init=…, intercepts_init=…)``.
        """
        return tuple([layer["weight"] for layer in self._way_up()])

    @property
    def intercepts_(self) -> tuple[np.ndarray, ...]:
        """Biases of the hidden units, one vector per RBM, for inputs in units of X."""
        return tuple([layer["bias"] for layer in self._way_up()])

    def _way_up(self) -> list[dict]:
        first, *others = self.params_
        if self.visible == "gaussian":
            scaling = self.feature_mean_, self.feature_scale_
            first = learning.for_unscaled(first, *scaling)
        return [first, *others]

    # ---- inputs and outputs ---------------------------------------------------------

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
        """Warn of inputs outside [0, 1], the range of binary units."""
        values = X if isinstance(X, np.ndarray) else X.data
        if values.size and (values.min() < 0 or values.max() > 1):
            warnings.warn(
                f"X has values from {values.min():.3g} to {values.max():.3g}, but "
                "binary units are 0 or 1: scale X (MinMaxScaler), or use Gaussian "
                "units",
                UserWarning,
                stacklevel=callers_level(),
            )

    def _measure(self, X: Any, weight: np.ndarray | None) -> None:
        """Set mean and scale of the inputs of Gaussian units."""
        n = X.shape[1]
        self.feature_mean_, self.feature_scale_ = np.zeros(n), np.ones(n)
        if self.standardize:
            found = learning.mean_and_scale(X, weight)
            self.feature_mean_, self.feature_scale_ = found

    def _encoded(self, X: Any) -> Any:
        """Return v for inputs X."""
        if self.visible == "binary":
            return X
        return (X - self.feature_mean_) / self.feature_scale_

    def _decoded(self, v: np.ndarray) -> np.ndarray:
        """Return v in units of X."""
        if self.visible == "binary":
            return v
        found = v * self.feature_scale_ + self.feature_mean_
        return found.astype(v.dtype, copy=False)

    # ---- training -------------------------------------------------------------------

    @property
    @abstractmethod
    def _units(self) -> tuple[int, ...]:
        """Number of hidden units of each RBM, the lowest first."""

    @property
    def _rbm(self) -> RBM:
        """The top RBM."""
        return self.network_.layers[-1]

    def _layers(self) -> tuple[RBM, ...]:
        kinds = [self.visible, *["binary"] * (len(self._units) - 1)]
        pairs = zip(self._units, kinds, strict=True)
        return tuple([RBM(units, kind, self.init_scale) for units, kind in pairs])

    def _learnt_layers(self) -> tuple[RBM, ...]:
        """Return the RBMs at the end of a fit."""
        return self._layers()

    def _check_params(self) -> None:
        super()._check_params()
        self._schedule()  # raises if the algorithm does not support it

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
        """Train one RBM after the other; an interruption ends training altogether."""
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
        """Train some RBMs, whose parameters are ``params_``, on v."""
        # Contrastive divergence uses only the network and the penalty of the objective.
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
        """Return a loader of examples without targets."""
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
        """Run the training loop, with a progress bar if asked for."""
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
        """Return h of the persistent chains of the top RBM; None if there are none."""
        state = self._state
        return state.get("chains") if isinstance(state, dict) else None

    def _beginnings(self, n: int) -> np.ndarray:
        """Return initial h of n chains, cycling through the persistent chains."""
        chains = self._chains()
        if chains is None:
            return np.zeros((n, self._rbm.units), self._dtype())
        return chains[np.arange(n) % len(chains)]

    def _drawn(self, n: int, steps: int, key: Key) -> tuple[np.ndarray, np.ndarray]:
        """Return n samples of v, and their means."""
        v, _, means = self._walk(self._beginnings(n), steps, key)
        *below, _ = self.network_.layers
        if below:
            now = Network(tuple(below)), self.params_[:-1], v
            found = compiled_descent(*now, key.fold_in("down").words())
            v, means = map(np.asarray, found)
        return v, means

    def _walk(self, h: np.ndarray, steps: int, key: Key) -> tuple[np.ndarray, ...]:
        """Return v, h and the mean of v of the top RBM after some Gibbs steps."""
        found = compiled_walk(self._rbm, self.params_[-1], h, steps, key.words())
        return tuple(map(np.asarray, found))

    # ---- rows, in chunks ------------------------------------------------------------

    def _rows(self, X: Any) -> np.ndarray:
        """Return rows as a dense array of the computation's type."""
        dense = X.toarray() if sparse.issparse(X) else X
        return dense.astype(self._dtype(), copy=False)

    def _by_chunks(
        self, program: Any, now: tuple, X: Any, also: Any = None
    ) -> np.ndarray:
        """Return the results of a program for all rows, computed in chunks.

        Its arguments are ``now``, the rows of a chunk, and ``also(rows)`` if given.
        Chunks are padded to few sizes, to compile few programs.
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
