"""The interface of inputs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lamina import learning
from lamina.learning.loop.apply import outputs
from lamina.learning.protocols import Needs
from lamina.networks import Network
from lamina.networks.core.layer import Layer


@dataclass(eq=False)
class Inputs(ABC):
    """Validation, scaling and encoding of examples.

    Parameters
    ----------
    dtype : str
        Data type of the network.
    """

    validation_batch: ClassVar[int] = 1024
    """Examples per batch in validation."""

    dtype: str

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one example as the network sees it."""

    @abstractmethod
    def learn(self, owner: Any, X: Any) -> tuple["Inputs", Any]:
        """Validate the examples of a first fit.

        Parameters
        ----------
        owner : estimator
            Errors name it, and scikit-learn's validation sets its ``n_features_in_``
            and ``feature_names_in_``.
        X : as given to ``fit``

        Returns
        -------
        Inputs
            With the shape of examples.
        X : array, sparse matrix or collection
            One row per example.
        """

    @abstractmethod
    def check(self, owner: Any, X: Any) -> Any:
        """Validate examples that must be like those of the first fit."""

    def measure(self, X: Any, weight: np.ndarray | None) -> "Inputs":
        """Return inputs fitted to the scale of examples, if the network needs it."""
        return self

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers between the encoded examples and the hidden layers."""
        return ()

    def check_network(
        self, network: Network, params: Any, X: Any, needs: Needs
    ) -> None:
        """Reject a network or an algorithm that does not support these examples.

        Raises
        ------
        ValueError
            Naming what is not supported.
        """
        return  # most inputs suit every network

    def encode(self, X: Any) -> Any:
        """Return validated examples as the network sees them."""
        return X

    def decode(self, x: Any, X: Any) -> Any:
        """Return encoded examples x in units of X, from which they were computed."""
        return x

    def examples(
        self, X: Any, y: Any, weight: np.ndarray | None, dtype: np.dtype
    ) -> learning.Dataset:
        """Return the dataset of validated examples and encoded targets."""
        return learning.Dataset(self.encode(X), y, weight, dtype=dtype)

    @abstractmethod
    def join(self, parts: tuple) -> Any:
        """Concatenate validated examples."""

    def auto_batch_size(self, n: int) -> int:
        """Return the batch size "auto" for n examples."""
        return min(200, n)

    def outputs(self, network: Network, params: Any, X: Any) -> Any:
        """Return the outputs of a network for validated examples."""
        return outputs(network, params, self.encode(X), np.dtype(self.dtype))
