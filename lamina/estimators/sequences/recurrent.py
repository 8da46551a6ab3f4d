"""Recurrent networks that predict one class or number for each sequence."""

from typing import Any

from lamina.estimators._core.answering import Classifying, Regressing
from lamina.estimators._core.architecture.recurrent import RecurrentArchitecture
from lamina.estimators._core.inputs.sequence import SequenceInputs
from lamina.estimators._core.parameters.shared import (
    ClassParams,
    NumberParams,
    SequenceParams,
)
from lamina.estimators._core.parameters.table import estimator, param
from lamina.estimators._core.targets.classes import ClassTarget
from lamina.estimators._core.targets.numbers import NumberTarget
from lamina.estimators._core.trained import TrainedNetwork
from lamina.estimators.sequences.state import (
    FittedSequenceClassifier,
    FittedSequenceRegressor,
)


class SequenceMethods(SequenceParams):
    """What recurrent networks with one output per sequence share."""

    dtype: str

    def _inputs(self) -> SequenceInputs:
        return SequenceInputs(self.dtype, self.standardize, self.layers, self.solver)

    def _architecture(self) -> RecurrentArchitecture:
        hidden = self.layers, self.init, self.dropout
        return RecurrentArchitecture(*hidden, self.pooling, self.tbptt)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.three_d_array = True
        return tags


@estimator
class RecurrentClassifier(SequenceMethods, Classifying, ClassParams, TrainedNetwork):
    """Recurrent network that classifies sequences, whose lengths may differ.

    ``RecurrentClassifier().fit(list_of_arrays, labels)`` works without further
    settings. The output is one logistic unit for two classes, a softmax layer for more,
    and one logistic unit per column for several 0/1 columns.

    Equations
    ---------
        a₀ₜ = (xₜ − μ) / σ,   aᵢ = layerᵢ(aᵢ₋₁)
        E(θ) = [Σⱼ wⱼ ℓ(h(xⱼ), yⱼ) + ½ α Σ W²] / Σⱼ wⱼ

    μ and σ are the mean and the standard deviation of each feature over all steps
    passed to ``fit``.

    Shapes
    ------
    X: a list of n_samples arrays (steps, n_features) or (steps,); an array (n_samples,
    time, n_features) or (n_samples, time), padded with NaN after the last step of each
    sequence; the result of :func:`lamina.data.as_ragged_array` for an array and
    lengths; or a list of texts, whose characters are the steps. Characters are embedded
    if ``layers`` begin with an ``Embedding`` (or are the default), and one-hot encoded
    otherwise. y: (n_samples,) labels of any type, or (n_samples, n_labels) of 0 and 1.

    Attributes
    ----------
    feature_mean_, feature_scale_ : ndarray (n_features,)
        μ and σ.
    max_length_ : int
        Number of steps of the longest training sequence.
    vocabulary_ : str or None
        The characters of the training texts, numbered from 1; all others have the
        number 0. None if X are not texts.
    n_features_in_ : int
        Number of features per step.
    classes_, loss_, best_loss_, loss_curve_, validation_scores_,
    best_validation_score_, best_epoch_, t_, n_iter_, n_outputs_, out_activation_
        As in :class:`lamina.MLPClassifier`.
    network_, params_, history_, n_compiles_, stop_reason_, resumed_from_
        See :class:`lamina.estimators._core.network_estimator.NetworkEstimator`.

    Notes
    -----
    Batches consist of sequences of similar length, padded to 8, 16, 32 … steps; each of
    these lengths has its own compiled program. Padding never changes a prediction.

    References
    ----------
    Schuster & Paliwal (1997), Bidirectional recurrent neural networks, IEEE Trans.
    Signal Processing 45; Werbos (1990), Backpropagation through time, Proc. IEEE 78;
    Williams & Peng (1990), An efficient gradient-based algorithm for on-line training
    of recurrent network trajectories, Neural Computation 2 (truncated).

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import RecurrentClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=rng.integers(5, 12)) for _ in range(200)]
    >>> y = ["up" if x.sum() > 0 else "down" for x in X]
    >>> model = RecurrentClassifier(max_iter=20, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _state_type = FittedSequenceClassifier

    def _target(self) -> ClassTarget:
        return ClassTarget(self.dtype, self.loss, self.class_weight)


@estimator
class RecurrentRegressor(SequenceMethods, Regressing, NumberParams, TrainedNetwork):
    """Recurrent network for regression on sequences, with one or several outputs.

    Attributes and methods are those of :class:`RecurrentClassifier`, except those about
    classes.

    References
    ----------
    As in :class:`RecurrentClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import RecurrentRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=rng.integers(5, 12)) for _ in range(200)]
    >>> y = [x.mean() for x in X]
    >>> model = RecurrentRegressor(max_iter=20, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _state_type = FittedSequenceRegressor

    scale_target: bool = param(default=True)
    dropout: float | None = param(default=0.0)

    def _target(self) -> NumberTarget:
        return NumberTarget(self.dtype, self.loss, self.scale_target)
