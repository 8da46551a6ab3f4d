"""BFGS."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from lamina.learning.algorithms.second_order.line_search import (
    Search,
    check_counts,
    first_state,
    flattened,
    line_search,
    size_and_dtype,
)
from lamina.learning.protocols import Algorithm, Needs
from lamina.networks.core.arrays import Params, RandomKey
from lamina.networks.core.description import description


@description
class BFGS(Algorithm):
    """The quasi-Newton method that stores the full inverse Hessian.

    Equations
    ---------
        s = θₖ − θₖ₋₁,   y = gₖ − gₖ₋₁,   ρ = 1 / yᵀs
        H ← (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ
        d = −H gₖ
        θₖ₊₁ = θₖ + τ d

    H starts as γ I, γ = yᵀs / yᵀy of the first pair. Multiplied out, the second line is
    H ← H + s uᵀ + u sᵀ with u = ½ (ρ + ρ² yᵀH y) s − ρ H y, which takes O(n²)
    operations instead of O(n³). τ satisfies both weak Wolfe conditions (see
    :mod:`lamina.learning.algorithms.second_order.line_search`), so that yᵀs > 0 and H
    stays positive definite. The first step has length 1.

    H has n² entries for n weights, so BFGS suits networks of at most a few thousand
    weights. There it reaches the minimum in fewer steps than
    :class:`~lamina.learning.algorithms.second_order.lbfgs.LBFGS`.

    Shapes
    ------
    θ, g, s, y, u and d (n,), H (n, n).

    Parameters
    ----------
    max_line_search_steps : int, default=30
        Maximum number of evaluations per step.

    References
    ----------
    Broyden (1970), The convergence of a class of double-rank minimization algorithms,
    IMA Journal of Applied Mathematics 6; Fletcher (1970), Goldfarb (1970), Shanno
    (1970); Nocedal & Wright (2006), Numerical Optimization, algorithm 6.1 and equation
    6.20.
    """

    max_line_search_steps: int = 30

    needs: ClassVar[Needs] = Needs(full_batch=True)

    def check(self) -> None:
        """Reject invalid sizes.

        Raises
        ------
        ValueError
            If ``max_line_search_steps`` is less than 1.
        """
        check_counts(self, "max_line_search_steps")

    def memory_bytes(
        self, n_params: int, n_rows: int, n_outputs: int, itemsize: int
    ) -> int:
        """Return roughly the bytes of H: before, after and during a step.

        The training loop also keeps the state before the last step.
        """
        return 5 * n_params**2 * itemsize

    def init(self, params: Params) -> dict[str, Any]:
        """Return the state before the first step: no pair, nothing evaluated."""
        n, dtype = size_and_dtype(params)
        return {
            "H": np.zeros((n, n), dtype),
            "scaled": np.zeros((), bool),
            **first_state(params),
        }

    def update(
        self,
        objective: Callable,
        params: Params,
        state: dict,
        batch: Any,
        key: RandomKey,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds the loss and max |g| after it."""
        theta, evaluate, unravel = flattened(objective, params, batch, key)
        search = line_search(evaluate, theta, state, most=self.max_line_search_steps)
        state = _with_pair(state, search)
        return unravel(theta + search.step), state, search.report()


def _with_pair(state: dict, search: Search) -> dict[str, Any]:
    """Return the state after a step: H with its pair, if yᵀs > 0, and −H g.

    Until there is a pair, H is 0 and so is the direction: the line search takes −g.
    """
    s, y, curvature, good = search.pair()
    gamma = curvature / jnp.where(good, y @ y, 1)
    first = good & ~state["scaled"]
    H = state["H"] + jnp.where(first, gamma, 0) * jnp.eye(s.size, dtype=s.dtype)
    rho, Hy = 1 / curvature, H @ y
    u = 0.5 * (rho + rho**2 * (y @ Hy)) * s - rho * Hy
    # A pair without positive curvature would make H indefinite: u = 0 skips it.
    u = jnp.where(good, u, 0)
    H = H + jnp.outer(s, u) + jnp.outer(u, s)
    return {"H": H, "scaled": state["scaled"] | good, **search.state(-H @ search.g)}
