"""Levenberg-Marquardt."""

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from lamina.learning.algorithms.second_order.gauss_newton import (
    CHUNK_NUMBERS,
    Quadratic,
    check_smooth,
    quadratic,
)
from lamina.learning.objectives.objective import Batch, Objective, value_and_grad
from lamina.learning.protocols import Algorithm, Needs
from lamina.networks.core.arrays import Array, Params, RandomKey
from lamina.networks.core.description import description, is_number

MAX_DAMPING = 1e10
"""As a multiple of the largest curvature; larger damping gives steps too short to
matter."""

ROUNDING = 16
"""A loss has fallen if it did by more than this many units in the last place: at θ it
is summed in another order than at θ − s."""


@description
class LevenbergMarquardt(Algorithm):
    """Levenberg-Marquardt: Gauss-Newton steps, damped until the loss falls.

    Equations
    ---------
        (JᵀJ + diag c + λ I) s = g,   θ ← θ − s   if E(θ − s) < E(θ)
        ϱ = [E(θ) − E(θ − s)] / ½ sᵀ (λ s + g)    actual ÷ predicted decrease of E
        λ ← λ max(⅓, 1 − (2ϱ − 1)³),   ν ← 2      if E fell
        λ ← λ ν,   ν ← 2 ν,   and another try      otherwise
        λ = τ max diag JᵀJ                        initially

    J, c and g are those of
    :class:`lamina.learning.algorithms.second_order.gauss_newton.Quadratic`: for squared
    errors J is the Jacobian of the outputs, for cross entropies and Poisson losses JᵀJ
    is the generalised Gauss-Newton matrix. Where there are fewer outputs (times
    examples) than parameters, the same s comes from the smaller matrix JJᵀ.

    A step tries as many λ as it takes to lower the loss; if even the largest λ fails, θ
    stays unchanged. The loss never rises.

    The damping follows Nielsen's rule with the identity matrix, because that was best
    or within 10 % of the best on five problems of 20 starts each
    (``benchmarks/damping.py``). Scaling by diag JᵀJ or by Moré's rule ended at errors
    1.2 to 15 times higher on the three problems without an exact fit. Fixed factors of
    2 to 10 wasted at least half of their tries, Nielsen's rule 1 to 17 %. Geodesic
    acceleration reached a sixth of the error on sin(3πx) and gained nothing elsewhere,
    for more work per try; it is left out. A trust region in place of λ gained nothing
    beyond chance. An initial damping of τ = 0.001 led to better minima on the two
    spirals than 0.01 (4 % from 150 starts) and to about equal ones elsewhere.

    Every step needs all examples. The estimators train in float64, as JᵀJ squares the
    condition number.

    Parameters
    ----------
    damping : float, default=0.001
        τ.

    References
    ----------
    Levenberg (1944), A method for the solution of certain non-linear problems in least
    squares, Quarterly of Applied Mathematics 2; Marquardt (1963), An algorithm for
    least-squares estimation of nonlinear parameters, SIAM Journal 11; Nielsen (1999),
    Damping parameter in Marquardt's method, IMM-REP-1999-05, equation 2.4; Hagan &
    Menhaj (1994), Training feedforward networks with the Marquardt algorithm, IEEE
    Transactions on Neural Networks 5; Schraudolph (2002), Fast curvature matrix-vector
    products for second-order gradient descent, Neural Computation 14; Martens (2010),
    Deep learning via Hessian-free optimization, ICML.
    """

    damping: float = 0.001

    needs: ClassVar[Needs] = Needs(
        full_batch=True, float64=True, one_target=True, one_length=True
    )

    def check(self) -> None:
        """Reject invalid hyperparameters.

        Raises
        ------
        ValueError
            If the damping is not positive.
        """
        if is_number(self.damping) and not self.damping > 0:
            raise ValueError(f"damping must be > 0, got {self.damping}")

    def memory_bytes(
        self, n_params: int, n_rows: int, n_outputs: int, itemsize: int
    ) -> int:
        """Return the bytes of J, of JᵀJ or JJᵀ, and of their factors."""
        M, N = n_rows * n_outputs, n_params
        if M < N:
            return 3 * M * (M + N) * itemsize
        return (3 * N * N + min(2 * M * N, CHUNK_NUMBERS)) * itemsize

    def init(self, params: Params) -> dict[str, Any]:
        """Return the state before the first step: λ = 0 means that λ is not yet set."""
        return {"damping": np.zeros((), jax.tree.leaves(params)[0].dtype)}

    def update(
        self,
        objective: Objective,
        params: Params,
        state: dict,
        batch: Batch,
        key: RandomKey,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds the loss and max |g| after it.

        Raises
        ------
        ValueError
            If the objective is not smooth, or the curvature of its loss has no square
            root.
        """
        check_smooth(self, objective)
        theta, unravel = ravel_pytree(params)
        model = quadratic(objective, params, batch)
        largest = model.largest_curvature()
        first = jnp.where(
            state["damping"] > 0, state["damping"], self.damping * largest
        )

        def attempt(search: _Search) -> _Search:
            s = model.damped_step(search.damping)
            loss, g = value_and_grad(objective, unravel(theta - s), batch, None)
            return _tried(search, model, s, loss, ravel_pytree(g)[0])

        def goes_on(search: _Search) -> Any:
            return ~search.fell & (search.damping <= MAX_DAMPING * largest)

        search = _Search(
            fell=jnp.zeros((), bool),
            tries=jnp.zeros((), jnp.int32),
            damping=jnp.clip(first, *_bounds(largest)),
            factor=jnp.full((), 2, theta.dtype),
            s=jnp.zeros_like(theta),
            loss=model.loss,
            g=model.g,
        )
        search = jax.lax.while_loop(goes_on, attempt, search)
        damping = jnp.clip(search.damping, *_bounds(largest))
        report = {
            "loss": search.loss,
            "gradient": jnp.max(jnp.abs(search.g)),
            "damping": damping,
            "evaluations": 1 + search.tries,
        }
        return unravel(theta - search.s), {"damping": damping}, report


class _Search(NamedTuple):
    """The search for a damping that lowers the loss."""

    fell: Any
    tries: Any
    damping: Any
    factor: Any  # ν
    s: Any
    loss: Any
    g: Any


def _bounds(largest: Array) -> tuple[Any, Any]:
    """Return the smallest and largest λ; the smallest still makes JᵀJ definite."""
    return jnp.finfo(largest.dtype).eps * largest, MAX_DAMPING * largest


def _tried(
    search: _Search, model: Quadratic, s: Array, loss: Array, g: Array
) -> _Search:
    """Accept the step if the loss fell; choose the next damping."""
    # A fall within rounding is noise: accepting it would lower λ for nothing.
    noise = ROUNDING * jnp.finfo(loss.dtype).eps * jnp.abs(model.loss)
    # NaN compares false, so a loss that is NaN has not fallen; a finite loss may still
    # have a gradient that is not.
    fell = (loss < model.loss - noise) & jnp.all(jnp.isfinite(g))
    lam, nu = search.damping, search.factor
    ratio = (model.loss - loss) / (0.5 * s @ (lam * s + model.g))
    smaller = lam * jnp.maximum(1 / 3, 1 - (2 * ratio - 1) ** 3)
    return _Search(
        fell=fell,
        tries=search.tries + 1,
        damping=jnp.where(fell, smaller, lam * nu),
        factor=jnp.where(fell, 2, 2 * nu),
        s=jnp.where(fell, s, search.s),
        loss=jnp.where(fell, loss, search.loss),
        g=jnp.where(fell, g, search.g),
    )
