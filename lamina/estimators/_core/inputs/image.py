"""Inputs that are images."""

from dataclasses import dataclass, replace
from math import isqrt, prod
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import validate_data

from lamina import learning
from lamina.data import ImageError, as_images
from lamina.estimators._core.inputs.inputs import Inputs
from lamina.estimators._core.parameters.checks import check_fits_float32
from lamina.estimators._core.parts import learnt
from lamina.learning.protocols import Needs
from lamina.networks import Augment, Network, Rescale
from lamina.networks.core.layer import Layer

AT_ONCE = 2**22
"""Pixels whose mean and variance are computed at a time."""

AUGMENTATION = Augment(shift=0.08, rotate=10.0, scale=0.1)
"""``augmentation="default"``: it does not turn a digit into another one."""


@dataclass(eq=False)
class ImageInputs(Inputs):
    """Images of one shape, or rows of pixels.

    Bytes stay bytes until the compiled step, where a layer scales them.

    Parameters
    ----------
    given_shape : tuple or None
        The parameter ``image_shape``.
    standardize : bool
        Whether pixels are scaled to mean 0 and standard deviation 1.
    augmentation : Layer, "default" or None
    differentiable : bool
        Whether training needs gradients by pixels or adds noise to them, which bytes
        cannot hold.
    most_at_once : int
        Images per batch for ``batch_size="auto"``.
    any_size : bool
        Whether images may have other sizes after the first fit.
    """

    validation_batch: ClassVar[int] = 128  # more than stay in the cache take longer

    given_shape: tuple[int, ...] | None
    standardize: bool
    augmentation: Layer | str | None
    differentiable: bool
    most_at_once: int = 64
    any_size: bool = False
    image_shape: tuple[int, ...] = learnt("image_shape_")
    scale: tuple[float, float] | None = learnt("_scale")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.image_shape

    def learn(self, owner: Any, X: Any) -> tuple["ImageInputs", Any]:
        if is_table(X):
            X = validate_data(owner, X, dtype="numeric", reset=True)
            X = as_images(X, self.given_shape or square_or_line(X.shape[1]))
        else:
            X = as_images(X, self.given_shape)
            owner.n_features_in_ = prod(X.shape[1:])
            vars(owner).pop("feature_names_in_", None)
        return replace(self, image_shape=tuple(X.shape[1:])), self._in_range(X)

    def check(self, owner: Any, X: Any) -> Any:
        if is_table(X):
            X = validate_data(owner, X, dtype="numeric", reset=False)
            return self._in_range(as_images(X, self.image_shape))
        X = as_images(X, None if self.any_size else self.given_shape)
        if self.any_size and X.shape[-1] != self.image_shape[-1]:
            raise ImageError(
                f"images have {X.shape[-1]} channels, but this {type(owner).__name__} "
                f"was fitted to {self.image_shape[-1]}"
            )
        if not self.any_size and X.shape[1:] != self.image_shape:
            raise ImageError(
                f"images are {X.shape[1:]} (height, width, channels), but this "
                f"{type(owner).__name__} has learnt {self.image_shape}; resize them, "
                "or fit again"
            )
        return self._in_range(X)

    def _in_range(self, X: Any) -> Any:
        if X.dtype == np.float64 and self.dtype == "float32":
            check_fits_float32(X.reshape(len(X), -1))
        return X

    def check_network(
        self, network: Network, params: Any, X: Any, needs: Needs
    ) -> None:
        if X.shape[1:] != self.image_shape:
            raise ImageError(
                f"training goes on with images of {self.image_shape}, got {X.shape[1:]}"
            )

    def measure(self, X: Any, weight: np.ndarray | None) -> "ImageInputs":
        scale = scale_of(X, weight) if self.standardize else None
        return replace(self, scale=scale)

    def layers(self) -> tuple[Layer, ...]:
        shift, factor = self.scale or (0.0, 1.0)
        given: Any = self.augmentation
        if given is None:
            return (Rescale(shift, factor),)
        return Rescale(shift, factor), AUGMENTATION if given == "default" else given

    def examples(
        self, X: Any, y: Any, weight: np.ndarray | None, dtype: np.dtype
    ) -> learning.Dataset:
        X = np.asarray(X, self.dtype) if self.differentiable else X
        return learning.Dataset(X, y, weight, dtype=dtype)

    def join(self, parts: tuple) -> Any:
        return np.concatenate(parts)

    def auto_batch_size(self, n: int) -> int:
        return min(self.most_at_once, n)


def is_table(X: Any) -> bool:
    """Whether examples are rows of numbers: a data frame, say, or a list of lists."""
    if isinstance(X, list | tuple):
        return not len(X) or np.ndim(X[0]) < 2
    return (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) < 3


def square_or_line(columns: int) -> tuple[int, int]:
    """Return the shape of rows of pixels if none is given.

    64 columns are 8 × 8 pixels; a number that is not a square is a single line.
    """
    side = isqrt(columns)
    return (side, side) if side * side == columns else (1, columns)


def scale_of(X: Any, weight: np.ndarray | None) -> tuple[float, float]:
    """Return the mean of all pixels, and 1 / their standard deviation.

    Equations
    ---------
        μ = Σᵢ wᵢ mᵢ / Σᵢ wᵢ,   σ² = Σᵢ wᵢ (vᵢ + (mᵢ − μ)²) / Σᵢ wᵢ

    mᵢ and vᵢ are mean and variance of image i, so that images are read once. If σ = 0
    the factor is 1.

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


def image_inputs(params: Any, **how: Any) -> ImageInputs:
    """Return the inputs as the parameters of an estimator of images define them.

    Parameters
    ----------
    params : ImageParams and ``dtype``
    **how
        Further arguments of :class:`ImageInputs`.
    """
    return ImageInputs(
        params.dtype,
        params.image_shape,
        params.standardize,
        params.augmentation,
        differentiable=params.adversarial is not None or bool(params.input_noise),
        **how,
    )
