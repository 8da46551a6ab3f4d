"""What every kind of inputs can do."""

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
    """Examples at a time in a validation pass."""

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
            Whom errors name, and whose ``n_features_in_`` and ``feature_names_in_``
            scikit-learn's validation sets.
        X : as ``fit`` takes it

        Returns
        -------
        Inputs
            That know the shape of examples.
        X : array, sparse matrix or collection
            One row an example.
        """

    @abstractmethod
    def check(self, owner: Any, X: Any) -> Any:
        """Validate examples that must be like those of the first fit."""

    def measure(self, X: Any, weight: np.ndarray | None) -> "Inputs":
        """Return inputs that know the scale of examples, if the network needs it."""
        return self

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers between the encoded examples and the hidden layers."""
        return ()

    def check_network(
        self, network: Network, params: Any, X: Any, needs: Needs
    ) -> None:
        """Refuse a network or an algorithm that cannot take these examples.

        Raises
        ------
        ValueError
            Saying what it cannot take.
        """
        return  # most inputs suit every network

    def encode(self, X: Any) -> Any:
        """Return validated examples as the network sees them."""
        return X

    def decode(self, x: Any, X: Any) -> Any:
        """Return what the network sees in units of X, of which it was made."""
        return x

    def examples(
        self, X: Any, y: Any, weight: np.ndarray | None, dtype: np.dtype
    ) -> learning.Dataset:
        """Return validated examples and encoded targets as the loop takes them."""
        return learning.Dataset(self.encode(X), y, weight, dtype=dtype)

    @abstractmethod
    def join(self, parts: tuple) -> Any:
        """Return validated examples one below the other."""

    def auto_batch_size(self, n: int) -> int:
        """Return what ``batch_size="auto"`` is for n examples."""
        return min(200, n)

    def outputs(self, network: Network, params: Any, X: Any) -> Any:
        """Return the outputs of a network for validated examples."""
        return outputs(network, params, self.encode(X), np.dtype(self.dtype))
