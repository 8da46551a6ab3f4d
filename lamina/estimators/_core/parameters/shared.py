"""Tables of the parameters that several estimators share."""

import os
from typing import Any

from lamina import learning
from lamina.estimators._core.parameters.checks import (
    BOOLEAN,
    FUNCTION,
    NONE,
    Check,
    each,
    integer,
    number,
    option,
)
from lamina.estimators._core.parameters.constraints import (
    CLASS_LOSS,
    CLASS_WEIGHT,
    COUNT,
    LAYERS,
    LOSS,
    PART,
    POSITIVE,
    SCHEDULE,
    SHARE,
    TERM,
    sides,
)
from lamina.estimators._core.parameters.table import fixed, param, table
from lamina.learning.objectives.adversarial import Attack
from lamina.learning.protocols import Algorithm
from lamina.networks.core.layer import Layer
from lamina.networks.functional.initializers import INITIALIZERS

SOLVERS = {
    "rmsprop": "RMSProp",
    "rprop": "Rprop",
    "lbfgs": "LBFGS",
    "bfgs": "BFGS",
    "newton": "Newton",
    "cg": "ConjugateGradient",
    "lm": "LevenbergMarquardt",
    "exact": "LeastSquares",
}
"""Algorithms by their words, beside "sgd" and "adam"; with their own defaults."""

PRETRAINING_KINDS = tuple(map(type, learning.PRETRAININGS.values()))
ONE_PRETRAINING = option(*learning.PRETRAININGS) | Check(
    "RBMPretraining(), AutoencoderPretraining() or SupervisedPretraining()",
    lambda v: isinstance(v, PRETRAINING_KINDS),
)


# ---- every network ------------------------------------------------------------------


@table("Run")
class ProgressParams:
    """What a person sees of a fit."""

    verbose: Any = param(
        default=False,
        doc="""Whether to show a progress bar on a terminal or in a notebook; elsewhere
        a line an epoch is printed.""",
        check=BOOLEAN | integer(0),
    )
    callbacks: Any = param(
        default=None,
        doc="""Functions that are called after every epoch with a
        :class:`lamina.learning.Progress`; one that returns True stops training.""",
        check=each(FUNCTION, "functions") | NONE,
    )


@table("Run")
class CheckpointParams:
    """How a fit that was killed goes on."""

    checkpoint: Any = param(
        default=None,
        doc="""Folder for the checkpoint of this fit. A fit that was killed goes on from
        there when it is called again with equal parameters and data, and ends with the
        same bits as one that was not; one that had ended is returned at once, or goes
        on if it may take more epochs now. A checkpoint of another run is refused. A
        callback with a memory keeps it there if it has the methods ``get_state()``,
        which returns plain numbers and arrays, and ``set_state(state)``.""",
        check=Check("the path of a folder", lambda v: isinstance(v, str | os.PathLike))
        | NONE,
    )
    checkpoint_seconds: float = param(
        default=30.0,
        doc="""Least time between two checkpoints; one is always written at the start,
        at the end and at Ctrl-C.""",
        check=number(0, infinite=True),
    )


@table("Run")
class CommonParams(ProgressParams, CheckpointParams):
    """Parameters of every estimator that holds a network."""

    dtype: str = param(
        default="float32",
        doc="Type of the computation.",
        check=option("float32", "float64"),
    )


# ---- gradient-trained networks ------------------------------------------------------


@table("Training")
class EpochParams:
    """Which examples an epoch has, and which weights the first begins with."""

    shuffle: bool = param(
        default=True,
        doc="Whether each epoch has an order of its own.",
        check=BOOLEAN,
    )
    warm_start: bool = param(
        default=False,
        doc="""Whether ``fit`` goes on from where the last one ended, solver state
        included.""",
        check=BOOLEAN,
    )


