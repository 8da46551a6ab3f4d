"""Sequences of different lengths, and layers that reduce them over time."""

import math
from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp

from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.core.layer import Layer


class Sequences(NamedTuple):
    """Sequences padded to one length.

    Shapes: values (batch, time, …); lengths (batch,), the number of real steps of each.
    Padding values are finite, and never affect an output.
    """

    values: Any
    lengths: Any

    @property
    def dtype(self) -> Any:
        """Type of the values."""
        return self.values.dtype

    @property
    def mask(self) -> Any:
        """Mask of the real steps, (batch, time)."""
        return jnp.arange(self.values.shape[1]) < self.lengths[:, None]


def unpacked(x: Any, mask: Mask) -> tuple[Any, Any]:
    """Return the values of sequences and their mask; other inputs unchanged."""
    return (x.values, x.mask) if isinstance(x, Sequences) else (x, mask)


def values_of(x: Any) -> Any:
    """Return the values of examples, whether sequences or arrays."""
    return x.values if isinstance(x, Sequences) else x


def with_values(x: Any, values: Any) -> Any:
    """Return examples of the same kind with other values."""
    return x._replace(values=values) if isinstance(x, Sequences) else values


class _OverTime(Layer):
    """Base of the layers that reduce a sequence over time."""

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return no parameters and the shape of one step.

        Raises
        ------
        ValueError
            If an example is not (time, …).
        """
        if len(shape) < 2:
            raise ValueError(
                f"{type(self).__name__} needs examples of shape (time, features), got "
                f"shape {tuple(shape)}"
            )
        return {}, shape[1:]


@description
class LastStep(_OverTime):
    """The last step of each sequence (many-to-one).

    Equations
    ---------
        a = x_T,   T the sequence's true length

    Shapes
    ------
    x (batch, time, …), a (batch, …).

    References
    ----------
    Goodfellow, Bengio & Courville (2016), Deep Learning, MIT Press, section 10.2.
    """

    stepwise: ClassVar[bool] = True  # the last step of a part is the last one so far

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        if mask is None:
            return x[:, -1]
        # Padding examples have no step; their weight is 0, so any index will do.
        last = jnp.maximum(jnp.sum(mask, axis=1) - 1, 0)
        at = last.reshape(-1, *[1] * (x.ndim - 1))
        return jnp.take_along_axis(x, at, axis=1)[:, 0]


@description
class TemporalMean(_OverTime):
    """The mean of each sequence over its steps (many-to-one).

    Equations
    ---------
        a = Σ_{t ≤ T} x_t / T,   T the sequence's true length

    Shapes
    ------
    x (batch, time, …), a (batch, …).
    """

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        if mask is None:
            return jnp.mean(x, axis=1)
        real = mask.reshape(*mask.shape, *[1] * (x.ndim - 2))
        # At least 1: padding examples have no step, and 0/0 would be NaN.
        steps = jnp.maximum(jnp.sum(real, axis=1), 1)
        return jnp.sum(jnp.where(real, x, 0), axis=1) / steps.astype(x.dtype)


def flat_mask(mask: Array, x: Array) -> Any:
    """Return which positions of x are real, (batch, number of positions).

    Raises
    ------
    ValueError
        If the mask does not have the shape of x without its channels.
    """
    if mask.shape != x.shape[:-1]:
        raise ValueError(
            f"the mask of inputs of shape {x.shape} must have shape {x.shape[:-1]}, "
            f"got {mask.shape}"
        )
    return mask.reshape(mask.shape[0], math.prod(mask.shape[1:])) != 0
