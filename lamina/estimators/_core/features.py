"""Outputs of a layer, as features for another estimator."""

from collections.abc import Callable
from math import prod
from typing import Any

import jax
import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from lamina.networks import Network
from lamina.networks.core.computing import own_settings


class ImageFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Features of a ``TrainedNetwork`` for images."""

    dtype: str
    network_: Network
    params_: tuple
    _parts: Callable[[], tuple[Any, Any]]
    _input_shape: Callable[[], tuple[int, ...]]

    def transform(self, X, layer=-2, *, flatten=True):
        """Return the outputs of a layer, as features for another estimator.

        Parameters
        ----------
        X : images
            As for ``fit``.
        layer : int, default=-2
            Index in ``network_.layers``; by default that of the last layer before the
            output layer.
        flatten : bool, default=True
            Whether positions and channels are flattened.

        Returns
        -------
        ndarray (n_samples, n_features), or (n_samples, …, channels)

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        check_is_fitted(self)
        inputs, _ = self._parts()
        X, end = inputs.check(self, X), self._number_of(layer) + 1
        part = Network(self.network_.layers[:end]), self.params_[:end]
        features = inputs.outputs(*part, X)
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
        """Return the number of features of ``transform`` by default."""
        inner, params = Network(self.network_.layers[:-1]), self.params_[:-1]
        one = jax.ShapeDtypeStruct((1, *self._input_shape()), np.dtype(self.dtype))
        with own_settings(np.dtype(self.dtype)):
            return prod(jax.eval_shape(inner, params, one).shape)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags
