"""Conjugate gradients."""

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

CURVATURE = 0.1
"""c₂: directions stay conjugate only if every search comes near the minimum."""

RESTART = 0.2
"""Powell's ν. Fletcher and Reeves' formula needs it: without restarts bad directions
stay bad. 100 steps on three small networks ended at losses of 0.05, 0.10 and 0.23; with
restarts at 0.007, 0.044 and 0.093. The other two formulas do as well without."""

FORMULAS = {
    "polak_ribiere": lambda g, y, g_old, d: (g @ y, g_old @ g_old),
    "fletcher_reeves": lambda g, y, g_old, d: (g @ g, g_old @ g_old),
    "hestenes_stiefel": lambda g, y, g_old, d: (g @ y, d @ y),
}
"""Numerator and denominator of β."""


@description
class ConjugateGradient(Algorithm):
    """Nonlinear conjugate gradients with a strong line search.

    Equations
    ---------
        y = gₖ − gₖ₋₁
        β = max(0, gₖᵀy / gₖ₋₁ᵀgₖ₋₁)      Polak–Ribière, PR⁺
        β = gₖᵀgₖ / gₖ₋₁ᵀgₖ₋₁             Fletcher–Reeves
        β = max(0, gₖᵀy / dₖ₋₁ᵀy)         Hestenes–Stiefel
        β = 0 if |gₖᵀgₖ₋₁| ≥ ν gₖᵀgₖ      ν = 0.2: Powell's restart
        dₖ = −gₖ + β dₖ₋₁,   −gₖ if that is no descent direction
        θₖ₊₁ = θₖ + τ dₖ

    On a quadratic function with exact line searches the three formulas agree, and n
    steps reach the minimum in n dimensions; successive gradients are then orthogonal.
    β = 0 restarts from steepest descent. τ satisfies the strong Wolfe conditions with
    c₂ = 0.1 (see :mod:`lamina.learning.algorithms.second_order.line_search`); the first
    length tried is the one for which the predicted change of the loss equals that of
    the last step, τₖ₋₁ gₖ₋₁ᵀdₖ₋₁ / gₖᵀdₖ. The first step tries length 1.

    A step takes two or three evaluations; BFGS and L-BFGS mostly take one. The
    advantage is memory: four vectors of the length of the weights.

    Parameters
    ----------
    formula : {"polak_ribiere", "fletcher_reeves", "hestenes_stiefel"}
    max_line_search_steps : int, default=30
        Maximum number of evaluations per step.

    References
    ----------
    Hestenes & Stiefel (1952), Methods of conjugate gradients for solving linear
    systems, Journal of Research of the NBS 49; Fletcher & Reeves (1964), Function
    minimization by conjugate gradients, The Computer Journal 7; Polak & Ribière (1969),
    Note sur la convergence de méthodes de directions conjuguées, RIRO 3; Gilbert &
    Nocedal (1992), Global convergence properties of conjugate gradient methods for
    optimization, SIAM Journal on Optimization 2 (PR⁺); Powell (1977), Restart
    procedures for the conjugate gradient method, Mathematical Programming 12; Nocedal &
    Wright (2006), Numerical Optimization, section 5.2 and equations 5.41a, 5.44 to 5.46
    and 5.52.
    """

    formula: str = "polak_ribiere"
    max_line_search_steps: int = 30

    needs: ClassVar[Needs] = Needs(full_batch=True)

    def check(self) -> None:
        """Reject an unknown formula and invalid sizes.

        Raises
        ------
        ValueError
            If the formula is unknown, or ``max_line_search_steps`` is less than 1.
        """
        if self.formula not in FORMULAS:
            known = ", ".join(map(repr, FORMULAS))
            raise ValueError(f"formula must be one of {known}; got {self.formula!r}")
        check_counts(self, "max_line_search_steps")

    def init(self, params: Params) -> dict[str, Any]:
        """Return the state before the first step: no direction, nothing evaluated."""
        _, dtype = size_and_dtype(params)
        return {"tau": np.ones((), dtype), **first_state(params)}

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
        search = line_search(
            evaluate,
            theta,
            state,
            most=self.max_line_search_steps,
            tau=state["tau"],
            curvature=CURVATURE,
            strong=True,
        )
        return unravel(theta + search.step), self._next(search), search.report()

    def _next(self, search: Search) -> dict[str, Any]:
        """Return the state after a step: the next direction and first length."""
        g, g_old, d = search.g, search.first_g, search.d
        numerator, denominator = FORMULAS[self.formula](g, g - g_old, g_old, d)
        # No 0/0; such a β is not used (`restarts`).
        beta = numerator / jnp.where(denominator == 0, 1, denominator)
        restarts = (denominator <= 0) | (jnp.abs(g @ g_old) >= RESTART * (g @ g))
        beta = jnp.where(restarts, 0, jnp.maximum(0, beta))
        d = beta * d - g
        slope = g @ d
        tau = search.tau * search.slope / jnp.where(slope < 0, slope, -1)
        # τ = 0 if no length was acceptable: the next search then starts along −g.
        return {"tau": jnp.where(tau > 0, tau, 1), **search.state(d)}
