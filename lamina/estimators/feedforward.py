"""What the multi-layer perceptrons share: parameters → descriptions, and fitting."""

import copy
import math
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
from scipy import sparse
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
from lamina.estimators.health import Advised
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

SOLVERS = {
    "rmsprop": "RMSProp",
    "rprop": "Rprop",
    "lbfgs": "LBFGS",
    "bfgs": "BFGS",
    "newton": "Newton",
    "cg": "ConjugateGradient",
    "lm": "LevenbergMarquardt",
    "exact": "Exact",
}
"""Algorithms by their words, beside "sgd" and "adam"; with their own defaults."""

MONITORS = ("score", "loss")
REFITS = ("restart", "continue")

CLOSE = 1e-3
"""Methods in double precision stop at a gradient this much smaller than ``tol``: 1e-7
by default, as in MATLAB, where 1e-4 would leave digits on the table."""


def is_stochastic(self: Any) -> bool:
    solver = self.solver
    if isinstance(solver, str):
        solver = getattr(learning, SOLVERS.get(solver, ""), None)
    if getattr(solver, "whole_batch", False):
        raise AttributeError(
            "partial_fit is only available for stochastic solvers; "
            f"{self.solver!r} needs all examples at once"
        )
    return True


class FeedForward(Advised, NetworkEstimator, ABC):
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
    schedule: Any
    stopping: Any
    monitor: str
    refit: str | None
    input_noise: float
    weight_noise: float
    label_smoothing: float
    max_norm: float | None
    clip_norm: float | None
    clip_value: float | None
    selective_delta: Any
    adversarial: Any
    checkpoint: Any

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
        for name in ("alpha", "l1", "power_t", "tol", "input_noise", "weight_noise"):
            check_number(name, getattr(self, name), 0)
        for name in ("max_norm", "clip_norm", "clip_value"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), 0, open_low=True)
        check_option("monitor", self.monitor, MONITORS)
        if self.refit is not None:
            check_option("refit", self.refit, REFITS)
            if not self.early_stopping:
                raise ValueError(f"refit={self.refit!r} needs early_stopping=True")
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
        if not isinstance(self.checkpoint, str | os.PathLike | None):
            raise ValueError(
                f"checkpoint must be the path of a folder, got {self.checkpoint!r}"
            )
        check_number("checkpoint_seconds", self.checkpoint_seconds, 0)
        for name, method in (("selective_delta", "chosen"), ("adversarial", "attack")):
            value = getattr(self, name)
            if value is not None and not hasattr(value, method):
                wanted = "SelectiveDelta()" if method == "chosen" else "FGSM() or PGD()"
                raise ValueError(f"{name} must be {wanted} or None, got {value!r}")
        if not all(map(callable, self.stopping or ())):
            raise ValueError(
                f"stopping must be rules such as Below('loss', 0.1), got "
                f"{self.stopping!r}"
            )

    def _algorithm(self) -> Any:
        if is_description(self.solver) and hasattr(self.solver, "update"):
            return self.solver
        check_option("solver", self.solver, ("adam", "sgd", *SOLVERS))
        if self.solver == "adam":
            rate, betas = self.learning_rate_init, (self.beta_1, self.beta_2)
            return learning.Adam(rate, *betas, self.epsilon)
        if self.solver == "sgd":
            nesterov = self.nesterovs_momentum and self.momentum > 0
            return learning.SGD(self.learning_rate_init, self.momentum, nesterov)
        return getattr(learning, SOLVERS[self.solver])()

    def _schedule(self) -> Any:
        if self.schedule is not None:
            return self._own_schedule(self.schedule)
        if self.solver != "sgd":
            return None
        if self.learning_rate == "invscaling":
            return learning.InverseScaling(self.power_t)
        return learning.Adaptive() if self.learning_rate == "adaptive" else None

    def _own_schedule(self, schedule: Any) -> Any:
        if self.solver == "sgd" and self.learning_rate != "constant":
            raise ValueError(
                f"give either schedule={schedule!r} or "
                f"learning_rate={self.learning_rate!r}, not both"
            )
        if not hasattr(self._algorithm(), "learning_rate"):
            raise ValueError(f"solver={self.solver!r} has no learning rate to schedule")
        if is_description(schedule) and hasattr(schedule, "rate"):
            return schedule
        check_option("schedule", schedule, tuple(learning.SCHEDULES))
        return learning.SCHEDULES[schedule]()

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
        return getattr(self._algorithm_in_use, "whole_batch", False)

    def _stops_early(self) -> bool:
        """Whether to hold out rows; "lbfgs" does not, as in scikit-learn."""
        return self.early_stopping and self.solver not in ("lbfgs", "exact")

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
        patience, given = self.n_iter_no_change, copy.deepcopy(self.stopping)
        if self._stops_early() and validated:
            by_score = self.monitor == "score"
            rule = learning.NoImprovement(self._watched(), self.tol, patience, by_score)
            return [rule, *(given or ())]
        if given is not None:
            return list(given)
        if hasattr(self._algorithm_in_use, "learning_rate"):
            return [learning.NoImprovement("loss", self.tol, patience)]
        if getattr(self._algorithm_in_use, "double", False):
            return [
                learning.Below("gradient", CLOSE * self.tol),
                learning.SmallImprovement("loss", 1e-9, 5),
            ]
        return [
            learning.Below("gradient", self.tol),
            learning.NoImprovement("loss", 1e-9, 5),
            learning.Budget("evaluations", self.max_fun),
        ]

    def _watched(self) -> str:
        """Return the number of the record that early stopping watches."""
        return "score" if self.monitor == "score" else "validation_loss"

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
        self._check_fits_solver()
        first = not hasattr(self, "params_") or not (self.warm_start or incremental)
        X, y = self._validate(X, y, reset=first)
        target = self._encode(y, first, incremental, classes)
        weight = self._weight(X, y, sample_weight)
        precision = self._precision(self._learning_dtype(self._algorithm_in_use))
        with precision, self._checkpointed(first and not incremental):
            if first:
                self._start(X.shape[1], target)
            examples = self._examples(X, target, weight)
            feeds = self._feeds(examples, target, X_val, y_val, incremental)
            train, validation, everything = feeds
            self._train(train, validation, incremental)
            if self.refit and validation is not None:
                self._train_again(everything())
        self._summarise(incremental)

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        y, missing = without_missing(y)
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
        if missing is not None:
            return X, with_missing(y, missing)
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
            self.network_,
            self._loss(),
            l2=self.alpha or None,
            l1=self.l1 or None,
            input_noise=self.input_noise or None,
            weight_noise=self.weight_noise or None,
            label_smoothing=getattr(self, "label_smoothing", None) or None,
            clip_value=self.clip_value,
            clip_norm=self.clip_norm,
            max_norm=self.max_norm,
            adversarial=self.adversarial,
        )

    def _examples(self, X: Any, target: Any, weight: Any) -> learning.Examples:
        dtype = self._learning_dtype(self._algorithm_in_use)
        return learning.Examples(X, self._target(target), weight, dtype=dtype)

    def _feeds(
        self, examples: Any, target: Any, X_val: Any, y_val: Any, incremental: bool
    ) -> tuple[learning.Feed, learning.Validation | None, Callable]:
        """Return the feed of training rows, and the validation pass if there is one.

        The third is a function that returns a feed of both, for ``refit``.
        """
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together")
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        rows = validation = None
        together = [(examples.x, target, examples.weight)]
        if X_val is not None:
            X_val, y_val = self._validate(X_val, y_val, reset=False)
            held = self._encode(y_val, first=False, incremental=True, classes=None)
            own = self._examples(X_val, held, None)
            validation = self._validation(own, held)
            together.append((X_val, held, own.weight))
        elif self._stops_early():
            strata, fraction = self._strata(target), self.validation_fraction
            rows, held = split(self._run_key, examples.n, fraction, strata)
            validation = self._validation(examples, target[held], held)
        feed = self._feed(examples, rows)

        def everything() -> learning.Feed:
            if len(together) == 1:
                return self._feed(examples, None)
            x, y, weight = (_stacked(parts) for parts in zip(*together, strict=True))
            return self._feed(self._examples(x, y, weight), None)

        return feed, validation, everything

    def _feed(self, examples: Any, rows: np.ndarray | None) -> learning.Feed:
        n = examples.n if rows is None else len(rows)
        return learning.Feed(
            examples, rows, batch_size=self._batch_size(n), shuffle=self.shuffle
        )

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
        algorithm = self._algorithm_in_use
        once = incremental or getattr(algorithm, "closed_form", False)
        epochs = 1 if once else self.max_iter
        best = self._watched() if validation and self._stops_early() else None
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
                stopping=() if once else self._stopping(validation is not None),
                schedule=self._schedule(),
                validation=validation,
                keep_best=best,
                callbacks=callbacks,
                selective=self.selective_delta,
            )

    @property
    def best_epoch_(self) -> int:
        """The epoch of the last call of ``fit`` whose weights are kept."""
        values = self.history_.get(self._watched(), ())[-self.n_iter_ :]
        if not (self.early_stopping and np.isfinite(values).any()):
            return self.n_iter_
        best = np.nanargmax if self.monitor == "score" else np.nanargmin
        return int(best(values)) + 1

    def _train_again(self, everything: learning.Feed) -> None:
        """Learn from the validation rows too, in one of the two ways of deck 002.

        "restart": from the first weights, for as many epochs as were best. "continue":
        from the best weights, until the loss falls below the validation loss that they
        had.
        """
        best, epochs, key = self.best_epoch_, self.n_iter_, self._run_key
        params, stopping = self.params_, []
        bound = self.history_["validation_loss"][-epochs:][best - 1]
        if self.refit == "restart":
            n_features = (everything.examples.shape[0],)
            dtype = self._dtype()
            params, _ = self.network_.init(key.fold_in("init"), n_features, dtype)
        else:
            stopping = [learning.Below("loss", math.nextafter(bound, -math.inf))]
        again = self.refit == "restart"
        self._learn(
            self._objective(),
            self._algorithm_in_use,
            prefix="refit_",
            feed=everything,
            params=params,
            key=key,
            epochs=best if again else self.max_iter,
            first_epoch=0 if again else best,
            stopping=stopping,
            schedule=self._schedule(),
            callbacks=list(self.callbacks or ()),
            selective=self.selective_delta,
        )
        self.refit_n_iter_, self.n_iter_ = self.n_iter_, epochs

    def _check_fits_solver(self) -> None:
        """Refuse what a solver without a learning rate cannot do.

        Such a solver searches along a line or solves for the step: it has to see the
        loss and the gradient as they are.
        """
        algorithm = self._algorithm_in_use
        if hasattr(algorithm, "learning_rate"):
            return
        for name in (
            "clip_norm",
            "clip_value",
            "max_norm",
            "selective_delta",
            "adversarial",
            "input_noise",
            "weight_noise",
        ):
            if getattr(self, name):
                raise ValueError(
                    f"{name} needs a solver of first order such as 'sgd', 'adam' or "
                    f"'rprop'; got solver={self.solver!r}"
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

    def _score_measured(self, X: Any, y: Any, sample_weight: Any) -> float:
        """Return the score over what is measured of y."""
        y = np.asarray(y, float)
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        target = self._encode(y, first=False, incremental=True, classes=None)
        return self._score_outputs(target, self._predicted(X), np.asarray(weight))

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


def without_missing(y: Any) -> tuple[Any, np.ndarray | None]:
    """Return y with 0 for NaN, and where that was; only in tables of several columns.

    In one column a missing label would teach nothing: it is left for the validation to
    refuse.

    Raises
    ------
    ValueError
        If nothing of a column is measured.
    """
    shape = (y if hasattr(y, "shape") else np.asarray(y)).shape
    if len(shape) != 2 or shape[1] < 2 or hasattr(y, "tocsr"):
        return y, None
    try:
        numbers = np.asarray(y, float)
    except (TypeError, ValueError):
        return y, None
    missing = np.isnan(numbers)
    if not missing.any():
        return y, None
    if missing.all(axis=0).any():
        column = int(missing.all(axis=0).argmax())
        raise ValueError(f"column {column} of y has no measured value (all are NaN)")
    return np.where(missing, 0, numbers), missing


def with_missing(y: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Return y with NaN where it was."""
    return np.where(missing, np.nan, y)


def _stacked(parts: tuple) -> Any:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return sparse.vstack(parts, format="csr")


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