@table("Training")
class SolverParams(EpochParams):
    """How the weights change."""

    solver: Any = param(
        default="adam",
        doc="""The algorithm. "adam", "sgd" and "lbfgs" are those of scikit-learn;
        "rmsprop", "rprop" (whole batches), "cg", "bfgs", "newton", "lm"
        (Levenberg–Marquardt) and "exact" (the closed form, for a linear network with
        squared error) have defaults of their own. ``SGD(0.1, momentum=0.9)`` sets its
        rates itself; a grid search reaches them as ``solver__learning_rate``. "lm" and
        "exact" compute in double precision whatever ``dtype`` says.""",
        check=option("adam", "sgd", *SOLVERS)
        | Check(
            "an algorithm such as Adam(0.01)",
            lambda v: isinstance(v, Algorithm),
        ),
    )
    batch_size: Any = param(
        default="auto",
        doc="""Examples in each step; 1 is online learning, "auto" is
        min(200, n_samples).""",
        check=option("auto", "full") | COUNT,
    )
    learning_rate: str = param(
        default="constant",
        doc="""Schedule of ``solver="sgd"``: see
        :mod:`lamina.learning.control.schedules`.""",
        check=option("constant", "invscaling", "adaptive"),
    )
    learning_rate_init: float = param(
        default=0.001, doc='Learning rate η of "sgd" and "adam".', check=POSITIVE
    )
    power_t: float = param(
        default=0.5, doc='Exponent of ``learning_rate="invscaling"``.', check=number(0)
    )
    momentum: float = param(default=0.9, doc='Momentum of "sgd".', check=SHARE)
    nesterovs_momentum: bool = param(
        default=True, doc='Whether "sgd" takes Nesterov\'s momentum.', check=BOOLEAN
    )
    beta_1: float = param(
        default=0.9, doc='Decay of the mean gradient of "adam".', check=PART
    )
    beta_2: float = param(
        default=0.999, doc='Decay of the mean squared gradient of "adam".', check=PART
    )
    epsilon: float = param(
        default=1e-8, doc='Keeps steps of "adam" finite.', check=POSITIVE
    )
    selective_delta: Any = param(
        default=None,
        doc="""``SelectiveDelta()`` learns from the examples with large δ between two
        whole epochs.""",
        check=Check(
            "SelectiveDelta()", lambda v: isinstance(v, learning.SelectiveDelta)
        )
        | NONE,
        first_order=True,
    )
    schedule: Any = param(
        default=None,
        doc="""How the learning rate changes from epoch to epoch, for every solver that
        has one: "cosine", "step", "inverse_time" (α₀ / (i + c)), "bold_driver", or one
        with its numbers, ``StepDecay(every=20, factor=0.5)``; see
        :mod:`lamina.learning.control.schedules`. The loss is a mean over examples: what
        is η = 0.7 / l for a sum over l examples is a rate of 0.7 here.""",
        check=SCHEDULE,
        first_order=True,
    )


@table("Stopping")
class EarlyStoppingParams:
    """How many epochs there are, and when they are enough."""

    max_iter: int = param(
        default=200,
        doc='Epochs at most; for "lbfgs" steps.',
        check=COUNT,
    )
    tol: float = param(
        default=1e-4,
        doc="""An epoch improves if the loss falls (the score rises) by this; "lbfgs"
        stops when no component of the gradient is larger. With ``schedule="cosine"``
        only early stopping looks at it.""",
        check=number(0, infinite=True),
    )
    n_iter_no_change: float = param(
        default=10,
        doc="Epochs without improvement before training stops.",
        check=number(1, infinite=True),
    )
    early_stopping: bool = param(
        default=False,
        doc="""Whether to stop by the score of held-out examples and give back the
        weights that scored best.""",
        check=BOOLEAN,
    )
    validation_fraction: float = param(
        default=0.1,
        doc="Share of the examples held out for that, the same of every class.",
        check=SHARE,
    )


