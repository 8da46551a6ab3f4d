"""Autoencoders: networks that make their inputs again, through a code."""

from dataclasses import replace
from math import prod
from typing import Any

import jax
import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from lamina import learning
from lamina.data import ImageError, as_images
from lamina.estimators._core.architectures import flattened, shapes_after
from lamina.estimators._core.checks import (
    BOOLEAN,
    NONE,
    Check,
    check_fits_float32,
    each,
    option,
)
from lamina.estimators._core.constraints import ACTIVATION, COUNT, LAYERS, SIZES
from lamina.estimators._core.feedforward import FeedForward
from lamina.estimators._core.heads import split, with_head
from lamina.estimators._core.parameters import estimator, fixed, param
from lamina.estimators._core.training import is_stochastic
from lamina.estimators.unsupervised.state import FittedAutoencoder
from lamina.learning.loop.apply import outputs
from lamina.learning.objectives.sparsity import SPARSITIES, KLSparsity
from lamina.learning.protocols import Term
from lamina.metrics.scores import mean_squares
from lamina.networks import Conv, Dense, Flatten, Network
from lamina.networks.composite.mirror import Tied, mirrored
from lamina.networks.core.computing import own_settings
from lamina.networks.core.layer import Layer
from lamina.networks.layers.corruption import CORRUPTIONS

LOSSES = ("auto", "squared_error", "binary_cross_entropy")

ROWS, NUMBERS = 2048, 2**22
"""So many examples at a time, and numbers, are compared with what is made of them."""

BYTE = 255.0


def _described_by(words: dict[str, type]) -> Check:
    """Return the check of a description that may be given in words."""
    word, classes = option(*words), tuple(words.values())
    made = " or ".join(f"{cls.__name__}()" for cls in classes)

    def accepts(value: Any) -> bool:
        if isinstance(value, list | tuple) and value:
            return word.accepts(value[0])
        return value is None or isinstance(value, classes) or word.accepts(value)

    how = f"or one with its numbers, such as ({word.words[0]!r}, 0.1), or None"
    return Check(f"{made}, {word.expected}, {how}", accepts, words=word.words)


CORRUPTION, SPARSITY = _described_by(CORRUPTIONS), _described_by(SPARSITIES)


