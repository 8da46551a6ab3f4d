"""Restricted Boltzmann machines: BernoulliRBM and GaussianRBM."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any
from zlib import crc32

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.estimators._core.parameters.checks import check_integer, check_option
from lamina.estimators._core.parameters.constraints import COUNT
from lamina.estimators._core.parameters.table import estimator, fixed, param
from lamina.estimators._core.run import all_or_nothing, checkpointed
from lamina.estimators.unsupervised.boltzmann import Boltzmann
from lamina.learning.sampling.gibbs import (
    compiled_annealed,
    compiled_exact,
    compiled_free_energy,
    compiled_turned,
)
from lamina.networks import RBM, Key, Network
from lamina.networks.core.computing import computing
from lamina.networks.energy.log_partition import enumerable

PARTITIONS = ("auto", "exact", "annealed")


class SingleRBM:
    """Energies and likelihoods, which are defined for a single RBM only."""

    n_components: Any
    network_: Network
    params_: tuple[dict[str, np.ndarray], ...]
    _dtype: Callable[[], np.dtype]
    _fit: Callable[..., Any]
    _checked: Callable[..., Any]
    _encoded: Callable[[Any], Any]
    _decoded: Callable[[np.ndarray], np.ndarray]
    _rows: Callable[[Any], np.ndarray]
    _walk: Callable[..., tuple[np.ndarray, ...]]
    _chains: Callable[[], np.ndarray | None]
    _drawn_key: Callable[[str, Any], Key]
    _by_chunks: Callable[..., np.ndarray]

    @property
    def _units(self) -> tuple[int, ...]:
        return (int(self.n_components),)

    @property
    def _rbm(self) -> RBM:
        (rbm,) = self.network_.layers
        return rbm

    def partial_fit(self, X, y=None, sample_weight=None):
        """Take one training step on all of these examples together, as scikit-learn.

        Parameters
        ----------
        X, y, sample_weight : as for :meth:`fit`

        Returns
        -------
        self
        """
        with all_or_nothing(self), checkpointed(self, fresh=False):
            return self._fit(X, sample_weight, incremental=True)

    def gibbs(self, v, n_steps=1, *, mean=False, random_state=None):
        """Return v after some Gibbs steps, each of which samples h given v, then v.

        Parameters
        ----------
        v : array-like (n_samples, n_features)
        n_steps : int, default=1
        mean : bool, default=False
            Whether to return the mean of v in the last step instead of v itself.
        random_state : int, optional
            By default each call uses new random numbers, which depend on the number of
            calls before it.

        Returns
        -------
        ndarray (n_samples, n_features)
        """
        check_is_fitted(self)
        check_integer("n_steps", n_steps, 1)
        key = self._drawn_key("gibbs", random_state)
        v = self._rows(self._encoded(self._checked(v, reset=False)))
        with computing(self._dtype()):
            own = key.fold_in("h").device()
            h = np.asarray(self._rbm.hidden(self.params_[0], v, own))
            v, _, means = self._walk(h, n_steps, key)
        return self._decoded(means if mean else v)

    @abstractmethod
    def score_samples(self, X) -> np.ndarray:
        """Return a score of how likely each example is (n_samples,)."""

    def free_energy(self, X):
        """Return the free energy F(v) (n_samples,), where P(v) = exp(−F(v)) / Z."""
        check_is_fitted(self)
        return self._free_energy(self._encoded(self._checked(X, reset=False)))

    def score(self, X, y=None):
        """Return the mean of :meth:`score_samples`."""
        return float(np.mean(self.score_samples(X)))

    def log_partition(
        self, method="auto", *, n_chains=100, n_temperatures=10_000, random_state=0
    ):
        """Return log Z, the logarithm of the partition function.

        Parameters
        ----------
        method : {"auto", "exact", "annealed"}, default="auto"
            "exact" sums over all states of one layer, "annealed" is an estimate by
            annealed importance sampling. "auto" takes the sum if one layer has at most
            22 binary units.
        n_chains, n_temperatures : int
            Number of chains and of temperatures of the estimate.
        random_state : int, default=0
            Random seed of the estimate.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If there are too many states for "exact".
        """
        check_is_fitted(self)
        check_option("method", method, PARTITIONS)
        check_integer("n_chains", n_chains, 2)
        check_integer("n_temperatures", n_temperatures, 1)
        rbm, (params,) = self._rbm, self.params_
        if method == "auto":
            method = "exact" if enumerable(rbm, params) else "annealed"
        with computing(self._dtype()):
            if method == "exact":
                return float(compiled_exact(rbm, params))
            start = np.zeros(n_chains, self._dtype())
            words = Key(int(random_state)).fold_in("annealed").words()
            base = params["visible_bias"]
            found = compiled_annealed(rbm, params, base, start, n_temperatures, words)
            return float(found[0])

    def log_likelihood(self, X, log_partition=None):
        """Return the log-likelihood log P(v) of each example (n_samples,).

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features)
        log_partition : float, optional
            log Z; by default the result of :meth:`log_partition`.
        """
        energy = self.free_energy(X)
        log_z = self.log_partition() if log_partition is None else log_partition
        return -energy - log_z

    # ---- scikit-learn's names ------------------------------------------------------

    @property
    def components_(self) -> np.ndarray:
        """Weights W, transposed to (n_components, n_features)."""
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
        """Hidden states of the persistent chains (batch_size, n_components)."""
        chains = self._chains()
        if chains is None:
            raise AttributeError("there are no persistent chains")
        return chains

    @property
    def _now(self) -> tuple[Any, dict]:
        return self._rbm, self.params_[0]

    def _free_energy(self, X: Any) -> np.ndarray:
        return self._by_chunks(compiled_free_energy, self._now, X)


@estimator
class BernoulliRBM(SingleRBM, Boltzmann):
    """Restricted Boltzmann machine with binary visible and hidden units.

    It models the distribution of inputs in [0, 1]: 0 and 1, or probabilities of 1. Its
    hidden units are features for another estimator. It can generate examples, and
    estimate how likely an example is. Parameters and attributes that scikit-learn's
    BernoulliRBM has too have the same meaning.

    Equations
    ---------
        E(v, h) = −v·a − h·b − v W h,   P(v, h) = exp(−E(v, h)) / Z
        P(hⱼ = 1 | v) = σ(v W + b)ⱼ,    P(vᵢ = 1 | h) = σ(h Wᵀ + a)ᵢ

    and training as in :class:`lamina.ContrastiveDivergence`.

    Shapes
    ------
    v (n_samples, n_features), h (n_samples, n_components), W (n_features,
    n_components), a (n_features,), b (n_components,).

    Attributes
    ----------
    components_ : ndarray (n_components, n_features)
    intercept_hidden_ : ndarray (n_components,)
    intercept_visible_ : ndarray (n_features,)
    h_samples_ : ndarray (batch_size, n_components)
        Hidden states of the persistent chains.
    n_features_in_ : int
    feature_names_in_ : ndarray (n_features_in_,)
    network_, params_, history_, n_iter_, n_compiles_
        As in every estimator.

    References
    ----------
    Hinton (2012), A practical guide to training restricted Boltzmann machines, in
    Neural Networks: Tricks of the Trade; Tieleman (2008), Training restricted Boltzmann
    machines using approximations to the likelihood gradient, ICML.

    Examples
    --------
    >>> from lamina import BernoulliRBM, data
    >>> X = data.load("digits").X / 16
    >>> model = BernoulliRBM(100, learning_rate=0.06, n_iter=20, random_state=0).fit(X)
    >>> model.transform(X).shape
    (1797, 100)
    >>> model.sample(5).shape
    (5, 64)
    """

    _leading = ("learning_rate", "batch_size", "n_iter", "verbose", "random_state")

    n_components: int = param(
        default=256, doc="Hidden units.", check=COUNT, kw_only=False
    )
    visible: str = fixed(default="binary", reason="its units are binary")
    standardize: bool = fixed(default=True, reason="binary units have no scale")
    learning_rate: float = param(
        default=0.1, doc="Learning rate η, for gradients that are means over a batch."
    )

    def score_samples(self, X):
        """Return an estimate of the log pseudo-likelihood (n_samples,).

        One input i of each example is flipped to 1 − vᵢ, which gives ṽ. The estimate is
        unbiased if i is uniformly random:

            n log σ(F(ṽ) − F(v)) ≈ Σᵢ log P(vᵢ | the other inputs)

        Here i is a hash of the example, so that an example always has the same score.
        """
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        start, n = int(self._run_key.fold_in("score").words()[0]), X.shape[1]

        def turned(rows: np.ndarray) -> np.ndarray:
            return np.array([crc32(row.tobytes(), start) % n for row in rows])

        change = self._by_chunks(compiled_turned, self._now, X, turned)
        return -n * np.logaddexp(0, -change)


@estimator
class GaussianRBM(SingleRBM, Boltzmann):
    """Restricted Boltzmann machine for real numbers, with binary hidden units.

    Given h, the visible units are normally distributed with variance 1. Inputs are
    therefore scaled to mean 0 and variance 1, unless ``standardize=False``.

    Equations
    ---------
        E(v, h) = ½ ‖v − a‖² − h·b − v W h,   P(v, h) = exp(−E(v, h)) / Z
        P(hⱼ = 1 | v) = σ(v W + b)ⱼ,   v | h ~ N(h Wᵀ + a, I)

    and training as in :class:`lamina.ContrastiveDivergence`.

    Shapes
    ------
    As in :class:`BernoulliRBM`. X and samples are in units of X; v and
    ``intercept_visible_`` are in units of the scaled inputs.

    Attributes
    ----------
    feature_mean_, feature_scale_ : ndarray (n_features,)
        Mean and scale of the inputs, in units of X.
    components_, intercept_hidden_, intercept_visible_, h_samples_, n_features_in_, \
