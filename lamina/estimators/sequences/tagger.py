"""Recurrent networks with an answer at each step: a label, or numbers."""

from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from lamina.data.sequences.ragged_array import RaggedArray, SequenceError, place_of
from lamina.estimators._core.architectures import shapes_after
from lamina.estimators._core.checks import NONE, check_fits_float32
from lamina.estimators._core.constraints import CLASS_LOSS, LABEL, PART
from lamina.estimators._core.labels import check_same_classes, class_numbers
from lamina.estimators._core.over_sequences import UNITS, OverSequences, joined
from lamina.estimators._core.parameters import estimator, fixed, param
from lamina.estimators._core.regressor import (
    answer_dtype,
    r2,
    resolved,
    scaling_for,
    warn_unreached,
)
from lamina.estimators._core.shared_parameters import ScaleParams
from lamina.estimators._core.training import is_stochastic
from lamina.estimators.sequences.state import FittedTagger
from lamina.networks import GRU, Bidirectional, Dropout, Network
from lamina.networks.functional.losses import UNKNOWN


@estimator
class RecurrentTagger(ScaleParams, OverSequences):
    """Recurrent network that says something at each step of a sequence.

    What it says is a label by default; with ``loss="squared_error"``, or another loss
    of numbers, one or several numbers.

    Equations
    ---------
        E(θ) = [Σⱼ wⱼ meanₜ ℓ(hₜ(xⱼ), yⱼₜ) + ½ α Σ W²] / Σⱼ wⱼ

    The mean is over the steps with a known answer, so each sequence counts the same.

    Shapes
    ------
    X as of :class:`RecurrentClassifier`. y: a list of n_samples arrays (steps,) of
    labels or numbers, or (steps, n_outputs) of numbers; or an array (n_samples, time)
    or (n_samples, time, n_outputs), of which the first steps of each count.

    Attributes
    ----------
    classes_ : ndarray
        The labels, sorted; only if there are labels.
    feature_mean_, … :
        All others as of :class:`RecurrentClassifier`.

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

    layers: Any = param(
        default=None,
        doc="""They have an answer at each step and end before the output layer, a
        softmax at each step for labels; ``Output`` marks one of one's own. By default
        ``Bidirectional(GRU(64))`` and ``dropout``; ``[GRU(64)]`` answers without
        looking ahead.""",
        kw_only=False,
    )
    loss: Any = param(
        default="log_loss",
        doc="""What training makes small: "log_loss" is for labels; a loss of numbers as
        of :class:`lamina.MLPRegressor`.""",
        check=CLASS_LOSS,
    )
    ignore_label: Any = param(
        default=None,
        doc="""Of steps that have none: nothing is learnt from them, nor do they count
        in scores. Numbers that are not known are NaN.""",
        check=LABEL,
    )
    dropout: float | None = param(
        default=None,
        doc="""Dropout of what the default layers tell the output: 0.5 for labels and 0
        for numbers by default.""",
        check=PART | NONE,
    )
    pooling: str = fixed(default="mean", reason="each step has an answer")
    label_smoothing: float = param(
        default=0.0,
        doc="s: labels become (1 − s) y + s / K for K classes; not for numbers.",
    )
    scale_target: bool = param(default=True)

    # ---- training -------------------------------------------------------------------

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train the network: see :meth:`RecurrentClassifier.fit`.

        Parameters
        ----------
        X : n_samples sequences
        y : n_samples sequences of labels or numbers, as long as those of X
        sample_weight : array-like (n_samples,), optional
        X_val, y_val : optional
            A validation set of one's own.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, X_val, y_val)

    @available_if(is_stochastic)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Go on learning for one epoch over these sequences."""
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    @property
    def _tells_labels(self) -> bool:
        return self.loss == "log_loss"

    def _check_fits_solver(self) -> None:
        super()._check_fits_solver()
        if self._algorithm_in_use.needs.one_target:
            raise ValueError(
                f"solver={self.solver!r} needs one answer an example, not one a step; "
                "try 'adam' or 'sgd'"
            )

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any, Any]:
        self._check_given(y)
        X = self._check_inputs(X, reset)
        check_consistent_length(X, y)
        return X, (step_targets(y, X.lengths, self._tells_labels), X.lengths), None

    def _hidden(self, initializer: str) -> tuple:
        rate = self.dropout
        rate = 0.5 * self._tells_labels if rate is None else rate
        dropout = [Dropout(rate)] if rate else []
        return (Bidirectional(GRU(UNITS, initializer=initializer)), *dropout)

    def _pool(self) -> tuple:
        return ()

    def _network(self, head: str, n_outputs: int) -> Network:
        network = super()._network(head, n_outputs)
        shapes = shapes_after(network.layers, self._input_shape())
        for layer, shape in zip(network.layers, shapes, strict=True):
            if len(shape) != 2:
                raise ValueError(
                    f"{layer!r} has one answer for a whole sequence, but here there "
                    "has to be one for each step"
                )
        return network

    def _output_positions(self) -> tuple[int, ...]:
        return (self.max_length_,)

    def _head(self) -> str:
        if self._tells_labels:
            return "softmax"
        return "exp" if self.loss == "poisson" else "identity"

    def _loss(self) -> Any:
        return "cross_entropy" if self._tells_labels else self.loss

    def _mean_over(self) -> int:
        return self.n_outputs_ if self.loss == "squared_error" else 1

    def _encode(
        self, y: Any, missing: Any, first: bool, incremental: bool, classes: Any
    ) -> RaggedArray:
        values, lengths = y
        if not self._tells_labels:
            return RaggedArray(self._numbers(values, first), lengths)
        if first:
            self.classes_ = self._classes_of(values if classes is None else classes)
        elif incremental:
            known = None if classes is None else self._classes_of(classes)
            check_same_classes(known, self.classes_)
        elif not np.array_equal(found := self._classes_of(values), self.classes_):
            raise ValueError(
                "warm_start can only be used with the same classes: previously "
                f"{self.classes_}, now {found}"
            )
        return RaggedArray(self._codes(values)[:, None], lengths)

    def _numbers(self, values: np.ndarray, first: bool) -> np.ndarray:
        if self.loss == "poisson" and (values < 0).any():
            raise ValueError("loss='poisson' needs targets ≥ 0")
        table = values.reshape(len(values), -1)
        if first:
            self._y_ndim = values.ndim
        elif table.shape[1] != self.n_outputs_:
            raise SequenceError(
                f"y has {table.shape[1]} numbers a step, but {self.n_outputs_} were "
                "learnt"
            )
        return table

    @property
    def _scales(self) -> bool:
        return self.scale_target and self.loss != "poisson"

    def _start(self, X: RaggedArray, target: Any, weight: Any) -> None:
        super()._start(X, target, weight)
        if not self._tells_labels:
            y, phi = target.values, self.network_.out_activation
            found = scaling_for(phi, y) if self._scales else resolved(self, y)
            self.target_mean_, self.target_scale_ = found

    def _known(self, labels: np.ndarray) -> np.ndarray:
        if self.ignore_label is None:
            return np.ones(len(labels), bool)
        return np.asarray(labels != self.ignore_label) & np.ones(len(labels), bool)

    def _classes_of(self, labels: Any) -> np.ndarray:
        found = np.unique(labels)
        found = found[self._known(found)]
        if not len(found):
            raise SequenceError("y has no labels: all steps have the ignore_label")
        return found

    def _codes(self, labels: np.ndarray) -> np.ndarray:
        """Return class numbers, UNKNOWN where there is no label."""
        known = self._known(labels)
        strange = np.setdiff1d(labels[known], self.classes_)
        if len(strange):
            raise SequenceError(
                f"y has labels that are not among the classes {self.classes_}: "
                f"{strange[:5]}"
            )
        codes = np.full(len(labels), UNKNOWN, np.int32)
        codes[known] = np.searchsorted(self.classes_, labels[known])
        return codes

    def _n_outputs(self, target: Any) -> int:
        return len(self.classes_) if self._tells_labels else target.shape[2]

    def _target(self, target: Any) -> RaggedArray:
        if self._tells_labels:
            return target
        scaled = (target.values - self.target_mean_) / self.target_scale_
        if self._scales:
            warn_unreached(self.network_.out_activation, scaled)
        if self._dtype() == np.float32:
            known = np.nan_to_num(scaled, posinf=np.inf)
            check_fits_float32(known, "y", target.lengths)
        return RaggedArray(scaled, target.lengths)

    def _joined_targets(self, parts: tuple) -> RaggedArray:
        return joined(list(parts))

    def _strata(self, target: Any) -> None:
        return None

    def _score_outputs(self, target: Any, outputs: Any, weight: np.ndarray) -> float:
        each = np.repeat(weight, target.lengths)
        flat = np.concatenate(list(outputs))
        if not self._tells_labels:
            numbers = flat.astype(float) * self.target_scale_ + self.target_mean_
            return r2(target.values, numbers, each)
        codes = target.values[:, 0]
        known = codes != UNKNOWN
        if not each[known].any():
            return np.nan
        right = flat.argmax(axis=1)[known] == codes[known]
        return float(np.average(right, weights=each[known]))

    # ---- application ----------------------------------------------------------------

    def predict(self, X):
        """Return a list of arrays (steps,) of labels, or of numbers.

        Numbers are (steps, n_outputs) where they were learnt so.
        """
        check_is_fitted(self)
        X = self._check_inputs(X, reset=False)
        found = self._outputs(X)
        if self._tells_labels:
            return [self.classes_[one.argmax(axis=1)] for one in found]
        kind = answer_dtype(self, X)
        numbers = [
            (one.astype(float) * self.target_scale_ + self.target_mean_).astype(kind)
            for one in found
        ]
        return [one[:, 0] for one in numbers] if self._y_ndim == 1 else numbers

    def predict_proba(self, X):
        """Return a list of arrays (steps, n_classes).

        Raises
        ------
        AttributeError
            If the answers are numbers.
        """
        if not self._tells_labels:
            raise AttributeError("numbers have no probabilities")
        return list(self._predicted(X))

    def score(self, X, y, sample_weight=None):
        """Return the accuracy over all steps with a label, or R² over all steps.

        Warns
        -----
        UnseenWarning
            Of labels that were not seen in training: their steps count as errors.
        """
        check_is_fitted(self)
        X, (values, lengths), _ = self._validate(X, y, reset=False)
        if self._tells_labels:
            known = self._known(values)
            codes = np.full(len(values), UNKNOWN, np.int32)
            codes[known] = class_numbers(values[known], self.classes_, "step")
            target = RaggedArray(codes[:, None], lengths)
        else:
            target = self._encode((values, lengths), None, False, True, None)
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight)
        check_consistent_length(X, weight)
        return self._score_outputs(target, self._outputs(X), weight)

    def _outputs(self, X: RaggedArray) -> Any:
        return self._each_output(X)