@estimator
class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, FeedForward):
    """Network that makes its inputs again from a code of few, or few active, numbers.

    ``Autoencoder((500, 2)).fit(X).transform(X)`` gives two numbers for each example.
    How badly an example is made again (``reconstruction_error``) tells how unlike those
    it is that were learnt.

    Equations
    ---------
        z = encoder(x̃),   x̃ ~ corruption of x in training, x̃ = x at application
        x̂ = decoder(z)
        E(θ) = [Σᵢ wᵢ ℓ(x̂ᵢ, xᵢ) + ½ α Σ W² + λ Σ |W|] / Σᵢ wᵢ + Ω(z)

    x are the inputs as the network sees them. Inputs in [0, 1] stay as they are, the
    outputs are logistic, and ℓ = −Σⱼ xⱼ ln x̂ⱼ + (1 − xⱼ) ln(1 − x̂ⱼ). Images of bytes
    are divided by 255 first. All others are scaled to mean 0 and variance 1, outputs
    are linear, and ℓ = ½ Σⱼ (xⱼ − x̂ⱼ)². Ω is the penalty of ``sparsity``.

    Shapes
    ------
    X (n_samples, n_features), sparse too; or images (n_samples, height, width) or
    (n_samples, height, width, channels), of bytes or any numbers.

    Attributes
    ----------
    loss_name_ : str
        Which ℓ it is.
    feature_mean_, feature_scale_ : ndarray (n_features,), of images (channels,)
        x is (X − mean) / scale.
    image_shape_ : (height, width, channels)
        Of the images that were learnt, if it were images.
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_,
    best_epoch_, t_, n_iter_, n_outputs_, out_activation_, n_features_in_,
    feature_names_in_
        As of :class:`lamina.MLPClassifier`.
    network_, params_, history_, n_compiles_, stop_reason_, resumed_from_
        See :class:`lamina.estimators._core.base.NetworkEstimator`.

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

    encoder: Any = param(
        default=(32,),
        doc="""Units of each layer; the last ones are the code. The decoder mirrors
        them: ``(1000, 500, 250, 2)`` goes on 250, 500, 1000 and as many units as there
        are features.""",
        check=SIZES,
        kw_only=False,
    )
    activation: Any = param(
        default="relu",
        doc="φ of all layers but the code and the output.",
        check=ACTIVATION,
    )
    latent_activation: Any = param(
        default="identity", doc="φ of the code.", check=ACTIVATION
    )
    corruption: Any = param(
        default=None,
        doc="""What is done to inputs in training, the target being clean: a denoising
        autoencoder. ``MaskingNoise(0.3)``, ``("masking", 0.3)`` and ``"masking"`` are
        the same. In units of the inputs as the network sees them.""",
        check=CORRUPTION,
        first_order=True,
    )
    sparsity: Any = param(
        default=None,
        doc="""Penalty on the activities of the code; ``"kl"`` needs
        ``latent_activation="logistic"``. In words as ``corruption``.""",
        check=SPARSITY,
    )
    tied: bool = param(
        default=False,
        doc="""Whether the decoder has the weights of the encoder, transposed, and only
        biases of its own.""",
        check=BOOLEAN,
    )
    layers: Any = param(
        default=None,
        doc="""Any encoder instead of ``encoder``, ``activation`` and
        ``latent_activation``: ``[Conv(16, padding="same"), MaxPool(2), Conv(4,
        padding="same")]``. Dense and convolutional layers, pools, ``Flatten`` and
        ``Upsample`` are mirrored, see
        :func:`lamina.networks.composite.mirror.mirrored`.""",
    )
    decoder: Any = param(
        default=None,
        doc="""Another decoder than the mirror. An output layer is added unless the last
        one is marked: ``[9, Output(Dense(6, "logistic"))]``.""",
        check=each(
            COUNT | Check("a layer", lambda v: LAYERS.accepts([v])),
            "a list of layers or of numbers of units",
        )
        | NONE,
    )
    loss: str = param(
        default="auto",
        doc="ℓ; by default it follows from the inputs.",
        check=option(*LOSSES),
    )
    standardize: bool = param(
        default=True,
        doc="""Whether inputs are scaled to mean 0 and variance 1 where ℓ is the squared
        error; of images each channel as a whole.""",
        check=BOOLEAN,
    )
    batch_size: Any = param(
        default="auto",
        doc="""Examples in each step; "auto" is min(200, n_samples), of convolutional
        networks min(64, n_samples).""",
    )
    input_noise: float = param(
        default=0.0,
        doc="""Standard deviation of Gaussian noise on inputs in each training step, in
        units of the inputs as the network sees them; the target is clean.""",
    )
    label_smoothing: float = fixed(default=0.0, reason="its targets are its inputs")
    pretraining: Any = fixed(
        default=None, reason="the decoder would not mirror what the encoder has learnt"
    )

    _y_numeric = True

    # ---- training -------------------------------------------------------------------

    def fit(self, X, y=None, sample_weight=None, *, X_val=None):
        """Learn to make X again.

        Parameters
        ----------
        X : array-like or sparse matrix (n_samples, n_features), or images
        y : ignored
        sample_weight : array-like (n_samples,), optional
            How much each example counts.
        X_val : optional
            A validation set of one's own: adds ``validation_loss`` and ``score`` to
            ``history_``, and with ``early_stopping=True`` decides.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If parameters or data cannot be used.

        Warns
        -----
        ConvergenceWarning
            If learning has not converged, diverged or was interrupted.
        """
        return self._fit(X, None, sample_weight, X_val, X_val)

    @available_if(is_stochastic)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Go on learning for one epoch over these examples.

        The first ones decide about the scale of inputs and the loss.
        """
        return self._fit(X, None, sample_weight, incremental=True)

    # ---- application ----------------------------------------------------------------

    def transform(self, X):
        """Return the codes of examples (n_samples, latent_dim)."""
        X = self._known(X)
        codes = self._through(self._halves()[0], self._encoded(X))
        return codes.reshape(len(codes), -1)

    def inverse_transform(self, X):
        """Return what the decoder makes of codes, in the units of the inputs.

        Parameters
        ----------
        X : array-like (n_samples, latent_dim)

        Returns
        -------
        ndarray (n_samples, n_features), or images (n_samples, height, width,
        channels) if images were learnt

        Raises
        ------
        ValueError
            If there are more or fewer numbers a code than ``transform`` gives.
        """
        check_is_fitted(self)
        how: dict[str, Any] = {"dtype": (np.float64, np.float32)}
        codes = check_array(X, estimator=self, **how)
        shape = self._latent_shape
        if codes.shape[1] != prod(shape):
            raise ValueError(
                f"codes must have {prod(shape)} columns, as transform gives; got "
                f"{codes.shape[1]}"
            )
        codes = codes.reshape(len(codes), *shape)
        return self._decoded(self._through(self._halves()[1], codes))

    def reconstruct(self, X):
        """Return X as the network makes it again, in its own units."""
        return self._decoded(self._outputs(self._encoded(self._known(X))))

    def reconstruction_error(self, X):
        """Return how unlike each example is what the network makes of it (n_samples,).

        Equations
        ---------
            eᵢ = 1/d Σⱼ (xᵢⱼ − x̂ᵢⱼ)²

        over the d numbers of an example as the network sees them: scaled ones where
        inputs are scaled. Large numbers tell of examples that are unlike those learnt.
        """
        X = self._known(X)
        size = max(1, min(ROWS, NUMBERS // self.n_features_in_))
        starts = range(0, X.shape[0], size)
        return np.concatenate([self._errors(X[i : i + size]) for i in starts])

    @property
    def coefs_(self) -> tuple[np.ndarray, ...]:
        """Weights of the encoder, one matrix a layer, for inputs in units of X.

        With :attr:`intercepts_` they are where a perceptron can start that has the same
        layers: ``MLPClassifier(…).fit(X, y, coefs_init=…, intercepts_init=…)``.

        Raises
        ------
        AttributeError
            If the encoder has other layers than fully connected ones.
        """
        return tuple([layer["weight"] for layer in self._dense_encoder()])

    @property
    def intercepts_(self) -> tuple[np.ndarray, ...]:
        """Biases of the encoder, one vector a layer, for inputs in units of X."""
        return tuple([layer["bias"] for layer in self._dense_encoder()])

    def _dense_encoder(self) -> list[dict]:
        network, params = self._halves()[0]
        pairs = zip(network.layers, params, strict=True)
        found = [(layer, own) for layer, own in pairs if own]
        if not all(isinstance(layer, Dense) for layer, _ in found):
            raise AttributeError("coefs_ are those of fully connected layers only")
        (_, first), *others = found
        positions = self.n_features_in_ // len(self.feature_mean_)
        scaling = self.feature_mean_, self.feature_scale_
        first = learning.for_unscaled(first, *[np.tile(a, positions) for a in scaling])
        return [first, *[own for _, own in others]]

    def score(self, X, y=None, sample_weight=None):
        """Return minus the mean of :meth:`reconstruction_error`: higher is better."""
        return -float(np.average(self.reconstruction_error(X), weights=sample_weight))

    def _known(self, X: Any) -> Any:
        check_is_fitted(self)
        return self._check_inputs(X, reset=False)

    def _errors(self, X: Any) -> np.ndarray:
        x = self._encoded(X)
        return mean_squares(_dense(x), self._outputs(x))

    def _through(self, half: tuple[Network, Any], x: Any) -> np.ndarray:
        return outputs(*half, x, self._dtype())

    def _halves(self) -> tuple[tuple[Network, Any], tuple[Network, Any]]:
        """Return the encoder and the decoder, each with its parameters."""
        layers, params, n = self.network_.layers, self.params_, self._n_encoder
        if isinstance(tied := layers[-1], Tied):
            layers = (*layers[:-1], *tied.layers, *tied.back)
            params = (*params[:-1], *tied.completed(params[-1]))
        encoder = Network(layers[:n]), params[:n]
        return encoder, (Network(layers[n:]), params[n:])

    @property
    def _latent_shape(self) -> tuple[int, ...]:
        (encoder, params), _ = self._halves()
        one = jax.ShapeDtypeStruct((1, *self._input_shape()), self._dtype())
        with own_settings(self._dtype()):
            return jax.eval_shape(encoder, params, one).shape[1:]

    @property
    def _n_features_out(self) -> int:
        return prod(self._latent_shape)

    # ---- what goes in ---------------------------------------------------------------

    def _check_inputs(self, X: Any, reset: bool) -> Any:
        """Return rows of a table, perhaps sparse ones, or images."""
        learnt_images = hasattr(self, "image_shape_")
        if _are_images(X):
            X = as_images(X)
            if reset:
                self.n_features_in_ = prod(X.shape[1:])
                self.image_shape_ = tuple(X.shape[1:])
                vars(self).pop("feature_names_in_", None)
            elif not learnt_images or X.shape[1:] != self.image_shape_:
                learnt = f"{self.n_features_in_} columns"
                learnt = f"images {self.image_shape_}" if learnt_images else learnt
                raise ImageError(
                    f"images are {X.shape[1:]} (height, width, channels), but this "
                    f"{type(self).__name__} has learnt from {learnt}"
                )
        else:
            floats = (np.float64, np.float32)
            X = validate_data(
                self, X, accept_sparse=["csr", "csc"], dtype=floats, reset=reset
            )
            X = X if isinstance(X, np.ndarray) else X.tocsr()
            if reset:
                vars(self).pop("image_shape_", None)
            elif learnt_images:
                X = _dense(X).reshape(X.shape[0], *self.image_shape_)
        if self._dtype() == np.float32 and X.dtype == np.float64:
            numbers = X if isinstance(X, np.ndarray) else X.data
            check_fits_float32(numbers.reshape(len(numbers), -1))
        return X

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any, Any]:
        X = self._check_inputs(X, reset)
        return X, X, None

    def _measure(self, X: Any, weight: np.ndarray | None) -> None:
        """Find ℓ, and the mean and the scale of inputs; rows of weight 0 do not count.

        Equations
        ---------
            μ = Σᵢ wᵢ mᵢ / Σᵢ wᵢ,   σ² = Σᵢ wᵢ vᵢ / Σᵢ wᵢ

        m and v are a row's numbers and their squared distances from μ; of images the
        means of these over all places.
        """
        weight = None if weight is None or not weight.any() else weight
        counted = X if weight is None else X[weight > 0]
        low, high = _range(counted)
        of_bytes = X.dtype == np.uint8 and high > 1
        unit = low >= 0 and (high <= 1 or of_bytes)
        self.loss_name_: str = self.loss
        if self.loss == "auto":
            self.loss_name_ = "binary_cross_entropy" if unit else "squared_error"
        n = X.shape[-1]
        self.feature_mean_ = np.zeros(n)
        self.feature_scale_ = np.full(n, BYTE if of_bytes else 1.0)
        if self.loss_name_ == "binary_cross_entropy":
            self._check_range(counted)
        elif self.standardize:
            found = learning.mean_and_scale(_dense(X), weight)
            self.feature_mean_, self.feature_scale_ = found

    def _check_range(self, X: Any) -> None:
        """Refuse targets that are no probabilities.

        Raises
        ------
        ValueError
            If one is not in [0, 1], when scaled.
        """
        low, high = _range(X)
        most = float(self.feature_scale_[0])
        if self.loss_name_ == "binary_cross_entropy" and (low < 0 or high > most):
            raise ValueError(
                f"the loss 'binary_cross_entropy' needs inputs from 0 to {most:g}; X "
                f"has values from {low:.6g} to {high:.6g}: scale X (MinMaxScaler), or "
                "take loss='squared_error'"
            )

    def _encoded(self, X: Any) -> Any:
        """Return inputs as the network sees them; sparse ones stay so if unscaled."""
        mean, scale = self.feature_mean_, self.feature_scale_
        if np.any(mean != 0) or np.any(scale != 1):
            dtype = X.dtype if X.dtype.kind == "f" else self._dtype()
            X = ((_dense(X) - mean) / scale).astype(dtype, copy=False)
        elif X.dtype.kind != "f":
            X = X.astype(self._dtype())
        return X.reshape(len(X), -1) if self._as_rows and X.ndim > 2 else X

    def _decoded(self, made: np.ndarray) -> np.ndarray:
        """Return outputs of the network in units of the inputs."""
        if hasattr(self, "image_shape_"):
            made = made.reshape(len(made), *self.image_shape_)
        found = made * self.feature_scale_ + self.feature_mean_
        return found.astype(self._dtype(), copy=False)

    def _input_shape(self) -> tuple[int, ...]:
        return (self.n_features_in_,) if self._as_rows else self.image_shape_

    def _output_positions(self) -> tuple[int, ...]:
        return self._input_shape()[:-1]

    # ---- the network ----------------------------------------------------------------

    def _check_params(self) -> None:
        super()._check_params()
        if not len(self.encoder) and self.layers is None:
            raise ValueError("encoder must have at least one layer, the code")
        if self.tied and self.decoder is not None:
            raise ValueError("tied=True has no decoder of its own: give decoder=None")
        _described("corruption", self.corruption, CORRUPTIONS)
        _described("sparsity", self.sparsity, SPARSITIES)

    def _check_fits_solver(self) -> None:
        super()._check_fits_solver()
        if self.layers is not None and self._algorithm_in_use.needs.one_target:
            raise ValueError(
                f"solver={self.solver!r} is for encoder=, not for layers=; try 'adam'"
            )

    def _start(self, X: Any, target: Any, weight: Any) -> None:
        self._measure(X, weight)
        encoder = self._way_in()
        self._n_encoder = len(self._before()) + len(encoder)
        super()._start(X, target, weight)

    def _before(self) -> tuple:
        given = _described("corruption", self.corruption, CORRUPTIONS)
        return () if given is None else (given,)

    def _way_in(self) -> tuple:
        """Return the encoder; find out whether it takes rows or images."""
        self._as_rows = True
        if self.layers is None:
            return self._hidden(self._initializer)
        layers = tuple(self.layers)
        if not layers:
            raise ValueError("layers must have at least one layer, the code")
        if hasattr(self, "image_shape_"):
            layers = flattened(layers, self.image_shape_)
            self._as_rows = isinstance(layers[0], Flatten)
            return layers[1:] if self._as_rows else layers
        try:
            shapes_after(layers, (self.n_features_in_,))
        except ValueError as error:
            raise ValueError(
                f"{error}; images are given as (n, height, width) or (n, height, "
                "width, channels)"
            ) from None
        return layers

    @property
    def _initializer(self) -> str:
        return "glorot_uniform" if self.init == "auto" else self.init

    def _hidden(self, initializer: str) -> tuple:
        *hidden, codes = [int(units) for units in self.encoder]
        layers = [Dense(units, self.activation, initializer) for units in hidden]
        return (*layers, Dense(codes, self.latent_activation, initializer))

    def _given_layers(self) -> tuple[str, Any]:
        return "decoder", self.decoder

    def _network(self, head: str, n_outputs: int) -> Network:
        encoder, shape = self._way_in(), self._input_shape()
        self._check_latent_layer(encoder)
        if self.tied:
            tied = Tied(encoder, mirrored(encoder, shape, head))
            return Network((*self._before(), tied))
        decoder = self._way_out(encoder, shape, head)
        return Network((*self._before(), *encoder, *decoder))

    def _check_latent_layer(self, encoder: tuple) -> None:
        """Refuse a penalty on the share of active units of a code that has none."""
        penalty = _described("sparsity", self.sparsity, SPARSITIES)
        phis = [layer.activation for layer in encoder if layer.activation is not None]
        phi = phis[-1] if phis else None
        if isinstance(penalty, KLSparsity) and phi != "logistic":
            name = (
                "latent_activation" if self.layers is None else "the activation of it"
            )
            raise ValueError(
                f"sparsity={self.sparsity!r} is about units between 0 and 1: "
                f"{name} must be 'logistic', got {phi!r}"
            )

    def _way_out(self, encoder: tuple, shape: tuple[int, ...], head: str) -> tuple:
        """Return the decoder, output layer included.

        Raises
        ------
        ValueError
            If it makes something else than what came in.
        """
        if self.decoder is None:
            return mirrored(encoder, shape, head)
        layers = [
            layer if isinstance(layer, Layer) else self._units(layer)
            for layer in self.decoder
        ]
        hidden, marked = split(tuple(layers))
        code = shapes_after(encoder, shape)[-1]
        if len(shape) == 1:
            made = shapes_after(hidden, code)[-1] if hidden else code
            flat = (Flatten(),) if len(made) > 1 else ()
            ended = (*hidden, *flat, *layers[len(hidden) :])
            return with_head(ended, head, shape[0], self._initializer)
        last = marked or Conv(
            shape[-1],
            padding="same",
            activation=head,
            initializer=self._initializer,
        )
        made = shapes_after((*hidden, last), code)[-1]
        if made != shape:
            raise ValueError(f"decoder makes {made} of the code, not {shape}")
        return (*hidden, last)

    def _units(self, units: Any) -> Dense:
        return Dense(int(units), self.activation, self._initializer)

    def _terms(self) -> tuple[Term, ...]:
        penalty = _described("sparsity", self.sparsity, SPARSITIES)
        if penalty is None:
            return super()._terms()
        (encoder, params), _ = self._halves()
        code = len(encoder.walk(params)) - 1
        return (*super()._terms(), replace(penalty, layer=code))

    # ---- what the outputs mean ------------------------------------------------------

    def _head(self) -> str:
        return "logistic" if self.loss_name_ == "binary_cross_entropy" else "identity"

    def _loss(self) -> str:
        return self.loss_name_

    def _encode(
        self, y: Any, missing: Any, first: bool, incremental: bool, classes: Any
    ) -> Any:
        if not first:
            self._check_range(y)
        return y

    def _n_outputs(self, target: Any) -> int:
        return self._input_shape()[-1]

    def _target(self, target: Any) -> Any:
        return self._encoded(target)

    def _strata(self, target: Any) -> None:
        return None

    def _joined_targets(self, parts: tuple) -> Any:
        return self._joined(parts)

    def _dataset(self, X: Any, target: Any, weight: Any) -> learning.Dataset:
        x = self._encoded(X)
        dtype = self._learning_dtype(self._algorithm_in_use)
        return learning.Dataset(x, x, weight, dtype=dtype)

    def _batch_size(self, n: int) -> int:
        if self.batch_size == "auto" and not self._as_rows:
            return min(64, n)
        return super()._batch_size(n)

    def _score_outputs(self, target: Any, outputs: Any, weight: np.ndarray) -> float:
        if not weight.any():
            return np.nan
        errors = mean_squares(_dense(self._encoded(target)), outputs)
        return -float(np.average(errors, weights=weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _are_images(X: Any) -> bool:
    """Whether examples have places: arrays, or a list of them."""
    if isinstance(X, list | tuple):
        return len(X) > 0 and np.ndim(X[0]) > 1
    return getattr(X, "ndim", 2) > 2


def _range(X: Any) -> tuple[float, float]:
    """Return the smallest and the largest number."""
    if isinstance(X, np.ndarray):
        return float(X.min()), float(X.max())
    values = X.data if X.nnz == prod(X.shape) else np.append(X.data, 0.0)
    return float(values.min()), float(values.max())


def _dense(X: Any) -> np.ndarray:
    return X if isinstance(X, np.ndarray) else X.toarray()


def _described(name: str, value: Any, words: dict[str, type]) -> Any:
    """Return a description that may be given in words.

    Raises
    ------
    ValueError
        If the word takes other numbers.
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
