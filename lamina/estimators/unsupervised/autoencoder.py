"""Autoencoders: networks that reconstruct their inputs from a latent representation."""

from dataclasses import replace
from math import prod
from typing import Any

import jax
import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from lamina import learning
from lamina.estimators._core.architecture.autoencoder import AutoencoderArchitecture
from lamina.estimators._core.fitting import fit
from lamina.estimators._core.inputs.scaled import ScaledInputs, dense
from lamina.estimators._core.parameters.checks import BOOLEAN, NONE, Check, each, option
from lamina.estimators._core.parameters.constraints import (
    ACTIVATION,
    COUNT,
    LAYERS,
    SIZES,
)
from lamina.estimators._core.parameters.table import estimator, fixed, param
from lamina.estimators._core.parts import recall
from lamina.estimators._core.preparation import Request
from lamina.estimators._core.targets.inputs import InputTarget
from lamina.estimators._core.trained import TrainedNetwork
from lamina.estimators._core.training import is_stochastic
from lamina.estimators.unsupervised.state import FittedAutoencoder
from lamina.learning.loop.apply import outputs
from lamina.learning.objectives.sparsity import SPARSITIES
from lamina.learning.protocols import Term
from lamina.metrics.scores import mean_squares
from lamina.networks import Dense, Network
from lamina.networks.composite.mirror import Tied
from lamina.networks.core.computing import own_settings
from lamina.networks.layers.corruption import CORRUPTIONS

LOSSES = ("auto", "squared_error", "binary_cross_entropy")

ROWS, NUMBERS = 2048, 2**22
"""Maximum number of examples, and of values, per chunk of reconstruction errors."""


def _described_by(words: dict[str, type]) -> Check:
    """Return the check of a description that may also be given by its name."""
    word, classes = option(*words), tuple(words.values())
    made = " or ".join(f"{cls.__name__}()" for cls in classes)

    def accepts(value: Any) -> bool:
        if isinstance(value, list | tuple) and value:
            return word.accepts(value[0])
        return value is None or isinstance(value, classes) or word.accepts(value)

    how = f"or a name with its numbers, such as ({word.words[0]!r}, 0.1), or None"
    return Check(f"{made}, {word.expected}, {how}", accepts, words=word.words)


CORRUPTION, SPARSITY = _described_by(CORRUPTIONS), _described_by(SPARSITIES)


