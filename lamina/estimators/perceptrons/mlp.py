"""Multi-layer perceptrons: drop-in for scikit-learn's, and more."""

from typing import Any

from lamina.estimators._core.answering import Classifying, Regressing
from lamina.estimators._core.architecture.dense import DenseArchitecture
from lamina.estimators._core.architecture.layer_arrays import ArraysOfLayers, LayerCount
from lamina.estimators._core.files.network_state import (
    FittedClassifier,
    FittedRegressor,
)
from lamina.estimators._core.fitting import fit
from lamina.estimators._core.inputs.table import TableInputs
from lamina.estimators._core.parameters.checks import each
from lamina.estimators._core.parameters.constraints import (
    ACTIVATION,
    COUNT,
    PART,
    SIZES,
)
from lamina.estimators._core.parameters.shared import (
    ClassParams,
    NetworkParams,
    NumberParams,
    PretrainingParams,
)
from lamina.estimators._core.parameters.table import estimator, param, table
from lamina.estimators._core.preparation import Request
from lamina.estimators._core.pretraining import Beginning
from lamina.estimators._core.targets.classes import ClassTarget
from lamina.estimators._core.targets.numbers import NumberTarget
from lamina.estimators._core.trained import TrainedNetwork


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
        output layer, which is added; :class:`lamina.Output` marks one of your own:
        ``[Dense(64), Output(Dense(10, "logistic"))]``.""",
    )


class MLPMethods(MLPParams):
    """What is special about multi-layer perceptrons: rows in, a list of sizes."""

    dtype: str

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
            A validation set of your own: ``history_`` then holds its loss and score,
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
        return fit(self, Request(X, y, sample_weight, X_val, y_val, start))

    def _inputs(self) -> TableInputs:
        return TableInputs(self.dtype)

    def _architecture(self) -> DenseArchitecture:
        hidden = self.hidden_layer_sizes, self.activation, self.dropout
        return DenseArchitecture(*hidden, self.input_dropout, self.layers, self.init)

    coefs_ = ArraysOfLayers(
        "weight",
        """Weight matrices, one a layer that has weights.

        Others can be put in their places, in the list or as a list. Before there is a
        network, ``partial_fit`` and warm starts will begin with them.
        """,
    )
    intercepts_ = ArraysOfLayers(
        "bias", "Bias vectors, one a layer that has a bias; see ``coefs_``."
    )

    n_layers_ = LayerCount()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.sparse = True
        return tags


@estimator
class MLPClassifier(MLPMethods, Classifying, ClassParams, TrainedNetwork):
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
        See :class:`lamina.estimators._core.network_estimator.NetworkEstimator`.

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

    def _target(self) -> ClassTarget:
        return ClassTarget(self.dtype, self.loss, self.class_weight)


@estimator
class MLPRegressor(MLPMethods, Regressing, NumberParams, TrainedNetwork):
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
    Bishop (1995), Neural Networks for Pattern Recognition, Oxford University Press,
    chapter 4.

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

    def _target(self) -> NumberTarget:
        return NumberTarget(self.dtype, self.loss, self.scale_target)
