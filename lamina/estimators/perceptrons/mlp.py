"""Multi-layer perceptrons: drop-in replacements for scikit-learn's, and more."""

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
        doc="Number of units of each hidden layer; () gives a linear network.",
        check=COUNT | SIZES,
        kw_only=False,
    )
    activation: Any = param(
        default="relu",
        doc="Activation φ of the hidden layers: one for all, or one per layer.",
        check=ACTIVATION | each(ACTIVATION, "a list of these, one per layer"),
        kw_only=False,
    )
    dropout: Any = param(
        default=0.0,
        doc="""Fraction of hidden units set to zero in each training step: one for all
        layers, or one per layer.""",
        check=PART | each(PART, "a list of these, one per layer"),
    )
    input_dropout: float = param(
        default=0.0,
        doc="Fraction of inputs set to zero in each training step.",
        check=PART,
    )
    layers: Any = param(
        default=None,
        doc="""Layers that replace ``hidden_layer_sizes``, ``activation`` and
        ``dropout``: ``[Dense(64, "tanh"), Dropout(0.3)]``. The output layer is added;
        to define it yourself, mark the last layer by :class:`lamina.Output`:
        ``[Dense(64), Output(Dense(10, "logistic"))]``.""",
    )


class MLPMethods(MLPParams):
    """What both perceptrons share: tables as inputs, a list of layer sizes."""

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
            Labels of any type, or numbers; several columns of labels must be 0 and 1.
        sample_weight : array-like (n_samples,), optional
        X_val, y_val : optional
            A validation set of your own: ``history_`` then holds its loss and score,
            and with ``early_stopping`` it decides when to stop.
        X_unlabelled : array-like or sparse matrix (n_more, n_features), optional
            Further examples without targets, used by ``pretraining`` if it is
            unsupervised.
        coefs_init, intercepts_init : list of array-like, optional
            Initial weights and biases, from the lowest layer upwards, such as
            ``coefs_`` and ``intercepts_`` of a :class:`lamina.DeepBeliefNetwork` or of
            another perceptron. Layers beyond the end of the list, and those for which
            it has None, are initialised as usual.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If parameters or data are invalid, or the checkpoint belongs to another
            run. The estimator is then unchanged.
        OSError
            If the first checkpoint cannot be written; later failures only warn.
        KeyboardInterrupt
            If pre-training was interrupted, as there is no network yet. Later
            interrupts only warn.

        Warns
        -----
        ConvergenceWarning
            If training diverged, was interrupted, reached ``max_iter``, or ended worse
            than always predicting the mean.
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
        """Weight matrices, one per layer with weights.

        They can be replaced, one by one or as a list. If there is no network yet,
        ``partial_fit`` and warm starts begin with the assigned ones.
        """,
    )
    intercepts_ = ArraysOfLayers(
        "bias", "Bias vectors, one per layer with a bias; see ``coefs_``."
    )

    n_layers_ = LayerCount()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.sparse = True
        return tags


@estimator
class MLPClassifier(MLPMethods, Classifying, ClassParams, TrainedNetwork):
    """Multi-layer perceptron classifier.

    The output is one logistic unit for two classes, a softmax layer for more, and one
    logistic unit per column for several 0/1 columns. Parameters that scikit-learn's
    classifier has too have the same meaning.

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
        The epoch whose weights were kept.
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
    """Multi-layer perceptron regressor, with one or several outputs.

    Attributes and methods are those of :class:`MLPClassifier`, except those about
    classes.

    Notes
    -----
    Targets of several columns may be NaN where they were not measured.

    As in scikit-learn, training minimises the sum of the squared errors over the
    outputs, while ``loss_``, ``loss_curve_``, ``history_`` and ``tol`` refer to their
    mean. Predictions are float32 if X is, unless the targets were scaled or ``dtype``
    is "float64".

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
