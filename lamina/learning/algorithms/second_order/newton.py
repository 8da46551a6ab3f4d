"""Newton's method."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lamina.learning.algorithms.second_order.line_search import (
    check_counts,
    flattened,
    line_search,
    size_and_dtype,
)
from lamina.learning.objectives.objective import CHUNK_ROWS
from lamina.learning.protocols import Algorithm, Needs
from lamina.networks.core.arrays import Array, Params, RandomKey
from lamina.networks.core.description import description, is_number

TANGENTS = 32
"""Columns of the Hessian computed at once. 243 columns, for 1,500 rows, took 75 ms in
blocks of 16 to 64 and 116 ms in blocks of 128 (two cores, Zen 4); a gradient took 0.18
ms."""


METHODS = ("cg", "exact")

ROUNDING = 16
"""Rounding error of the loss after a small step, in units in the last place."""

ACCEPTED, BAD, GOOD = 1e-4, 0.25, 0.75
"""Ratios ϱ of actual to predicted decrease: a step is accepted above the first, the
radius shrinks below the second and may grow above the third."""


@description
class Newton(Algorithm):
    """Newton's method, by conjugate gradients or with the full Hessian.

    Equations
    ---------
        θ ← θ + τ d,   H d ≈ −g,   H = ∇²E(θ),   g = ∇E(θ)

    Away from a minimum H may have negative eigenvalues; along their eigenvectors
    Newton's step would go uphill, to a saddle point or a maximum. The two methods
    differ in how they prevent that, and in cost.

    ``method="cg"`` minimises m(d) = gᵀd + ½ dᵀ H d by conjugate gradients within the
    trust region ‖d‖ ≤ Δ. From d = 0, r = g, p = −g:

        α = rᵀr / pᵀHp,   d ← d + α p,   r⁺ = r + α H p,   p ← −r⁺ + (r⁺ᵀr⁺ / rᵀr) p
        until ‖r‖ ≤ min(η, √‖g‖) ‖g‖

    If pᵀHp ≤ 0, or d would leave the region, the iteration follows p to the boundary
    and ends. The radius follows the quality of the model:

        ϱ = [E(θ) − E(θ + d)] / −m(d),   τ = 1 where ϱ > 10⁻⁴, otherwise another try
        Δ ← ¼ ‖d‖ where ϱ < ¼,   Δ ← 2 Δ where ϱ > ¾ and ‖d‖ = Δ

    It needs only products Hp (forward over reverse), each at about the cost of two
    gradients, and the memory of a few gradients. Far from a minimum an exact solution
    is not worthwhile; near it the tolerance falls with the gradient, which makes
    convergence superlinear.

    ``method="exact"`` computes H and makes it positive definite:

        H = Q Λ Qᵀ,   λ̃ᵢ = max(|λᵢ|, δ maxⱼ |λⱼ|),   d = −Q Λ̃⁻¹ Qᵀ g

    Where H is positive definite and well conditioned this is Newton's step, which
    converges quadratically. |λ| in place of λ gives a step of the same length, but
    downhill. Small curvatures, whose steps would be far too long, are raised to the
    fraction δ of the largest. τ satisfies the weak Wolfe conditions, and 1 is tried
    first (see :mod:`lamina.learning.algorithms.second_order.line_search`). Columns of H
    are computed a block at a time, so that the activations of only a bounded number of
    tangents are in memory. For n weights a step costs about 2 n gradients plus O(n³)
    operations: this suits networks of up to a few hundred weights.

    Conjugate gradients are the default because they took about as many steps in a
    fraction of the time. Medians of six starts, in float32 on two cores (Zen 4): wine,
    13-10-3, cross entropy to 10⁻⁴: 8 steps in 1.7 ms against 16 in 76; diabetes,
    10-8-1, squared error to 0.15: 36 steps in 7.5 ms against 29 in 104. A line search
    in place of the trust region took as long, but crept along −g wherever the second p
    had negative curvature: 38 steps to leave the upper end of Rosenbrock's valley.

    Shapes
    ------
    θ, d, g, r, p (n,); H and Q (n, n).

    Parameters
    ----------
    method : str, default="cg"
        ``"cg"`` or ``"exact"``.
    damping : float, default=1e-4
        δ in [0, 1]; for ``method="exact"``.
    tolerance : float, default=0.5
        η > 0; for ``method="cg"``.
    radius : float, default=10.0
        The initial Δ > 0; for ``method="cg"``.
    max_line_search_steps : int, default=30
        Maximum number of step lengths or radii tried per step.
    max_products : int, default=200
        Maximum number of products Hp per try; for ``method="cg"``. The d found by then
        is a descent direction.

    References
    ----------
    Steihaug (1983), The conjugate gradient method and trust regions in large scale
    optimization, SIAM Journal on Numerical Analysis 20; Dembo & Steihaug (1983),
    Truncated-Newton algorithms for large-scale unconstrained optimization, Mathematical
    Programming 26; Nocedal & Wright (2006), Numerical Optimization, algorithms 4.1 and
    7.2 (trust region), section 3.4 (eigenvalue modification); Conn, Gould & Toint
    (2000), Trust-Region Methods, section 17.4.2 (ϱ and rounding); Pearlmutter (1994),
    Fast exact multiplication by the Hessian, Neural Computation 6; Martens (2010), Deep
    learning via Hessian-free optimization, ICML; Greenstadt (1967), On the relative
    efficiencies of gradient methods, Mathematics of Computation 21 (|λ| for λ); Gill,
    Murray & Wright (1981), Practical Optimization, section 4.4.2; Dauphin, Pascanu,
    Gulcehre, Cho, Ganguli & Bengio (2014), Identifying and attacking the saddle point
    problem in high-dimensional non-convex optimization, NIPS.
    """

    method: str = "cg"
    damping: float = 1e-4
    tolerance: float = 0.5
    radius: float = 10.0
    max_line_search_steps: int = 30
    max_products: int = 200

    needs: ClassVar[Needs] = Needs(full_batch=True, one_target=True)

    def check(self) -> None:
        """Reject an unknown method, invalid rates and invalid sizes.

        Raises
        ------
        ValueError
            If the method is unknown, the damping is not in [0, 1], tolerance or radius
            are not positive, or one of the maxima is less than 1.
        """
        if self.method not in METHODS:
            known = ", ".join(map(repr, METHODS))
            raise ValueError(f"method must be one of {known}, got {self.method!r}")
        if is_number(self.damping) and not 0 <= self.damping <= 1:
            raise ValueError(f"damping must be in [0, 1], got {self.damping}")
        for name in ("tolerance", "radius"):
            value = getattr(self, name)
            if is_number(value) and not value > 0:
                raise ValueError(f"{name} must be > 0, got {value}")
        check_counts(self, "max_line_search_steps", "max_products")

    def memory_bytes(
        self, n_params: int, n_rows: int, n_outputs: int, itemsize: int
    ) -> int:
        """Return roughly the bytes of the vectors, H, Q and the tangents."""
        exact = self.method == "exact"
        rows = min(n_rows, CHUNK_ROWS)
        tangents = 3 * (TANGENTS if exact else 1) * (n_params + rows * n_outputs)
        own = 6 * n_params**2 if exact else 12 * n_params
        return (own + tangents) * itemsize

    def init(self, params: Params) -> dict[str, Any]:
        """Return the state before the first step: Δ = 0 means that Δ is not yet set."""
        return {"radius": np.zeros((), size_and_dtype(params)[1])}

    def update(
        self,
        objective: Callable,
        params: Params,
        state: dict,
        batch: Any,
        key: RandomKey,
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Take one step; the report holds the loss and max |g| after it.

        It also holds the number of products Hp; the full H counts as n of them.
        """
        theta, evaluate, unravel = flattened(objective, params, batch, key)
        step = self._exact if self.method == "exact" else self._within
        step, state, report = step(evaluate, theta, state)
        return unravel(theta + step), state, report

    def _exact(self, evaluate: Callable, theta: Array, state: dict) -> Any:
        loss, g, H = with_hessian(evaluate, theta)
        start = {
            "d": -solved(H, g, self.damping),
            "loss": loss,
            "gradient": g,
            "evaluated": np.ones((), bool),
        }
        search = line_search(evaluate, theta, start, most=self.max_line_search_steps)
        report = search.report() | {"products": jnp.full((), theta.size, jnp.int32)}
        report["evaluations"] += 1  # the one that came with the Hessian
        return search.step, state, report

    def _within(self, evaluate: Callable, theta: Array, state: dict) -> Any:
        loss, g = evaluate(theta)
        product = along(evaluate, theta)
        kind = jnp.finfo(loss.dtype)  # E may be 0
        noise = ROUNDING * kind.eps * jnp.abs(loss) + kind.tiny

        def attempt(region: _Region) -> _Region:
            cg = within(product, g, region.radius, self.tolerance, self.max_products)
            new, new_g = evaluate(theta + cg.d)
            # Near a minimum both falls are smaller than the rounding errors of E.
            ratio = (loss - new + noise) / (noise - cg.model(g))
            fell = (ratio > ACCEPTED) & jnp.all(jnp.isfinite(new_g))
            return _Region(
                fell=fell,
                tries=region.tries + 1,
                products=region.products + cg.products,
                radius=_next_radius(region.radius, cg, jnp.where(fell, ratio, 0)),
                d=jnp.where(fell, cg.d, 0),
                loss=jnp.where(fell, new, loss),
                g=jnp.where(fell, new_g, g),
            )

        def goes_on(region: _Region) -> Any:
            return ~region.fell & (region.tries < self.max_line_search_steps)

        none = jnp.zeros((), jnp.int32)
        radius = jnp.where(state["radius"] > 0, state["radius"], self.radius)
        begin = _Region(
            fell=jnp.zeros((), bool),
            tries=none,
            products=none,
            radius=radius.astype(theta.dtype),
            d=jnp.zeros_like(theta),
            loss=loss,
            g=g,
        )
        region = jax.lax.while_loop(goes_on, attempt, begin)
        report = {
            "loss": region.loss,
            "gradient": jnp.max(jnp.abs(region.g)),
            "evaluations": 1 + region.tries,
            "products": region.products,
        }
        return region.d, {"radius": region.radius}, report


