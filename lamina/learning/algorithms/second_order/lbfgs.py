"""L-BFGS."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
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
from lamina.networks.core.arrays import Array, Params, RandomKey
from lamina.networks.core.description import description


@description
class LBFGS(Algorithm):
    """Limited-memory BFGS with a line search; every step needs the same batch.

    Equations
    ---------
        s = θₖ − θₖ₋₁,   y = gₖ − gₖ₋₁,   ρ = 1 / yᵀs
        d = −Hₖ gₖ            Hₖ from the last m pairs by the two-loop recursion,
                              starting from γ I, γ = sᵀy / yᵀy of the newest pair
        θₖ₊₁ = θₖ + τ d       τ by bisection until both weak Wolfe conditions hold:
            E(θ + τ d) ≤ E(θ) + c₁ τ gᵀd,     ∇E(θ + τ d)ᵀ d ≥ c₂ gᵀd

    with c₁ = 10⁻⁴, c₂ = 0.9; see
    :mod:`lamina.learning.algorithms.second_order.line_search`. The weak conditions
    guarantee yᵀs > 0, so H stays positive definite. The first step has length 1. Loss
    and gradient of the accepted point are kept for the next step, which therefore costs
    one evaluation if τ = 1 is accepted.

    Parameters
    ----------
    memory : int, default=10
        m, the number of pairs kept.
    max_line_search_steps : int, default=30
        Maximum number of evaluations per step.

    References
    ----------
    Liu & Nocedal (1989), On the limited memory BFGS method for large scale
    optimization, Mathematical Programming 45, algorithm 2.1; Lewis & Overton (2013),
    Nonsmooth optimization via quasi-Newton methods, Mathematical Programming 141,
    algorithm 2.6; Nocedal & Wright (2006), Numerical Optimization, algorithm 7.4.
    """

    memory: int = 10
    max_line_search_steps: int = 30

    # It stops by the gradient alone, as in scikit-learn.
    needs: ClassVar[Needs] = Needs(full_batch=True, early_stopping=False)

    def check(self) -> None:
        """Reject invalid sizes.

        Raises
        ------
        ValueError
            If one of them is less than 1.
        """
        check_counts(self, "memory", "max_line_search_steps")

    def memory_bytes(
        self, n_params: int, n_rows: int, n_outputs: int, itemsize: int
    ) -> int:
        """Return the bytes of the pairs before and after a step and of vectors."""
        return (4 * self.memory + 12) * n_params * itemsize

    def init(self, params: Params) -> dict[str, Any]:
        """Return the state before the first step: no pairs, nothing evaluated."""
        n, dtype = size_and_dtype(params)
        return {
            "s": np.zeros((self.memory, n), dtype),
            "y": np.zeros((self.memory, n), dtype),
            "rho": np.zeros(self.memory, dtype),
            "gamma": np.ones((), dtype),
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


def _direction(state: dict, g: Array) -> Any:
    """Return d = −H g by the two-loop recursion; empty pairs have ρ = 0."""

    def backward(q: Array, pair: tuple) -> tuple[Any, Any]:
        s, y, rho = pair
        alpha = rho * (s @ q)
        return q - alpha * y, alpha

    def forward(r: Array, pair: tuple) -> tuple[Any, None]:
        s, y, rho, alpha = pair
        return r + s * (alpha - rho * (y @ r)), None

    pairs = (state["s"], state["y"], state["rho"])
    # The recursion always runs over all m pairs, as shapes are fixed when compiled; an
    # empty pair has ρ = 0 and changes nothing.
    q, alphas = jax.lax.scan(backward, g, pairs, reverse=True)
    r, _ = jax.lax.scan(forward, state["gamma"] * q, (*pairs, alphas))
    return -r


def _with_pair(state: dict, search: Search) -> dict[str, Any]:
    """Return the state after a step: its pair, if yᵀs > 0, and the next direction."""
    s, y, curvature, good = search.pair()

    def push(old: Array, new: Array) -> Any:
        return jnp.where(good, jnp.concatenate([old[1:], new[None]]), old)

    gamma = curvature / jnp.where(good, y @ y, 1)
    pairs = {
        "s": push(state["s"], s),
        "y": push(state["y"], y),
        "rho": push(state["rho"], 1 / curvature),
        "gamma": jnp.where(good, gamma, state["gamma"]),
    }
    return pairs | search.state(_direction(pairs, search.g))
