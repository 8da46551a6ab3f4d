"""The gated recurrent unit."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from lamina.networks.description import description
from lamina.networks.keys import Key
from lamina.networks.recurrence import Arrays
from lamina.networks.recurrent import Recurrent, beside, parted, squashed


@description
class GRU(Recurrent):
    """Gated recurrent unit: one gate decides what is kept and what is replaced.

    Equations
    ---------
        r_t = σ(x_t W_r + h_{t−1} U_r + b_r)                    reset gate
        z_t = σ(x_t W_z + h_{t−1} U_z + b_z)                    update gate
        h̃_t = tanh(x_t W_h + r_t ∘ (h_{t−1} U_h + c) + b_h)
        h_t = (1 − z_t) ∘ h_{t−1} + z_t ∘ h̃_t,                  h_0 = 0

    z is that of Cho and others and of deck 002; PyTorch, Keras and ONNX write 1 − z for
    it. Deck 002 leaves the biases out.

    Shapes
    ------
    x (batch, time, n); W (n, 3 units), U (units, 3 units) and b (3 units,) with the
    blocks r, z, h side by side; c (units,); h (batch, time, units).

    Parameters
    ----------
    units : int
    initializer : str, default="glorot_uniform"
        Of W; U starts orthogonal, block by block, b and c at 0.

    References
    ----------
    Cho and others (2014), Learning phrase representations using RNN encoder–decoder,
    EMNLP, section 2.3. Deck 002.
    """

    units: int
    initializer: str = "glorot_uniform"

    @property
    def halved(self) -> tuple[bool, ...]:
        """r and z are gates."""
        return True, True, False

    def _further(self, key: Key) -> dict[str, np.ndarray]:
        return {"reset_bias": np.zeros(self.units)}

    def _own(self, params: dict) -> Any:
        return params["reset_bias"]

    def states(self, gates: int) -> Arrays:
        """Only h."""
        return (gates // 3,)

    def step(self, own: Any, states: Arrays, u: Any, v: Any) -> tuple[Arrays, Arrays]:
        """The equations; net inputs of gates come halved."""
        n = states[0].shape[-1]
        a = squashed(u[..., : 2 * n] + v[..., : 2 * n], (True, True))
        r, z = parted(a, 2)
        met = v[..., 2 * n :] + own
        candidate = squashed(u[..., 2 * n :] + r * met, (False,))
        h = states[0] + z * (candidate - states[0])
        return (h,), (a, met, candidate)

    def factors(self, own: Any, before: Arrays, after: Arrays, kept: Arrays) -> Arrays:
        """∂h_t/∂z of r, z, h_{t−1} U_h and h̃, and 1 − z."""
        a, met, candidate = kept
        r, z = parted(a, 2)
        inner = z * (1 - candidate * candidate)
        return (
            2 * inner * met * r * (1 - r),
            2 * (candidate - before[0]) * z * (1 - z),
            inner * r,
            inner,
            1 - z,
        )

    def back(
        self, own: Any, factors: Arrays, delta: Arrays
    ) -> tuple[Any, Arrays, Arrays]:
        """The derivatives by v, by h_{t−1} past the gates, and by the inputs of h̃."""
        *by_v, inner, kept = factors
        dh = delta[0]
        return beside(*[dh * one for one in by_v]), (dh * kept,), (dh * inner,)

    def rest(self, before: Arrays, after: Arrays, dv: Any, kept: Arrays) -> Arrays:
        """u and v are added in the gates; c is added to the last block of v."""
        n = before[0].shape[-1]
        return beside(dv[..., : 2 * n], kept[0]), jnp.sum(dv[..., 2 * n :], axis=(0, 1))
