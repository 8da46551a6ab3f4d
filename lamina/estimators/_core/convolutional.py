"""What estimators of images share: images in, and what comes out of each layer."""

from math import isqrt, prod
from typing import Any

import jax
import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from lamina.data import ImageError, as_images
from lamina.estimators._core.architectures import default_layers, flattened
from lamina.estimators._core.checks import check_fits_float32
from lamina.estimators._core.feedforward import FeedForward
from lamina.estimators._core.heads import with_head
from lamina.estimators._core.shared_parameters import ImageParams
from lamina.learning.loop.apply import outputs
from lamina.networks import Augment, Network, Rescale
from lamina.networks.core.computing import own_settings

AT_ONCE = 2**22
"""Numbers of a collection that are measured at a time."""

AUGMENTATION = Augment(shift=0.08, rotate=10.0, scale=0.1)
"""What ``augmentation="default"`` is: nothing that turns a digit into another one."""


class Convolutional(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ImageParams, FeedForward
):
    """What is special about networks for images.

    Attributes
    ----------
    image_shape_ : (height, width, channels)
        Of the images that were learnt.
    """

    _validation_batch = 128  # more than stay in the cache take longer each
    _auto_batch = 64

    # ---- what goes in ---------------------------------------------------------------

    def _check_inputs(self, X: Any, reset: bool) -> Any:
        X = self._rows(X, reset) if _is_table(X) else self._images(X, reset)
        if reset:
            self.image_shape_ = tuple(X.shape[1:])
        if X.dtype == np.float64 and self._dtype() == np.float32:
            check_fits_float32(X.reshape(len(X), -1))
        return X

    def _rows(self, X: Any, reset: bool) -> np.ndarray:
        """Return rows of numbers as images."""
        X = validate_data(self, X, dtype="numeric", reset=reset)
        known = None if reset else self.image_shape_
        return as_images(X, known or self.image_shape or square_or_line(X.shape[1]))

    def _images(self, X: Any, reset: bool) -> Any:
        X = as_images(X, self.image_shape)
        if reset:
            self.n_features_in_ = prod(X.shape[1:])
            vars(self).pop("feature_names_in_", None)
        elif X.shape[1:] != self.image_shape_:
            raise ImageError(
                f"images are {X.shape[1:]} (height, width, channels), but this "
                f"{type(self).__name__} has learnt {self.image_shape_}; resize them, "
                "or fit again"
            )
        return X

    def _input_shape(self) -> tuple[int, ...]:
        return self.image_shape_

    def _dataset(self, X: Any, target: Any, weight: Any) -> Any:
        if self.adversarial is not None or self.input_noise:
            X = np.asarray(X, self._dtype())  # bytes have no gradient and no noise
        return super()._dataset(X, target, weight)

    def _batch_size(self, n: int) -> int:
        if self.batch_size == "auto" and not self._needs_all_examples():
            return min(self._auto_batch, n)
        return super()._batch_size(n)

    # ---- the layers -----------------------------------------------------------------

    def _start(self, X: Any, target: np.ndarray, weight: Any) -> None:
        self._scale = scale_of(X, weight) if self.standardize else None
        super()._start(X, target, weight)

    def _hidden(self, initializer: str) -> tuple:
        return default_layers(self.image_shape_, self.dropout, initializer)

    def _network(self, head: str, n_outputs: int) -> Network:
        auto = self.init == "auto"
        layers = self._layers("he" if auto else self.init)
        start = "glorot_uniform" if auto else self.init
        ended = with_head(layers, head, n_outputs, start)
        return Network((*self._before(), *flattened(ended, self.image_shape_)))

    def _layers(self, initializer: str) -> tuple:
        if self.layers is None:
            return self._hidden(initializer)
        return tuple(self.layers)

    def _before(self) -> tuple:
        """Return the layers between the images and what a person has asked for."""
        shift, factor = self._scale or (0.0, 1.0)
        before: list[Any] = [Rescale(shift, factor)]
        if self.augmentation is not None:
            given = self.augmentation
            before.append(AUGMENTATION if given == "default" else given)
        return tuple(before)

    # ---- what comes out of the layers -----------------------------------------------

    def transform(self, X, layer=-2, *, flatten=True):
        """Return what comes out of a layer, as features for another estimator.

        Parameters
        ----------
        X : images
            As for ``fit``.
        layer : int, default=-2
            Number in ``network_.layers``; the default is the last one before the
            output layer.
        flatten : bool, default=True
            Whether places and channels lie side by side.

        Returns
        -------
        ndarray (n_samples, n_features), or (n_samples, …, channels)

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        check_is_fitted(self)
        X = self._check_inputs(X, reset=False)
        end = self._number_of(layer) + 1
        part, params = Network(self.network_.layers[:end]), self.params_[:end]
        features = outputs(part, params, X, self._dtype())
        return features.reshape(len(features), -1) if flatten else features

    def _number_of(self, layer: Any) -> int:
        n = len(self.network_.layers)
        whole = isinstance(layer, int | np.integer) and not isinstance(layer, bool)
        if not whole or not -n <= layer < n:
            raise ValueError(
                f"layer must be a number from {-n} to {n - 1}, got {layer!r}"
            )
        return int(layer) % n

    @property
    def _n_features_out(self) -> int:
        """Return how many numbers ``transform`` gives by default."""
        inner, params = Network(self.network_.layers[:-1]), self.params_[:-1]
        one = jax.ShapeDtypeStruct((1, *self._input_shape()), self._dtype())
        with own_settings(self._dtype()):
            return prod(jax.eval_shape(inner, params, one).shape)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _is_table(X: Any) -> bool:
    """Whether examples are rows of numbers: a data frame, say, or a list of lists."""
    if isinstance(X, list | tuple):
        return not len(X) or np.ndim(X[0]) < 2
    return (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) < 3


def square_or_line(columns: int) -> tuple[int, int]:
    """Return the shape that rows of pixels are taken to have when none is given.

    64 columns are 8 × 8 pixels; a number that is no square is one line of places.
    """
    side = isqrt(columns)
    return (side, side) if side * side == columns else (1, columns)


def scale_of(X: Any, weight: np.ndarray | None) -> tuple[float, float]:
    """Return the mean of all pixels, and 1 / their standard deviation.

    Equations
    ---------
        μ = Σᵢ wᵢ mᵢ / Σᵢ wᵢ,   σ² = Σᵢ wᵢ (vᵢ + (mᵢ − μ)²) / Σᵢ wᵢ

    mᵢ and vᵢ are mean and variance of image i, so that images are read once. Where
    σ = 0 the factor is 1.

    Parameters
    ----------
    X : ndarray or DiskImages (n, h, w, c)
    weight : ndarray (n,), optional
    """
    step = max(1, AT_ONCE // prod(X.shape[1:]))
    means, variances = [], []
    for start in range(0, len(X), step):
        pixels = np.asarray(X[start : start + step], np.float64)
        pixels = pixels.reshape(len(pixels), -1)
        means.append(pixels.mean(axis=1))
        variances.append(pixels.var(axis=1))
    if weight is not None and not np.any(weight):
        weight = None
    m, v = np.concatenate(means), np.concatenate(variances)
    mean = np.average(m, weights=weight)
    deviation = float(np.sqrt(np.average(v + (m - mean) ** 2, weights=weight)))
    return float(mean), 1 / deviation if deviation > 0 else 1.0