class _Region(NamedTuple):
    """The search for a radius that lowers the loss."""

    fell: Any
    tries: Any
    products: Any
    radius: Any  # Δ
    d: Any
    loss: Any
    g: Any


def _next_radius(radius: Array | float, cg: "_Conjugate", ratio: Array | float) -> Any:
    """Return Δ after a try; ``ratio`` is ϱ, or 0 where the step is not taken."""
    wider = jnp.where(cg.at_border & (ratio > GOOD), 2 * radius, radius)
    return jnp.where(ratio < BAD, 0.25 * jnp.linalg.norm(cg.d), wider)


def along(evaluate: Callable, theta: Array) -> Callable:
    """Return v ↦ Hv.

    The compiler hoists what does not depend on v out of the loop of conjugate
    gradients. ``jax.linearize`` was no faster, and keeps the activations of all rows.
    """

    def gradient(theta: Array) -> Any:
        return evaluate(theta)[1]

    return lambda v: jax.jvp(gradient, (theta,), (v,))[1]


class _Conjugate(NamedTuple):
    """Conjugate gradients in progress; the symbols are those of :class:`Newton`."""

    d: Any
    r: Any
    p: Any
    rr: Any  # rᵀr
    products: Any
    at_border: Any

    def model(self, g: Array) -> Any:
        """Return m(d) = gᵀd + ½ dᵀ H d, where H d = r − g."""
        return 0.5 * self.d @ (self.r + g)


