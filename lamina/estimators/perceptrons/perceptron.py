"""The perceptron: a drop-in replacement for scikit-learn's, with trace and codes."""

import dataclasses
from numbers import Integral
from typing import Any

import jax
import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from lamina import learning
from lamina.estimators._core.estimator import Estimator
from lamina.estimators._core.holdout import split
from lamina.estimators._core.network_estimator import NetworkEstimator
from lamina.estimators._core.parameters.checks import (
    BOOLEAN,
    NONE,
    Check,
    check_fits_float32,
    number,
    option,
)
from lamina.estimators._core.parameters.constraints import (
    CLASS_WEIGHT,
    COUNT,
    INITIALIZER,
    POSITIVE,
    SHARE,
)
from lamina.estimators._core.parameters.shared import EarlyStoppingParams, EpochParams
from lamina.estimators._core.parameters.table import estimator, fixed, param
from lamina.estimators._core.run import (
    all_or_nothing,
    key_of,
    learn,
    start_anew,
    with_progress,
)
from lamina.estimators._core.targets.labels import Labels, check_same_classes, plain
from lamina.estimators.perceptrons.state import FittedPerceptron
from lamina.learning.data.loader import padded_size
from lamina.learning.loop.apply import outputs
from lamina.networks import Dense, Network
from lamina.networks.core.computing import computing

PENALTIES = ("l2", "l1", "elasticnet")
MULTICLASS = ("one_vs_rest", "codes")


