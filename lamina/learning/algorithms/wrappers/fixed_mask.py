"""Fixed sparsity: pruned weights stay 0 during retraining."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from lamina.learning.algorithms.wrappers.wrapper import Wrapper
from lamina.learning.objectives.objective import View
from lamina.learning.objectives.weights import is_weight
from lamina.networks.core.arrays import Array, Params, RandomKey
from lamina.networks.core.description import Nested, description


@description
class FixedMask(Wrapper):
    """Keep weights at 0 that are 0 at the start; biases are free.

    Equations
    ---------
        m = [W ≠ 0] at the start,   g ← m ∘ g,   W ← m ∘ W after each step

    The mask is part of the state, so a resumed run keeps the mask it began with, even
    if a weight passes through 0. The gradient of masked weights is 0 as well: no
    momentum or mean square accumulates it.

    Parameters
    ----------
    inner : algorithm description
        Whose steps are taken.

    References
    ----------
    Han, Pool, Tran & Dally (2015), Learning both weights and connections for efficient
    neural networks, NIPS, section 3 (retraining).
    """

    inner: Nested

    @property
    def name(self) -> str:
        """Name of the state: that of the inner algorithm, and a mask."""
        return f"FixedMask {self.inner.name}"

    def init(self, params: Params) -> dict[str, Any]:
        """Return the state of the inner algorithm, and the mask of nonzero weights."""

        def there(path: Sequence[Any], leaf: Array) -> Any:
            return (leaf != 0) | (not is_weight(path))

        mask = jax.tree.map_with_path(there, params)
        return {"inner": super().init(params), "mask": mask}

    def update(
        self,
        objective: Callable,
        params: Params,
        state: dict,
        batch: Any,
        key: RandomKey,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take the step of the inner algorithm on the unmasked weights."""

        def masked(tree: Params) -> Any:
            return jax.tree.map(lambda m, a: jnp.where(m, a, 0), state["mask"], tree)

        params, inner, report = self.inner.update(
            View(objective, masked), params, state["inner"], batch, key
        )
        return masked(params), {**state, "inner": inner}, report