def within(
    product: Callable,
    g: Array,
    radius: Array | float,
    tolerance: Array | float,
    most: int,
) -> _Conjugate:
    """Return d with ‖d‖ ≤ Δ and H d ≈ −g, with at most ``most`` products Hp."""
    size = jnp.sqrt(g @ g)
    near = jnp.minimum(tolerance, jnp.sqrt(size)) * size

    def goes_on(cg: _Conjugate) -> Any:
        return ~cg.at_border & (jnp.sqrt(cg.rr) > near) & (cg.products < most)

    def body(cg: _Conjugate) -> _Conjugate:
        Hp = product(cg.p)
        curvature = cg.p @ Hp
        # No division by 0; along a direction without positive curvature the step goes
        # to the border instead.
        alpha = cg.rr / jnp.where(curvature > 0, curvature, 1)
        inside = cg.d + alpha * cg.p
        leaves = (curvature <= 0) | (inside @ inside >= radius * radius)
        alpha = jnp.where(leaves, _to_border(cg.d, cg.p, radius), alpha)
        r = cg.r + alpha * Hp
        rr = r @ r
        return _Conjugate(
            d=cg.d + alpha * cg.p,
            r=r,
            p=(rr / cg.rr) * cg.p - r,
            rr=rr,
            products=cg.products + 1,
            at_border=leaves,
        )

    start = _Conjugate(
        d=jnp.zeros_like(g),
        r=g,
        p=-g,
        rr=g @ g,
        products=jnp.zeros((), jnp.int32),
        at_border=jnp.zeros((), bool),
    )
    return jax.lax.while_loop(goes_on, body, start)


def _to_border(d: Array, p: Array, radius: Array | float) -> Any:
    """Return the α ≥ 0 with ‖d + α p‖ = Δ, without cancellation."""
    pp, dp, room = p @ p, d @ p, jnp.maximum(radius * radius - d @ d, 0)
    root = jnp.sqrt(dp * dp + pp * room)
    return jnp.where(dp > 0, room / (dp + root), (root - dp) / pp)


def with_hessian(evaluate: Callable, theta: Array) -> tuple[Any, Any, Any]:
    """Return E, ∇E and ∇²E of ``evaluate``: θ ↦ (E, ∇E), block by block."""
    n = theta.size
    width = min(TANGENTS, n)

    def column(v: Array) -> tuple[Any, Any]:
        value, (_, Hv) = jax.jvp(evaluate, (theta,), (v,))
        return value, Hv

    def block(_: tuple, first: Array) -> tuple[Any, Any]:
        numbers = first + jnp.arange(width)
        # The last block may reach beyond n: those rows are 0 and are cut off below.
        unit = (numbers[:, None] == jnp.arange(n)).astype(theta.dtype)
        # E and ∇E do not depend on the tangent: one copy of them.
        return jax.vmap(column, out_axes=(None, 0))(unit)

    nothing = jnp.zeros((), theta.dtype), jnp.zeros_like(theta)
    (loss, g), rows = jax.lax.scan(block, nothing, jnp.arange(0, n, width))
    return loss, g, rows.reshape(-1, n)[:n]


def solved(H: Array, g: Array, damping: Array | float) -> Any:
    """Return Q Λ̃⁻¹ Qᵀ g."""
    values, Q = jnp.linalg.eigh(H)
    size = jnp.abs(values)
    largest = jnp.max(size)
    size = jnp.maximum(size, damping * largest)
    size = jnp.where(size > 0, size, 1)  # E is linear along this vector
    return Q @ ((Q.T @ g) / size)
