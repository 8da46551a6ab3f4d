"""The clockwork recurrent layer."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import DTypeLike

from lamina.networks.core.arrays import Array, Mask, RandomKey
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.recurrent.recurrence import Arrays
from lamina.networks.recurrent.recurrent import (
    Recurrent,
    concat,
    lengths_of,
    orthogonal,
    split,
)


@description
class ClockworkRNN(Recurrent):
    """Simple recurrent layer in modules, each with its own clock period.

    Equations
    ---------
        h_t = tanh(x_t W + h_{t−1} U + b)   for the units whose period divides t
        h_t = h_{t−1}                       for the others;   h_{−1} = 0

    for t = 0, 1, …, so that all modules see the first step. A module has connections
    from itself and from slower modules: U is 0 for connections from faster ones.

    Shapes
    ------
    x (batch, time, n), W (n, units), U (units, units), b (units,), h (batch, time,
    units). Units form modules of equal size, one per period.

    Parameters
    ----------
    units : int
        A multiple of the number of periods.
    periods : tuple of int, default=(1, 2, 4, 8, 16, 32)
        Clock periods of the modules in steps, increasing.
    initializer : str, default="glorot_uniform"
        Of W; U starts orthogonal with the masked entries at 0, b at 0.
    tbptt : int, optional
        Truncated backpropagation through time: errors are propagated within chunks of
        this many steps; states are carried over. By default up to the first step.

    References
    ----------
    Koutník, Greff, Gomez & Schmidhuber (2014), A clockwork RNN, ICML, section 3.
    """

    units: int
    periods: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    initializer: str = "glorot_uniform"
    tbptt: int | None = None

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If there are no units, the periods are not increasing integers, or their
            number does not divide the units.
        """
        super().check()
        periods = self.periods
        whole = isinstance(periods, tuple) and all(type(p) is int for p in periods)
        if (
            not whole
            or not periods
            or periods[0] < 1
            or sorted(set(periods)) != list(periods)
        ):
            raise ValueError(
                f"periods must be increasing whole numbers from 1 on, got {periods!r}"
            )
        if self.units % len(periods):
            raise ValueError(
                f"units must be a multiple of the number of periods, {len(periods)}; "
                f"got {self.units}"
            )

    def _period(self) -> np.ndarray:
        """Return the period of each unit."""
        return np.repeat(self.periods, self.units // len(self.periods))

    def _heard(self) -> np.ndarray:
        """Return the mask of U: True where a unit (column) sees another (row)."""
        period = self._period()
        return period[:, None] >= period

    def _further(self, key: Key) -> dict[str, np.ndarray]:
        start = orthogonal(key.fold_in("recurrent", 0), self.units)
        return {"recurrent_weight": start * self._heard()}

    def _own(self, params: dict, recurrent: Array) -> tuple[Any, Any]:
        # Masked in every call: whatever changes U, these connections stay closed.
        return (), jnp.where(self._heard(), recurrent, 0)

    def start(self, batch: int, dtype: DTypeLike = np.float32) -> Arrays:
        """Return h = 0 and the number of the first step, 0."""
        return *super().start(batch, dtype), jnp.zeros(batch, jnp.int32)

    def run(
        self,
        params: dict,
        x: Array,
        state: Arrays,
        *,
        key: RandomKey = None,
        mask: Mask = None,
    ) -> tuple[Any, Arrays]:
        """Return h of every step, and the last h with the number of the next step.

        See :meth:`lamina.networks.recurrent.recurrent.Recurrent.run`.
        """
        *states, first = state
        taken = lengths_of(mask)
        h, states = self._run(params, x, tuple(states), taken, first[:, None])
        return h, (*states, first + (x.shape[1] if taken is None else taken))

    def _inputs(self, u: Array, first: Array | int) -> Any:
        """Concatenate the inputs' pre-activations with the mask of active units."""
        step = np.arange(len(u))[:, None, None] + first
        ticks = (step % self._period() == 0).astype(u.dtype)
        return concat(u, jnp.broadcast_to(ticks, u.shape))

    def step(
        self, own: Array | Arrays, states: Arrays, u: Array, v: Array
    ) -> tuple[Arrays, Arrays]:
        """h = tanh(u + v) for active units"""
        (h,), (net, ticks) = states, split(u, 2)
        return (jnp.where(ticks > 0, jnp.tanh(net + v), h),), (ticks,)

    def factors(
        self, own: Array | Arrays, before: Arrays, after: Arrays, kept: Arrays
    ) -> Any:
        """∂h_t/∂z for active units, and 1 for the others."""
        (h,), (ticks,) = after, kept
        return ticks * (1 - h * h), 1 - ticks

    def back(
        self, own: Array | Arrays, factors: Arrays, delta: Arrays
    ) -> tuple[Any, Arrays, Arrays]:
        """∂ℓ/∂z for active units; errors of the others pass unchanged."""
        return delta[0] * factors[0], (delta[0] * factors[1],), ()

    def rest(
        self, factors: Arrays, before: Arrays, after: Arrays, dv: Array, kept: Arrays
    ) -> tuple[Any, Any]:
        """u and v are added; clocks have no gradient."""
        return concat(dv, jnp.zeros_like(dv)), ()
