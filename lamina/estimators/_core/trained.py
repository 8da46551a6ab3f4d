"""The base of networks that are trained on examples with targets."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina import learning
from lamina.estimators._core.architecture.architecture import Architecture
from lamina.estimators._core.estimator import Estimator
from lamina.estimators._core.inputs.inputs import Inputs
from lamina.estimators._core.network_estimator import NetworkEstimator
from lamina.estimators._core.parameters.shared import (
    NetworkParams,
    PretrainingParams,
    TrainingParams,
)
from lamina.estimators._core.parts import recall
from lamina.estimators._core.preparation import Checked, Preparation
from lamina.estimators._core.refit import best_epoch
from lamina.estimators._core.reporting.diagnosis import advise, case_of
from lamina.estimators._core.run import learning_dtype
from lamina.estimators._core.targets.target import Target
from lamina.estimators._core.training import algorithm_of, terms_of
from lamina.learning.objectives.adversarial import Attack
from lamina.learning.protocols import Algorithm, Term
from lamina.networks import Key
from lamina.networks.core.computing import computing


class TrainedNetwork(
    NetworkParams,
    PretrainingParams,
    TrainingParams,
    NetworkEstimator,
    Estimator,
    ABC,
):
    """A network that is trained on examples with targets.

    It has three parts, which a subclass builds from its parameters: ``inputs`` (what an
    example is), ``target`` (what is predicted) and ``architecture`` (the layers in
    between). :mod:`lamina.estimators._core.fitting` uses them.
    """

    n_outputs_: int
    classes_: np.ndarray  # these where the parts learn them
    image_shape_: tuple[int, ...]
    feature_mean_: np.ndarray
    feature_scale_: np.ndarray

    @abstractmethod
    def _inputs(self) -> Inputs:
        """Return the inputs as the parameters define them, not fitted."""

    @abstractmethod
    def _target(self) -> Target:
        """Return the target as the parameters define it, not fitted."""

    @abstractmethod
    def _architecture(self) -> Architecture:
        """Return the architecture as the parameters define it."""

    def _parts(self) -> tuple[Inputs, Target]:
        """Return the fitted inputs and target."""
        return recall(self._inputs(), self), recall(self._target(), self)

    def _known(self, X: Any, y: Any) -> Checked:
        """Validate and encode examples with the fitted inputs and target."""
        inputs, target = self._parts()
        X = inputs.check(self, X)
        return Checked(X, target.encode(target.check(self, y, X)))

    def _prepared(self, algorithm: Algorithm) -> Preparation:
        """Return the preparation of data for this network."""
        dtype = learning_dtype(self, algorithm)
        own = self.network_, self.params_, dtype
        return Preparation(self, *self._parts(), algorithm, *own)

    def _objective(self) -> learning.Objective:
        _, target = self._parts()
        loss = target.loss_for(self.network_.out_activation)
        own = self.network_, loss, self._terms()
        return learning.Objective(*own, outputs=target.mean_over)

    def _terms(self) -> tuple[Term, ...]:
        """Return the terms of the objective beside the loss."""
        return terms_of(self)

    def _algorithm(self) -> Algorithm:
        return algorithm_of(self)

    def _check_params(self) -> None:
        super()._check_params()
        if self.refit is not None and not self.early_stopping:
            raise ValueError(f"refit={self.refit!r} needs early_stopping=True")

    # ---- what was learnt ------------------------------------------------------------

    def _summarise(self) -> None:
        """Set scikit-learn's attributes from ``history_``."""
        losses = self.history_.get("loss", [])
        scores = self.history_.get("score")
        self.loss_curve_ = losses
        self.loss_ = losses[-1] if losses else np.nan
        self.validation_scores_ = scores
        self.best_validation_score_ = max(scores) if scores else None
        self.best_loss_ = None if self.early_stopping else min(losses, default=np.inf)
        self.out_activation_ = self.network_.out_activation

    @property
    def best_epoch_(self) -> int:
        """The epoch of the last call of ``fit`` whose weights are kept."""
        return best_epoch(self)

    @property
    def diagnosis_(self) -> str | None:
        """One sentence about what is most likely wrong; None if nothing is.

        It goes by ``diagnostics_``, the course of the loss and the scale of the inputs,
        and looks for inputs that are not scaled, divergence, a learning rate that is
        too high, δ that fades on its way down, dead and saturated units, a learning
        rate that is too low, and outputs that are the same for all examples; in this
        order, because what comes first may be the reason for what follows.
        """
        check_is_fitted(self)
        case = case_of(self, algorithm_of(self))
        return None if case is None else advise(case)

    def _input_shape(self) -> tuple[int, ...]:
        return self._parts()[0].shape

    def _output_positions(self) -> tuple[int, ...]:
        inputs, target = self._parts()
        return target.output_shape(inputs.shape)[:-1]

    # ---- application ----------------------------------------------------------------

    def _predicted(self, X: Any) -> tuple[Any, Any]:
        """Return the outputs for X, and the validated X."""
        if not hasattr(self, "params_"):
            check_is_fitted(self)  # raises; asking it costs 15 µs
        inputs = recall(self._inputs(), self)
        X = inputs.check(self, X)
        return inputs.outputs(self.network_, self.params_, X), X

    def adversarial_examples(self, X, y, attack, *, random_state=0) -> Any:
        """Return inputs moved, within bounds, to where the network is most wrong.

        The score of what comes back tells how robust the network is; ``fit`` with
        ``adversarial=`` makes it more so.

        Parameters
        ----------
        X, y : as for ``score``
        attack : FGSM or PGD
            How they are moved and how far, in units of X: ``FGSM(0.1, low=0, high=1)``
            for images of numbers from 0 to 1. For sequences in standard deviations of
            each feature.
        random_state : int, default=0
            For random starts.

        Returns
        -------
        ndarray of the shape of the inputs as the network sees them
            For sequences a list of arrays (steps, n_features).

        Raises
        ------
        NotFittedError
            If there is no network yet.
        ValueError
            If ``attack`` is none, or X or y do not fit.
        """
        check_is_fitted(self)
        if not isinstance(attack, Attack):
            raise ValueError(f"attack must be FGSM() or PGD(), got {attack!r}")
        data = self._known(X, y)
        with computing(self._dtype()):
            prepared = self._prepared(algorithm_of(self))
            examples = prepared.examples(*data)
            size = prepared.validation(examples, data.y).loader.batch_size
            loader = learning.Loader(examples, batch_size=size, shuffle=False)
            key, now = Key(int(random_state)), (self._objective(), self.params_)
            moved = learning.adversarial_examples(*now, attack, loader, key)
        return prepared.inputs.decode(moved, data.X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        return tags
