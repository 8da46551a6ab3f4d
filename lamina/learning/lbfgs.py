"""L-BFGS."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from lamina.learning.objective import value_and_grad
from lamina.networks.description import description

ARMIJO = 1e-4
CURVATURE = 0.9


@description
class LBFGS:
    """Limited-memory BFGS with a line search; every step needs the same batch.

    Equations
    ---------
        s = θₖ − θₖ₋₁,   y = gₖ − gₖ₋₁,   ρ = 1 / yᵀs
        d = −Hₖ gₖ            Hₖ from the last m pairs by the two-loop recursion,
                              starting from γ I, γ = sᵀy / yᵀy of the newest pair
        θₖ₊₁ = θₖ + τ d       τ by bisection until both weak Wolfe conditions hold:
            E(θ + τ d) ≤ E(θ) + c₁ τ gᵀd,     ∇E(θ + τ d)ᵀ d ≥ c₂ gᵀd

    with c₁ = 10⁻⁴, c₂ = 0.9. The weak conditions suffice for yᵀs > 0, so that H stays
    positive definite. The first step has length 1. Loss and gradient of the accepted
    point are kept for the next step, which therefore costs one evaluation where τ = 1
    is accepted.

    The line search evaluates the objective at a single place of the program: one that
    zooms in nested branches (``optax.lbfgs``) takes three times as long to compile.

    Parameters
    ----------
    memory : int, default=10
        m, the number of pairs kept.
    max_line_search_steps : int, default=30
        Evaluations a step at most.

    References
    ----------
    Liu & Nocedal (1989), On the limited memory BFGS method for large scale
    optimization, Mathematical Programming 45, algorithm 2.1; Lewis & Overton (2013),
    Nonsmooth optimization via quasi-Newton methods, Mathematical Programming 141,
    algorithm 2.6; Nocedal & Wright (2006), Numerical Optimization, algorithm 7.4.
    """

    memory: int = 10
    max_line_search_steps: int = 30

    whole_batch: ClassVar[bool] = True

    def check(self) -> None:
        """Refuse impossible sizes.

        Raises
        ------
        ValueError
            If one of them is less than 1.
        """
        for name in ("memory", "max_line_search_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")

    def init(self, params: Any) -> dict[str, Any]:
        """Return the state before the first step: no pairs, nothing evaluated."""
        leaves = jax.tree.leaves(params)
        n = sum(np.size(leaf) for leaf in leaves)
        dtype = leaves[0].dtype
        return {
            "s": np.zeros((self.memory, n), dtype),
            "y": np.zeros((self.memory, n), dtype),
            "rho": np.zeros(self.memory, dtype),
            "gamma": np.ones((), dtype),
            "loss": np.zeros((), dtype),
            "gradient": np.zeros(n, dtype),
            "evaluated": np.zeros((), bool),
        }

    def update(
        self, objective: Callable, params: Any, state: Any, batch: Any, key: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds the loss and max |g| after it."""
        theta, unravel = ravel_pytree(params)

        def evaluate(theta: Any) -> tuple[Any, Any]:
            loss, g = value_and_grad(objective, unravel(theta), batch, key)
            return loss, ravel_pytree(g)[0]

        search = self._search(evaluate, theta, state)
        state = _with_pair(state, search.tau * search.d, search)
        report = {
            "loss": search.loss,
            "gradient": jnp.max(jnp.abs(search.g)),
            "evaluations": search.evaluations,
        }
        return unravel(theta + search.tau * search.d), state, report

    def _search(self, evaluate: Any, theta: Any, state: Any) -> "_Search":
        """Return the accepted step τ d with the loss and gradient there."""

        def begin(search: _Search) -> _Search:
            d = _direction(state, search.g)
            newton = state["rho"][-1] > 0
            tau = jnp.where(newton, 1, 1 / jnp.maximum(jnp.linalg.norm(d), 1e-30))
            return search._replace(
                d=d, try_tau=tau, slope=search.g @ d, start=jnp.zeros((), bool)
            )

        def body(search: _Search) -> _Search:
            loss, g = evaluate(theta + search.try_tau * search.d)
            search = search._replace(evaluations=search.evaluations + 1)
            at_start = search._replace(loss=loss, g=g, first_loss=loss, first_g=g)
            return jax.lax.cond(
                search.start,
                lambda: begin(at_start),
                lambda: _tried(search, loss, g),
            )

        def goes_on(search: _Search) -> Any:
            more = search.evaluations < self.max_line_search_steps
            return ~search.done & more

        zero, one = jnp.zeros((), theta.dtype), jnp.ones((), theta.dtype)
        search = _Search(
            start=jnp.ones((), bool),
            done=jnp.zeros((), bool),
            evaluations=jnp.zeros((), jnp.int32),
            d=jnp.zeros_like(theta),
            slope=zero,
            first_loss=state["loss"],
            first_g=state["gradient"],
            low=zero,
            high=jnp.inf * one,
            try_tau=zero,
            tau=zero,
            loss=state["loss"],
            g=state["gradient"],
        )
        search = jax.lax.cond(state["evaluated"], begin, lambda s: s, search)
        return jax.lax.while_loop(goes_on, body, search)