feature_names_in_, network_, params_, history_, n_iter_, n_compiles_
        As in :class:`BernoulliRBM`.

    References
    ----------
    .. [1] Hinton (2012), A practical guide to training restricted Boltzmann machines,
       in Neural Networks: Tricks of the Trade.
    """

    n_components: int = param(
        default=256, doc="Hidden units.", check=COUNT, kw_only=False
    )
    visible: str = fixed(default="gaussian", reason="its units are Gaussian")
    learning_rate: float = param(
        default=0.01,
        doc="""Learning rate η, for gradients that are means over a batch. It is ten
        times smaller than for binary inputs, since the visible units are unbounded
        ([1]_, section 13.2).""",
    )
    standardize: bool = param(
        default=True, doc="Whether to scale the inputs to mean 0 and variance 1."
    )
    persistent: bool = param(
        default=False,
        doc="""Whether the Gibbs chains continue from one update to the next (persistent
        contrastive divergence). Otherwise they start at the data (CD-k).""",
    )

    def score_samples(self, X):
        """Return −F(v) = log P(v) + log Z (n_samples,).

        Without log Z these scores compare examples of one model, not different models;
        :meth:`log_likelihood` includes it.
        """
        return -self.free_energy(X)

    def log_likelihood(self, X, log_partition=None):
        """Return the log density of each example (n_samples,), in units of X.

        Parameters
        ----------
        X : array-like (n_samples, n_features)
        log_partition : float, optional
            log Z; by default the result of :meth:`log_partition`.
        """
        scaled = super().log_likelihood(X, log_partition)
        return scaled - np.sum(np.log(self.feature_scale_))