@table("Stopping")
class StoppingParams(EarlyStoppingParams):
    """When training ends, and whose weights are kept."""

    max_fun: int = param(
        default=15000,
        doc='Evaluations of the loss at most, for "lbfgs".',
        check=COUNT,
    )
    monitor: str = param(
        default="score",
        doc="""What early stopping watches on the held-out examples, and whose best
        weights it gives back. The loss is more informative than the accuracy of few
        examples.""",
        check=option("score", "loss"),
    )
    stopping: Any = param(
        default=None,
        doc="""Rules in place of ``tol`` and ``n_iter_no_change``, any of which stops:
        ``[LossBelow("loss", 0.01), SmallImprovement(), SmallChange(1e-4)]``; see
        :mod:`lamina.learning.control.stopping`.""",
        check=each(FUNCTION, "rules such as [LossBelow('loss', 0.1)]") | NONE,
    )
    refit: str | None = param(
        default=None,
        doc="""After early stopping, learn from the held-out examples too: "restart" for
        as many epochs as were best, or "continue" from the best weights until the loss
        falls below the validation loss they had. ``history_["refit_loss"]`` holds the
        losses of this second run, ``refit_n_iter_`` its epochs and
        ``refit_stop_reason_`` why it ended; ``n_iter_`` and ``stop_reason_`` are those
        of the first, and ``t_`` counts the examples seen since the weights were
        initialised.""",
        check=option("restart", "continue") | NONE,
    )


@table("Regularisation")
class RegularizationParams:
    """What keeps a network from fitting noise."""

    alpha: float = param(default=0.0001, doc="α, the L2 penalty.", check=number(0))
    l1: float = param(default=0.0, doc="λ, the L1 penalty.", check=number(0))
    label_smoothing: float = param(
        default=0.0,
        doc="s: targets become (1 − s) y + s / K for K classes.",
        check=PART,
    )
    clip_norm: float | None = param(
        default=None,
        doc="Largest length of the gradient over all parameters.",
        check=POSITIVE | NONE,
        first_order=True,
    )
    clip_value: float | None = param(
        default=None,
        doc="Largest size of a component of the gradient.",
        check=POSITIVE | NONE,
        first_order=True,
    )
    max_norm: float | None = param(
        default=None,
        doc="Largest length of the weights into a unit.",
        check=POSITIVE | NONE,
        first_order=True,
    )
    adversarial: Any = param(
        default=None,
        doc="""FGSM() or PGD(): learn from examples that were made as wrong as the bound
        of their norm allows.""",
        check=Check("FGSM() or PGD()", lambda v: isinstance(v, Attack)) | NONE,
        first_order=True,
    )
    input_noise: float = param(
        default=0.0,
        doc="Standard deviation of Gaussian noise on inputs in each training step.",
        check=number(0),
        first_order=True,
    )
    weight_noise: float = param(
        default=0.0,
        doc="Standard deviation of Gaussian noise on weights in each training step.",
        check=number(0),
        first_order=True,
    )
    regularizers: Any = param(
        default=None,
        doc="""Further terms of the objective: penalties on weights or activities,
        noise, smoothing, attacks, ``[L1Sparsity(0.01, layer=0)]``.""",
        check=each(TERM, "terms such as [L1(1e-4)]") | NONE,
    )


class TrainingParams(SolverParams, StoppingParams, RegularizationParams):
    """Parameters of every network that is trained by gradients of a loss."""


@table("Network")
class NetworkParams:
    """Which layers there are."""

    layers: Any = param(
        default=None,
        doc="""Any network: ``[Dense(64, "tanh"), Dropout(0.3)]``. The layers end before
        the output layer, which is added; :class:`lamina.Output` marks one of your own:
        ``[Dense(64), Output(Dense(10, "logistic"))]``.""",
        check=LAYERS | NONE,
    )
    init: str = param(
        default="auto",
        doc="""Initialiser of the weights of layers that are added; "auto" is
        "glorot_uniform". Biases start at 0.""",
        check=option("auto", *INITIALIZERS),
    )


