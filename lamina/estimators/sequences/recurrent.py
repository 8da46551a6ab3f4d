"""Recurrent networks for sequences: one class or one number for each."""

from lamina.estimators._core.classifier import FeedForwardClassifier
from lamina.estimators._core.over_sequences import OverSequences
from lamina.estimators._core.regressor import FeedForwardRegressor
from lamina.estimators.sequences.state import (
    FittedSequenceClassifier,
    FittedSequenceRegressor,
)


class RecurrentClassifier(OverSequences, FeedForwardClassifier):
    """Recurrent network for classes of sequences, which may have different lengths.

    ``RecurrentClassifier().fit(list_of_arrays, labels)`` is all there is to write. Two
    classes get one logistic output, more a softmax, several 0/1 columns one logistic
    output each.

    Equations
    ---------
        a₀ₜ = (xₜ − μ) / σ,   aᵢ = layerᵢ(aᵢ₋₁)
        E(θ) = [Σⱼ wⱼ ℓ(h(xⱼ), yⱼ) + ½ α Σ W²] / Σⱼ wⱼ

    μ and σ are mean and standard deviation of each feature over all steps that were
    given to ``fit``.

    Shapes
    ------
    X: a list of n_samples arrays (steps, n_features) or (steps,); an array (n_samples,
    time, n_features) or (n_samples, time), filled up with NaN behind the last step of
    each sequence; what :func:`lamina.data.as_series` makes of an array and lengths; or
    a list of texts, whose characters are the steps: embedded if ``layers`` begin with
    an ``Embedding`` (or are the default), one-hot otherwise.
    y (n_samples,) labels of any type, or (n_samples, n_labels) of 0 and 1.

    Parameters
    ----------
    layers : list of layer descriptions, optional
        ``[LSTM(128)]``, or ``[Bidirectional(LSTM(64)), Dropout(0.2), LSTM(64), Last(),
        Dense(32)]``. They end before the output layer, which follows from the labels;
        one of one's own is marked, ``Output(Dense(3, "logistic"))``. By default
        ``Bidirectional(GRU(64))``, ``pooling``, and ``dropout``. Layers that mix steps
        and know no lengths, such as ``Conv``, take sequences of one length.
    pooling : {"mean", "last"}, default="mean"
        What the output is told, where ``layers`` have an answer at each step: their
        mean over time, or the last one. Of ``Bidirectional`` layers take the mean: what
        reads backward has seen one step only where it answers last.
    tbptt : int, optional
        Truncated backpropagation through time: errors go back over at most so many
        steps, within chunks of them; states are carried on from chunk to chunk. It
        holds for all recurrent layers, in place of a ``tbptt`` of their own. By default
        errors go back to the first step, or as far as each layer says.
    standardize : bool, default=True
        Whether μ and σ are those of the data; otherwise 0 and 1.
    dropout : float, default=0.5
        Of what the default layers tell the output.
    solver, alpha, l1, learning_rate_init, max_iter, shuffle, random_state, tol,
    verbose, warm_start, early_stopping, validation_fraction, n_iter_no_change, loss,
    class_weight, callbacks, dtype, schedule, stopping, monitor, refit, weight_noise,
    label_smoothing, max_norm, clip_norm, clip_value, checkpoint, checkpoint_seconds
        As of :class:`lamina.MLPClassifier`.
    batch_size : int, "auto" or "full", default="auto"
        Sequences a step; "auto" is about an eighth of them: 4, 8, 16, and 32 at most.
    init : str, default="auto"
        Initialiser of the weights that are added; "auto" is "glorot_uniform".
    input_noise, adversarial : float, and FGSM or PGD, optional
        As of :class:`lamina.MLPClassifier`; in standard deviations of each feature.

    Attributes
    ----------
    feature_mean_, feature_scale_ : ndarray (n_features,)
        μ and σ.
    longest_ : int
        Steps of the longest sequence that was learnt.
    alphabet_ : str or None
        The characters of the texts that were learnt, numbered from 1; 0 is any other.
    n_features_in_ : int
        Features of a step.
    classes_, loss_, best_loss_, loss_curve_, validation_scores_,
    best_validation_score_, best_epoch_, t_, n_iter_, n_outputs_, out_activation_
        As of :class:`lamina.MLPClassifier`.
    network_, params_, history_, n_compiles_, stopped_, resumed_from_
        See :class:`lamina.estimators._core.base.NetworkEstimator`.

    Notes
    -----
    Sequences are filled up to 8, 16, 32 … steps and learnt with others of similar
    lengths, one program for each of these lengths; what fills them up never changes an
    answer.

    References
    ----------
    Schuster & Paliwal (1997), Bidirectional recurrent neural networks, IEEE Trans.
    Signal Processing 45; Werbos (1990), Backpropagation through time, Proc. IEEE 78;
    Williams & Peng (1990), An efficient gradient-based algorithm for on-line training
    of recurrent network trajectories, Neural Computation 2 (truncated). Decks 000, 001,
    002 and 004.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import RecurrentClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=rng.integers(5, 12)) for _ in range(200)]
    >>> y = ["up" if x.sum() > 0 else "down" for x in X]
    >>> model = RecurrentClassifier(max_iter=20, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _state_type = FittedSequenceClassifier

    def __init__(
        self,
        layers=None,
        *,
        pooling="mean",
        tbptt=None,
        standardize=True,
        dropout=0.5,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate_init=0.003,
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
        schedule="cosine",
        stopping=None,
        monitor="score",
        refit=None,
        input_noise=0.0,
        weight_noise=0.0,
        label_smoothing=0.0,
        max_norm=None,
        clip_norm=1.0,
        clip_value=None,
        adversarial=None,
        checkpoint=None,
        checkpoint_seconds=30.0,
    ):
        self.layers = layers
        self.pooling = pooling
        self.tbptt = tbptt
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


class RecurrentRegressor(OverSequences, FeedForwardRegressor):
    """Recurrent network for numbers that sequences tell, one or several.

    Parameters, attributes and methods are those of :class:`RecurrentClassifier` but for
    classes; these differ:

    Parameters
    ----------
    loss : str or callable, default="squared_error"
        As of :class:`lamina.MLPRegressor`.
    scale_target : bool, default=True
        Whether targets are scaled, as of :class:`lamina.MLPRegressor`; False for
        ``loss="poisson"``.
    dropout : float, default=0.0
        Of what the default layers tell the output.

    References
    ----------
    Decks 001, 002 and 004.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import RecurrentRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=rng.integers(5, 12)) for _ in range(200)]
    >>> y = [x.mean() for x in X]
    >>> model = RecurrentRegressor(max_iter=20, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _state_type = FittedSequenceRegressor

    def __init__(
        self,
        layers=None,
        *,
        pooling="mean",
        tbptt=None,
        standardize=True,
        dropout=0.0,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate_init=0.003,
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
        schedule="cosine",
        stopping=None,
        monitor="score",
        refit=None,
        input_noise=0.0,
        weight_noise=0.0,
        max_norm=None,
        clip_norm=1.0,
        clip_value=None,
        adversarial=None,
        checkpoint=None,
        checkpoint_seconds=30.0,
    ):
        self.layers = layers
        self.pooling = pooling
        self.tbptt = tbptt
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
