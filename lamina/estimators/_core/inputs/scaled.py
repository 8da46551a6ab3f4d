"""Inputs that are targets too: in [0, 1], or standardised."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import validate_data

from lamina import learning
from lamina.data import ImageError, as_images
from lamina.estimators._core.inputs.inputs import Inputs
from lamina.estimators._core.inputs.table import join_rows
from lamina.estimators._core.parameters.checks import check_fits_float32
from lamina.estimators._core.parts import learnt
from lamina.networks.core.layer import Layer
from lamina.networks.shapes import flattened
from lamina.storage.rules import UNSET

BYTE = 255.0


@dataclass(eq=False)
class ScaledInputs(Inputs):
    """Rows of numbers, dense or sparse, or images.

    The network sees (X − mean) / scale.

    Parameters
    ----------
    loss : str
        "auto" is the binary cross entropy for inputs in [0, 1] and bytes, otherwise the
        squared error.
    standardize : bool
        Whether inputs are scaled to mean 0 and variance 1 where the loss is the squared
        error; of images each channel as a whole.
    given_layers : list of layers or None
        The encoder: if it begins with a dense layer, images are flattened.
    corruption : Layer or None
        Corruption of the inputs in training.
    """

    loss: str
    standardize: bool
    given_layers: Sequence[Any] | None
    corruption: Layer | None
    n_features: int = learnt("n_features_in_")
    image_shape: tuple[int, ...] = learnt("image_shape_")
    found_loss: str = learnt("loss_name_")
    mean: np.ndarray = learnt("feature_mean_")
    scale: np.ndarray = learnt("feature_scale_")
    as_rows: bool = learnt("_as_rows")

    @property
    def are_images(self) -> bool:
        """Whether the inputs were fitted to images."""
        return self.image_shape is not UNSET

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_features,) if self.as_rows else self.image_shape

    # ---- validation -----------------------------------------------------------------

    def learn(self, owner: Any, X: Any) -> tuple["ScaledInputs", Any]:
        if not _are_images(X):
            X = self._rows(owner, X, reset=True)
            return replace(self, n_features=X.shape[1]), self._in_range(X)
        X = as_images(X)
        owner.n_features_in_ = prod(X.shape[1:])
        vars(owner).pop("feature_names_in_", None)
        shape = {"n_features": owner.n_features_in_, "image_shape": tuple(X.shape[1:])}
        return replace(self, **shape), self._in_range(X)

    def check(self, owner: Any, X: Any) -> Any:
        if not _are_images(X):
            X = self._rows(owner, X, reset=False)
            if self.are_images:
                X = dense(X).reshape(X.shape[0], *self.image_shape)
            return self._in_range(X)
        X = as_images(X)
        if not self.are_images or X.shape[1:] != self.image_shape:
            learnt = f"{self.n_features} columns"
            learnt = f"images {self.image_shape}" if self.are_images else learnt
            raise ImageError(
                f"images are {X.shape[1:]} (height, width, channels), but this "
                f"{type(owner).__name__} was fitted to {learnt}"
            )
        return self._in_range(X)

    def _rows(self, owner: Any, X: Any, reset: bool) -> Any:
        how: dict[str, Any] = {"accept_sparse": ["csr", "csc"]}
        dtype = (np.float64, np.float32)
        X = validate_data(owner, X, dtype=dtype, reset=reset, **how)
        return X if isinstance(X, np.ndarray) else X.tocsr()

    def _in_range(self, X: Any) -> Any:
        if self.dtype == "float32" and X.dtype == np.float64:
            numbers = X if isinstance(X, np.ndarray) else X.data
            check_fits_float32(numbers.reshape(len(numbers), -1))
        return X

    # ---- scale ----------------------------------------------------------------------

    def measure(self, X: Any, weight: np.ndarray | None) -> "ScaledInputs":
        """Find the loss, and mean and scale of inputs; rows of weight 0 do not count.

        Equations
        ---------
            μ = Σᵢ wᵢ mᵢ / Σᵢ wᵢ,   σ² = Σᵢ wᵢ vᵢ / Σᵢ wᵢ

        m and v are a row's numbers and their squared distances from μ; of images the
        means of these over all positions.
        """
        weight = None if weight is None or not weight.any() else weight
        counted = X if weight is None else X[weight > 0]
        low, high = _range(counted)
        of_bytes = X.dtype == np.uint8 and high > 1
        unit = low >= 0 and (high <= 1 or of_bytes)
        loss = self.loss
        if loss == "auto":
            loss = "binary_cross_entropy" if unit else "squared_error"
        n = X.shape[-1]
        mean, scale = np.zeros(n), np.full(n, BYTE if of_bytes else 1.0)
        found = replace(self, found_loss=loss, mean=mean, scale=scale)
        found = replace(found, as_rows=self._takes_rows())
        if loss == "binary_cross_entropy":
            found.check_unit(counted)
        elif self.standardize:
            mean, scale = learning.mean_and_scale(dense(X), weight)
            return replace(found, mean=mean, scale=scale)
        return found

    def _takes_rows(self) -> bool:
        """Whether the first layer takes rows, even if the inputs are images."""
        if self.given_layers is None or not self.are_images:
            return True
        layers = tuple(self.given_layers)
        return not layers or flattened(layers, self.image_shape)[0].flattens

    def check_unit(self, X: Any) -> None:
        """Reject targets that are not probabilities.

        Raises
        ------
        ValueError
            If one is not in [0, 1] after scaling.
        """
        low, high = _range(X)
        most = float(self.scale[0])
        if self.found_loss == "binary_cross_entropy" and (low < 0 or high > most):
            raise ValueError(
                f"the loss 'binary_cross_entropy' needs inputs from 0 to {most:g}; X "
                f"has values from {low:.6g} to {high:.6g}: scale X (MinMaxScaler), or "
                "take loss='squared_error'"
            )

    # ---- encoding -------------------------------------------------------------------

    def layers(self) -> tuple[Layer, ...]:
        return () if self.corruption is None else (self.corruption,)

    def encode(self, X: Any) -> Any:
        """Return inputs as the network sees them; unscaled sparse ones stay sparse."""
        if np.any(self.mean != 0) or np.any(self.scale != 1):
            dtype = X.dtype if X.dtype.kind == "f" else np.dtype(self.dtype)
            X = ((dense(X) - self.mean) / self.scale).astype(dtype, copy=False)
        elif X.dtype.kind != "f":
            X = X.astype(self.dtype)
        return X.reshape(len(X), -1) if self.as_rows and X.ndim > 2 else X

    def restore(self, made: np.ndarray) -> np.ndarray:
        """Return outputs of a decoder in units of the inputs."""
        if self.are_images:
            made = made.reshape(len(made), *self.image_shape)
        found = made * self.scale + self.mean
        return found.astype(self.dtype, copy=False)

    def examples(
        self, X: Any, y: Any, weight: np.ndarray | None, dtype: np.dtype
    ) -> learning.Dataset:
        x = self.encode(X)  # which is the target as well
        return learning.Dataset(x, x, weight, dtype=dtype)

    def join(self, parts: tuple) -> Any:
        return join_rows(parts)

    def auto_batch_size(self, n: int) -> int:
        return min(200 if self.as_rows else 64, n)


def _are_images(X: Any) -> bool:
    """Whether examples have positions: arrays, or a list of them."""
    if isinstance(X, list | tuple):
        return len(X) > 0 and np.ndim(X[0]) > 1
    return getattr(X, "ndim", 2) > 2


def _range(X: Any) -> tuple[float, float]:
    """Return the smallest and the largest number."""
    if isinstance(X, np.ndarray):
        return float(X.min()), float(X.max())
    # Entries that are not stored are 0.
    values = X.data if X.nnz == prod(X.shape) else np.append(X.data, 0.0)
    return float(values.min()), float(values.max())


def dense(X: Any) -> np.ndarray:
    """Return rows as an array."""
    return X.toarray() if sparse.issparse(X) else X