class _Search(NamedTuple):
    """A line search under way: the bracket, and the best step so far."""

    start: Any  # nothing is known of θ itself yet
    done: Any
    evaluations: Any
    d: Any
    slope: Any
    first_loss: Any
    first_g: Any
    low: Any
    high: Any
    try_tau: Any
    tau: Any
    loss: Any
    g: Any


def _tried(search: _Search, loss: Any, g: Any) -> _Search:
    """Accept the step that was tried, or halve the bracket."""
    tau = search.try_tau
    # Near a minimum the loss changes by less than its rounding error.
    noise = jnp.finfo(loss.dtype).eps * jnp.abs(search.first_loss)
    bound = search.first_loss + ARMIJO * tau * search.slope + noise
    falls = (loss <= bound) & jnp.all(jnp.isfinite(g))
    flat = g @ search.d >= CURVATURE * search.slope
    low = jnp.where(falls, tau, search.low)
    high = jnp.where(falls, search.high, tau)
    kept = search._replace(
        tau=jnp.where(falls, tau, search.tau),
        loss=jnp.where(falls, loss, search.loss),
        g=jnp.where(falls, g, search.g),
    )
    middle = jnp.where(jnp.isinf(high), 2 * low, (low + high) / 2)
    return kept._replace(low=low, high=high, try_tau=middle, done=falls & flat)


def _direction(state: Any, g: Any) -> Any:
    """Return d = −H g by the two-loop recursion; empty pairs have ρ = 0."""

    def backward(q: Any, pair: Any) -> tuple[Any, Any]:
        s, y, rho = pair
        alpha = rho * (s @ q)
        return q - alpha * y, alpha

    def forward(r: Any, pair: Any) -> tuple[Any, None]:
        s, y, rho, alpha = pair
        return r + s * (alpha - rho * (y @ r)), None

    pairs = (state["s"], state["y"], state["rho"])
    q, alphas = jax.lax.scan(backward, g, pairs, reverse=True)
    r, _ = jax.lax.scan(forward, state["gamma"] * q, (*pairs, alphas))
    return -r


def _with_pair(state: Any, s: Any, search: _Search) -> dict[str, Any]:
    """Return the state after a step; the pair is kept if yᵀs > 0."""
    y = search.g - search.first_g
    curvature = s @ y
    good = curvature > jnp.finfo(s.dtype).eps * (y @ y)

    def push(old: Any, new: Any) -> Any:
        return jnp.where(good, jnp.concatenate([old[1:], new[None]]), old)

    safe = jnp.where(good, curvature, 1)
    return {
        "s": push(state["s"], s),
        "y": push(state["y"], y),
        "rho": push(state["rho"], 1 / safe),
        "gamma": jnp.where(good, safe / jnp.where(good, y @ y, 1), state["gamma"]),
        "loss": search.loss,
        "gradient": search.g,
        "evaluated": jnp.ones((), bool),
    }
