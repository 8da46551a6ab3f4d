"""Normalisation layers: mean 0 and variance 1 for each example.

There is no batch normalisation, for two reasons. Its output for one example depends on
the others in the batch, so padding rows would change outputs. And inference needs
running means and variances, which are state that no gradient trains.
"""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import check_whole, description, is_number
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Activated
from lamina.networks.core.masking import flat_mask
from lamina.networks.functional.activations import activation, namespace


@description
class LayerNorm(Activated):
    """Normalise the last axes of each example.

    Equations
    ---------
        μ = mean x,   σ² = mean (x − μ)²      over the last ``axes`` axes
        h = γ ∘ (x − μ) / √(σ² + ε) + β,   a = φ(h)

    Shapes
    ------
    x, h and a (batch, …); γ ("scale") and β ("shift") of the shape of the last
    ``axes`` axes.

    Parameters
    ----------
    axes : int, default=1
        Number of normalised axes. 1 normalises each position separately, over its
        channels; the number of axes of an example normalises the example as a whole.
    epsilon : float, default=1e-5
        ε, which avoids amplifying nearly constant inputs.
    activation : str or callable, default="identity"
        φ. To normalise pre-activations, as in the paper, set φ here and leave the layer
        below linear.

    References
    ----------
    Ba, Kiros & Hinton (2016), Layer normalization, arXiv:1607.06450, section 3.
    """

    axes: int = 1
    epsilon: float = 1e-5
    activation: str | Callable = "identity"

    portable: ClassVar[bool] = True

    @property
    def stepwise(self) -> bool:  # pyright: ignore
        """Whether it normalises the features of each step separately."""
        return self.axes == 1

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If there are no axes, ε is negative or φ is unknown.
        """
        check_whole(self, "axes")
        _check_epsilon(self.epsilon)
        activation(self.activation)

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return γ = 1, β = 0 and the unchanged shape.

        Raises
        ------
        ValueError
            If an example has fewer axes.
        """
        if len(shape) < self.axes:
            raise ValueError(
                f"LayerNorm over the last {self.axes} axes needs examples with at "
                f"least as many, got shape {tuple(shape)}"
            )
        last = tuple(shape[len(shape) - self.axes :])
        return {"scale": np.ones(last), "shift": np.zeros(last)}, shape

    def pre_activation(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return h.

        Raises
        ------
        ValueError
            If positions are masked and several axes are normalised together, or there
            are too few axes.
        """
        if mask is not None and self.axes > 1:
            raise ValueError(
                f"LayerNorm({self.axes}) would mix masked positions with others: use "
                "LayerNorm(1), or GroupNorm, which excludes them"
            )
        if self.axes >= x.ndim:  # axes may come from a hostile file, and be huge
            raise ValueError(
                f"LayerNorm({self.axes}) does not fit inputs of shape {x.shape}"
            )
        axes = tuple(range(-self.axes, 0))
        return params["scale"] * standardised(x, axes, self.epsilon) + params["shift"]

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        return activation(self.activation)(self.pre_activation(params, x, mask=mask))

    def flops(self, params: dict, shape: tuple[int, ...]) -> int:
        """Return roughly the operations of one example: eight per number."""
        return 8 * math.prod(shape)


@description
class GroupNorm(Activated):
    """Normalise groups of channels over all positions of each example.

    Equations
    ---------
        μ_g = mean x,   σ_g² = mean (x − μ_g)²    over positions, channels c of group g
        h[p, c] = γ[c] (x[p, c] − μ_g) / √(σ_g² + ε) + β[c],   a = φ(h)

    One group normalises an example as a whole; as many groups as channels normalise
    each channel separately ("instance normalisation"). A mask excludes positions from μ
    and σ.

    Shapes
    ------
    x, h and a (batch, \\*positions, channels), mask (batch, \\*positions); γ ("scale")
    and β ("shift") (channels,).

    Parameters
    ----------
    groups : int
        Must divide the number of channels.
    epsilon : float, default=1e-5
    activation : str or callable, default="identity"

    References
    ----------
    Wu & He (2018), Group normalization, ECCV, section 3.
    """

    groups: int
    epsilon: float = 1e-5
    activation: str | Callable = "identity"

    portable: ClassVar[bool] = True

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If there are no groups, ε is negative or φ is unknown.
        """
        check_whole(self, "groups")
        _check_epsilon(self.epsilon)
        activation(self.activation)

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return γ = 1, β = 0 and the unchanged shape.

        Raises
        ------
        ValueError
            If the groups do not divide the channels.
        """
        if not shape or shape[-1] % self.groups:
            raise ValueError(
                f"groups={self.groups} must divide the number of channels, got "
                f"examples of shape {tuple(shape)}"
            )
        channels = (shape[-1],)
        return {"scale": np.ones(channels), "shift": np.zeros(channels)}, shape

    def pre_activation(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return h."""
        real = None if mask is None else flat_mask(mask, x)[:, :, None, None]
        each = x.shape[-1] // self.groups
        positions = math.prod(x.shape[1:-1])
        grouped = x.reshape(x.shape[0], positions, self.groups, each)
        normal = standardised(grouped, (1, 3), self.epsilon, real).reshape(x.shape)
        return params["scale"] * normal + params["shift"]

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        return activation(self.activation)(self.pre_activation(params, x, mask=mask))

    def flops(self, params: dict, shape: tuple[int, ...]) -> int:
        """Return roughly the operations of one example: eight per number."""
        return 8 * math.prod(shape)


def standardised(
    x: Array, axes: tuple[int, ...], epsilon: float, real: Any = None
) -> Any:
    """Return (x − μ) / √(σ² + ε), with μ and σ² over some axes.

    The variance is the mean of squared differences from the mean, never mean x² − μ²,
    which loses all digits if the mean is large. ``real``, which is broadcast to the
    shape of x, selects what counts for μ and σ².
    """
    if real is None:
        off = x - x.mean(axis=axes, keepdims=True)
        variance = (off * off).mean(axis=axes, keepdims=True)
    else:
        xp = namespace(x)
        real = xp.broadcast_to(real, x.shape)
        count = xp.maximum(real.sum(axis=axes, keepdims=True), 1).astype(x.dtype)
        off = x - xp.where(real, x, 0).sum(axis=axes, keepdims=True) / count
        square = xp.where(real, off * off, 0)
        variance = square.sum(axis=axes, keepdims=True) / count
    return off * (variance + epsilon).astype(x.dtype) ** -0.5


def _check_epsilon(epsilon: float) -> None:
    if is_number(epsilon) and not epsilon >= 0:
        raise ValueError(f"epsilon must not be negative, got {epsilon}")
