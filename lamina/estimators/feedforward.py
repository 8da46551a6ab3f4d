"""What the multi-layer perceptrons share: parameters → descriptions, and fitting."""

import warnings
from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import Any

import numpy as np
from sklearn.utils import compute_sample_weight
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from lamina import learning
from lamina.estimators.base import NetworkEstimator, split
from lamina.estimators.checks import (
    check_fits_float32,
    check_integer,
    check_number,
    check_option,
)
from lamina.estimators.progress import ProgressBar
from lamina.learning.allocator import return_freed_memory
from lamina.networks import Dense, Dropout, Network
from lamina.networks.description import is_description

HEADS = ("softmax", "logistic", "identity", "exp")
"""A last ``Dense`` layer with one of these and as many units as there are outputs is
the output layer; otherwise one is added."""

SMALL = 2**16
"""Numbers in X up to which validation would take longer than the prediction."""

VALIDATION_BATCH = 1024

STOCHASTIC = ("sgd", "adam")


def is_stochastic(self: Any) -> bool:
    if isinstance(self.solver, learning.LBFGS) or self.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic solvers; "
            f"{self.solver!r} needs all examples at once"
        )
    return True


class FeedForward(NetworkEstimator, ABC):
    """A multi-layer perceptron, but for what its outputs mean."""

    # Set by the constructors of the estimators, whose docstrings explain them.
    hidden_layer_sizes: Any
    activation: Any
    solver: Any
    alpha: float
    batch_size: Any
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    verbose: Any
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    loss: Any
    layers: Any
    l1: float
    dropout: Any
    input_dropout: float
    init: str
    callbacks: Any

    # ---- what the outputs mean ------------------------------------------------------

    _y_numeric: bool
    """Whether targets are numbers."""

    @abstractmethod
    def _encode(self, y: Any, first: bool, incremental: bool, classes: Any) -> Any:
        """Return the target as class numbers, 0/1 columns or number columns."""

    @abstractmethod
    def _n_outputs(self, target: np.ndarray) -> int:
        """Return the number of output units."""

    @abstractmethod
    def _head(self) -> str:
        """Return the activation of the output layer."""

    @abstractmethod
    def _loss(self) -> Any:
        """Return the loss by lamina's name for it, or a function."""

    @abstractmethod
    def _target(self, target: np.ndarray) -> np.ndarray:
        """Return the target as the loss wants it."""

    @abstractmethod
    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        """Return what every validation set should have its share of."""

    @abstractmethod
    def _score_outputs(
        self, target: np.ndarray, outputs: np.ndarray, weight: np.ndarray
    ) -> float:
        """Return the score of outputs, as ``score`` computes it."""

    # ---- parameters -> descriptions -------------------------------------------------

    def _check_params(self) -> None:
        for name in ("alpha", "l1", "power_t", "tol"):
            check_number(name, getattr(self, name), 0)
        for name in ("learning_rate_init", "epsilon"):
            check_number(name, getattr(self, name), 0, open_low=True)
        for name in ("momentum", "beta_1", "beta_2", "validation_fraction"):
            check_number(name, getattr(self, name), 0, 1)
        check_integer("max_iter", self.max_iter, 1)
        check_integer("max_fun", self.max_fun, 1)
        check_number("n_iter_no_change", self.n_iter_no_change, 1)
        check_option(
            "learning_rate", self.learning_rate, ("constant", "invscaling", "adaptive")
        )
        if self.batch_size not in ("auto", "full"):
            check_integer("batch_size", self.batch_size, 1)
        if not (self.layers is None or isinstance(self.layers, list | tuple)):
            raise ValueError(f"layers must be a list of layers, got {self.layers!r}")
        if not all(map(callable, self.callbacks or ())):
            raise ValueError(f"callbacks must be functions, got {self.callbacks!r}")

    def _algorithm(self) -> Any:
        if is_description(self.solver) and hasattr(self.solver, "update"):
            return self.solver
        check_option("solver", self.solver, (*STOCHASTIC, "lbfgs"))
        if self.solver == "adam":
            rate, betas = self.learning_rate_init, (self.beta_1, self.beta_2)
            return learning.Adam(rate, *betas, self.epsilon)
        if self.solver == "sgd":
            nesterov = self.nesterovs_momentum and self.momentum > 0
            return learning.SGD(self.learning_rate_init, self.momentum, nesterov)
        return learning.LBFGS()

    def _schedule(self) -> Any:
        if self.solver != "sgd":
            return None
        if self.learning_rate == "invscaling":
            return learning.InverseScaling(self.power_t)
        return learning.Adaptive() if self.learning_rate == "adaptive" else None

    def _network(self, head: str, n_outputs: int) -> Network:
        start = "glorot_uniform" if self.init == "auto" else self.init
        layers = self._hidden(start) if self.layers is None else tuple(self.layers)
        if not (layers and _is_head(layers[-1], n_outputs)):
            layers = (*layers, Dense(n_outputs, head, start))
        return Network(layers)

    def _hidden(self, start: str) -> tuple:
        sizes = _as_list(self.hidden_layer_sizes)
        for size in sizes:
            check_integer("hidden_layer_sizes", size, 1)
        activations = _per_layer("activation", self.activation, len(sizes))
        rates = _per_layer("dropout", self.dropout, len(sizes))
        check_number("input_dropout", self.input_dropout, 0, 1)
        layers: list[Any] = []
        if self.input_dropout:
            layers.append(Dropout(self.input_dropout))
        for units, activation, rate in zip(sizes, activations, rates, strict=True):
            layers.append(Dense(units, activation, start))
            layers += [Dropout(rate)] if rate else []
        return tuple(layers)

    def _needs_all_examples(self) -> bool:
        return isinstance(self._algorithm_in_use, learning.LBFGS)

    def _batch_size(self, n: int) -> int:
        if self.batch_size == "full" or self._needs_all_examples():
            return n
        if self.batch_size == "auto":
            return min(200, n)
        if self.batch_size > n:
            warnings.warn(
                f"batch_size={self.batch_size} is larger than the number of examples "
                f"and is clipped to {n}",
                stacklevel=4,
            )
        return min(int(self.batch_size), n)

    def _stopping(self, validated: bool) -> list[Any]:
        if self._needs_all_examples():
            return [
                learning.Below("gradient", self.tol),
                learning.NoImprovement("loss", 1e-9, 5),
                learning.Budget("evaluations", self.max_fun),
            ]
        if self.early_stopping and validated:
            return [
                learning.NoImprovement("score", self.tol, self.n_iter_no_change, True)
            ]
        return [learning.NoImprovement("loss", self.tol, self.n_iter_no_change)]

    # ---- fitting --------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any = None,
        y_val: Any = None,
        *,
        incremental: bool = False,
        classes: Any = None,
    ) -> Any:
        with self._all_or_nothing():
            self._fit_checked(X, y, sample_weight, X_val, y_val, incremental, classes)
        return_freed_memory(getattr(X, "nbytes", 0))
        return self

    def _fit_checked(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        incremental: bool,
        classes: Any,
    ) -> None:
        self._check_params()
        self._algorithm_in_use = self._algorithm()
        first = not hasattr(self, "params_") or not (self.warm_start or incremental)
        X, y = self._validate(X, y, reset=first)
        target = self._encode(y, first, incremental, classes)
        weight = self._weight(X, y, sample_weight)
        with self._precision():
            if first:
                self._start(X.shape[1], target)
            examples = self._examples(X, target, weight)
            train, validation = self._feeds(examples, target, X_val, y_val, incremental)
            self._train(train, validation, incremental)
        self._summarise(incremental)

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=(np.float64, np.float32),
            y_numeric=self._y_numeric,
            reset=reset,
        )
        X = self._checked(X)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _checked(self, X: Any) -> Any:
        if not isinstance(X, np.ndarray):
            X = X.tocsr()
            values = X.data[:, None]
        else:
            values = X
        if self._dtype() == np.float32 and X.dtype == np.float64:
            check_fits_float32(values)
        return X

    def _weight(self, X: Any, y: Any, sample_weight: Any) -> np.ndarray | None:
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, ensure_non_negative=True
            )
        class_weight = getattr(self, "class_weight", None)
        if class_weight is None:
            return sample_weight
        by_class = compute_sample_weight(class_weight, y)
        return by_class if sample_weight is None else by_class * sample_weight

    def _start(self, n_features: int, target: np.ndarray) -> None:
        head = self._head()
        self.n_outputs_ = self._n_outputs(target)
        network = self._network(head, self.n_outputs_)
        key = self._run_key = self._key()
        self._fresh(network, key, (n_features,))
        self._objective()  # refuses an unknown loss before any work

    def _objective(self) -> learning.Objective:
        return learning.Objective(
            self.network_, self._loss(), self.alpha or None, self.l1 or None
        )

    def _examples(self, X: Any, target: Any, weight: Any) -> learning.Examples:
        return learning.Examples(X, self._target(target), weight, dtype=self._dtype())

    def _feeds(
        self, examples: Any, target: Any, X_val: Any, y_val: Any, incremental: bool
    ) -> tuple[learning.Feed, learning.Validation | None]:
        """Return the feed of training rows, and the validation pass if there is one."""
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together")
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        rows = validation = None
        if X_val is not None:
            X_val, y_val = self._validate(X_val, y_val, reset=False)
            held = self._encode(y_val, first=False, incremental=True, classes=None)
            validation = self._validation(self._examples(X_val, held, None), held)
        elif self.early_stopping and not self._needs_all_examples():
            strata, fraction = self._strata(target), self.validation_fraction
            rows, held = split(self._run_key, examples.n, fraction, strata)
            validation = self._validation(examples, target[held], held)
        n = examples.n if rows is None else len(rows)
        feed = learning.Feed(
            examples, rows, batch_size=self._batch_size(n), shuffle=self.shuffle
        )
        return feed, validation

    def _validation(
        self, examples: Any, target: np.ndarray, rows: np.ndarray | None = None
    ) -> learning.Validation:
        weight = examples.weight if rows is None else examples.weight[rows]
        size = min(len(target), VALIDATION_BATCH)
        feed = learning.Feed(examples, rows, batch_size=size, shuffle=False)

        def score(outputs: np.ndarray) -> float:
            return self._score_outputs(target, outputs, weight)

        return learning.Validation(feed, score)

    def _train(self, feed: Any, validation: Any, incremental: bool) -> None:
        epochs = 1 if incremental else self.max_iter
        algorithm = self._algorithm_in_use
        best = "score" if validation and self.early_stopping else None
        with ExitStack() as stack:
            callbacks: list[Any] = list(self.callbacks or ())
            if self.verbose:
                callbacks.append(stack.enter_context(ProgressBar(epochs)))
            self._learn(
                self._objective(),
                algorithm,
                feed=feed,
                params=self.params_,
                state=self._kept_state(algorithm),
                key=self._run_key,
                epochs=epochs,
                first_epoch=self._epochs,
                examples=self.t_,
                stopping=() if incremental else self._stopping(validation is not None),
                schedule=self._schedule(),
                validation=validation,
                keep_best=best,
                callbacks=callbacks,
            )

    def _summarise(self, incremental: bool) -> None:
        """Set scikit-learn's names for what ``history_`` holds."""
        losses = self.history_.get("loss", [])
        scores = self.history_.get("score")
        self.loss_curve_ = losses
        self.loss_ = losses[-1] if losses else np.nan
        self.validation_scores_ = scores
        self.best_validation_score_ = max(scores) if scores else None
        self.best_loss_ = None if self.early_stopping else min(losses, default=np.inf)
        self.out_activation_ = self.network_.out_activation
        self.n_layers_ = len(self.coefs_) + 1

    # ---- what was learnt ------------------------------------------------------------

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weight matrices, one a layer that has weights."""
        return [p["weight"] for p in self.params_ if "weight" in p]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Bias vectors, one a layer that has a bias."""
        return [p["bias"] for p in self.params_ if "bias" in p]

    def _predicted(self, X: Any) -> np.ndarray:
        if not hasattr(self, "params_"):
            check_is_fitted(self)  # raises; asking it costs 15 µs
        if not self._is_clean(X):
            X = validate_data(
                self,
                X,
                accept_sparse=["csr", "csc"],
                dtype=(np.float64, np.float32),
                reset=False,
            )
        return self._outputs(self._checked(X))

    def _is_clean(self, X: Any) -> bool:
        """Whether X is an array that would pass validation unchanged.

        scikit-learn's validation takes 60 µs, several times what a prediction takes.
        """
        return (
            type(X) is np.ndarray
            and X.dtype in (np.float32, np.float64)
            and X.ndim == 2
            and 0 < X.shape[0] * X.shape[1] <= SMALL
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
            and bool(np.isfinite(X).all())
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.non_deterministic = False
        return tags


def _as_list(sizes: Any) -> list[Any]:
    return list(sizes) if hasattr(sizes, "__iter__") else [sizes]


def _per_layer(name: str, value: Any, n: int) -> list[Any]:
    """Return one value for each of n hidden layers."""
    if not isinstance(value, list | tuple):
        return [value] * n
    if len(value) != n:
        raise ValueError(
            f"{name} has {len(value)} entries for {n} hidden layers: give one for "
            "each, or one for all"
        )
    return list(value)


def _is_head(layer: Any, n_outputs: int) -> bool:
    named = getattr(layer, "activation", None) in HEADS
    if named and layer.activation == "softmax" and layer.units != n_outputs:
        raise ValueError(
            f"the softmax layer has {layer.units} units, but there are {n_outputs} "
            "outputs"
        )
    return named and getattr(layer, "units", None) == n_outputs
