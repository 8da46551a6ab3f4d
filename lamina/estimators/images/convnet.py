"""Convolutional networks for pictures: classes and numbers."""

from lamina.estimators._core.classifier import FeedForwardClassifier
from lamina.estimators._core.convolutional import Convolutional
from lamina.estimators._core.regressor import FeedForwardRegressor
from lamina.estimators.images.state import FittedImageClassifier, FittedImageRegressor


class ConvNetClassifier(Convolutional, FeedForwardClassifier):
    """Convolutional network for classes of pictures.

    ``ConvNetClassifier().fit(images, labels)`` is all there is to write. Two classes
    get one logistic output, more a softmax, several 0/1 columns one logistic output
    each.

    Equations
    ---------
        a₀ = (x − μ) / σ,   aᵢ = layerᵢ(aᵢ₋₁)
        E(θ) = [Σⱼ wⱼ ℓ(h(xⱼ), yⱼ) + ½ α Σ W² + λ Σ |W|] / Σⱼ wⱼ

    μ and σ are mean and standard deviation of all pixels that were given to ``fit``.

    Shapes
    ------
    X: images (n_samples, height, width) or (n_samples, height, width, channels), a list
    of equal ones, or :class:`lamina.data.Pictures`, which are larger than memory; of
    bytes, which stay bytes until the compiled step, or of any numbers. Or a table
    (n_samples, n_features) of rows of pixels: see ``image_shape``. y (n_samples,)
    labels of any type, or (n_samples, n_labels) of 0 and 1.

    Parameters
    ----------
    layers : list of layer descriptions, optional
        ``[Conv(32, 5), MaxPool(2), Conv(64, 5), MaxPool(2), Dense(128)]``. They end
        before the output layer, which follows from the labels; one of one's own is
        marked, ``Output(Dense(10, "logistic"))``. ``Flatten`` is put before a ``Dense``
        layer to which places come; ``Conv(units, 1)`` is a dense layer at each place.
        By default blocks of two 3 × 3 convolutions and a pool, as many as the size of
        the pictures allows, and 128 units: see
        :func:`lamina.estimators._core.architectures.default_layers`.
    image_shape : (height, width) or (height, width, channels), optional
        What the rows of a table are; the last axis runs fastest. By default a number of
        columns that is a square is that square (64 columns are 8 × 8 pixels), and any
        other number is one line of so many places, a signal in time for instance. Given
        images must be of this shape.
    augmentation : Augment or "default", optional
        How pictures are changed at random in training; "default" is ``Augment(
        shift=0.08, rotate=10, scale=0.1)``.
    standardize : bool, default=True
        Whether μ and σ are those of the pictures; otherwise 0 and 1.
    dropout : float, default=0.5
        Of the 128 units of the default layers.
    solver, alpha, l1, learning_rate_init, max_iter, shuffle, random_state, tol,
    verbose, warm_start, early_stopping, validation_fraction, n_iter_no_change, loss,
    class_weight, callbacks, dtype, schedule, stopping, monitor, refit, weight_noise,
    label_smoothing, max_norm, clip_norm, clip_value, checkpoint, checkpoint_seconds
        As of :class:`lamina.MLPClassifier`.
    batch_size : int, "auto" or "full", default="auto"
        Pictures a step; "auto" is min(64, n_samples).
    init : str, default="auto"
        Initialiser of the layers that are added: "auto" is "he" for the default layers
        and "glorot_uniform" for the output.
    input_noise, adversarial : float, and FGSM or PGD, optional
        As of :class:`lamina.MLPClassifier`; in units of X, 0 … 255 for bytes.

    Attributes
    ----------
    image_shape_ : (height, width, channels)
        Of the pictures that were learnt.
    classes_, loss_, best_loss_, loss_curve_, validation_scores_,
    best_validation_score_, best_epoch_, t_, n_iter_, n_outputs_, out_activation_,
    n_features_in_
        As of :class:`lamina.MLPClassifier`.
    network_, params_, history_, n_compiles_, stopped_, resumed_from_
        See :class:`lamina.estimators._core.base.NetworkEstimator`.

    Notes
    -----
    ``transform`` gives what comes out of the last layer before the output, so that any
    estimator can learn from it: ``make_pipeline(ConvNetClassifier(), SVC())``.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document
    recognition, Proc. IEEE 86, section II; decks 000, 001, 002 and 004.

    Examples
    --------
    >>> from lamina import Conv, ConvNetClassifier, MaxPool, data
    >>> digits = data.load("digits")
    >>> images, labels = digits.X.reshape(-1, 8, 8), digits.y
    >>> model = ConvNetClassifier([Conv(16, 3), MaxPool(2)], random_state=0)
    >>> model.fit(images, labels).score(images, labels) > 0.99
    True
    """

    _state_type = FittedImageClassifier

    def __init__(
        self,
        layers=None,
        *,
        image_shape=None,
        augmentation=None,
        standardize=True,
        dropout=0.5,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate_init=0.001,
        max_iter=50,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        loss="log_loss",
        l1=0.0,
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
        adversarial=None,
        checkpoint=None,
        checkpoint_seconds=30.0,
    ):
        self.layers = layers
        self.image_shape = image_shape
        self.augmentation = augmentation
        self.standardize = standardize
        self.dropout = dropout
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.loss = loss
        self.l1 = l1
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
        self.adversarial = adversarial
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds


class ConvNetRegressor(Convolutional, FeedForwardRegressor):
    """Convolutional network for numbers that pictures show, one or several.

    Parameters, attributes and methods are those of :class:`ConvNetClassifier` but for
    classes; these differ:

    Parameters
    ----------
    loss : str or callable, default="squared_error"
        As of :class:`lamina.MLPRegressor`.
    scale_target : bool, default=True
        Whether targets are scaled, as of :class:`lamina.MLPRegressor`; False for
        ``loss="poisson"``.

    References
    ----------
    Decks 000, 002 and 004.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import Conv, ConvNetRegressor
    >>> images = np.random.default_rng(0).uniform(size=(200, 6, 6))
    >>> brightness = images.mean(axis=(1, 2))
    >>> model = ConvNetRegressor([Conv(4, 3)], learning_rate_init=0.01, random_state=0)
    >>> model.fit(images, brightness).score(images, brightness) > 0.9
    True
    """

    _state_type = FittedImageRegressor

    def __init__(
        self,
        layers=None,
        *,
        image_shape=None,
        augmentation=None,
        standardize=True,
        dropout=0.5,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate_init=0.001,
        max_iter=50,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        loss="squared_error",
        l1=0.0,
        init="auto",
        scale_target=True,
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
        adversarial=None,
        checkpoint=None,
        checkpoint_seconds=30.0,
    ):
        self.layers = layers
        self.image_shape = image_shape
        self.augmentation = augmentation
        self.standardize = standardize
        self.dropout = dropout
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.loss = loss
        self.l1 = l1
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
        self.adversarial = adversarial
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds
