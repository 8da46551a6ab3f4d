"""The simple recurrent layer."""

from typing import Any, ClassVar

import jax.numpy as jnp

from lamina.networks.core.arrays import Array
from lamina.networks.core.description import description
from lamina.networks.functional.activations import LEAK, activation
from lamina.networks.recurrent.recurrence import Arrays
from lamina.networks.recurrent.recurrent import Recurrent

SLOPES = {
    "tanh": lambda h: 1 - h * h,
    "logistic": lambda h: h * (1 - h),
    "relu": lambda h: (h > 0).astype(h.dtype),
    "leaky_relu": lambda h: jnp.where(h > 0, 1, LEAK).astype(h.dtype),
    "identity": jnp.ones_like,
}
"""φ′ as a function of φ."""


@description
class RNN(Recurrent):
    """Simple recurrent layer: its output at the previous step is one of its inputs.

    Equations
    ---------
        h_t = φ(x_t W + h_{t−1} U + b),   h_0 = 0

    Shapes
    ------
    x (batch, time, n), W (n, units), U (units, units), b (units,), h (batch, time,
    units).

    Parameters
    ----------
    units : int
    activation : {"tanh", "logistic", "relu", "leaky_relu", "identity"}, default="tanh"
        φ.
    initializer : str, default="glorot_uniform"
        Of W; U starts orthogonal, b at 0.
    tbptt : int, optional
        Truncated backpropagation through time: errors are propagated within chunks of
        this many steps; states are carried over. By default up to the first step.

    References
    ----------
    Elman (1990), Finding structure in time, Cognitive Science 14.
    """

    units: int
    activation: str = "tanh"
    initializer: str = "glorot_uniform"
    tbptt: int | None = None

    words: ClassVar = {"activation": tuple(SLOPES)}

    def step(
        self, own: Array | Arrays, states: Arrays, u: Array, v: Array
    ) -> tuple[Arrays, Arrays]:
        """h = φ(u + v)"""
        return (activation(self.activation)(u + v),), ()

    def factors(
        self, own: Array | Arrays, before: Arrays, after: Arrays, kept: Arrays
    ) -> Any:
        """φ′(z)"""
        return (SLOPES[self.activation](after[0]),)

    def back(
        self, own: Array | Arrays, factors: Arrays, delta: Arrays
    ) -> tuple[Any, Arrays, Arrays]:
        """∂ℓ/∂z = δ φ′(z)"""
        return delta[0] * factors[0], (None,), ()

    def rest(
        self, factors: Arrays, before: Arrays, after: Arrays, dv: Array, kept: Arrays
    ) -> tuple[Any, Any]:
        """u and v are added: their derivatives are the same."""
        return dv, ()
