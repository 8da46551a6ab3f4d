"""The deep belief network."""

from dataclasses import replace
from typing import Any

import numpy as np

from lamina import learning
from lamina.estimators._core.parameters.checks import integer
from lamina.estimators._core.parameters.constraints import POSITIVE
from lamina.estimators._core.parameters.table import estimator, param
from lamina.estimators.unsupervised.boltzmann import Boltzmann
from lamina.estimators.unsupervised.state import FittedDeepBelief
from lamina.networks import RBM, Network


@estimator
class DeepBeliefNetwork(Boltzmann):
    """Deep belief network: a stack of RBMs, trained one after the other.

    The first RBM is trained on the inputs, each further one on the hidden units of the
    RBM below. The top RBM models the distribution of the highest features; the RBMs
    below turn a sample of it into an example, layer by layer. As a transformer, the
    network returns the highest features, as inputs of another estimator.

    Equations
    ---------
        P(v, h¹, …, h^L) = P(v | h¹) P(h¹ | h²) … P(h^{L−1}, h^L)
        Q(hˡⱼ = 1) = σ(h^{l−1} Wˡ + bˡ)ⱼ                       features, h⁰ = v
        P(h^{l−1}ᵢ = 1 | hˡ) = σ(hˡ Wˡᵀ + aˡ)ᵢ                  generation, downwards

    and P(h^{L−1}, h^L) is the distribution of the top RBM. Each RBM is trained on the
    probabilities Q of the RBM below, as in :class:`lamina.ContrastiveDivergence`. A
    further RBM does not lower a variational bound on log P(v) if it is initialised by
    the transposed weights of the RBM below [1]_. With ``wake_sleep_epochs``, all RBMs
    are then trained together, and generation has weights of its own instead of W: see
    :class:`lamina.UpDown`.

    Shapes
    ------
    v (n_samples, n_features), hˡ (n_samples, n_components[l]).

    Attributes
    ----------
    network_ : Network
        The RBMs, as layers.
    params_ : tuple of dict
        Their parameters.
    history_ : dict of list
        ``loss`` of the first RBM, ``layer2_loss`` … of the others, and
        ``up_down_loss``.
    coefs_, intercepts_ : tuple of ndarray
        Recognition weights and biases, for inputs in units of X.
    feature_mean_, feature_scale_ : ndarray (n_features,)
        Mean and scale of Gaussian inputs.
    n_features_in_, feature_names_in_, n_iter_, n_compiles_
        As in every estimator.

    References
    ----------
    .. [1] Hinton, Osindero & Teh (2006), A fast learning algorithm for deep belief
       nets, Neural Computation 18.

    Examples
    --------
    >>> from lamina import DeepBeliefNetwork, data
    >>> X = data.load("digits").X / 16
    >>> model = DeepBeliefNetwork((100, 50), random_state=0).fit(X)
    >>> model.transform(X).shape, model.sample(5).shape
    ((1797, 50), (5, 64))
    """

    _state_type = FittedDeepBelief

    wake_sleep_epochs: int = param(
        default=0,
        doc="""Epochs of the up–down algorithm after training layer by layer. It uses
        ``n_steps`` and ``schedule``, too, but not momentum, weight decay and
        sparsity.""",
        check=integer(0),
    )
    wake_sleep_rate: float = param(
        default=0.01, doc="Learning rate η of the up–down algorithm.", check=POSITIVE
    )

    @property
    def _units(self) -> tuple[int, ...]:
        return sizes(self.n_components)

    def _train(self, X: Any, weight: np.ndarray | None, incremental: bool) -> None:
        super()._train(X, weight, incremental)
        chains = super()._chains()
        top = len(self.params_[-1]["bias"])
        there = chains is not None and chains.shape[1] == top
        self._top_chains = chains if there else None
        self._state = None  # no RBM is trained further on its own
        if self.wake_sleep_epochs:
            self._untie()
            if self.stop_reason_ == "finished":
                self._train_together(X, weight)

    def _untie(self) -> None:
        """Give all RBMs except the top one separate generative weights."""
        *below, top = self.params_
        untied = [{**own, "down": own["weight"].copy()} for own in below]
        self.params_ = (*untied, top)
        self.network_ = Network(self._learnt_layers())

    def _learnt_layers(self) -> tuple[RBM, ...]:
        layers = self._layers()
        if not self.wake_sleep_epochs:
            return layers
        return (*[replace(one, untied=True) for one in layers[:-1]], layers[-1])

    def _train_together(self, X: Any, weight: np.ndarray | None) -> None:
        """Train all RBMs together by the up–down algorithm."""
        compiled, epochs = self.n_compiles_, self.n_iter_
        self._run(
            learning.Problem(
                learning.Objective(self.network_, "squared_error"),
                learning.UpDown(self.wake_sleep_rate, self.n_steps),
                self._loader(X, weight, self.batch_size),
            ),
            learning.Start(self.params_, self._run_key.fold_in("up_down")),
            learning.Control(self.wake_sleep_epochs, schedule=self._schedule()),
            "up_down_",
        )
        self._state = None
        self.n_compiles_ += compiled
        self.n_iter_ += epochs

    def _check_params(self) -> None:
        super()._check_params()
        if self.wake_sleep_epochs and len(self._units) < 2:
            raise ValueError(
                "wake_sleep_epochs is for a stack of RBMs; n_components has only one"
            )

    def _chains(self) -> np.ndarray | None:
        return self._top_chains


def sizes(units: Any) -> tuple[int, ...]:
    """Return the number of hidden units of each RBM as a tuple."""
    return tuple(np.atleast_1d(units).tolist())
