"""Long short-term memory, and its variants."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from lamina.networks.core.arrays import Array
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.recurrent.recurrence import Arrays
from lamina.networks.recurrent.recurrent import Recurrent, concat, sigmoid_tanh, split


@description
class LSTM(Recurrent):
    """Long short-term memory: gates protect a state that is carried over unchanged.

    Equations
    ---------
        f_t = σ(x_t W_f + h_{t−1} U_f + b_f)        forget gate
        i_t = σ(x_t W_i + h_{t−1} U_i + b_i)        input gate
        o_t = σ(x_t W_o + h_{t−1} U_o + b_o)        output gate
        C̃_t = tanh(x_t W_C + h_{t−1} U_C + b_C)
        C_t = f_t ∘ C_{t−1} + i_t ∘ C̃_t
        h_t = o_t ∘ tanh(C_t),                      h_0 = C_0 = 0

    The variants:

    =============  ==========================================================
    ``forget``     as above
    ``1997``       no forget gate: f_t = 1
    ``coupled``    i_t = 1 − f_t
    ``peephole``   + p_f ∘ C_{t−1}, + p_i ∘ C_{t−1} and + p_o ∘ C_t in the gates
    =============  ==========================================================

    Peepholes are one weight per unit, not full matrices.

    Shapes
    ------
    x (batch, time, n); W (n, 4 units), U (units, 4 units) and b (4 units,) with the
    blocks i, f, C, o of the variant concatenated; p (3, units) with the rows i, f, o; h
    (batch, time, units).

    Parameters
    ----------
    units : int
    variant : {"forget", "1997", "peephole", "coupled"}, default="forget"
    forget_bias : int, default=1
        Initial value of b_f: at first, states are kept rather than forgotten.
    initializer : str, default="glorot_uniform"
        Of W; U starts orthogonal, block by block; p and the other b start at 0.
    tbptt : int, optional
        Truncated backpropagation through time: errors are propagated within chunks of
        this many steps; states are carried over. By default up to the first step.

    References
    ----------
    Hochreiter & Schmidhuber (1997), Long short-term memory, Neural Computation 9. Gers,
    Schmidhuber & Cummins (2000), Learning to forget, Neural Computation 12. Gers &
    Schmidhuber (2000), Recurrent nets that time and count, IJCNN (peepholes). Greff and
    others (2017), LSTM: a search space odyssey, IEEE TNNLS 28 (coupled gates).
    Jozefowicz, Zaremba & Sutskever (2015), An empirical exploration of recurrent
    network architectures, ICML (b_f = 1).
    """

    units: int
    variant: str = "forget"
    forget_bias: int = 1
    initializer: str = "glorot_uniform"
    tbptt: int | None = None

    words: ClassVar = {"variant": ("forget", "1997", "peephole", "coupled")}

    @property
    def blocks(self) -> str:
        """The blocks of W, U and b."""
        return {"1997": "iCo", "coupled": "fCo"}.get(self.variant, "ifCo")

    @property
    def halved(self) -> tuple[bool, ...]:
        """All blocks except C̃ are gates."""
        return tuple([block != "C" for block in self.blocks])

    def _further(self, key: Key) -> dict[str, np.ndarray]:
        bias = np.repeat([float(b == "f") for b in self.blocks], self.units)
        further: dict[str, Any] = {"bias": self.forget_bias * bias}
        if self.variant == "peephole":
            further["peephole_weight"] = np.zeros((3, self.units))
        return further

    def _own(self, params: dict, recurrent: Array) -> tuple[Any, Any]:
        peepholes = self.variant == "peephole"
        # Halved like the other weights of gates (see `Recurrent`).
        return 0.5 * params["peephole_weight"] if peepholes else (), recurrent

    def squared_norms(self, name: str, weight: Array) -> Any:
        """Return ‖W‖² of each unit; each peephole has its own norm."""
        if name == "peephole_weight":
            return weight * weight
        return (weight * weight).sum(axis=0, keepdims=True)

    def widths(self) -> tuple[int, ...]:
        """h and C."""
        return self.units, self.units

    def step(
        self, own: Array | Arrays, states: Arrays, u: Array, v: Array
    ) -> tuple[Arrays, Arrays]:
        """The equations; pre-activations of gates are given halved."""
        z, C = u + v, states[1]
        if self.variant == "peephole":
            return self._peephole_step(own, z, C)
        # One tanh over all blocks: 19 µs a step against 85 for tanhs of slices, which
        # XLA does not vectorise.
        a = sigmoid_tanh(z, self.halved)
        i, f, candidate, o = self._gates((a,))
        C = f * C + i * candidate
        return (o * jnp.tanh(C), C), (a,)

    def _peephole_step(
        self, own: Array | Arrays, z: Array, C: Array
    ) -> tuple[Arrays, Arrays]:
        """The same with peepholes: o sees the new C, so it is computed after it."""
        z_i, z_f, z_C, z_o = split(z, 4)
        z = concat(z_i + own[0] * C, z_f + own[1] * C, z_C)
        a = sigmoid_tanh(z, self.halved[:3])
        i, f, candidate = split(a, 3)
        C = f * C + i * candidate
        o = sigmoid_tanh(z_o + own[2] * C, (True,))
        return (o * jnp.tanh(C), C), (a, o)

    def _gates(self, kept: Arrays) -> Arrays:
        """Return i, f, C̃ and o; missing gates are f = 1 and i = 1 − f."""
        parts = [block for a in kept for block in split(a, a.shape[-1] // self.units)]
        gates = dict(zip(self.blocks, parts, strict=True))
        f = gates.get("f", 1.0)
        i = gates["i"] if "i" in gates else 1 - f
        return i, f, gates["C"], gates["o"]

    def factors(
        self, own: Array | Arrays, before: Arrays, after: Arrays, kept: Arrays
    ) -> Any:
        """∂C_t/∂z of each block, ∂h_t/∂z_o, ∂h_t/∂C_t, and ∂C_t/∂C_{t−1} = f_t."""
        (i, f, candidate, o), t = self._gates(kept), jnp.tanh(after[1])
        forgotten = before[1] - candidate if self.variant == "coupled" else before[1]
        # 2: gates are functions of halved pre-activations (see `Recurrent`).
        along = {
            "i": 2 * candidate * i * (1 - i),
            "f": 2 * forgotten * f * (1 - f),
            "C": i * (1 - candidate * candidate),
            "o": 2 * t * o * (1 - o),
        }
        forgets = None if self.variant == "1997" else f
        return {b: along[b] for b in self.blocks}, o * (1 - t * t), forgets

    def back(
        self, own: Array | Arrays, factors: Arrays, delta: Arrays
    ) -> tuple[Any, Arrays, Arrays]:
        """∂ℓ/∂z of each block, and ∂ℓ/∂C_{t−1}."""
        along, out, f = factors
        dh, dC = delta
        # o first: with peepholes it sees C_t, so its error adds to that of C_t.
        dz_o = dh * along["o"]
        dC = dC + dh * out
        if self.variant == "peephole":
            dC = dC + dz_o * own[2]
        dz = {b: dC * along[b] for b in self.blocks if b != "o"}
        earlier = dC if f is None else dC * f
        if self.variant == "peephole":
            earlier = earlier + dz["i"] * own[0] + dz["f"] * own[1]
        return concat(*dz.values(), dz_o), (None, earlier), ()

    def rest(
        self, factors: Arrays, before: Arrays, after: Arrays, dv: Array, kept: Arrays
    ) -> tuple[Any, Any]:
        """u and v are added; peepholes multiply the states."""
        if self.variant != "peephole":
            return dv, ()
        dz_i, dz_f, _, dz_o = split(dv, 4)
        met = dz_i * before[1], dz_f * before[1], dz_o * after[1]
        return dv, jnp.stack([jnp.sum(one, axis=(0, 1)) for one in met])
