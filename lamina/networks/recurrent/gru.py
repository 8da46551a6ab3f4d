"""The gated recurrent unit."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from lamina.networks.core.arrays import Array
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.recurrent.recurrence import Arrays
from lamina.networks.recurrent.recurrent import Recurrent, concat, sigmoid_tanh, split


@description
class GRU(Recurrent):
    """Gated recurrent unit: one gate decides what is kept and what is replaced.

    Equations
    ---------
        r_t = σ(x_t W_r + h_{t−1} U_r + b_r)                    reset gate
        z_t = σ(x_t W_z + h_{t−1} U_z + b_z)                    update gate
        h̃_t = tanh(x_t W_h + r_t ∘ (h_{t−1} U_h + c) + b_h)     reset="after"
        h̃_t = tanh(x_t W_h + (r_t ∘ h_{t−1}) U_h + b_h)         reset="before"
        h_t = (1 − z_t) ∘ h_{t−1} + z_t ∘ h̃_t,                  h_0 = 0

    z follows Chung and others; Cho and others, PyTorch, Keras and ONNX use 1 − z.

    Shapes
    ------
    x (batch, time, n); W (n, 3 units), U (units, 3 units) and b (3 units,) with the
    blocks r, z, h concatenated; c (units,); h (batch, time, units).

    Parameters
    ----------
    units : int
    reset : {"after", "before"}, default="after"
        Whether r multiplies the product with U_h or the state before it. ``before``
        follows the paper; ``after`` needs one product per step instead of two, and is
        what PyTorch and cuDNN compute.
    initializer : str, default="glorot_uniform"
        Of W; U starts orthogonal, block by block; b and c start at 0.
    tbptt : int, optional
        Truncated backpropagation through time: errors are propagated within chunks of
        this many steps; states are carried over. By default up to the first step.

    References
    ----------
    Cho and others (2014), Learning phrase representations using RNN encoder–decoder,
    EMNLP, section 2.3; Chung, Gulcehre, Cho & Bengio (2014), Empirical evaluation of
    gated recurrent neural networks on sequence modeling, arXiv:1412.3555, section 3.2.
    """

    units: int
    reset: str = "after"
    initializer: str = "glorot_uniform"
    tbptt: int | None = None

    words: ClassVar = {"reset": ("after", "before")}

    @property
    def halved(self) -> tuple[bool, ...]:
        """r and z are gates."""
        return True, True, False

    def _further(self, key: Key) -> dict[str, np.ndarray]:
        return {"reset_bias": np.zeros(self.units)} if self.reset == "after" else {}

    def _own(self, params: dict, recurrent: Array) -> tuple[Any, Any]:
        if self.reset == "after":
            return params["reset_bias"], recurrent
        # U_h multiplies r ∘ h, which is known only within the step: it cannot be part
        # of the product of h with the other blocks.
        return recurrent[:, 2 * self.units :], recurrent[:, : 2 * self.units]

    def step(
        self, own: Any, states: Arrays, u: Array, v: Array
    ) -> tuple[Arrays, Arrays]:
        """The equations; pre-activations of gates are given halved."""
        (h,), n = states, 2 * self.units
        a = sigmoid_tanh(u[..., :n] + v[..., :n], (True, True))
        r, z = split(a, 2)
        met = v[..., n:] + own if self.reset == "after" else (r * h) @ own
        new = jnp.tanh(u[..., n:] + (r * met if self.reset == "after" else met))
        return (h + z * (new - h),), (a, met, new)

    def factors(
        self, own: Array | Arrays, before: Arrays, after: Arrays, kept: Arrays
    ) -> Any:
        """∂h_t/∂z of r, z, the factor of r and h̃, and 1 − z."""
        (h,), (a, met, new) = before, kept
        r, z = split(a, 2)
        inner = z * (1 - new * new)
        # 2: gates are functions of halved pre-activations (see `Recurrent`).
        by_z = 2 * (new - h) * z * (1 - z)
        if self.reset == "after":
            return 2 * inner * met * r * (1 - r), by_z, inner * r, inner, 1 - z
        return 2 * h * r * (1 - r), by_z, r, inner, 1 - z

    def back(
        self, own: Any, factors: Arrays, delta: Arrays
    ) -> tuple[Any, Arrays, Arrays]:
        """Derivatives by v, by h_{t−1} directly, and by the pre-activation of h̃."""
        by_r, by_z, by_met, inner, stays = factors
        (dh,) = delta
        new = dh * inner
        if self.reset == "after":
            return concat(dh * by_r, dh * by_z, dh * by_met), (dh * stays,), (new,)
        through = new @ own.T  # ∂ℓ/∂(r ∘ h)
        past = dh * stays + through * by_met
        return concat(through * by_r, dh * by_z), (past,), (new,)

    def rest(
        self, factors: Arrays, before: Arrays, after: Arrays, dv: Array, kept: Arrays
    ) -> tuple[Any, Any]:
        """u and v are added in the gates; then c, or U_h, which multiplies r ∘ h."""
        gates, (new,) = dv[..., : 2 * self.units], kept
        if self.reset == "after":
            own = jnp.sum(dv[..., 2 * self.units :], axis=(0, 1))
        else:
            met = (factors[2] * before[0]).reshape(-1, self.units)
            own = met.T @ new.reshape(-1, self.units)
        return concat(gates, new), own
