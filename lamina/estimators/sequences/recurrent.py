"""Recurrent networks for sequences: one class or one number for each."""

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
    """What is special about recurrent networks with one answer a sequence."""

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
    """Recurrent network for classes of sequences, which may have different lengths.

    ``RecurrentClassifier().fit(list_of_arrays, labels)`` is all there is to write. Two
    classes get one logistic output, more a softmax, several 0/1 columns one logistic
    output each.

    Equations
    ---------
        a₀ₜ = (xₜ − μ) / σ,   aᵢ = layerᵢ(aᵢ₋₁)
        E(θ) = [Σⱼ wⱼ ℓ(h(xⱼ), yⱼ) + ½ α Σ W²] / Σⱼ wⱼ

    μ and σ are mean and standard deviation of each feature over all steps that were
    given to ``fit``.

    Shapes
    ------
    X: a list of n_samples arrays (steps, n_features) or (steps,); an array (n_samples,
    time, n_features) or (n_samples, time), filled up with NaN behind the last step of
    each sequence; what :func:`lamina.data.as_ragged_array` makes of an array and
    lengths; or a list of texts, whose characters are the steps: embedded if ``layers``
    begin with an ``Embedding`` (or are the default), one-hot otherwise.
    y (n_samples,) labels of any type, or (n_samples, n_labels) of 0 and 1.

    Attributes
    ----------
    feature_mean_, feature_scale_ : ndarray (n_features,)
        μ and σ.
    max_length_ : int
        Steps of the longest sequence that was learnt.
    vocabulary_ : str or None
        The characters of the texts that were learnt, numbered from 1; 0 is any other.
    n_features_in_ : int
        Features of a step.
    classes_, loss_, best_loss_, loss_curve_, validation_scores_,
    best_validation_score_, best_epoch_, t_, n_iter_, n_outputs_, out_activation_
        As of :class:`lamina.MLPClassifier`.
    network_, params_, history_, n_compiles_, stop_reason_, resumed_from_
        See :class:`lamina.estimators._core.network_estimator.NetworkEstimator`.

    Notes
    -----
    Sequences are filled up to 8, 16, 32 … steps and learnt with others of similar
    lengths, one program for each of these lengths; what fills them up never changes an
    answer.

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
    """Recurrent network for numbers that sequences tell, one or several.

    Attributes and methods are those of :class:`RecurrentClassifier` but for classes.

    References
    ----------
    As of :class:`RecurrentClassifier`.

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
