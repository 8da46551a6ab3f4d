"""Corruption of inputs in training, for denoising autoencoders."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import description, is_number
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer
from lamina.networks.core.sparse import Examples


class _Corruption(Layer, ABC):
    """Base of the corruptions: no parameters, same shape, identity without a key."""

    portable: ClassVar[bool] = True
    stepwise: ClassVar[bool] = True

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the unchanged shape."""
        return {}, shape

    def __call__(
        self, params: dict, x: Examples, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return x̃; without a key, x itself."""
        return x if key is None else self._corrupted(x, key).astype(x.dtype)

    @abstractmethod
    def _corrupted(self, x: Any, key: Array) -> Any:
        """Return x̃."""


@description
class MaskingNoise(_Corruption):
    """Set inputs to zero at random in every training step.

    Equations
    ---------
        x̃ᵢ = mᵢ xᵢ,   mᵢ ~ Bernoulli(1 − ν)      in training
        x̃ = x                                    in inference mode

    Unlike :class:`Dropout`, it does not scale up the remaining inputs: the network
    should reconstruct the missing inputs, not compensate for them.

    Shapes
    ------
    x and x̃ (batch, …), any shape.

    Parameters
    ----------
    rate : float, default=0.3
        ν, the fraction of inputs that are set to zero.

    References
    ----------
    Vincent, Larochelle, Lajoie, Bengio & Manzagol (2010), Stacked denoising
    autoencoders, JMLR 11, section 3.3.
    """

    rate: float = 0.3

    def check(self) -> None:
        """Reject invalid rates.

        Raises
        ------
        ValueError
            If the rate is not in [0, 1).
        """
        _check_rate(self.rate)

    def _corrupted(self, x: Any, key: Array) -> Any:
        return jnp.where(jax.random.bernoulli(key, 1 - self.rate, x.shape), x, 0)


@description
class GaussianNoise(_Corruption):
    """Add Gaussian noise to the inputs in every training step.

    Equations
    ---------
        x̃ = x + ε,   εᵢ ~ N(0, σ²)      in training
        x̃ = x                           in inference mode

    Shapes
    ------
    x, ε and x̃ (batch, …), any shape.

    Parameters
    ----------
    deviation : float, default=0.2
        σ, in units of x.

    References
    ----------
    Vincent and others (2010), Stacked denoising autoencoders, JMLR 11, section 3.3.
    """

    deviation: float = 0.2

    def check(self) -> None:
        """Reject invalid deviations.

        Raises
        ------
        ValueError
            If σ is negative.
        """
        if is_number(self.deviation) and not 0 <= self.deviation < float("inf"):
            raise ValueError(f"deviation must be ≥ 0, got {self.deviation}")

    def _corrupted(self, x: Any, key: Array) -> Any:
        return x + self.deviation * jax.random.normal(key, x.shape, x.dtype)


@description
class SaltAndPepper(_Corruption):
    """Set inputs to their smallest or largest value at random in every training step.

    Equations
    ---------
        x̃ᵢ = low with ν/2,  high with ν/2,  xᵢ with 1 − ν      in training
        x̃ = x                                                  in inference mode

    Shapes
    ------
    x and x̃ (batch, …), any shape.

    Parameters
    ----------
    rate : float, default=0.1
        ν, the fraction of inputs that are changed.
    low, high : float, default=0 and 1
        Smallest and largest value, in units of x.

    References
    ----------
    Vincent and others (2010), Stacked denoising autoencoders, JMLR 11, section 3.3.
    """

    rate: float = 0.1
    low: float = 0.0
    high: float = 1.0

    def check(self) -> None:
        """Reject invalid rates and an empty range.

        Raises
        ------
        ValueError
            If the rate is not in [0, 1), or ``low`` is not below ``high``.
        """
        _check_rate(self.rate)
        numbers = is_number(self.low) and is_number(self.high)
        if numbers and not self.low < self.high:
            raise ValueError(f"low={self.low} must be below high={self.high}")

    def _corrupted(self, x: Any, key: Array) -> Any:
        u = jax.random.uniform(key, x.shape)
        salted = jnp.where(u >= 1 - self.rate / 2, self.high, x)
        return jnp.where(u < self.rate / 2, self.low, salted)


CORRUPTIONS = {
    "masking": MaskingNoise,
    "gaussian": GaussianNoise,
    "salt_and_pepper": SaltAndPepper,
}
"""Corruptions by name."""


def _check_rate(rate: float) -> None:
    if is_number(rate) and not 0 <= rate < 1:
        raise ValueError(f"a corruption rate must be in [0, 1), got {rate}")
