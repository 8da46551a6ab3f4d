"""The recurrent layer that feeds its outputs back."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from lamina.networks.core.arrays import Array
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.functional.activations import activation
from lamina.networks.functional.initializers import initializer
from lamina.networks.recurrent.recurrence import Arrays
from lamina.networks.recurrent.recurrent import Recurrent
from lamina.networks.recurrent.rnn import SLOPES


@description
class OutputFeedbackRNN(Recurrent):
    """Recurrent layer whose output, not its state, is fed to the next step.

    Equations
    ---------
        h_t = φ(x_t W + y_{t−1} U + b)
        y_t = ψ(h_t V + c),              y_0 = 0

    Shapes
    ------
    x (batch, time, n), W (n, units), U (outputs, units), b (units,), V (units,
    outputs), c (outputs,), y (batch, time, outputs).

    Parameters
    ----------
    units : int
        Units of h.
    outputs : int
        Units of y, the layer's output.
    activation : {"tanh", "logistic", "relu", "leaky_relu", "identity"}, default="tanh"
        φ.
    out_activation : one of the same, default="identity"
        ψ.
    initializer : str, default="glorot_uniform"
        Of W, U and V; b and c start at 0.
    tbptt : int, optional
        Truncated backpropagation through time: errors are propagated within chunks of
        this many steps; states are carried over. By default up to the first step.

    References
    ----------
    Jordan (1986), Serial order: a parallel distributed processing approach, ICS report
    8604, UC San Diego.
    """

    units: int
    outputs: int
    activation: str = "tanh"
    out_activation: str = "identity"
    initializer: str = "glorot_uniform"
    tbptt: int | None = None

    numbers: ClassVar = ("units", "outputs")
    words: ClassVar = dict.fromkeys(("activation", "out_activation"), tuple(SLOPES))

    def init(self, key: Key, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
        """Return initial parameters and the shape of one output.

        Raises
        ------
        ValueError
            If an example is not (time, features).
        """
        params, (time, _) = super().init(key, shape)
        return params, (time, self.outputs)

    def _further(self, key: Key) -> dict[str, np.ndarray]:
        draw, ways = initializer(self.initializer), (self.outputs, self.units)
        return {
            "recurrent_weight": draw(key.fold_in("recurrent"), ways, *ways),
            "out_weight": draw(key.fold_in("out"), ways[::-1], *ways[::-1]),
            "out_bias": np.zeros(self.outputs),
        }

    def _own(self, params: dict, recurrent: Array) -> tuple[Any, Any]:
        return (params["out_weight"], params["out_bias"]), recurrent

    def widths(self) -> tuple[int, ...]:
        """Only y."""
        return (self.outputs,)

    def step(
        self, own: Array | Arrays, states: Arrays, u: Array, v: Array
    ) -> tuple[Arrays, Arrays]:
        """The equations."""
        V, c = own
        h = activation(self.activation)(u + v)
        return (activation(self.out_activation)(h @ V + c),), (h,)

    def factors(
        self, own: Array | Arrays, before: Arrays, after: Arrays, kept: Arrays
    ) -> Any:
        """ψ′, φ′, and h for the gradient of V."""
        (y,), (h,) = after, kept
        return SLOPES[self.out_activation](y), SLOPES[self.activation](h), h

    def back(
        self, own: Array | Arrays, factors: Arrays, delta: Arrays
    ) -> tuple[Any, Arrays, Arrays]:
        """From y through h to the pre-activation of h."""
        out, inner, _ = factors
        dz = delta[0] * out
        return (dz @ own[0].T) * inner, (None,), (dz,)

    def rest(
        self, factors: Arrays, before: Arrays, after: Arrays, dv: Array, kept: Arrays
    ) -> tuple[Any, Any]:
        """u and v are added; V multiplies h."""
        (dz,), h = kept, factors[2].reshape(-1, self.units)
        return dv, (h.T @ dz.reshape(-1, self.outputs), jnp.sum(dz, axis=(0, 1)))

    def flops(self, params: dict, shape: tuple[int, ...]) -> int:
        """Return multiplications and additions of one example of that shape."""
        out = 2 * shape[0] * self.units * self.outputs
        return super().flops(params, shape) + out