@table("Network")
class PretrainingParams:
    """How hidden layers learn before the network does."""

    pretraining: Any = param(
        default=None,
        doc="""How hidden layers learn before the network does, one after the other,
        each from what those below it make of the inputs: "rbm" (logistic layers only),
        "autoencoder", "denoising" or "supervised"; with numbers of their own
        :class:`lamina.RBMPretraining`, :class:`lamina.AutoencoderPretraining` and
        :class:`lamina.SupervisedPretraining`. One for all hidden layers, or one for
        each, None for a layer without. ``history_["pretraining1_loss"]`` holds the
        losses of the first. Not in ``partial_fit`` and warm starts, which go on from
        what was learnt.""",
        check=ONE_PRETRAINING
        | NONE
        | each(ONE_PRETRAINING | NONE, "a list of such, one for each hidden layer"),
    )


# ---- what comes out -----------------------------------------------------------------


@table("Target")
class ClassParams:
    """Parameters of networks for classes."""

    loss: Any = param(
        default="log_loss",
        doc="""What training makes small. "log_loss" is the cross entropy that fits the
        outputs: −Σ y ln a of a softmax, and −Σ y ln a + (1 − y) ln(1 − a) of logistic
        outputs, several classes included, so that δ = a − y. Others are
        "squared_error", "sum_squared_error", "absolute_error", or a function
        ``loss(outputs, targets)`` that returns one number an example.""",
        check=CLASS_LOSS,
    )
    class_weight: Any = param(
        default=None,
        doc="""Weights of classes: n / (K nₖ) for "balanced", counted on the training
        rows, and the same for the loss of validation rows; scores go by
        ``sample_weight`` only. Of several label columns a list with one dict a column,
        or "balanced", counted on the measured labels of each; an example's weight is
        the product over those.""",
        check=CLASS_WEIGHT,
    )


@table("Target")
class ScaleParams:
    """How targets that are numbers are scaled."""

    scale_target: bool = param(
        default=False,
        doc="""Whether targets are scaled for training, and predictions back, each
        output by itself: to mean 0 and standard deviation 1; where the output layer is
        logistic or tanh, to its range [0, 1] or [−1, 1], from the smallest to the
        largest target of the first call. Targets of a large scale want it; it has to be
        False for ``loss="poisson"``. Without it targets are still scaled where they
        cannot be learnt as they are: see
        :func:`lamina.estimators._core.targets.scale.resolved`.""",
        check=BOOLEAN,
    )


@table("Target")
class NumberParams(ScaleParams, RegularizationParams):
    """Parameters of networks for numbers."""

    loss: Any = param(
        default="squared_error",
        doc="""What training makes small: ½ Σ (y − a)² with linear outputs; "poisson"
        (counts; outputs e^h), "absolute_error", "sum_squared_error", or a function
        ``loss(outputs, targets)`` that returns one number an example.""",
        check=LOSS,
    )
    label_smoothing: float = fixed(default=0.0, reason="its targets are numbers")


# ---- what goes in -------------------------------------------------------------------


