"""Bidirectional recurrent layers."""

from typing import Any

import jax.numpy as jnp

from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import Nested, description
from lamina.networks.core.keys import Key, two_keys
from lamina.networks.core.layer import Layer


@description
class Bidirectional(Layer):
    """Two recurrent layers, one forward and one backward in time.

    Equations
    ---------
        a_t = [h→_t, h←_t],   h← the layer's output for x_T, …, x_1, reversed

    T is the sequence's true length; padding stays in place.

    Shapes
    ------
    x (batch, time, n), a (batch, time, 2 units). Parameters: those of the two layers,
    ``forward`` and ``backward``.

    Parameters
    ----------
    layer : recurrent layer
        Such as RNN(64), LSTM(64) or GRU(64); each direction has its own weights.

    References
    ----------
    Schuster & Paliwal (1997), Bidirectional recurrent neural networks, IEEE Trans.
    Signal Processing 45.
    """

    layer: Nested

    def check(self) -> None:
        """Reject what is not a layer.

        Raises
        ------
        TypeError
            If it is not a layer.
        """
        if isinstance(self.layer, str | float | tuple | type) or self.layer is None:
            raise TypeError(
                f"Bidirectional needs a recurrent layer such as LSTM(64), got "
                f"{self.layer!r}"
            )

    @property
    def on_one_core(self) -> bool:  # pyright: ignore
        """Whether its layer runs on one core of a CPU."""
        return self.layer.on_one_core

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output."""
        forward, (time, units) = self.layer.init(key.fold_in("forward"), shape)
        backward, _ = self.layer.init(key.fold_in("backward"), shape)
        return {"forward": forward, "backward": backward}, (time, 2 * units)

    def __call__(
        self, params: dict, x: Array, *, key: RandomKey = None, mask: Mask = None
    ) -> Any:
        """Return a."""
        first, second = two_keys(key)
        there = self.layer(params["forward"], x, key=first, mask=mask)
        back = self.layer(params["backward"], turned(x, mask), key=second, mask=mask)
        return jnp.concatenate([there, turned(back, mask)], axis=-1)

    def squared_norms(self, name: str, weight: Array) -> Any:
        """Return ‖Wⱼ‖² of each unit, as the layer of one direction does."""
        return self.layer.squared_norms(name, weight)

    def flops(self, params: dict, shape: tuple[int, ...]) -> int:
        """Return multiplications and additions of one example of that shape."""
        return sum(self.layer.flops(own, shape) for own in params.values())


def turned(x: Array, mask: Mask) -> Any:
    """Return each sequence reversed, from its last real step to its first.

    Shapes: x (batch, time, n); mask (batch, time), or None if all steps are real.
    """
    if mask is None:
        return x[:, ::-1]
    steps = jnp.arange(x.shape[1])
    last = jnp.sum(mask, axis=1, keepdims=True) - 1
    order = jnp.where(mask, last - steps, steps)
    return jnp.take_along_axis(x, order[..., None], axis=1)
