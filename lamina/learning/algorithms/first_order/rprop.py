"""Resilient backpropagation."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from lamina.learning.objectives.objective import value_and_grad, zeros_like
from lamina.learning.protocols import FirstOrder, Needs
from lamina.networks.core.arrays import Array, Params, RandomKey
from lamina.networks.core.description import description, is_number


@description
class Rprop(FirstOrder):
    """Resilient backpropagation: only the sign of the gradient matters.

    Equations
    ---------
    Each weight has its own step size Δ, initially η. Δ grows while the derivative g
    keeps its sign and shrinks when the sign changes:

        g g₋ > 0:   Δ ← min(α⁺ Δ, Δmax),   s ← −sign(g) Δ
        g g₋ < 0:   Δ ← max(α⁻ Δ, Δmin),   s ← 0,   g ← 0
        g g₋ = 0:                          s ← −sign(g) Δ
        θ ← θ + s,   g₋ ← g

    After a change of sign g counts as 0, so that Δ does not shrink twice in a row. The
    weight stays where it is for that step; with ``backtracking`` it takes its last step
    back instead, s ← −s₋. Igel and Hüsken call the two forms iRprop⁻ and Rprop⁺.

    The signs are useless if they change with the examples of a batch: every step needs
    the same batch. (``optax.rprop`` 0.2.8 applies the step of the update before;
    gradients 1, 1, 1, −1, 1 at η = 0.1 have to move −0.1, −0.12, −0.144, 0, −0.072, and
    here they do.)

    Parameters
    ----------
    learning_rate : float, default=0.1
        η, the first Δ.
    increase, decrease : float, default=1.2 and 0.5
        α⁺ ≥ 1 and α⁻ in (0, 1].
    smallest, largest : float, default=1e-6 and 50
        Δmin and Δmax.
    backtracking : bool, default=False

    References
    ----------
    Riedmiller & Braun (1993), A direct adaptive method for faster backpropagation
    learning: the RPROP algorithm, IEEE International Conference on Neural Networks;
    Igel & Hüsken (2003), Empirical evaluation of the improved Rprop learning
    algorithms, Neurocomputing 50, section 2.
    """

    learning_rate: float = 0.1
    increase: float = 1.2
    decrease: float = 0.5
    smallest: float = 1e-6
    largest: float = 50.0
    backtracking: bool = False

    needs: ClassVar[Needs] = Needs(full_batch=True, first_order=True, own_rate=True)

    def check(self) -> None:
        """Reject invalid factors and sizes.

        Raises
        ------
        ValueError
            If the learning rate is not positive, Δ would shrink where it should grow
            or the other way round, or not 0 ≤ Δmin ≤ Δmax.
        """
        if is_number(self.learning_rate) and not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be > 0, got {self.learning_rate}")
        if is_number(self.increase) and not self.increase >= 1:
            raise ValueError(f"increase must be ≥ 1, got {self.increase}")
        if is_number(self.decrease) and not 0 < self.decrease <= 1:
            raise ValueError(f"decrease must be in (0, 1], got {self.decrease}")
        if is_number(self.smallest) and not self.smallest >= 0:
            raise ValueError(f"smallest must be ≥ 0, got {self.smallest}")
        both = is_number(self.smallest) and is_number(self.largest)
        if both and not self.largest >= self.smallest:
            raise ValueError(
                f"largest must be at least smallest, {self.smallest}; "
                f"got {self.largest}"
            )

    def init(self, params: Params) -> dict[str, Any]:
        """Return the state before the first step: Δ = η, g = 0 and s = 0."""

        def first_size(leaf: Array) -> Any:
            eta, known = self.learning_rate, isinstance(leaf, np.ndarray)
            # On the host, as in `zeros_like`; traced values need jnp.
            full = np.full if known and is_number(eta) else jnp.full
            return full(leaf.shape, eta, leaf.dtype)

        zeros = zeros_like(params)
        state = {"size": jax.tree.map(first_size, params), "gradient": zeros}
        return {**state, "step": zeros} if self.backtracking else state

    def update(
        self,
        objective: Callable,
        params: Params,
        state: dict,
        batch: Any,
        key: RandomKey,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds the loss before it."""
        loss, g = value_and_grad(objective, params, batch, key)
        # sign(g) sign(g₋), as the product g g₋ of two small numbers may underflow to 0
        same = jax.tree.map(
            lambda g, before: jnp.sign(g) * jnp.sign(before), g, state["gradient"]
        )
        size = jax.tree.map(self._size, same, state["size"])
        g = jax.tree.map(lambda same, g: jnp.where(same < 0, 0, g), same, g)
        step = jax.tree.map(lambda g, size: -jnp.sign(g) * size, g, size)
        moved = {"size": size, "gradient": g}
        if self.backtracking:
            step = jax.tree.map(_taken_back, same, step, state["step"])
            moved["step"] = step
        params = jax.tree.map(lambda p, step: p + step, params, step)
        return params, moved, {"loss": loss}

    def _size(self, same: Array, size: Array) -> Any:
        """Return the new Δ."""
        grown = jnp.minimum(self.increase * size, self.largest)
        shrunk = jnp.maximum(self.decrease * size, self.smallest)
        return jnp.where(same > 0, grown, jnp.where(same < 0, shrunk, size))


def _taken_back(same: Array, step: Array, last: Array) -> Any:
    """Return the step, or where the sign has changed the last step taken back."""
    return jnp.where(same < 0, -last, step)
