"""The deep Boltzmann machine."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina import learning
from lamina.estimators._core.parameters.constraints import COUNT
from lamina.estimators._core.parameters.table import estimator, fixed, param
from lamina.estimators.unsupervised.boltzmann import Boltzmann
from lamina.estimators.unsupervised.dbn import sizes
from lamina.learning.sampling.gibbs import (
    compiled_bounds,
    compiled_deep_made_again,
    compiled_deep_walk,
    compiled_means,
)


@estimator
class DeepBoltzmannMachine(Boltzmann):
    """Deep Boltzmann machine: hidden layers with undirected connections.

    Unlike in a :class:`DeepBeliefNetwork`, a hidden unit depends on the layer below and
    on the layer above, and all layers are trained together. Training starts with one
    layer and adds one after the other. A new layer has weights near 0, so that it
    leaves the distribution almost unchanged; then it is trained together with the
    layers below.

    Equations
    ---------
        E(v, h¹, …, h^L) = −Σ_l h^{l−1}·aˡ + hˡ·bˡ + h^{l−1} Wˡ hˡ,   h⁰ = v
        log P(v) ≥ −⟨E(v, h)⟩ + H(Q) − log Z,   Q(h | v) = Π μᵢ^hᵢ (1 − μᵢ)^(1 − hᵢ)
        μˡ = σ(μ^{l−1} Wˡ + bˡ + μ^{l+1} W^{l+1}ᵀ + a^{l+1})

    and training as in :class:`lamina.MeanFieldLearning`. For Gaussian inputs ½ ‖v −
    a¹‖² replaces −v·a¹.

    Shapes
    ------
    v (n_samples, n_features), hˡ and μˡ (n_samples, n_components[l]).

    Attributes
    ----------
    network_ : Network
        One RBM per hidden layer; their energies add up.
    params_ : tuple of dict
        Their parameters.
    history_ : dict of list
        ``loss`` of training with one layer, ``layer2_loss`` with two, and so on.
    feature_mean_, feature_scale_ : ndarray (n_features,)
        Mean and scale of Gaussian inputs.
    n_features_in_, feature_names_in_, n_iter_, n_compiles_
        As in every estimator.

    References
    ----------
    Salakhutdinov & Hinton (2009), Deep Boltzmann machines, AISTATS. There, each layer
    is first trained as a separate RBM, in which the input from one side counts twice.

    Examples
    --------
    >>> from lamina import DeepBoltzmannMachine, data
    >>> X = data.load("digits").X / 16
    >>> model = DeepBoltzmannMachine((50, 20), random_state=0).fit(X)
    >>> model.transform(X).shape, model.sample(5).shape
    ((1797, 20), (5, 64))
    """

    n_components: Any = param(
        default=(256, 256),
        doc="""Number of hidden units of each layer, the lowest first; a single number
        is one layer.""",
        kw_only=False,
    )
    learning_rate: float = param(
        default=0.05, doc="Learning rate η; about 0.005 for Gaussian inputs."
    )
    n_iter: int = param(default=10, doc="Number of epochs for each number of layers.")
    batch_size: int = param(default=50)
    n_updates: int = param(
        default=10, doc="Mean-field updates of μ per example.", check=COUNT
    )
    persistent: bool = fixed(default=True, reason="its chains are always persistent")
    sparsity_target: float | None = fixed(
        default=None, reason="mean-field learning has no such term"
    )
    sparsity_cost: float = fixed(default=0.1, reason="it has no sparsity_target")

    def transform(self, X):
        """Return the mean-field means μ of the top layer (n_samples, units)."""
        return self._of_rows(compiled_means, X)

    def score_samples(self, X):
        """Return the lower bound of log P(v) + log Z, −⟨E⟩ + H(Q), (n_samples,).

        Without log Z it compares examples of one model, not different models.
        """
        return self._of_rows(compiled_bounds, X)

    def score(self, X, y=None):
        """Return the mean of :meth:`score_samples`."""
        return float(np.mean(self.score_samples(X)))

    def _of_rows(self, program: Any, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._of_seen(program, self._encoded(self._checked(X, reset=False)))

    def _of_seen(self, program: Any, X: Any) -> np.ndarray:
        now = self.network_.layers, self.params_, self.n_updates
        return self._by_chunks(program, now, X)

    def _made_again(self, X: Any) -> np.ndarray:
        return self._of_seen(compiled_deep_made_again, X)

    @property
    def _units(self) -> tuple[int, ...]:
        return sizes(self.n_components)

    @property
    def _sparse(self) -> bool:
        return False  # the program combines the inputs with dense means

    def _algorithm(self) -> Any:
        return learning.MeanFieldLearning(
            self.learning_rate,
            int(self.n_steps),
            int(self.batch_size),
            int(self.n_updates),
            self.momentum or None,
        )

    def _train(self, X: Any, weight: np.ndarray | None, incremental: bool) -> None:
        """Train one layer, then two, …; an interruption ends training altogether."""
        learnt, compiled, epochs = self.params_, 0, 0
        for depth in range(1, len(learnt) + 1):
            self.params_ = learnt[:depth]
            self._train_one(depth - 1, slice(depth), X, weight, incremental)
            learnt = (*self.params_, *learnt[depth:])
            compiled, epochs = compiled + self.n_compiles_, epochs + self.n_iter_
            if self.stop_reason_ in ("interrupted", "diverged"):
                break
        self.params_, self.n_compiles_, self.n_iter_ = learnt, compiled, epochs

    def _drawn(self, n: int, steps: int, key: Any) -> tuple[np.ndarray, np.ndarray]:
        chains = self._state["chains"] if isinstance(self._state, dict) else ()
        odd = self._units[::2]
        if [chain.shape[1] for chain in chains] != list(odd):
            chains = [np.zeros((1, units), self._dtype()) for units in odd]
        odd = tuple([chain[np.arange(n) % len(chain)] for chain in chains])
        now = self.network_.layers, self.params_, odd
        v, mean = compiled_deep_walk(*now, steps, key.words())
        return np.asarray(v), np.asarray(mean)
