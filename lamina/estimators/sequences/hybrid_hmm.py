"""Hybrid of a network and a hidden Markov model, to label the steps of sequences."""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from lamina.data.sequences.ragged_array import (
    RaggedArray,
    SequenceError,
    as_ragged_array,
)
from lamina.estimators._core.estimator import Estimator
from lamina.estimators._core.parameters.checks import (
    NONE,
    Check,
    check_integer,
    integer,
    number,
)
from lamina.estimators._core.parameters.shared import SequenceParams
from lamina.estimators._core.parameters.table import estimator, param
from lamina.estimators._core.targets.steps import step_answers
from lamina.estimators.perceptrons.mlp import MLPClassifier
from lamina.estimators.sequences.state import FittedHybrid
from lamina.estimators.sequences.tagger import RecurrentTagger
from lamina.networks.energy.hidden_markov import Chain, counted, posteriors, viterbi

SMALLEST = 1e-7
"""Lower bound of the network's probabilities, since it may be wrong about a 0."""


@estimator
class HybridHMM(Estimator):
    """Hidden Markov model whose emission probabilities come from a network.

    The network classifies the steps, and the Markov chain models the order of the
    states. Training needs the states of the steps.

    Equations
    ---------
        p(xₜ | k) ∝ p(k | xₜ) / p(k)                            scaled likelihoods
        ŷ = argmax_y π[y₁] Πₜ a[yₜ₋₁, yₜ] p(xₜ | yₜ)             Viterbi

    p(k | xₜ) is the output of the network for step t, p(k) the relative frequency of
    state k in the training data. The initial probabilities π and the transition
    probabilities a are estimated from counts in the training data.

    Shapes
    ------
    X: a list of n arrays (steps, n_features) or (steps,); an array (n, time,
    n_features) or (n, time), padded with NaN after the last step of each sequence; or
    the result of :func:`lamina.data.as_ragged_array` for an array and lengths. y: a
    list of n arrays (steps,) of labels, or an array (n, time), whose values after the
    last step of a sequence are ignored.

    Attributes
    ----------
    estimator_ : estimator
        The fitted network.
    classes_ : ndarray (K,)
        The states.
    prior_, start_ : ndarray (K,)
        p(k) and π.
    transition_ : ndarray (K, K)
        a, from the state of the row to that of the column.
    n_features_in_ : int

    References
    ----------
    Bourlard & Morgan (1994), Connectionist speech recognition: a hybrid approach,
    Kluwer, chapters 6 and 7; Hinton and others (2012), Deep neural networks for
    acoustic modeling in speech recognition, IEEE Signal Processing Magazine 29.

    Examples
    --------
    >>> from lamina import HybridHMM, data
    >>> chain = data.load("hidden_markov", n=60, noise=1.0, seed=0)
    >>> model = HybridHMM(random_state=0).fit(chain.X, chain.y)
    >>> model.predict(chain.X)[0].shape
    (50,)
    """

    _state_type = FittedHybrid

    estimator: Any = param(
        default=None,
        doc="""The network: a classifier of rows with ``predict_proba``, which sees each
        step with its neighbours, or a :class:`lamina.RecurrentTagger`, which sees whole
        sequences. By default ``MLPClassifier((64,))``.""",
        check=Check(
            "a classifier of rows with predict_proba or a RecurrentTagger for labels",
            lambda v: _tells_states(v),
        )
        | NONE,
        kw_only=False,
    )
    context: int = param(
        default=2,
        doc="""Number of steps before and after each step that a classifier of rows
        sees.""",
        check=integer(0),
    )
    smoothing: float = param(
        default=1.0,
        doc="""Pseudo-count added to each count of initial states and transitions, so
        that unseen ones are not impossible.""",
        check=number(0),
    )

    def fit(self, X, y):
        """Train the network and estimate the Markov chain.

        Parameters
        ----------
        X : n sequences
        y : n sequences of labels, of the same lengths

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X and y do not match, or a parameter is invalid.
        """
        self._check_params()
        X = as_ragged_array(X)
        check_consistent_length(X, y)
        flat = step_answers(y, X.lengths, labels=True)
        network = self._fresh()
        if isinstance(network, RecurrentTagger):
            network.fit(X, np.split(flat, np.cumsum(X.lengths)[:-1]))
        else:
            network.fit(framed(X, self.context), flat)
        self.estimator_, self.n_features_in_ = network, X.shape[2]
        self.classes_ = network.classes_
        self._count(flat, X.lengths)
        return self

    def _fresh(self) -> Any:
        if self.estimator is None:
            return MLPClassifier((64,), max_iter=60, random_state=self.random_state)
        return clone(self.estimator)

    def _count(self, labels: np.ndarray, lengths: np.ndarray) -> None:
        K = len(self.classes_)
        at = np.searchsorted(self.classes_, labels).clip(max=K - 1)
        codes = np.where(self.classes_[at] == labels, at, -1)  # −1: no label
        paths = np.split(codes, np.cumsum(lengths)[:-1])
        chain = counted(paths, K, self.smoothing)
        self.start_, self.transition_ = np.exp(chain.start), np.exp(chain.transition)
        counts = np.bincount(codes[codes >= 0], minlength=K)
        self.prior_ = counts / counts.sum()

    # ---- application ----------------------------------------------------------------

    def predict(self, X):
        """Return the most likely state path of each sequence: a list of (steps,)."""
        chain, b = self._likelihoods(X)
        return [self.classes_[viterbi(chain, one)] for one in b]

    def predict_proba(self, X):
        """Return p(state at t | whole sequence), a list of arrays (steps, K)."""
        chain, b = self._likelihoods(X)
        return [posteriors(chain, one) for one in b]

    def predict_frames(self, X):
        """Return the predictions of the network alone: a list of arrays (steps,)."""
        return [self.classes_[p.argmax(axis=1)] for p in self._of_steps(X)]

    def score(self, X, y):
        """Return the accuracy over all labelled steps."""
        found = np.concatenate(self.predict(X))
        truth = step_answers(y, as_ragged_array(X).lengths, labels=True)
        if isinstance(self.estimator_, RecurrentTagger):
            known = self._labelled(truth)
            found, truth = found[known], truth[known]
        return float(np.mean(found == truth)) if len(truth) else np.nan

    def _labelled(self, labels: np.ndarray) -> np.ndarray:
        """Return a mask of the steps that have a label."""
        target: Any = self.estimator_._target()
        return target.labelled(labels)

    def _of_steps(self, X: Any) -> list[np.ndarray]:
        """Return p(k | xₜ) of every sequence, (steps, K) each."""
        check_is_fitted(self)
        X = as_ragged_array(X)
        if X.shape[2] != self.n_features_in_:
            raise SequenceError(
                f"X has {X.shape[2]} features a step, but this HybridHMM is expecting "
                f"{self.n_features_in_} features as input"
            )
        if isinstance(self.estimator_, RecurrentTagger):
            return self.estimator_.predict_proba(X)
        p = self.estimator_.predict_proba(framed(X, self.context))
        return np.split(p, np.cumsum(X.lengths)[:-1])

    def _likelihoods(self, X: Any) -> tuple[Chain, list[np.ndarray]]:
        """Return the chain, and ln p(xₜ | k) up to a constant that is the same for
        all k.
        """
        found = self._of_steps(X)
        with np.errstate(divide="ignore"):
            chain = Chain(np.log(self.start_), np.log(self.transition_))
        prior = np.log(self.prior_)
        return chain, [np.log(np.clip(p, SMALLEST, 1)) - prior for p in found]

    def _seen_at_once(self) -> int:
        """Return the number of steps in one input of the network."""
        if isinstance(self.estimator_, RecurrentTagger):
            return 1
        check_integer("context", self.context, 0)
        return 1 + 2 * self.context


def _tells_states(estimator: Any) -> bool:
    if isinstance(estimator, RecurrentTagger):
        return estimator._tells_labels
    sequences = isinstance(estimator, SequenceParams | type)
    return hasattr(estimator, "predict_proba") and not sequences


def framed(X: RaggedArray, context: int) -> np.ndarray:
    """Return each step with its neighbours, (total steps, (2 context + 1) features).

    Each sequence is padded by copies of its first and last step.
    """
    starts = np.repeat(np.cumsum(X.lengths) - X.lengths, X.lengths)
    ends = np.repeat(np.cumsum(X.lengths) - 1, X.lengths)
    here = np.arange(len(X.values))
    shifts = range(-context, context + 1)
    rows = np.stack([np.clip(here + shift, starts, ends) for shift in shifts], axis=1)
    return X.values[rows].reshape(len(here), -1)