def step_targets(y: Any, lengths: np.ndarray, labels: bool) -> np.ndarray:
    """Return what is said at each step, one sequence behind the other.

    Parameters
    ----------
    y : list of arrays, or array (n, time, …)
        Of an array the first steps of each sequence count.
    lengths : ndarray of int (n,)
        Steps of each sequence.
    labels : bool
        Whether they are labels; otherwise numbers, NaN where there is none.

    Returns
    -------
    ndarray (steps of all,) of labels or numbers, or (steps of all, outputs)

    Raises
    ------
    SequenceError
        If a sequence has another number of answers than steps, or they are of the
        wrong kind; with the sequence's number.
    """
    if not isinstance(y, list | tuple | RaggedArray):
        y = np.asarray(y)  # of a data frame rows are sequences
    of_one_array = isinstance(y, np.ndarray) and y.ndim > 1
    parts = []
    for number, (one, steps) in enumerate(zip(y, lengths, strict=True)):
        one = np.asarray(one)
        one = one[:steps] if of_one_array and one.ndim else one
        if one.ndim == 0 or len(one) != steps:
            found = len(one) if one.ndim else "one answer"
            raise SequenceError(
                f"sequence {number} has {steps} steps, but y has {found} for it; there "
                "has to be one answer for each step"
            )
        parts.append(one)
        if one.shape[1:] != parts[0].shape[1:] or one.ndim > 2 - labels:
            wanted = "(steps,)" if labels else "(steps,) or (steps, n_outputs)"
            raise SequenceError(
                f"the answers of sequence {number} have shape {one.shape}; {wanted} is "
                "expected, the same for all"
            )
    flat = np.concatenate(parts)
    if labels:
        _refuse_missing(flat, lengths)
        if flat.dtype.kind == "f" and not (np.isfinite(flat).all() and _whole(flat)):
            raise SequenceError(
                "y holds numbers that are no labels; for numbers set "
                "loss='squared_error'"
            )
        return flat
    if flat.dtype.kind not in "iufb":
        raise SequenceError(f"numbers are expected, but y holds {flat.dtype}")
    flat = flat.astype(float)
    if np.isinf(flat).any():
        raise SequenceError("y holds infinite numbers")
    if np.isnan(flat).all():
        raise SequenceError("y holds no known number")
    return flat


def _refuse_missing(labels: np.ndarray, lengths: np.ndarray) -> None:
    """Refuse steps whose label is None or NaN, naming the first."""
    if labels.dtype.kind not in "fO":
        return
    missing = np.array([one is None or one != one for one in labels.tolist()], bool)
    if missing.any():
        step = int(np.argmax(missing))
        number, inside = place_of(lengths, step)
        raise SequenceError(
            f"sequence {number}, step {inside}: the label is missing; give such steps "
            "a label of their own, and say which as ignore_label"
        )


def _whole(numbers: np.ndarray) -> bool:
    return bool((numbers == np.floor(numbers)).all())