@estimator
class Perceptron(
    ClassifierMixin, EarlyStoppingParams, EpochParams, NetworkEstimator, Estimator
):
    """Perceptron: one layer of threshold units, trained by Rosenblatt's rule.

    Parameters that scikit-learn's perceptron has too have the same meaning. Unless
    there is a penalty, training ends with the first epoch without a mistake, since no
    weight would change after that. Linearly separable data reach such an epoch if
    ``max_iter`` and ``tol`` allow it; other data never do.

    Equations
    ---------
        h = W x + b,   a = sign(h)             a tie, h = 0, counts as +1
        e = y − a                              y = −1, +1: second class, or this class
        W ← W + ½ η e xᵀ,   b ← b + ½ η e      for each example in turn

    :class:`lamina.learning.PerceptronRule` says how penalties enter. ``coef_`` is W.

    For C > 2 classes there are two ways. "one_vs_rest" has one unit per class, with
    target +1 for its class, and predicts the class with the largest h. "codes" has S =
    ⌈log₂ C⌉ units, whose targets are the binary digits of the class index. It predicts
    the class whose code the units output. If no class has that code, it predicts the
    class whose code differs in the fewest digits, and among several of these the one
    with the largest Σⱼ codeⱼ hⱼ.

    Shapes
    ------
    X (n_samples, n_features); y (n_samples,) labels of any type.

    Attributes
    ----------
    coef_ : ndarray (units, n_features)
        W; one unit for two classes, otherwise one per class or per binary digit.
    intercept_ : ndarray (units,)
        b.
    classes_ : ndarray (n_classes,)
        The labels, sorted; the second of two is the positive one.
    codes_ : ndarray (n_classes, units)
        The targets −1 and +1 of each class.
    converged_ : bool
        Whether the last epoch had no mistake.
    trace_ : ndarray (1 + steps, n_features + 1) or (1 + steps, units, n_features + 1)
        With ``trace``: the weights at the start and after each step, the bias last (if
        there is one); the second shape for more than one unit.
    n_iter_ : int
        Number of epochs of the last call.
    t_ : int
        1 + the number of steps.
    history_ : dict of list
        For each epoch the ``loss`` Σ max(0, −y h), penalties included, and the number
        of ``mistakes``, each computed before the step of an example and averaged over
        the examples; with ``early_stopping`` also ``validation_loss`` and ``score``.
    n_features_in_, feature_names_in_
        As in scikit-learn.
    network_, params_, n_compiles_, stop_reason_
        See :class:`lamina.estimators._core.network_estimator.NetworkEstimator`.

    Notes
    -----
    Differences from scikit-learn's perceptron:

    - At a tie, h = 0, scikit-learn updates the weights whatever the label, and predicts
      the first class; here a tie counts as +1.
    - It stops each one-vs-rest unit separately; here all units are trained until none
      improves.
    - It does not stop after an epoch without mistakes.
    - It weights the steps, but not the loss, by ``sample_weight``.
    - With ``early_stopping`` it returns the last weights, not the best ones.

    References
    ----------
    Rosenblatt (1958), The perceptron: a probabilistic model for information storage and
    organization in the brain, Psychological Review 65; Rosenblatt (1962), Principles of
    Neurodynamics, chapter 5; Novikoff (1962), On convergence proofs on perceptrons,
    Symposium on the Mathematical Theory of Automata.

    Examples
    --------
    >>> from lamina import Perceptron
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 1]
    >>> model = Perceptron(tol=None).fit(X, y)
    >>> model.predict(X).tolist(), model.converged_
    ([0, 1, 1, 1], True)
    """

    _state_type = FittedPerceptron
    _leading = (
        "penalty",
        "alpha",
        "l1_ratio",
        "fit_intercept",
        "max_iter",
        "tol",
        "shuffle",
        "verbose",
        "eta0",
        "n_jobs",
        "random_state",
        "early_stopping",
        "validation_fraction",
        "n_iter_no_change",
        "class_weight",
        "warm_start",
    )

    penalty: str | None = param(
        default=None,
        doc="Penalty on the weights: ½ α Σ W², α Σ |W|, or a mixture of both.",
        check=option(*PENALTIES) | NONE,
    )
    alpha: float = param(default=0.0001, doc="α of the penalty.", check=number(0))
    l1_ratio: float = param(
        default=0.15,
        doc='The share ρ of L1 in "elasticnet": α ρ Σ |W| + ½ α (1 − ρ) Σ W².',
        check=SHARE,
    )
    fit_intercept: bool = param(
        default=True, doc="Whether to fit the bias b.", check=BOOLEAN
    )
    max_iter: int = param(default=1000, doc="Maximum number of epochs.")
    tol: Any = param(
        default=1e-3,
        doc="""An epoch counts as an improvement if the loss falls (or the score rises)
        by at least this. None trains until there is no mistake, or for ``max_iter``
        epochs.""",
        check=number(0, infinite=True) | NONE,
    )
    verbose: Any = param(default=0)
    eta0: float = param(
        default=1.0,
        doc="""Learning rate η. If W starts at 0 and there is no penalty, it only scales
        W and b.""",
        check=POSITIVE,
    )
    n_jobs: int | None = param(
        default=None,
        doc="Ignored: all units are trained in the same steps.",
        check=Check("a whole number", lambda v: isinstance(v, Integral)) | NONE,
    )
    random_state: Any = param(default=0)
    n_iter_no_change: float = param(default=5, check=COUNT)
    class_weight: Any = param(
        default=None,
        doc="""Factor of the steps for each class. With "one_vs_rest", it applies to the
        examples of the class in the unit of the class.""",
        check=CLASS_WEIGHT,
    )
    multiclass: str = param(
        default="one_vs_rest",
        doc="How more than two classes are encoded: see the equations above.",
        check=option(*MULTICLASS),
    )
    trace: bool = param(
        default=False,
        doc="Whether to record the weights after every step in ``trace_``.",
        check=BOOLEAN,
    )
    init: str = param(
        default="zeros",
        doc="""Initialiser of W, such as "uniform" or "normal"; b starts at 0.
        ``coef_init`` and ``intercept_init`` of :meth:`fit` take precedence.""",
        check=INITIALIZER,
    )
    checkpoint: Any = fixed(default=None, reason="a trace cannot be resumed")
    checkpoint_seconds: float = fixed(default=30.0, reason="it has no checkpoint")

    _advice = (
        "raise max_iter, or tol to be content with less. Data that are not linearly "
        "separable need more layers: see MLPClassifier."
    )

    def fit(self, X, y, coef_init=None, intercept_init=None, sample_weight=None):
        """Train until no example is misclassified, or training stops improving.

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features)
        y : array-like (n_samples,)
        coef_init : array-like (units, n_features), optional
            Initial W; for two classes (n_features,) is accepted, too.
        intercept_init : array-like (units,), optional
            Initial b.
        sample_weight : array-like (n_samples,), optional
            Factor of the step of each example.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If parameters or data are invalid; for instance if there is only one class.

        Warns
        -----
        ConvergenceWarning
            If training diverged, was interrupted, or reached ``max_iter``.
        """
        with all_or_nothing(self):
            return self._fit(X, y, sample_weight, coef_init, intercept_init)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one more epoch, on these examples.

        Parameters
        ----------
        X, y, sample_weight
            As in :meth:`fit`.
        classes : array-like, optional
            All classes; required in the first call.

        Returns
        -------
        self
        """
        if self.early_stopping:
            raise ValueError("early_stopping should be False with partial_fit")
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit, which never "
                "sees all labels: pass the weights as a dict"
            )
        with all_or_nothing(self):
            return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    def decision_function(self, X):
        """Return a score per class, (n_samples, n_classes); (n_samples,) for two.

        It is h for two classes and for "one_vs_rest". For "codes" it is the number of
        digits that agree, plus a third of m / (1 + |m|) with m = Σⱼ codeⱼ hⱼ.
        """
        h = self._pre_activation(X)
        if len(self.classes_) == 2:
            return h[:, 0]
        return self._scores(h)

    def predict(self, X):
        """Return the predicted labels of X (n_samples, n_features)."""
        h = self._pre_activation(X)
        return self.classes_[self._decoded(h)]

    def score(self, X, y, sample_weight=None):
        """Return the accuracy."""
        return super().score(X, plain(y), sample_weight)

    # ---- parameters -> descriptions -------------------------------------------------

    def _penalties(self) -> tuple[float | None, float | None]:
        """Return (α, λ) of the objective's ½ α Σ W² + λ Σ |W|."""
        if self.penalty is None:
            return None, None
        share = {"l2": 0.0, "l1": 1.0, "elasticnet": self.l1_ratio}[self.penalty]
        return self.alpha * (1 - share) or None, self.alpha * share or None

    def _objective(self) -> learning.Objective:
        # The rule applies the sign itself; validation needs h, to rank the classes.
        linear = _linear(self.network_)
        return learning.Objective(
            linear, learning.perceptron_loss, learning.penalties(*self._penalties())
        )

    def _stopping(self, incremental: bool) -> list[Any]:
        if incremental:
            return []
        penalised = any(p is not None for p in self._penalties())
        rules: list[Any] = [] if penalised else [learning.LossBelow("mistakes", 0.0)]
        if self.tol is not None:
            monitor = "score" if self.early_stopping else "loss"
            patience = self.n_iter_no_change - 1
            rules.append(
                learning.NoImprovement(
                    monitor, self.tol, patience, maximize=self.early_stopping
                )
            )
        return rules

    # ---- fitting --------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        coef_init: Any = None,
        intercept_init: Any = None,
        *,
        incremental: bool = False,
        classes: Any = None,
    ) -> Any:
        fitted = hasattr(self, "params_")
        first = not fitted or not (self.warm_start or incremental)
        X, y = self._validate(X, y, reset=first)
        labels, numbers = self._numbered(y, first, incremental, classes)
        codes = class_codes(len(labels.classes), self.multiclass)
        network = self._network(codes.shape[1], first)
        start = self._start(network, X.shape[1], coef_init, intercept_init)
        factors = self._class_factors(codes, labels.classes, y)
        weight = self._weight(X, sample_weight)
        with computing(self._dtype()):
            if first:
                self._run_key = key_of(self)
                start_anew(self, network, self._run_key, (X.shape[1],))
            self.params_ = (self.params_[0] | start,)
            self._labels, self.classes_, self.codes_ = labels, labels.classes, codes
            target = (codes * factors)[numbers]
            examples = learning.Dataset(X, target, weight, dtype=self._dtype())
            self._train(*self._loaders(examples, numbers), incremental)
        return self

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        return self._checked(X), y

    def _checked(self, X: Any) -> Any:
        if self._dtype() == np.float32 and X.dtype == np.float64:
            check_fits_float32(X if isinstance(X, np.ndarray) else X.data[:, None])
        return X

    def _numbered(
        self, y: Any, first: bool, incremental: bool, classes: Any
    ) -> tuple[Labels, np.ndarray]:
        """Return the classes, and the class index of each example."""
        if incremental and not first:
            check_same_classes(classes, self.classes_)
            classes = self.classes_
        elif incremental and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        labels, numbers = Labels.of(y, classes)
        if not first and not np.array_equal(labels.classes, self.classes_):
            raise ValueError(
                "warm_start needs the classes of the previous call of fit, "
                f"{self.classes_}; y has {labels.classes}"
            )
        if len(labels.classes) < 2:
            raise ValueError(
                "the number of classes must be at least 2; y has one class, "
                f"{labels.classes[0]!r}"
            )
        return labels, numbers

    def _network(self, units: int, first: bool) -> Network:
        layer = Dense(units, "sign", self.init, use_bias=bool(self.fit_intercept))
        network = Network((layer,))
        if not first and network != self.network_:
            raise ValueError(
                "multiclass, fit_intercept and init must not change when training "
                f"continues: the network is {self.network_}, not {network}"
            )
        return network

    def _start(
        self, network: Network, n_features: int, coef: Any, intercept: Any
    ) -> dict[str, np.ndarray]:
        """Return the given initial parameters."""
        units, start = network.layers[0].units, {}
        if coef is not None:
            weight = _start_array("coef_init", coef, (units, n_features), self._dtype())
            start["weight"] = np.ascontiguousarray(weight.T)
        if intercept is not None:
            if not self.fit_intercept:
                raise ValueError("intercept_init needs fit_intercept=True")
            start["bias"] = _start_array(
                "intercept_init", intercept, (units,), self._dtype()
            )
        return start

    def _class_factors(self, codes: np.ndarray, classes: Any, y: Any) -> np.ndarray:
        """Return the factor of the examples of each class in each unit."""
        by_class = compute_class_weight(self.class_weight, classes=classes, y=y)
        if self.multiclass == "codes" or len(classes) == 2:
            return by_class[:, None]
        return np.where(codes > 0, by_class[:, None], 1)

    def _weight(self, X: Any, sample_weight: Any) -> np.ndarray | None:
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, X, ensure_non_negative=True)

    def _loaders(
        self, examples: learning.Dataset, numbers: np.ndarray
    ) -> tuple[learning.Loader, learning.Validation | None]:
        rows = validation = None
        if self.early_stopping:
            fraction = self.validation_fraction
            rows, held = split(self._run_key, examples.n, fraction, numbers)
            validation = self._validation(examples, held, numbers[held])
        train = learning.Loader(examples, rows, batch_size=1, shuffle=self.shuffle)
        return train, validation

    def _validation(
        self, examples: learning.Dataset, held: np.ndarray, numbers: np.ndarray
    ) -> learning.Validation:
        weight = examples.weight[held]
        if not weight.any():
            raise ValueError(
                "The sample weights for validation set are all zero, consider using a "
                "different random state."
            )
        size = min(len(held), 1024)
        loader = learning.Loader(examples, held, batch_size=size, shuffle=False)

        def score(h: np.ndarray) -> float:
            return float(np.average(self._decoded(h) == numbers, weights=weight))

        return learning.Validation(loader, score)

    def _train(self, loader: Any, validation: Any, incremental: bool) -> None:
        epochs, steps_before = 1 if incremental else self.max_iter, self.t_
        algorithm: Any = learning.PerceptronRule(self.eta0)
        trace = _Trace(algorithm, loader.steps, self.params_) if self.trace else None
        callbacks: list[Any] = list(self.callbacks or ())
        if trace:
            algorithm = trace.algorithm
            callbacks.append(trace)
        control = learning.Control(
            epochs,
            self._stopping(incremental),
            keep_best="score" if validation else None,
            callbacks=callbacks,
        )
        problem = learning.Problem(self._objective(), algorithm, loader, validation)
        start = learning.Start(self.params_, self._run_key, first_epoch=self._epochs)
        with with_progress(self, control) as control:
            learn(self, problem, start, control)
        self._summarise(loader, trace, steps_before if incremental else 0)

    def _summarise(self, loader: Any, trace: Any, steps_before: int) -> None:
        # As in scikit-learn, each call starts with no outstanding penalties.
        self._state = None
        self.t_ = max(steps_before, 1) + self.n_iter_ * loader.dataset.n
        mistakes = self.history_.get("mistakes", [])
        self.converged_ = self.n_iter_ > 0 and mistakes[-1] == 0
        if trace:
            vectors = trace.vectors()
            self.trace_ = vectors[:, 0] if vectors.shape[1] == 1 else vectors

    # ---- results --------------------------------------------------------------------

    @property
    def coef_(self) -> np.ndarray:
        """Weights W (units, n_features)."""
        return self.params_[0]["weight"].T

    @property
    def intercept_(self) -> np.ndarray:
        """Biases b (units,)."""
        weight = self.params_[0]["weight"]
        return self.params_[0].get("bias", np.zeros(weight.shape[1], weight.dtype))

    def _pre_activation(self, X: Any) -> np.ndarray:
        """Return pre-activations h (n_samples, units)."""
        check_is_fitted(self)
        X = validate_data(
            self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False
        )
        network = _linear(self.network_)
        return outputs(network, self.params_, self._checked(X), self._dtype())

    def _scores(self, h: np.ndarray) -> np.ndarray:
        """Return the score of each class, (n, n_classes)."""
        if h.shape[1] == len(self.classes_):  # one unit per class
            return h
        signs = np.where(h >= 0, 1, -1)
        agreeing = (signs[:, None] == self.codes_).sum(axis=2)
        margin = h @ self.codes_.T.astype(h.dtype)
        return agreeing + margin / (3 * (1 + np.abs(margin)))

    def _decoded(self, h: np.ndarray) -> np.ndarray:
        """Return the class index for each row of pre-activations (n, units)."""
        if len(self.classes_) == 2:
            return (h[:, 0] >= 0).astype(int)
        return self._scores(h).argmax(axis=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class _Trace:
    """A callback that records the weights after every step."""

    def __init__(self, rule: Any, steps: int, params: Any) -> None:
        # Padded, so that data sets of similar size share one compiled program.
        self.algorithm = learning.Recorded(rule, padded_size(steps))
        self.steps = steps
        self.parts = [jax.tree.map(lambda leaf: np.array(leaf)[None], params)]

    def __call__(self, progress: learning.Progress) -> None:
        self.parts.append(self.algorithm.last(progress.state, self.steps))

    def vectors(self) -> np.ndarray:
        """Return (1 + steps, units, n_features), with the bias as a further feature."""
        layers = [part[0] for part in self.parts]
        rows = np.concatenate([layer["weight"] for layer in layers]).swapaxes(1, 2)
        if "bias" not in layers[0]:
            return rows
        bias = np.concatenate([layer["bias"] for layer in layers])
        return np.concatenate([rows, bias[:, :, None]], axis=2)


def class_codes(n_classes: int, multiclass: str) -> np.ndarray:
    """Return the targets −1 and +1 of each class, (n_classes, units).

    Two classes need one unit. For more, "one_vs_rest" has one unit per class, and
    "codes" has ⌈log₂ C⌉ units for the binary digits of the class index, the most
    significant digit first.
    """
    if multiclass == "one_vs_rest" and n_classes > 2:
        return 2 * np.eye(n_classes, dtype=int) - 1
    units = max(1, (n_classes - 1).bit_length())
    digits = np.arange(n_classes)[:, None] >> np.arange(units)[::-1]
    return 2 * (digits & 1) - 1


def _linear(network: Network) -> Network:
    """Return the network without its threshold, so that its outputs are h."""
    (layer,) = network.layers
    return Network((dataclasses.replace(layer, activation="identity"),))


def _start_array(
    name: str, value: Any, shape: tuple[int, ...], dtype: Any
) -> np.ndarray:
    """Return given weights in this shape; those of one unit may lack the first axis."""
    array = np.array(value, dtype)
    if array.shape not in {shape, shape[1:] if shape[0] == 1 else shape}:
        raise ValueError(f"{name} must have the shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return array.reshape(shape)
