"""Multi-layer perceptrons: drop-in for scikit-learn's, and more."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from lamina.estimators._core.checks import check_fits_float32, declared, each
from lamina.estimators._core.classifier import FeedForwardClassifier
from lamina.estimators._core.feedforward import FeedForward
from lamina.estimators._core.layer_arrays import LayerArrays, replaced_arrays
from lamina.estimators._core.network_state import FittedClassifier, FittedRegressor
from lamina.estimators._core.parameters import ACTIVATION, COUNT, PART, SIZES
from lamina.estimators._core.pretraining import Beginning
from lamina.estimators._core.regressor import FeedForwardRegressor
from lamina.networks import Dense, Dropout

SMALL = 2**16
"""Numbers in X up to which validation would take longer than the prediction."""


class MLP(FeedForward):
    """What is special about multi-layer perceptrons: rows in, a list of sizes."""

    # Set by the constructors of the estimators, whose docstrings explain them.
    hidden_layer_sizes: Any
    activation: Any
    dropout: Any
    input_dropout: float

    _parameters = declared(
        hidden_layer_sizes=COUNT | SIZES,
        activation=ACTIVATION | each(ACTIVATION, "a list of such, one a layer"),
        dropout=PART | each(PART, "a list of such, one a layer"),
        input_dropout=PART,
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


class MLPClassifier(MLP, FeedForwardClassifier):
    """Multi-layer perceptron for classes.

    Two classes get one logistic output, more a softmax, several 0/1 columns one
    logistic output each. scikit-learn's parameters mean what they mean there; those
    below the line are lamina's own.

    Equations
    ---------
        aᵢ = φᵢ(aᵢ₋₁ Wᵢ + bᵢ),   a₀ = x
        E(θ) = [Σⱼ wⱼ ℓ(h(xⱼ), yⱼ) + ½ α Σ W² + λ Σ |W|] / Σⱼ wⱼ

    Shapes
    ------
    X (n_samples, n_features); y (n_samples,) labels of any type, or (n_samples,
    n_labels) of 0 and 1.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(100,)
        Units of each hidden layer; () for a linear classifier.
    activation : str, callable or list of them, default="relu"
        φ of the hidden layers, one for all or one for each: "identity", "logistic",
        "tanh", "relu", "leaky_relu", "threshold", "sign", "softmax", "exp", or a
        function.
    solver : str or algorithm description, default="adam"
        "adam", "sgd" and "lbfgs" as in scikit-learn; "rmsprop", "rprop" (whole
        batches), "cg", "bfgs", "newton", "lm" (Levenberg–Marquardt) and "exact" (the
        closed form, for a linear network with squared error) with their own defaults.
        ``solver=SGD(0.1, momentum=0.9)`` sets its rates itself; a grid search reaches
        them as ``solver__learning_rate``. "lm" and "exact" compute in double
        precision whatever ``dtype`` says.
    alpha : float, default=0.0001
        α, the L2 penalty.
    batch_size : int, "auto" or "full", default="auto"
        Examples a step; 1 is online learning, "auto" is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Schedule of ``solver="sgd"``: see :mod:`lamina.learning.control.schedules`.
    learning_rate_init : float, default=0.001
        η of "sgd" and "adam".
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Epochs at most; for "lbfgs" steps.
    shuffle : bool, default=True
        Whether each epoch has an order of its own.
    random_state : int, RandomState or None, default=None
        The seed of everything random.
    tol : float, default=1e-4
        An epoch improves if the loss falls (the score rises) by this; "lbfgs" stops
        when no component of the gradient is larger. With ``schedule="cosine"`` only
        early stopping looks at it.
    verbose : bool, default=False
        Shows a progress bar on a terminal or in a notebook; elsewhere prints a line an
        epoch.
    warm_start : bool, default=False
        Whether ``fit`` goes on from where the last one ended, solver state included.
    momentum : float, default=0.9
    nesterovs_momentum : bool, default=True
        Both for "sgd".
    early_stopping : bool, default=False
        Whether to stop by the score of held-out examples and give back the weights
        that scored best.
    validation_fraction : float, default=0.1
        Share of examples held out for that, the same of every class.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999, 1e-8
        For "adam".
    n_iter_no_change : int, default=10
        Epochs without improvement before stopping.
    max_fun : int, default=15000
        Evaluations of the loss at most, for "lbfgs".
    loss : str or callable, default="log_loss"
        "log_loss" is the cross entropy that fits the outputs: −Σ y ln a of a softmax,
        and −Σ y ln a + (1 − y) ln(1 − a) of logistic outputs, several classes included,
        so that δ = a − y. Others are "squared_error", "sum_squared_error",
        "absolute_error", or a function ``loss(outputs, targets)`` that returns one
        number an example.
    layers : list of layer descriptions, optional
        Any network instead of ``hidden_layer_sizes``, ``activation`` and ``dropout``:
        ``layers=[Dense(64, "tanh"), Dropout(0.3)]``. They end before the output layer,
        which is added; :class:`lamina.Output` marks one of one's own:
        ``[Dense(64), Output(Dense(10, "logistic"))]``.
    l1 : float, default=0
        λ, the L1 penalty.
    dropout : float or list of float, default=0
        Share of hidden units set to zero in each training step.
    input_dropout : float, default=0
        The same for inputs.
    init : str, default="auto"
        Initialiser of weights; "auto" is "glorot_uniform". Biases start at 0.
    class_weight : dict, "balanced" or None, default=None
        Weights of classes: n / (K nₖ) for "balanced", counted on the training rows, and
        the same for the loss of validation rows; scores go by ``sample_weight`` only.
        Of several label columns a list with one dict a column, or "balanced", counted
        on the measured labels of each; an example's weight is the product over those.
    callbacks : list of callables, optional
        Called after every epoch with a :class:`lamina.learning.Progress`; one that
        returns True stops.
    dtype : {"float32", "float64"}, default="float32"
        Type of the computation.
    schedule : str or schedule description, optional
        How the learning rate changes from epoch to epoch, for every solver that has
        one: "cosine", "step", "inverse_time" (α₀ / (i + c)), "bold_driver", or one with
        its numbers, ``Step(every=20, factor=0.5)``; see
        :mod:`lamina.learning.control.schedules`. The loss is a mean over examples: what
        is η = 0.7 / l for a sum over l examples is a rate of 0.7 here.
    stopping : list of rules, optional
        Rules in place of ``tol`` and ``n_iter_no_change``, any of which stops:
        ``[Below("loss", 0.01), SmallImprovement(), SmallChange(1e-4)]``; see
        :mod:`lamina.learning.control.stopping`.
    monitor : {"score", "loss"}, default="score"
        What early stopping watches on the validation rows, and whose best weights it
        gives back. The loss tells more than the accuracy of few rows.
    refit : {"restart", "continue"}, optional
        After early stopping, learn from the validation rows too: start anew for as many
        epochs as were best, or go on from the best weights until the loss falls below
        the validation loss they had (deck 002). ``history_["refit_loss"]`` holds the
        losses of this second run, ``refit_n_iter_`` its epochs and ``refit_stopped_``
        why it ended; ``n_iter_`` and ``stopped_`` are those of the first, and ``t_``
        counts the examples seen since the weights were initialised.
    input_noise, weight_noise : float, default=0
        Standard deviation of Gaussian noise on inputs and on weights in each training
        step.
    label_smoothing : float, default=0
        s: targets become (1 − s) y + s / K for K classes.
    max_norm : float, optional
        Largest length of the weights into a unit.
    clip_norm, clip_value : float, optional
        Largest length of the gradient over all parameters, largest size of one of its
        components.
    selective_delta : SelectiveDelta, optional
        Learn from the examples with large δ between two whole epochs (deck 004).
    adversarial : FGSM or PGD, optional
        Learn from examples that were made as wrong as the bound of their norm allows
        (deck 002).
    pretraining : str, description or list of them, optional
        How hidden layers learn before the network does, one after the other, each from
        what those below it make of the inputs: "rbm" (logistic layers only),
        "autoencoder", "denoising" or "supervised"; with numbers of their own
        :class:`lamina.RBMPretraining`, :class:`lamina.AutoencoderPretraining` and
        :class:`lamina.SupervisedPretraining`. One for all hidden layers, or one for
        each, None for a layer without. ``history_["pretraining1_loss"]`` holds the
        losses of the first. Not in ``partial_fit`` and warm starts, which go on from
        what was learnt.
    checkpoint : path, optional
        A folder for the checkpoint of this fit. A ``fit`` that was killed goes on from
        there when it is called again with equal parameters and data, and ends with the
        same bits as one that was not; one that had ended is given back at once, or goes
        on if ``max_iter`` is larger now. A checkpoint of another run is refused. A
        callback that has a memory keeps it there if it has the methods ``get_state()``,
        which returns plain numbers and arrays, and ``set_state(state)``.
    checkpoint_seconds : float, default=30
        Least time between two checkpoints; one is always written at the start, at the
        end and at Ctrl-C.

    Attributes
    ----------
    classes_, coefs_, intercepts_, loss_, best_loss_, loss_curve_, validation_scores_,
    best_validation_score_, t_, n_iter_, n_layers_, n_outputs_, out_activation_,
    n_features_in_, feature_names_in_
        As in scikit-learn.
    best_epoch_ : int
        The epoch whose weights are kept.
    network_, params_, history_, n_compiles_, stopped_, resumed_from_
        See :class:`lamina.estimators._core.base.NetworkEstimator`.

    References
    ----------
    Rumelhart, Hinton & Williams (1986), Learning representations by back-propagating
    errors, Nature 323; decks 000, 002, 003 and 004.

    Examples
    --------
    >>> from lamina import MLPClassifier
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    >>> model = MLPClassifier((8,), activation="tanh", solver="lbfgs", random_state=0)
    >>> model.fit(X, y).predict(X).tolist()
    [0, 1, 1, 0]
    """

    _state_type = FittedClassifier

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        loss="log_loss",
        layers=None,
        l1=0.0,
        dropout=0.0,
        input_dropout=0.0,
        init="auto",
        class_weight=None,
        callbacks=None,
        dtype="float32",
        schedule=None,
        stopping=None,
        monitor="score",
        refit=None,
        input_noise=0.0,
        weight_noise=0.0,
        label_smoothing=0.0,
        max_norm=None,
        clip_norm=None,
        clip_value=None,
        selective_delta=None,
        adversarial=None,
        pretraining=None,
        checkpoint=None,
        checkpoint_seconds=30.0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss = loss
        self.layers = layers
        self.l1 = l1
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.init = init
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.dtype = dtype
        self.schedule = schedule
        self.stopping = stopping
        self.monitor = monitor
        self.refit = refit
        self.input_noise = input_noise
        self.weight_noise = weight_noise
        self.label_smoothing = label_smoothing
        self.max_norm = max_norm
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.selective_delta = selective_delta
        self.adversarial = adversarial
        self.pretraining = pretraining
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds


class MLPRegressor(MLP, FeedForwardRegressor):
    """Multi-layer perceptron for numbers, one or several outputs.

    Parameters, attributes and methods are those of :class:`MLPClassifier` but for
    classes; these differ:

    Parameters
    ----------
    loss : str or callable, default="squared_error"
        ½ Σ (y − a)² with linear outputs; "poisson" (counts; outputs e^h),
        "absolute_error", "sum_squared_error", or a function ``loss(outputs,
        targets)`` that returns one number an example.
    scale_target : bool, default=False
        Whether targets are scaled for learning, and predictions back, each output by
        itself: to mean 0 and standard deviation 1; where the output layer is logistic
        or tanh, to its range [0, 1] or [−1, 1], from the smallest to the largest target
        of the first call. Targets of a large scale want it. Without it targets are
        still scaled where they cannot be learnt as they are: see
        :func:`lamina.estimators._core.regressor.resolved`.

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

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        layers=None,
        l1=0.0,
        dropout=0.0,
        input_dropout=0.0,
        init="auto",
        scale_target=False,
        callbacks=None,
        dtype="float32",
        schedule=None,
        stopping=None,
        monitor="score",
        refit=None,
        input_noise=0.0,
        weight_noise=0.0,
        max_norm=None,
        clip_norm=None,
        clip_value=None,
        selective_delta=None,
        adversarial=None,
        pretraining=None,
        checkpoint=None,
        checkpoint_seconds=30.0,
    ):
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.layers = layers
        self.l1 = l1
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.init = init
        self.scale_target = scale_target
        self.callbacks = callbacks
        self.dtype = dtype
        self.schedule = schedule
        self.stopping = stopping
        self.monitor = monitor
        self.refit = refit
        self.input_noise = input_noise
        self.weight_noise = weight_noise
        self.max_norm = max_norm
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.selective_delta = selective_delta
        self.adversarial = adversarial
        self.pretraining = pretraining
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds
