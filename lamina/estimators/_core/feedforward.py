"""The shell of estimators whose networks answer each example by itself."""

from abc import abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import (
    _check_sample_weight,
    _num_samples,
    check_is_fitted,
    column_or_1d,
)

from lamina import learning
from lamina.estimators._core.base import split
from lamina.estimators._core.class_weights import weights_by_class
from lamina.estimators._core.heads import (
    check_fits,
    check_shape,
    check_unmarked,
    with_head,
)
from lamina.estimators._core.missing import check_measured, without_missing
from lamina.estimators._core.pretraining import FROM_SCRATCH, Beginning
from lamina.estimators._core.progress import ProgressBar
from lamina.estimators._core.refit import Refitting
from lamina.estimators._core.shared_parameters import NetworkParams
from lamina.learning.loop.apply import rows_at_once
from lamina.learning.objectives.adversarial import Attack
from lamina.networks import Key, Network

VALIDATION_BATCH = 1024


class FeedForward(NetworkParams, Refitting):
    """A network that is trained on examples, whatever an example and an answer are.

    It checks parameters, encodes targets, holds rows out, calls the loop and keeps what
    comes back. A family of estimators (perceptrons, convolutional networks …) is a
    subclass that says

    - what goes in: ``_check_inputs``; for what is no table also ``_input_shape``, and
      ``_examples`` and ``_joined`` where the loader needs more than one array;
    - which layers there are before the output: ``_hidden``, where ``layers`` is None;
    - what else it has learnt: ``_summarise``.

    What comes out is said by ``FeedForwardClassifier`` and ``FeedForwardRegressor``; an
    estimator inherits from its family and from one of them, in this order, and brings a
    docstring and the parameters that are its own; those that make no sense for it are
    ``fixed``: see :mod:`lamina.estimators._core.parameters`.
    """

    _validation_batch = VALIDATION_BATCH

    # ---- what goes in, and the layers -----------------------------------------------

    @abstractmethod
    def _check_inputs(self, X: Any, reset: bool) -> Any:
        """Return inputs as an array with one row an example, or a sparse one.

        With ``reset`` remember what :meth:`_input_shape` will say; without it refuse
        what is unlike that.
        """

    @abstractmethod
    def _hidden(self, initializer: str) -> tuple:
        """Return the layers before the output layer, from parameters of the family."""

    def _joined(self, parts: tuple) -> Any:
        """Return inputs one below the other, sparse if the first are."""
        if hasattr(parts[0], "tocsr"):
            return sparse.vstack(parts, format="csr")
        dense = [x.toarray() if hasattr(x, "tocsr") else x for x in parts]
        return np.concatenate(dense)

    def _unlabelled(self, X: Any, X_unlabelled: Any) -> Any:
        """Return all inputs, those without a target below the others; None if none."""
        if X_unlabelled is None:
            return None
        return self._joined((X, self._check_inputs(X_unlabelled, reset=False)))

    def _joined_targets(self, parts: tuple) -> Any:
        """Return encoded targets one below the other."""
        return np.concatenate(parts)

    # ---- what the outputs mean ------------------------------------------------------

    _y_numeric: bool
    """Whether targets are numbers."""

    @abstractmethod
    def _encode(
        self, y: Any, missing: Any, first: bool, incremental: bool, classes: Any
    ) -> Any:
        """Return the target as class numbers, 0/1 columns or number columns.

        It is NaN where ``missing``, an array of bool or None, says so.
        """

    @abstractmethod
    def _n_outputs(self, target: Any) -> int:
        """Return the number of output units."""

    @abstractmethod
    def _head(self) -> str:
        """Return the activation of the output layer."""

    @abstractmethod
    def _target(self, target: Any) -> Any:
        """Return the target as the loss wants it."""

    @abstractmethod
    def _strata(self, target: Any) -> np.ndarray | None:
        """Return what every validation set should have its share of."""

    @abstractmethod
    def _score_outputs(self, target: Any, outputs: Any, weight: np.ndarray) -> float:
        """Return the score of outputs, as ``score`` computes it."""

    # ---- fitting --------------------------------------------------------------------

    def _given_layers(self) -> tuple[str, Any]:
        """Return the parameter that lists the last layers, its name and its value."""
        return "layers", self.layers

    def _network(self, head: str, n_outputs: int) -> Network:
        start = "glorot_uniform" if self.init == "auto" else self.init
        layers = self._hidden(start) if self.layers is None else tuple(self.layers)
        return Network(with_head(layers, head, n_outputs, start))

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any = None,
        y_val: Any = None,
        *,
        beginning: Beginning = FROM_SCRATCH,
        incremental: bool = False,
        classes: Any = None,
    ) -> Any:
        given = X, y, sample_weight, X_val, y_val
        with self._all_or_nothing():
            self._fit_checked(*given, beginning, incremental, classes)
        return self

    def _fit_checked(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        beginning: Beginning,
        incremental: bool,
        classes: Any,
    ) -> None:
        self._algorithm_in_use = self._algorithm()
        self._check_fits_solver()
        first = not hasattr(self, "params_") or not (self.warm_start or incremental)
        self._check_beginning(first, incremental, beginning)
        X, y, missing = self._validate(X, y, reset=first)
        check_measured(missing)
        unlabelled = self._unlabelled(X, beginning.unlabelled)
        target = self._encode(y, missing, first, incremental, classes)
        weight = self._sample_weight(X, sample_weight)
        precision = self._precision(self._learning_dtype(self._algorithm_in_use))
        with precision, self._checkpointed(first and not incremental):
            if first:
                factors = self._class_factors(target)
                self._start(X, target, _weighted(weight, target, factors))
            loaders = self._loaders(X, target, weight, X_val, y_val, incremental)
            train, validation, everything = loaders
            compiled, start = 0, None
            if first:
                self.params_ = beginning.placed(self.params_)
                also = beginning.arrays(unlabelled)
                self._own_checkpoint(train, validation, also)
                compiled = self._pretrain(train, unlabelled)
                start = self.params_
            self._train(train, validation, incremental)
            self.n_compiles_ += compiled
            if self.refit and validation is not None:
                self._train_again(everything(), start)
        self._summarise(incremental)

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any, Any]:
        """Return inputs and targets that fit each other, and where targets are missing.

        A missing target is 0.
        """
        self._check_given(y)
        y, missing = without_missing(y)
        X = self._check_inputs(X, reset)
        y = self._check_targets(y)
        check_consistent_length(X, y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y, missing

    def _check_given(self, y: Any) -> None:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None"
            )

    def _check_targets(self, y: Any) -> Any:
        """Return targets as an array of finite values, or a sparse one."""
        how: dict[str, Any] = {"accept_sparse": "csr", "dtype": None}
        y = check_array(y, ensure_2d=False, input_name="y", estimator=self, **how)
        return y.astype(float) if self._y_numeric and y.dtype.kind == "O" else y

    def _sample_weight(self, X: Any, sample_weight: Any) -> np.ndarray | None:
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, X, ensure_non_negative=True)

    def _class_factors(
        self, target: Any, rows: np.ndarray | None = None
    ) -> np.ndarray | None:
        """Return what each label counts, by the labels of the rows to learn from.

        None if all count the same.
        """
        return None

    def _start(self, X: Any, target: Any, weight: Any) -> None:
        head = self._head()
        self.n_outputs_ = self._n_outputs(target)
        network = self._network(head, self.n_outputs_)
        key = self._run_key = self._key()
        check_unmarked(*self._given_layers(), self.n_outputs_)
        made = self._fresh(network, key, self._input_shape())
        wanted = (*self._output_positions(), self.n_outputs_)
        check_shape(network.layers[-1], made, wanted)
        self._objective()  # refuses an unknown loss before any work
        check_fits(self._loss(), network.out_activation)
        if self.pretraining is not None:
            self._plan(network)  # and what no layer can learn

    def _dataset(self, X: Any, target: Any, weight: Any) -> learning.Dataset:
        dtype = self._learning_dtype(self._algorithm_in_use)
        return learning.Dataset(X, self._target(target), weight, dtype=dtype)

    def _loaders(
        self,
        X: Any,
        target: Any,
        weight: np.ndarray | None,
        X_val: Any,
        y_val: Any,
        incremental: bool,
    ) -> tuple[learning.Loader, learning.Validation | None, Callable]:
        """Return the loader of training rows, and the validation pass if there is one.

        Weights of classes follow from the training rows, and are those of validation
        rows too. The third is a function that returns a loader of both, for ``refit``.
        """
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together")
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        rows = held = held_target = None
        if X_val is not None:
            X_val, y_val, missing = self._validate(X_val, y_val, reset=False)
            held_target = self._encode(y_val, missing, False, True, None)
        elif self._stops_early():
            strata, fraction = self._strata(target), self.validation_fraction
            rows, held = split(self._run_key, X.shape[0], fraction, strata)
        factors = self._class_factors(target, rows)
        examples = self._dataset(X, target, _weighted(weight, target, factors))
        validation = None
        if held is not None:
            examples.hold_out(held)
            own = None if weight is None else weight[held]
            validation = self._validation(examples, target[held], own, held)
        elif held_target is not None:
            by_class = _weighted(None, held_target, factors)
            own = self._dataset(X_val, held_target, by_class)
            validation = self._validation(own, held_target)

        def everything() -> learning.Loader:
            x, y, w = X, target, weight
            if held_target is not None:
                x = self._joined((X, X_val))
                y = self._joined_targets((target, held_target))
                more = np.ones(_num_samples(X_val))
                w = None if weight is None else np.concatenate((weight, more))
            elif factors is None and examples.mask is None:
                return self._loader(examples, None)
            together = self._dataset(x, y, _weighted(w, y, self._class_factors(y)))
            return self._loader(together, None)

        return self._loader(examples, rows), validation, everything

    def _loader(self, examples: Any, rows: np.ndarray | None) -> learning.Loader:
        n = examples.n if rows is None else len(rows)
        return learning.Loader(
            examples, rows, batch_size=self._batch_size(n), shuffle=self.shuffle
        )

    def _validation(
        self,
        examples: Any,
        target: Any,
        weight: np.ndarray | None = None,
        rows: np.ndarray | None = None,
    ) -> learning.Validation:
        """Return the validation pass of some rows of the examples.

        The score goes by their sample weights only, as that of ``score`` does.
        """
        if weight is None:
            weight = np.ones(_num_samples(target), examples.dtype)
        size = min(_num_samples(target), self._validation_batch)
        if len(examples.shape) > 1:  # of images the layers are large
            now = self.network_, self.params_, examples.shape, examples.x_dtype
            size = min(size, rows_at_once(*now))
        loader = learning.Loader(examples, rows, batch_size=size, shuffle=False)

        def score(outputs: Any) -> float:
            return self._score_outputs(target, outputs, weight)

        return learning.Validation(loader, score)

    def _train(self, loader: Any, validation: Any, incremental: bool) -> None:
        problem, start, control = self._lesson(loader, validation, incremental)
        with ExitStack() as stack:
            if self.verbose:
                bar = stack.enter_context(ProgressBar(control.epochs))
                control = replace(control, callbacks=(*control.callbacks, bar))
            self._learn(problem, start, control)

    def _lesson(
        self, loader: Any, validation: Any, incremental: bool
    ) -> tuple[learning.Problem, learning.Start, learning.Control]:
        """Return what is learnt, where it begins and how long it may take."""
        algorithm = self._algorithm_in_use
        once = incremental or self._is_closed_form()
        best = self._watched() if validation and self._stops_early() else None
        state = self._kept_state(algorithm)
        return (
            learning.Problem(self._objective(), algorithm, loader, validation),
            learning.Start(self.params_, self._run_key, state, self._epochs, self.t_),
            learning.Control(
                1 if once else self.max_iter,
                () if once else self._stopping(validation is not None),
                self._schedule(),
                best,
                self.callbacks or (),
                selective=self.selective_delta,
                compare=not incremental,
            ),
        )

    def _begun(
        self, X: Any, y: Any
    ) -> tuple[learning.Problem, learning.Start, learning.Control]:
        """Start anew with these examples, but do not learn yet."""
        self._algorithm_in_use = self._algorithm()
        self._check_fits_solver()
        self._check_beginning(True, False, FROM_SCRATCH)
        X, y, missing = self._validate(X, y, reset=True)
        check_measured(missing)
        target = self._encode(y, missing, True, False, None)
        with self._precision(self._learning_dtype(self._algorithm_in_use)):
            factors = self._class_factors(target)
            self._start(X, target, _weighted(None, target, factors))
            train, validation, _ = self._loaders(X, target, None, None, None, False)
            return self._ready(*self._lesson(train, validation, False))

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

    def _score_measured(
        self, X: Any, y: Any, missing: np.ndarray, sample_weight: Any
    ) -> float:
        """Return the score over what is measured of y, which is 0 where it is not."""
        outputs = self._predicted(X)
        check_consistent_length(outputs, y, sample_weight)
        if y.shape[1] != outputs.shape[1]:
            raise ValueError(
                f"y must have {outputs.shape[1]} columns, got {y.shape[1]}"
            )
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
        target = self._encode(y, missing, False, True, None)
        return self._score_outputs(target, outputs, weight)

    def adversarial_examples(self, X, y, attack, *, random_state=0) -> Any:
        """Return inputs moved, within bounds, to where the network is most wrong.

        The score of what comes back tells how robust the network is; ``fit`` with
        ``adversarial=`` makes it more so.

        Parameters
        ----------
        X, y : as for ``score``
        attack : FGSM or PGD
            How they are moved and how far, in units of X: ``FGSM(0.1, low=0, high=1)``
            for images of numbers from 0 to 1.
        random_state : int, default=0
            For random starts.

        Returns
        -------
        ndarray of the shape of the inputs as the network sees them

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
        X, y, missing = self._validate(X, y, reset=False)
        target = self._encode(y, missing, False, True, None)
        self._algorithm_in_use = self._algorithm()
        with self._precision():
            examples = self._dataset(X, target, None)
            size = self._validation(examples, target).loader.batch_size
            loader = learning.Loader(examples, batch_size=size, shuffle=False)
            key, now = Key(int(random_state)), (self._objective(), self.params_)
            return learning.adversarial_examples(*now, attack, loader, key)

    def _predicted(self, X: Any) -> Any:
        if not hasattr(self, "params_"):
            check_is_fitted(self)  # raises; asking it costs 15 µs
        return self._outputs(self._check_inputs(X, reset=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        return tags


def _weighted(
    weight: np.ndarray | None, target: Any, factors: np.ndarray | None
) -> np.ndarray | None:
    """Return the weights of examples times those of their classes."""
    if factors is None:
        return weight
    by_class = weights_by_class(factors, target)
    return by_class if weight is None else by_class * weight
