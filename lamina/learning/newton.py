"""Newton's method."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from lamina.learning.line_search import flattened, line_search
from lamina.learning.objective import CHUNK_ROWS
from lamina.networks.description import description, is_number

TANGENTS = 32
"""So many columns of the Hessian are computed side by side. 243 of them, for 1,500
rows, took 75 ms in blocks of 16 to 64 and 116 ms in blocks of 128 (two cores, Zen 4);
a gradient took 0.18 ms."""


@description
class Newton:
    """Damped Newton's method with the exact Hessian, made positive definite.

    Equations
    ---------
        H = ∇²E(θ) = Q Λ Qᵀ
        λ̃ᵢ = max(|λᵢ|, δ maxⱼ |λⱼ|)
        d = −Q Λ̃⁻¹ Qᵀ ∇E(θ)
        θ ← θ + τ d

    Where H is positive definite and well conditioned this is Newton's step, which
    converges quadratically. Away from a minimum H has negative eigenvalues, and
    Newton's step would go uphill along their vectors, to a saddle or a maximum. With
    |λ| in place of λ it goes as far, but downhill; small curvatures, whose steps would
    be far too long, are raised to a share δ of the largest. τ fulfils the weak Wolfe
    conditions, and 1 is tried first (see :mod:`lamina.learning.line_search`).

    H is computed exactly, forward over reverse: its column Hv is the derivative of ∇E
    along v. A block of columns is computed at a time, so that activations of a bounded
    number of tangents are in memory at once. A step costs about as much as 2 n
    gradients for n weights, and a number of operations of order n³ besides: this is
    for networks of up to a few hundred weights.

    Shapes
    ------
    θ, d and ∇E (n,), H and Q (n, n).

    Parameters
    ----------
    damping : float, default=1e-4
        δ in [0, 1].
    max_line_search_steps : int, default=30
        Evaluations a step at most, without the Hessian's.

    References
    ----------
    Greenstadt (1967), On the relative efficiencies of gradient methods, Mathematics of
    Computation 21 (|λ| for λ); Gill, Murray & Wright (1981), Practical Optimization,
    section 4.4.2; Nocedal & Wright (2006), Numerical Optimization, section 3.4
    (eigenvalue modification); Dauphin, Pascanu, Gulcehre, Cho, Ganguli & Bengio (2014),
    Identifying and attacking the saddle point problem in high-dimensional non-convex
    optimization, NIPS; Pearlmutter (1994), Fast exact multiplication by the Hessian,
    Neural Computation 6; deck 004 (second-order methods).
    """

    damping: float = 1e-4
    max_line_search_steps: int = 30

    whole_batch: ClassVar[bool] = True

    def check(self) -> None:
        """Refuse an impossible damping and impossible sizes.

        Raises
        ------
        ValueError
            If the damping is not in [0, 1], or there may be less than one evaluation.
        """
        if is_number(self.damping) and not 0 <= self.damping <= 1:
            raise ValueError(f"damping must be in [0, 1], got {self.damping}")
        if self.max_line_search_steps < 1:
            raise ValueError("max_line_search_steps must be at least 1")

    def memory_bytes(
        self, n_params: int, n_rows: int, n_outputs: int, itemsize: int
    ) -> int:
        """Return about how many bytes H, Q, LAPACK's work and the tangents take."""
        rows = min(n_rows, CHUNK_ROWS)
        tangents = 3 * TANGENTS * (n_params + rows * n_outputs)
        return (6 * n_params**2 + tangents) * itemsize

    def init(self, params: Any) -> dict[str, Any]:
        """Return the state, which is empty: every step starts afresh."""
        return {}

    def update(
        self, objective: Callable, params: Any, state: Any, batch: Any, key: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds the loss and max |g| after it."""
        theta, evaluate, unravel = flattened(objective, params, batch, key)
        loss, g, H = with_hessian(evaluate, theta)
        start = {
            "d": -solved(H, g, self.damping),
            "loss": loss,
            "gradient": g,
            "evaluated": np.ones((), bool),
        }
        search = line_search(evaluate, theta, start, most=self.max_line_search_steps)
        report = search.report()
        report["evaluations"] += 1  # the one that came with the Hessian
        return unravel(theta + search.step), {}, report


def with_hessian(evaluate: Callable, theta: Any) -> tuple[Any, Any, Any]:
    """Return E, ∇E and ∇²E of ``evaluate``: θ ↦ (E, ∇E), block by block."""
    n = theta.size
    width = min(TANGENTS, n)

    def along(v: Any) -> tuple[Any, Any]:
        value, (_, Hv) = jax.jvp(evaluate, (theta,), (v,))
        return value, Hv

    def block(_: Any, first: Any) -> tuple[Any, Any]:
        numbers = first + jnp.arange(width)
        unit = (numbers[:, None] == jnp.arange(n)).astype(theta.dtype)
        return jax.vmap(along, out_axes=(None, 0))(unit)

    nothing = jnp.zeros((), theta.dtype), jnp.zeros_like(theta)
    (loss, g), rows = jax.lax.scan(block, nothing, jnp.arange(0, n, width))
    return loss, g, rows.reshape(-1, n)[:n]


def solved(H: Any, g: Any, damping: Any) -> Any:
    """Return Q Λ̃⁻¹ Qᵀ g."""
    values, Q = jnp.linalg.eigh(H)
    size = jnp.abs(values)
    largest = jnp.max(size)
    size = jnp.maximum(size, damping * largest)
    size = jnp.where(size > 0, size, 1)  # E is linear along this vector
    return Q @ ((Q.T @ g) / size)