@table("Inputs")
class ImageParams(NetworkParams, PretrainingParams, TrainingParams):
    """Parameters of networks for images."""

    layers: Any = param(
        default=None,
        doc="""``[Conv(32, 5), MaxPool(2), Conv(64, 5), MaxPool(2), Dense(128)]``. They
        end before the output layer, which follows from the labels; one of your own is
        marked, ``Output(Dense(10, "logistic"))``. ``Flatten`` is put before a ``Dense``
        layer to which places come; ``Conv(units, 1)`` is a dense layer at each place.
        By default blocks of two 3 × 3 convolutions and a pool, as many as the size of
        the images allows, and 128 units: see
        :func:`lamina.estimators._core.architectures.default_layers`.""",
        kw_only=False,
    )
    image_shape: Any = param(
        default=None,
        doc="""What the rows of a table are; the last axis runs fastest. By default a
        number of columns that is a square is that square (64 columns are 8 × 8 pixels),
        and any other number is one line of so many places, a signal in time for
        instance. Given images must be of this shape.""",
        check=sides("height", "width", "channels") | NONE,
    )
    augmentation: Any = param(
        default=None,
        doc="""How images are changed at random in training; "default" is ``Augment(
        shift=0.08, rotate=10, scale=0.1)``.""",
        check=NONE
        | option("default")
        | Check(
            "an Augment, such as Augment(shift=0.1)", lambda v: isinstance(v, Layer)
        ),
    )
    standardize: bool = param(
        default=True,
        doc="Whether μ and σ are those of the images; otherwise they are 0 and 1.",
        check=BOOLEAN,
    )
    dropout: float = param(
        default=0.5, doc="Dropout of the 128 units of the default layers.", check=PART
    )
    batch_size: Any = param(
        default="auto",
        doc='Images in each step; "auto" is min(64, n_samples).',
    )
    max_iter: int = param(default=50)
    init: str = param(
        default="auto",
        doc="""Initialiser of the layers that are added: "auto" is "he" for the default
        layers and "glorot_uniform" for the output.""",
    )
    input_noise: float = param(
        default=0.0,
        doc="""Standard deviation of Gaussian noise on inputs in each training step, in
        units of X: 0 … 255 for bytes.""",
    )
    adversarial: Any = param(
        default=None,
        doc="""FGSM() or PGD(): learn from examples that were made as wrong as the bound
        of their norm allows, which is in units of X: 0 … 255 for bytes.""",
    )
    pretraining: Any = fixed(
        default=None, reason="convolutions cannot learn before the network does"
    )


@table("Inputs")
class SequenceParams(NetworkParams, PretrainingParams, TrainingParams):
    """Parameters of networks for sequences."""

    _per_step = False
    """Whether there is an output at each step."""

    layers: Any = param(
        default=None,
        doc="""``[LSTM(128)]``, or ``[Bidirectional(LSTM(64)), Dropout(0.2), LSTM(64),
        LastStep(), Dense(32)]``. They end before the output layer, which follows from
        the labels; one of your own is marked, ``Output(Dense(3, "logistic"))``. By
        default ``Bidirectional(GRU(64))``, ``pooling``, and ``dropout``. Layers that
        mix steps and know no lengths, such as ``Conv``, take sequences of one
        length.""",
        kw_only=False,
    )
    pooling: str = param(
        default="mean",
        doc="""What the output layer sees if ``layers`` have an output at each step:
        their mean over time, or the last one. For ``Bidirectional`` layers take the
        mean: at the last step, what reads backward has seen that step only.""",
        check=option("mean", "last"),
    )
    tbptt: int | None = param(
        default=None,
        doc="""Truncated backpropagation through time: errors go back over at most so
        many steps, within chunks of them; states are carried on from chunk to chunk. It
        holds for all recurrent layers, in place of a ``tbptt`` of their own. By default
        errors go back to the first step, or as far as each layer says.""",
        check=COUNT | NONE,
    )
    standardize: bool = param(
        default=True,
        doc="Whether μ and σ are those of the data; otherwise they are 0 and 1.",
        check=BOOLEAN,
    )
    dropout: float | None = param(
        default=0.5,
        doc="Dropout before the output layer, if ``layers`` is None.",
        check=PART,
    )
    batch_size: Any = param(
        default="auto",
        doc="""Sequences in each step; "auto" is about an eighth of them: 4, 8, 16, and
        32 at most.""",
    )
    learning_rate_init: float = param(default=0.003)
    max_iter: int = param(default=50)
    schedule: Any = param(default="cosine")
    clip_norm: float | None = param(default=1.0)
    input_noise: float = param(
        default=0.0,
        doc="""Standard deviation of Gaussian noise on inputs in each training step, in
        standard deviations of each feature.""",
    )
    adversarial: Any = param(
        default=None,
        doc="""FGSM() or PGD(): learn from examples that were made as wrong as the bound
        of their norm allows, which is in standard deviations of each feature.""",
    )
    pretraining: Any = fixed(
        default=None, reason="recurrent layers cannot learn before the network does"
    )
