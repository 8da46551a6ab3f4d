"""The line search of L-BFGS, BFGS, Newton's method and conjugate gradients.

Equations
---------
    θ ← θ + τ d,   φ(τ) = E(θ + τ d),   φ′(τ) = ∇E(θ + τ d)ᵀ d

A step length τ is accepted if the loss falls enough, and the slope is flat enough:

    φ(τ) ≤ φ(0) + c₁ τ φ′(0)       Armijo's condition, c₁ = 10⁻⁴
    φ′(τ) ≥ c₂ φ′(0)               weak Wolfe condition: no longer steeply downhill
    |φ′(τ)| ≤ c₂ |φ′(0)|           strong Wolfe condition: nor steeply up

The search keeps a bracket: at ``low`` Armijo's condition holds and φ still falls, at
``high`` the condition fails or φ rises; an acceptable τ lies between them. While there
is no ``high`` the length doubles; afterwards the bracket is halved. A strong search,
which has to come close to the minimum, uses the secant method instead: it takes the
zero of the line through φ′ at the two ends. It stays a tenth of the bracket away from
both ends, and extrapolates by one to nine times the last advance.

The compiled program evaluates the objective in a single place, at θ itself too: a
search that zooms in nested branches (``optax.lbfgs``) takes three times as long to
compile.

References
----------
Lewis & Overton (2013), Nonsmooth optimization via quasi-Newton methods, Mathematical
Programming 141, algorithm 2.6; Nocedal & Wright (2006), Numerical Optimization,
section 3.1 (conditions 3.6 and 3.7) and section 3.5 (choice of the next length).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from lamina.learning.objectives.objective import value_and_grad
from lamina.learning.protocols import Algorithm
from lamina.networks.core.arrays import Array, Params, RandomKey

ARMIJO = 1e-4
CURVATURE = 0.9
"""c₁, and c₂ for methods whose first length, 1, is nearly always right."""

MARGIN = 0.1
"""Fraction of the bracket by which a strong search stays away from both ends."""

AHEAD = (1.0, 9.0)
"""Least and greatest extrapolation, in multiples of the last advance."""


class Search(NamedTuple):
    """A line search in progress: the bracket, and the best step so far."""

    start: Any  # θ itself is not yet evaluated
    done: Any
    evaluations: Any
    d: Any
    slope: Any  # φ′(0)
    first_loss: Any
    first_g: Any
    low: Any
    low_slope: Any
    high: Any
    high_slope: Any
    try_tau: Any
    tau: Any
    loss: Any
    g: Any

    @property
    def step(self) -> Any:
        """The accepted step s = τ d."""
        return self.tau * self.d

    def pair(self) -> tuple[Any, Any, Any, Any]:
        """Return (s, y, yᵀs, whether yᵀs > 0); if it is not, yᵀs is replaced by 1."""
        s, y = self.step, self.g - self.first_g
        curvature = s @ y
        # A yᵀs within rounding of 0 would make ρ = 1 / yᵀs noise.
        good = curvature > jnp.finfo(s.dtype).eps * (y @ y)
        return s, y, jnp.where(good, curvature, 1), good

    def report(self) -> dict[str, Any]:
        """Return loss and max |g| at the accepted point, and the evaluations used."""
        return {
            "loss": self.loss,
            "gradient": jnp.max(jnp.abs(self.g)),
            "evaluations": self.evaluations,
        }

    def state(self, d: Array) -> dict[str, Any]:
        """Return the state for the next step; ``d`` is its direction.

        If no length was acceptable, d = 0 makes the next step take steepest descent.
        """
        return {
            "d": jnp.where(self.tau > 0, d, 0),
            "loss": self.loss,
            "gradient": self.g,
            "evaluated": jnp.ones((), bool),
        }


def check_counts(algorithm: Algorithm, *names: str) -> None:
    """Reject numbers of steps or pairs less than 1.

    Raises
    ------
    ValueError
        Naming the first such field.
    """
    for name in names:
        if getattr(algorithm, name) < 1:
            value = getattr(algorithm, name)
            raise ValueError(f"{name} must be at least 1, got {value}")


def first_state(params: Params) -> dict[str, Any]:
    """Return :meth:`Search.state` before the first step: nothing evaluated yet."""
    n, dtype = size_and_dtype(params)
    return {
        "d": np.zeros(n, dtype),
        "loss": np.zeros((), dtype),
        "gradient": np.zeros(n, dtype),
        "evaluated": np.zeros((), bool),
    }


def size_and_dtype(params: Params) -> tuple[int, Any]:
    """Return the number of parameters and their type."""
    leaves = jax.tree.leaves(params)
    return sum(np.size(leaf) for leaf in leaves), leaves[0].dtype


def flattened(
    objective: Callable, params: Params, batch: Any, key: RandomKey
) -> tuple[Any, Callable, Callable]:
    """Return θ as one vector, θ ↦ (E, ∇E) on such vectors, and the inverse mapping."""
    theta, unravel = ravel_pytree(params)

    def evaluate(theta: Any) -> tuple[Any, Any]:
        loss, g = value_and_grad(objective, unravel(theta), batch, key)
        return loss, ravel_pytree(g)[0]

    return theta, evaluate, unravel


def line_search(
    evaluate: Callable,
    theta: Array,
    state: dict,
    *,
    most: int,
    tau: Array | float = 1,
    curvature: float = CURVATURE,
    strong: bool = False,
) -> Search:
    """Return the accepted step with the loss and gradient there.

    Parameters
    ----------
    evaluate : θ ↦ (E, ∇E)
    theta : (n,)
    state : dict
        The direction ``d``; ``loss`` and ``gradient`` at θ, if ``evaluated``. If d is
        not a descent direction, d = −∇E(θ) with a first step of length 1.
    most : int
        Maximum number of evaluations. Then the last step that satisfied Armijo's
        condition is taken, if any.
    tau : float
        The first τ to try.
    curvature : float
        c₂.
    strong : bool
        Whether the strong Wolfe condition must hold.
    """

    def begin(search: Search) -> Search:
        g, d = search.first_g, state["d"]
        slope = g @ d
        descends = slope < 0
        # d = 0 after a failed search, and d may have turned uphill: both fall back on
        # −g.
        slope = jnp.where(descends, slope, -(g @ g))
        return search._replace(
            start=jnp.zeros((), bool),
            d=jnp.where(descends, d, -g),
            try_tau=jnp.where(descends, tau, _unit_length(g)),
            slope=slope,
            low_slope=slope,
        )

    def body(search: Search) -> Search:
        # The only evaluation in the program, for θ itself (τ = 0) too: a search that
        # zooms in nested branches (`optax.lbfgs`) takes three times as long to compile.
        loss, g = evaluate(theta + search.try_tau * search.d)
        search = search._replace(evaluations=search.evaluations + 1)
        at_start = search._replace(loss=loss, g=g, first_loss=loss, first_g=g)
        return jax.lax.cond(
            search.start,
            lambda: begin(at_start),
            lambda: _tried(search, loss, g, curvature, strong),
        )

    def goes_on(search: Search) -> Any:
        return ~search.done & (search.evaluations < most)

    search = jax.lax.cond(
        state["evaluated"], begin, lambda search: search, _unstarted(theta, state)
    )
    return jax.lax.while_loop(goes_on, body, search)


def _unstarted(theta: Array, state: dict) -> Search:
    zero, one = jnp.zeros((), theta.dtype), jnp.ones((), theta.dtype)
    return Search(
        start=jnp.ones((), bool),
        done=jnp.zeros((), bool),
        evaluations=jnp.zeros((), jnp.int32),
        d=jnp.zeros_like(theta),
        slope=zero,
        first_loss=state["loss"],
        first_g=state["gradient"],
        low=zero,
        low_slope=zero,
        high=jnp.inf * one,
        high_slope=zero,
        try_tau=zero,
        tau=zero,
        loss=state["loss"],
        g=state["gradient"],
    )


def _unit_length(d: Array) -> Any:
    """Return the τ for which τ d has length 1."""
    # At a minimum the gradient may be exactly 0: no division by 0.
    return 1 / jnp.maximum(jnp.linalg.norm(d), 1e-30)


def _tried(
    search: Search, loss: Array, g: Array, curvature: float, strong: bool
) -> Search:
    """Accept the step that was tried, or shrink the bracket."""
    tau, slope = search.try_tau, g @ search.d
    # Near a minimum the loss changes by less than its rounding error.
    noise = jnp.finfo(loss.dtype).eps * jnp.abs(search.first_loss)
    bound = search.first_loss + ARMIJO * tau * search.slope + noise
    falls = (loss <= bound) & jnp.all(jnp.isfinite(g))
    steepness = jnp.abs(slope) if strong else -slope
    flat = steepness <= -curvature * search.slope
    beyond = falls & (slope < 0)  # the minimum lies further ahead
    moved = search._replace(
        tau=jnp.where(falls, tau, search.tau),
        loss=jnp.where(falls, loss, search.loss),
        g=jnp.where(falls, g, search.g),
        low=jnp.where(beyond, tau, search.low),
        low_slope=jnp.where(beyond, slope, search.low_slope),
        high=jnp.where(beyond, search.high, tau),
        high_slope=jnp.where(beyond, search.high_slope, slope),
        done=falls & flat,
    )
    next_tau = _interpolated(search, moved) if strong else _halved(moved)
    return moved._replace(try_tau=next_tau)


def _halved(search: Search) -> Any:
    """Return the middle of the bracket, or twice the length if it is open."""
    low, high = search.low, search.high
    return jnp.where(jnp.isinf(high), 2 * low, (low + high) / 2)


def _interpolated(before: Search, search: Search) -> Any:
    """Return where the line through φ′ at the two ends is zero, within limits."""
    low, high = search.low, search.high
    advance = low - before.low

    def zero(a: Array, slope_a: Array, b: Array, slope_b: Array) -> Any:
        return b - slope_b * (b - a) / (slope_b - slope_a)

    ahead = zero(before.low, before.low_slope, low, search.low_slope)
    least, most = AHEAD
    rising = search.low_slope > before.low_slope
    ahead = jnp.where(rising, ahead, jnp.inf)  # the zero of a falling line lies behind
    ahead = jnp.clip(ahead, low + least * advance, low + most * advance)
    inside = zero(low, search.low_slope, high, search.high_slope)
    edge = MARGIN * (high - low)
    # A secant needs slopes of both signs; `high` may have failed by its height.
    inside = jnp.where(search.high_slope > 0, inside, (low + high) / 2)
    inside = jnp.clip(inside, low + edge, high - edge)
    return jnp.where(jnp.isinf(high), ahead, inside)
