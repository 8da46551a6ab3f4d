"""Multi-layer perceptrons: drop-in for scikit-learn's, and more."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from lamina.estimators._core.checks import check_fits_float32, each
from lamina.estimators._core.classifier import FeedForwardClassifier
from lamina.estimators._core.constraints import ACTIVATION, COUNT, PART, SIZES
from lamina.estimators._core.feedforward import FeedForward
from lamina.estimators._core.layer_arrays import LayerArrays, replaced_arrays
from lamina.estimators._core.network_state import FittedClassifier, FittedRegressor
from lamina.estimators._core.parameters import estimator, param, table
from lamina.estimators._core.pretraining import Beginning
from lamina.estimators._core.regressor import FeedForwardRegressor
from lamina.estimators._core.shared_parameters import NetworkParams, PretrainingParams
from lamina.networks import Dense, Dropout

SMALL = 2**16
"""Numbers in X up to which validation would take longer than the prediction."""


@table("Network")
class MLPParams(NetworkParams, PretrainingParams):
    """Parameters of multi-layer perceptrons."""

    hidden_layer_sizes: Any = param(
        default=(100,),
        doc="Units of each hidden layer; () for a linear network.",
        check=COUNT | SIZES,
        kw_only=False,
    )
    activation: Any = param(
        default="relu",
        doc="φ of the hidden layers, one for all or one for each.",
        check=ACTIVATION | each(ACTIVATION, "a list of such, one a layer"),
        kw_only=False,
    )
    dropout: Any = param(
        default=0.0,
        doc="""Share of hidden units set to zero in each training step, one for all
        layers or one for each.""",
        check=PART | each(PART, "a list of such, one a layer"),
    )
    input_dropout: float = param(
        default=0.0,
        doc="Share of inputs set to zero in each training step.",
        check=PART,
    )
    layers: Any = param(
        default=None,
        doc="""Any network instead of ``hidden_layer_sizes``, ``activation`` and
        ``dropout``: ``[Dense(64, "tanh"), Dropout(0.3)]``. The layers end before the
        output layer, which is added; :class:`lamina.Output` marks one of one's own:
        ``[Dense(64), Output(Dense(10, "logistic"))]``.""",
    )


class MLP(MLPParams, FeedForward):
    """What is special about multi-layer perceptrons: rows in, a list of sizes."""

    _leading = (
        "solver",
        "alpha",
        "batch_size",
        "learning_rate",
        "learning_rate_init",
        "power_t",
        "max_iter",
        "shuffle",
        "random_state",
        "tol",
        "verbose",
        "warm_start",
        "momentum",
        "nesterovs_momentum",
        "early_stopping",
        "validation_fraction",
        "beta_1",
        "beta_2",
        "epsilon",
        "n_iter_no_change",
        "max_fun",
    )

    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        X_unlabelled=None,
        coefs_init=None,
        intercepts_init=None,
    ):
        """Train the network.

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features)
        y : array-like (n_samples,), or (n_samples, n_outputs)
            Labels of any type or numbers; several columns of labels hold 0 and 1.
        sample_weight : array-like (n_samples,), optional
        X_val, y_val : optional
            A validation set of one's own: ``history_`` then holds its loss and score,
            and with ``early_stopping`` it decides when to stop.
        X_unlabelled : array-like or sparse matrix (n_more, n_features), optional
            Examples whose answers nobody knows, from which ``pretraining`` learns too
            where it needs none.
        coefs_init, intercepts_init : list of array-like, optional
            Weights and biases to start from, the lowest layer's first, such as
            ``coefs_`` and ``intercepts_`` of a :class:`lamina.DeepBeliefNetwork` or of
            another perceptron. Layers that the list does not reach, or for which it has
            None, start as they would without.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If parameters or data cannot be used, or the checkpoint belongs to another
            run; nothing has been changed then.
        OSError
            If the first checkpoint cannot be written; later that is a warning.
        KeyboardInterrupt
            If pre-training was interrupted: there is no network yet. Later it is a
            warning.

        Warns
        -----
        ConvergenceWarning
            If learning diverged, was interrupted, used up ``max_iter``, or ended
            worse than always predicting the mean.
        """
        start = Beginning(X_unlabelled, coefs_init, intercepts_init)
        return self._fit(X, y, sample_weight, X_val, y_val, beginning=start)

    def _check_inputs(self, X: Any, reset: bool) -> Any:
        if reset or not self._is_clean(X):
            X = validate_data(
                self,
                X,
                accept_sparse=["csr", "csc"],
                dtype=(np.float64, np.float32),
                reset=reset,
            )
        values = X
        if not isinstance(X, np.ndarray):
            X = X.tocsr()
            values = X.data[:, None]
        if self._dtype() == np.float32 and X.dtype == np.float64:
            check_fits_float32(values)
        return X

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

    def _hidden(self, initializer: str) -> tuple:
        sizes = _as_list(self.hidden_layer_sizes)
        activations = _per_layer("activation", self.activation, len(sizes))
        rates = _per_layer("dropout", self.dropout, len(sizes))
        layers: list[Any] = []
        if self.input_dropout:
            layers.append(Dropout(self.input_dropout))
        for units, activation, rate in zip(sizes, activations, rates, strict=True):
            layers.append(Dense(units, activation, initializer))
            layers += [Dropout(rate)] if rate else []
        return tuple(layers)

    def _summarise(self, incremental: bool) -> None:
        super()._summarise(incremental)
        self.n_layers_ = len(self.coefs_) + 1

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
        given = vars(self).pop("_given_arrays", None)
        if given and (incremental or self.warm_start) and not beginning.has_weights:
            own = {"coefs": given.get("weight"), "intercepts": given.get("bias")}
            beginning = replace(beginning, **own)
        weights = X, y, sample_weight, X_val, y_val
        super()._fit_checked(*weights, beginning, incremental, classes)

    @property
    def coefs_(self) -> list[Any]:
        """Weight matrices, one a layer that has weights.

        Others can be put in their places, in the list or as a list. Before there is a
        network, ``partial_fit`` and warm starts will begin with them.
        """
        return self._arrays("weight", "coefs_")

    @coefs_.setter
    def coefs_(self, arrays: Any) -> None:
        self._replace("weight", "coefs_", arrays)

    @property
    def intercepts_(self) -> list[Any]:
        """Bias vectors, one a layer that has a bias; see :attr:`coefs_`."""
        return self._arrays("bias", "intercepts_")

    @intercepts_.setter
    def intercepts_(self, arrays: Any) -> None:
        self._replace("bias", "intercepts_", arrays)

    def _arrays(self, part: str, name: str) -> list[Any]:
        given = vars(self).get("_given_arrays", {})
        if part in given:
            return given[part]
        arrays = [p[part] for p in self.params_ if part in p]
        return LayerArrays(arrays, lambda new: self._replace(part, name, new))

    def _replace(self, part: str, name: str, arrays: Any) -> list[Any]:
        if not hasattr(self, "params_"):
            given = vars(self).get("_given_arrays", {})
            self._given_arrays = given | {part: list(arrays)}
            return list(arrays)
        self.params_ = replaced_arrays(self.params_, part, name, arrays)
        self._state, self._state_owner = None, None  # of the weights as they were
        return [p[part] for p in self.params_ if part in p]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _as_list(sizes: Any) -> list[int]:
    return [int(size) for size in (sizes if hasattr(sizes, "__iter__") else [sizes])]


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


@estimator
class MLPClassifier(MLP, FeedForwardClassifier):
    """Multi-layer perceptron for classes.

    Two classes get one logistic output, more a softmax, several 0/1 columns one
    logistic output each. scikit-learn's parameters mean what they mean there.

    Equations
    ---------
        aᵢ = φᵢ(aᵢ₋₁ Wᵢ + bᵢ),   a₀ = x
        E(θ) = [Σⱼ wⱼ ℓ(h(xⱼ), yⱼ) + ½ α Σ W² + λ Σ |W|] / Σⱼ wⱼ

    Shapes
    ------
    X (n_samples, n_features); y (n_samples,) labels of any type, or (n_samples,
    n_labels) of 0 and 1.

    Attributes
    ----------
    classes_, coefs_, intercepts_, loss_, best_loss_, loss_curve_, validation_scores_,
    best_validation_score_, t_, n_iter_, n_layers_, n_outputs_, out_activation_,
    n_features_in_, feature_names_in_
        As in scikit-learn.
    best_epoch_ : int
        The epoch whose weights are kept.
    network_, params_, history_, n_compiles_, stop_reason_, resumed_from_
        See :class:`lamina.estimators._core.base.NetworkEstimator`.

    References
    ----------
    Rumelhart, Hinton & Williams (1986), Learning representations by back-propagating
    errors, Nature 323.

    Examples
    --------
    >>> from lamina import MLPClassifier
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    >>> model = MLPClassifier((8,), activation="tanh", solver="lbfgs", random_state=0)
    >>> model.fit(X, y).predict(X).tolist()
    [0, 1, 1, 0]
    """

    _state_type = FittedClassifier


@estimator
class MLPRegressor(MLP, FeedForwardRegressor):
    """Multi-layer perceptron for numbers, one or several outputs.

    Attributes and methods are those of :class:`MLPClassifier` but for classes.

    Notes
    -----
    Targets of several columns may hold NaN for what was not measured.

    What is learnt from is the sum of the squared errors of all outputs; ``loss_``,
    ``loss_curve_``, ``history_`` and ``tol`` go by their mean. Both as in scikit-learn.
    Predictions are float32 for X of float32, unless the targets were scaled or
    ``dtype`` is "float64".

    References
    ----------
    Decks 000, 003 and 004.

    Examples
    --------
    >>> from lamina import MLPRegressor
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 2.0, 4.0, 6.0]
    >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, y)
    >>> float(model.predict([[4.0]]).round(2)[0])
    8.0
    """

    _state_type = FittedRegressor

    loss: Any = param(default="squared_error", kw_only=False)
