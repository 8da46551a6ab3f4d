"""Recurrent networks with an output at each step: a label, or numbers."""

from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import available_if

from lamina.estimators._core.architecture.recurrent import RecurrentArchitecture
from lamina.estimators._core.fitting import fit
from lamina.estimators._core.inputs.sequence import SequenceInputs
from lamina.estimators._core.parameters.checks import NONE
from lamina.estimators._core.parameters.constraints import CLASS_LOSS, LABEL, PART
from lamina.estimators._core.parameters.shared import ScaleParams, SequenceParams
from lamina.estimators._core.parameters.table import estimator, fixed, param
from lamina.estimators._core.preparation import Request
from lamina.estimators._core.targets.steps import StepLabels, StepNumbers
from lamina.estimators._core.trained import TrainedNetwork
from lamina.estimators._core.training import is_stochastic
from lamina.estimators.sequences.state import FittedTagger


@estimator
class RecurrentTagger(ScaleParams, SequenceParams, TrainedNetwork):
    """Recurrent network with an output at each step: sequence labelling.

    The outputs are labels by default. With ``loss="squared_error"``, or another
    regression loss, they are one or several numbers per step.

    Equations
    ---------
        E(θ) = [Σⱼ wⱼ meanₜ ℓ(hₜ(xⱼ), yⱼₜ) + ½ α Σ W²] / Σⱼ wⱼ

    The mean is over the steps with a known target, so each sequence has equal weight.

    Shapes
    ------
    X as in :class:`RecurrentClassifier`. y: a list of n_samples arrays (steps,) of
    labels or numbers, or (steps, n_outputs) of numbers; or an array (n_samples, time)
    or (n_samples, time, n_outputs), whose values after the last step of a sequence are
    ignored.

    Attributes
    ----------
    classes_ : ndarray
        The labels, sorted; only for labels.
    feature_mean_, … :
        All others as in :class:`RecurrentClassifier`.

    References
    ----------
    Graves (2012), Supervised sequence labelling with recurrent neural networks,
    Springer, section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import RecurrentTagger
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=rng.integers(5, 12)) for _ in range(200)]
    >>> y = [np.where(np.cumsum(x) > 0, "above", "below") for x in X]
    >>> model = RecurrentTagger(max_iter=20, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _state_type = FittedTagger

    _per_step = True

    layers: Any = param(
        default=None,
        doc="""Hidden layers with an output at each step. The output layer is added, for
        labels a softmax at each step; to define it yourself, mark the last layer by
        ``Output``. By default ``Bidirectional(GRU(64))`` and ``dropout``; ``[GRU(64)]``
        predicts without looking ahead.""",
        kw_only=False,
    )
    loss: Any = param(
        default="log_loss",
        doc="""The loss: "log_loss" for labels, or a loss for numbers, as in
        :class:`lamina.MLPRegressor`.""",
        check=CLASS_LOSS,
    )
    ignore_label: Any = param(
        default=None,
        doc="""Value of y for steps without a label. They are excluded from training and
        from the score. For numbers, mark unknown targets by NaN instead.""",
        check=LABEL,
    )
    dropout: float | None = param(
        default=None,
        doc="""Dropout rate before the output layer, if ``layers`` is None; by default
        0.5 for labels and 0 for numbers.""",
        check=PART | NONE,
    )
    pooling: str = fixed(default="mean", reason="each step has an output")
    label_smoothing: float = param(
        default=0.0,
        doc="""Smoothing s: the targets of K classes become (1 − s) y + s / K. Not for
        numbers.""",
    )
    scale_target: bool = param(default=True)

    # ---- training -------------------------------------------------------------------

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train the network: see :meth:`RecurrentClassifier.fit`.

        Parameters
        ----------
        X : n_samples sequences
        y : n_samples sequences of labels or numbers, of the same lengths
        sample_weight : array-like (n_samples,), optional
        X_val, y_val : optional
            A validation set of your own.

        Returns
        -------
        self
        """
        return fit(self, Request(X, y, sample_weight, X_val, y_val))

    @available_if(is_stochastic)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train for one more epoch, on these sequences."""
        how = {"incremental": True, "classes": classes}
        return fit(self, Request(X, y, sample_weight, **how))

    @property
    def _tells_labels(self) -> bool:
        return self.loss == "log_loss"

    def _inputs(self) -> SequenceInputs:
        given = self.dtype, self.standardize, self.layers, self.solver
        return SequenceInputs(*given, of_steps=True)

    def _target(self) -> StepLabels | StepNumbers:
        own = self.dtype, self.loss
        if self._tells_labels:
            return StepLabels(*own, self.ignore_label)
        return StepNumbers(*own, self.scale_target)

    def _architecture(self) -> RecurrentArchitecture:
        dropout = self.dropout
        dropout = 0.5 * self._tells_labels if dropout is None else dropout
        return RecurrentArchitecture(self.layers, self.init, dropout, None, self.tbptt)

    # ---- application ----------------------------------------------------------------

    def predict(self, X):
        """Return a list of arrays (steps,) of labels or numbers.

        Numbers are (steps, n_outputs) if the targets of ``fit`` had that shape.
        """
        outputs, X = self._predicted(X)
        _, target = self._parts()
        return target.decode(outputs, X.dtype)

    def predict_proba(self, X):
        """Return a list of arrays (steps, n_classes).

        Raises
        ------
        AttributeError
            If the outputs are numbers.
        """
        if not self._tells_labels:
            raise AttributeError("numbers have no probabilities")
        return list(self._predicted(X)[0])

    def score(self, X, y, sample_weight=None):
        """Return the accuracy over all labelled steps; for numbers, R² over all steps.

        Warns
        -----
        UnseenWarning
            If y has labels that were not seen in training: their steps count as errors.
        """
        outputs, X = self._predicted(X)
        _, target = self._parts()
        answers = target.check(self, y, X)
        strange = isinstance(target, StepLabels)
        y = target.encode_any(answers) if strange else target.encode(answers)
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight)
        check_consistent_length(X, weight)
        return target.score(y, outputs, weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