@estimator
class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, TrainedNetwork):
    """Network trained to reproduce its inputs from a small or sparse representation.

    ``Autoencoder((500, 2)).fit(X).transform(X)`` embeds the examples in two dimensions.
    The ``reconstruction_error`` of an example is large if it differs from the training
    examples.

    Equations
    ---------
        z = encoder(x̃),   x̃ ~ corruption of x in training, x̃ = x in inference mode
        x̂ = decoder(z)
        E(θ) = [Σᵢ wᵢ ℓ(x̂ᵢ, xᵢ) + ½ α Σ W² + λ Σ |W|] / Σᵢ wᵢ + Ω(z)

    x are the inputs of the network. By default they follow from X:

    - X in [0, 1] is not scaled, images of bytes are divided by 255. The outputs are
      logistic, and ℓ = −Σⱼ xⱼ ln x̂ⱼ + (1 − xⱼ) ln(1 − x̂ⱼ).
    - All others are scaled to mean 0 and variance 1. The outputs are linear, and
      ℓ = ½ Σⱼ (xⱼ − x̂ⱼ)².

    Ω is the penalty of ``sparsity``.

    Shapes
    ------
    X: (n_samples, n_features), dense or sparse; or images (n_samples, height, width) or
    (n_samples, height, width, channels), of bytes or any numbers.

    Attributes
    ----------
    loss_name_ : str
        The name of ℓ.
    feature_mean_, feature_scale_ : ndarray (n_features,), of images (channels,)
        x is (X − mean) / scale.
    image_shape_ : (height, width, channels)
        Shape of the training images; only if X were images.
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_,
    best_epoch_, t_, n_iter_, n_outputs_, out_activation_, n_features_in_,
    feature_names_in_
        As in :class:`lamina.MLPClassifier`.
    network_, params_, history_, n_compiles_, stop_reason_, resumed_from_
        See :class:`lamina.estimators._core.network_estimator.NetworkEstimator`.

    References
    ----------
    Hinton & Salakhutdinov (2006), Reducing the dimensionality of data with neural
    networks, Science 313; Vincent, Larochelle, Lajoie, Bengio & Manzagol (2010),
    Stacked denoising autoencoders, JMLR 11; Ng (2011), Sparse autoencoder, CS294A
    lecture notes; Masci, Meier, Cireşan & Schmidhuber (2011), Stacked convolutional
    auto-encoders for hierarchical feature extraction, ICANN.

    Examples
    --------
    >>> from lamina import Autoencoder, data
    >>> X = data.load("digits").X / 16
    >>> model = Autoencoder((64, 8), max_iter=50, random_state=0).fit(X)
    >>> model.transform(X).shape
    (1797, 8)
    >>> model.inverse_transform(model.transform(X)).shape
    (1797, 64)
    >>> -model.score(X) < 0.03
    True
    """

    _state_type = FittedAutoencoder

    _takes_images = True
    _generates = False
    _takes_bits = False

    encoder: Any = param(
        default=(32,),
        doc="""Units of each layer of the encoder, ending with the latent layer. The
        decoder mirrors them: that of ``(1000, 500, 250, 2)`` has 250, 500, 1000 and as
        many units as there are features.""",
        check=SIZES,
        kw_only=False,
    )
    activation: Any = param(
        default="relu",
        doc="Activation φ of all layers except the latent layer and the output.",
        check=ACTIVATION,
    )
    latent_activation: Any = param(
        default="identity", doc="Activation φ of the latent layer.", check=ACTIVATION
    )
    corruption: Any = param(
        default=None,
        doc="""Noise on the inputs in training, while the targets stay clean: this makes
        a denoising autoencoder. ``MaskingNoise(0.3)``, ``("masking", 0.3)`` and
        ``"masking"`` are equivalent. Its numbers are in units of x.""",
        check=CORRUPTION,
        first_order=True,
    )
    sparsity: Any = param(
        default=None,
        doc="""Penalty Ω on the activations of the latent layer: ``KLSparsity()``,
        ``L1Sparsity()``, or a name as for ``corruption``. ``"kl"`` needs
        ``latent_activation="logistic"``.""",
        check=SPARSITY,
    )
    tied: bool = param(
        default=False,
        doc="""Whether the decoder uses the transposed weights of the encoder, and has
        only biases of its own.""",
        check=BOOLEAN,
    )
    layers: Any = param(
        default=None,
        doc="""Layers of the encoder, in place of ``encoder``, ``activation`` and
        ``latent_activation``: ``[Conv(16, padding="same"), MaxPool(2), Conv(4,
        padding="same")]``. The decoder can mirror dense and convolutional layers,
        pools, ``Flatten`` and ``Upsample``: see
        :func:`lamina.networks.composite.mirror.mirrored`.""",
    )
    decoder: Any = param(
        default=None,
        doc="""Layers or numbers of units of the decoder; by default it mirrors the
        encoder. An output layer is added, unless the last layer is marked by
        ``Output``: ``[9, Output(Dense(6, "logistic"))]``.""",
        check=each(
            COUNT | Check("a layer", lambda v: LAYERS.accepts([v])),
            "a list of layers or of numbers of units",
        )
        | NONE,
    )
    loss: str = param(
        default="auto",
        doc="The loss ℓ; by default it follows from the inputs.",
        check=option(*LOSSES),
    )
    standardize: bool = param(
        default=True,
        doc="""Whether to scale the inputs to mean 0 and variance 1 if ℓ is the squared
        error. Each channel of images is scaled as a whole.""",
        check=BOOLEAN,
    )
    batch_size: Any = param(
        default="auto",
        doc="""Examples per training step; "auto" is min(200, n_samples), for
        convolutional networks min(64, n_samples).""",
    )
    input_noise: float = param(
        default=0.0,
        doc="""Standard deviation of Gaussian noise on inputs in each training step, in
        units of x; the targets stay clean.""",
    )
    label_smoothing: float = fixed(default=0.0, reason="its targets are its inputs")
    pretraining: Any = fixed(
        default=None, reason="the decoder would not mirror the pre-trained encoder"
    )

    # ---- training -------------------------------------------------------------------

    def fit(self, X, y=None, sample_weight=None, *, X_val=None):
        """Train the network to reconstruct X.

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features), or images
        y : ignored
        sample_weight : array-like (n_samples,), optional
        X_val : optional
            A validation set of your own: ``history_`` then holds its loss and score,
            and with ``early_stopping`` it decides when to stop.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If parameters or data are invalid.

        Warns
        -----
        ConvergenceWarning
            If training did not converge, diverged or was interrupted.
        """
        return fit(self, Request(X, X, sample_weight, X_val, X_val))

    @available_if(is_stochastic)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Train for one more epoch, on these examples.

        The first call determines the scale of the inputs and the loss.
        """
        return fit(self, Request(X, X, sample_weight, incremental=True))

    # ---- application ----------------------------------------------------------------

    def transform(self, X):
        """Return the embeddings of the examples (n_samples, latent_dim)."""
        X, inputs = self._known_inputs(X)
        codes = inputs.outputs(*self._halves()[0], X)
        return codes.reshape(len(codes), -1)

    def inverse_transform(self, X):
        """Decode embeddings, and return the results in units of X.

        Parameters
        ----------
        X : array-like (n_samples, latent_dim)

        Returns
        -------
        ndarray (n_samples, n_features)
            Images (n_samples, height, width, channels) if ``fit`` had images.

        Raises
        ------
        ValueError
            If X does not have as many columns as ``transform`` returns.
        """
        check_is_fitted(self)
        how: dict[str, Any] = {"dtype": (np.float64, np.float32)}
        codes = check_array(X, estimator=self, **how)
        shape = self._latent_shape
        if codes.shape[1] != prod(shape):
            raise ValueError(
                f"embeddings must have {prod(shape)} columns, as transform returns; "
                f"got {codes.shape[1]}"
            )
        codes = codes.reshape(len(codes), *shape)
        made = outputs(*self._halves()[1], codes, self._dtype())
        return recall(self._inputs(), self).restore(made)

    def reconstruct(self, X):
        """Return the reconstructions of X, in units of X."""
        made, _ = self._predicted(X)
        return recall(self._inputs(), self).restore(made)

    def reconstruction_error(self, X):
        """Return the reconstruction error of each example (n_samples,).

        Equations
        ---------
            eᵢ = 1/d Σⱼ (xᵢⱼ − x̂ᵢⱼ)²

        over the d values of an example, scaled if the inputs are scaled. Large errors
        indicate outliers: examples unlike the training examples.
        """
        X, inputs = self._known_inputs(X)
        size = max(1, min(ROWS, NUMBERS // self.n_features_in_))
        errors = []
        for start in range(0, X.shape[0], size):
            x = X[start : start + size]
            made = inputs.outputs(self.network_, self.params_, x)
            errors.append(mean_squares(dense(inputs.encode(x)), made))
        return np.concatenate(errors)

    @property
    def coefs_(self) -> tuple[np.ndarray, ...]:
        """Weights of the encoder, one matrix per layer, for inputs in units of X.

        A perceptron with the same layers can start from them and :attr:`intercepts_`:
        ``MLPClassifier(…).fit(X, y, coefs_init=…, intercepts_init=…)``.

        Raises
        ------
        AttributeError
            If the encoder has layers that are not fully connected.
        """
        return tuple([layer["weight"] for layer in self._dense_encoder()])

    @property
    def intercepts_(self) -> tuple[np.ndarray, ...]:
        """Biases of the encoder, one vector per layer, for inputs in units of X."""
        return tuple([layer["bias"] for layer in self._dense_encoder()])

    def _dense_encoder(self) -> list[dict]:
        network, params = self._halves()[0]
        pairs = zip(network.layers, params, strict=True)
        found = [(layer, own) for layer, own in pairs if own]
        if not all(isinstance(layer, Dense) for layer, _ in found):
            raise AttributeError(
                "coefs_ needs an encoder of fully connected layers only"
            )
        (_, first), *others = found
        positions = self.n_features_in_ // len(self.feature_mean_)
        scaling = self.feature_mean_, self.feature_scale_
        first = learning.for_unscaled(first, *[np.tile(a, positions) for a in scaling])
        return [first, *[own for _, own in others]]

    def score(self, X, y=None, sample_weight=None):
        """Return minus the mean of :meth:`reconstruction_error`: higher is better."""
        return -float(np.average(self.reconstruction_error(X), weights=sample_weight))

    def _known_inputs(self, X: Any) -> tuple[Any, ScaledInputs]:
        """Return validated examples, and the fitted inputs."""
        check_is_fitted(self)
        inputs = recall(self._inputs(), self)
        return inputs.check(self, X), inputs

    def _encoded(self, X: Any) -> Any:
        """Return x for validated examples."""
        return recall(self._inputs(), self).encode(X)

    def _halves(self) -> tuple[tuple[Network, Any], tuple[Network, Any]]:
        """Return the encoder and the decoder, each with its parameters."""
        layers, params = self.network_.layers, self.params_
        n = recall(self._architecture(), self).n_encoder
        if isinstance(tied := layers[-1], Tied):
            layers = (*layers[:-1], *tied.layers, *tied.back)
            params = (*params[:-1], *tied.completed(params[-1]))
        encoder = Network(layers[:n]), params[:n]
        return encoder, (Network(layers[n:]), params[n:])

    @property
    def _needs_units(self) -> bool:
        """Whether inputs have to be in [0, 1]."""
        return self.loss == "binary_cross_entropy"

    @property
    def _latent_shape(self) -> tuple[int, ...]:
        (encoder, params), _ = self._halves()
        one = jax.ShapeDtypeStruct((1, *self._input_shape()), self._dtype())
        with own_settings(self._dtype()):
            return jax.eval_shape(encoder, params, one).shape[1:]

    @property
    def _n_features_out(self) -> int:
        return prod(self._latent_shape)

    # ---- parts ----------------------------------------------------------------------

    def _inputs(self) -> ScaledInputs:
        given = _described("corruption", self.corruption, CORRUPTIONS)
        own = self.dtype, self.loss, self.standardize
        return ScaledInputs(*own, self.layers, given)

    def _target(self) -> InputTarget:
        return InputTarget(self.dtype, self.loss, recall(self._inputs(), self))

    def _architecture(self) -> AutoencoderArchitecture:
        phi = self.activation, self.latent_activation
        layers = self.layers, self.decoder, self.tied
        penalty = _described("sparsity", self.sparsity, SPARSITIES)
        how = self.init, penalty
        return AutoencoderArchitecture(self.encoder, *phi, *layers, *how)

    def _terms(self) -> tuple[Term, ...]:
        penalty = _described("sparsity", self.sparsity, SPARSITIES)
        if penalty is None:
            return super()._terms()
        (encoder, params), _ = self._halves()
        code = len(encoder.walk(params)) - 1
        return (*super()._terms(), replace(penalty, layer=code))

    def _check_params(self) -> None:
        super()._check_params()
        if not len(self.encoder) and self.layers is None:
            raise ValueError("encoder must have at least one layer, the latent layer")
        if self.tied and self.decoder is not None:
            raise ValueError("tied=True has no decoder of its own: set decoder=None")
        _described("corruption", self.corruption, CORRUPTIONS)
        _described("sparsity", self.sparsity, SPARSITIES)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _described(name: str, value: Any, words: dict[str, type]) -> Any:
    """Return a description that may also be given by its name.

    Raises
    ------
    ValueError
        If the number of arguments is wrong.
    """
    if value is None or type(value) in words.values():
        return value
    word, *numbers = [value] if isinstance(value, str) else value
    try:
        return words[word](*numbers)
    except TypeError:
        raise ValueError(
            f"{name} must be {word!r} with its numbers, such as ({word!r}, 0.1); got "
            f"{value!r}"
        ) from None
