"""Recording the parameters after each step, to inspect or plot them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamina.learning.algorithms.wrappers.wrapper import Wrapper
from lamina.learning.objectives.objective import Batch, Objective
from lamina.networks.core.arrays import Array, Params, RandomKey
from lamina.networks.core.description import Nested, description


@description
class Recorded(Wrapper):
    """An algorithm that remembers the parameters after each of its last steps.

    It takes the same steps as the inner algorithm; its state also holds the parameters,
    in a ring buffer of ``steps`` entries. A callback reads them after each epoch with
    :meth:`last` from ``progress.state``.

    Parameters
    ----------
    inner : algorithm description
    steps : int
        Number of steps to remember.
    """

    inner: Nested
    steps: int

    @property
    def name(self) -> str:
        """Name of the state: that of the inner algorithm, and a ring buffer."""
        return f"Recorded {self.inner.name}"

    def init(self, params: Params) -> dict[str, Any]:
        """Return the state before the first step: an empty ring buffer."""

        def ring(leaf: Array) -> np.ndarray:
            return np.zeros((self.steps, *leaf.shape), leaf.dtype)

        inner = self.inner.init(params)
        return {"inner": inner, "ring": jax.tree.map(ring, params), "t": np.int32(0)}

    def update(
        self,
        objective: Objective,
        params: Params,
        state: dict,
        batch: Batch,
        key: RandomKey,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take the inner algorithm's step and record the parameters after it."""
        params, inner, report = self.inner.update(
            objective, params, state["inner"], batch, key
        )
        place = state["t"] % self.steps

        def put(ring: Array, leaf: Array) -> Any:
            # `init` returns NumPy arrays, which have no `.at`.
            return jnp.asarray(ring).at[place].set(leaf)

        ring = jax.tree.map(put, state["ring"], params)
        return params, {"inner": inner, "ring": ring, "t": state["t"] + 1}, report

    def last(self, state: dict, n: int) -> Any:
        """Return the parameters after each of the last n steps, oldest first.

        Shapes: those of the parameters with one more leading axis, (n, …).

        Raises
        ------
        ValueError
            If fewer steps are remembered.
        """
        t = int(state["t"])
        if n > min(t, self.steps):
            raise ValueError(f"{n} steps asked for, {min(t, self.steps)} remembered")
        places = np.arange(t - n, t) % self.steps
        return jax.tree.map(lambda ring: np.asarray(ring)[places], state["ring"])
