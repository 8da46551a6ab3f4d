"""Damping rules of Levenberg-Marquardt: which one ``LevenbergMarquardt`` should have.

Every rule starts from the same weights, and may try so many dampings. A try is a
Cholesky factor and an evaluation, an accepted one a Jacobian besides. Written apart
from the library, so that rules can be compared that it does not offer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.levenberg_marquardt import NOTHING, PROBLEMS, Problem
from benchmarks.options import Options
from benchmarks.report import Claim, Report, Row, Table

STARTS = 20
TRIES = 400
WORST = 1.3
"""The chosen rule's median may be so many times that of the best rule of a problem."""

IDENTITY, DIAGONAL, LARGEST = 0.0, 1.0, 2.0


class Rule(NamedTuple):
    """How the damping λ D changes after a try.

    D is the identity, the diagonal of JᵀJ (Marquardt) or the largest that this diagonal
    has been (Moré). λ is multiplied by ``up`` or divided by ``down``, or follows the
    ratio of the loss's fall to the predicted one (Nielsen).
    """

    up: float
    down: float
    scaling: float
    nielsen: float = 0.0
    first: float = 1e-3


SCALINGS = {"identity": IDENTITY, "diagonal": DIAGONAL, "Moré": LARGEST}
FACTORS = [(10, 10), (3, 10), (2, 5), (10, 5), (2, 3)]
CHOSEN = "identity, Nielsen, from 0.01"
ACCELERATED = ("identity, × 10 ÷ 10", "identity, × 3 ÷ 10", CHOSEN)


def rules() -> dict[str, Rule]:
    """All rules by name."""
    found = {}
    for name, scaling in SCALINGS.items():
        for up, down in FACTORS if scaling == IDENTITY else FACTORS[:3]:
            found[f"{name}, × {up} ÷ {down}"] = Rule(up, down, scaling)
        found[f"{name}, Nielsen"] = Rule(2, 3, scaling, 1.0)
    found[CHOSEN] = Rule(2, 3, IDENTITY, 1.0, 0.01)
    return found


def run(options: Options) -> Report:
    """Median final losses of all rules, problem by problem."""
    import jax

    with jax.enable_x64(True):
        tables = [table(problem) for problem in PROBLEMS]
    return Report("damping", "Damping rules of Levenberg-Marquardt", tables)


def table(problem: Problem) -> Table:
    """One problem: every rule, and some with geodesic acceleration."""
    rows = []
    for geodesic in (False, True):
        walk = walker(problem, geodesic)
        for name, rule in rules().items():
            if geodesic and name not in ACCELERATED:
                continue
            losses, accepted = walk(rule)
            ends = 2 * losses
            median = float(np.median(ends))
            note = f"{accepted.mean() / TRIES:.0%} of the tries accepted"
            label = name + ("; accelerated" if geodesic else "")
            rows.append(Row(label, median, float(min(ends)), float(max(ends)), note))
    plain = [row for row in rows if not row.name.endswith("accelerated")]
    best = max(min(row.value or 0 for row in plain), NOTHING)
    chosen = next(row.value for row in rows if row.name == CHOSEN) or 0
    claim = Claim(
        f"{problem.data}: {CHOSEN} ÷ best", max(chosen, NOTHING) / best, WORST, False
    )
    title = f"{problem.data}: error after {TRIES} tries, median of {STARTS} starts"
    return Table(title, "error", rows, [claim])


def walker(problem: Problem, geodesic: bool) -> Callable:
    """Return a compiled function of a rule: final losses and accepted steps, by start.

    With ``geodesic`` the step is s + ½ a, a the geodesic acceleration, as long as
    ‖a‖ ≤ ⅜ ‖s‖: Transtrum & Sethna (2012), Improvements to the Levenberg-Marquardt
    algorithm for nonlinear least-squares minimization, arXiv 1201.5885, section 4.
    """
    import jax
    import jax.numpy as jnp
    from jax.flatten_util import ravel_pytree
    from jax.scipy.linalg import cho_factor, cho_solve

    X, y = problem.load()
    starts = [ravel_pytree(problem.start(seed)) for seed in range(STARTS)]
    unravel = starts[0][1]
    X, y = jnp.asarray(X), jnp.asarray(y)
    scale = np.sqrt(len(X))

    def net(theta, x):
        W, b, V, c = unravel(theta)
        return jnp.tanh(x @ W + b) @ V + c

    def residuals(theta):
        return (net(theta, X) - y).ravel() / scale

    def model(theta):
        J = jax.vmap(jax.jacrev(net), (None, 0))(theta, X).reshape(-1, theta.size)
        J = J / scale
        return J, J.T @ J, J.T @ residuals(theta)

    def attempt(carry: Any, rule: Rule) -> Any:
        theta, lam, nu, J, A, g, loss, D, accepted = carry
        diagonal = jnp.diag(A)
        D = jnp.where(rule.scaling == LARGEST, jnp.maximum(D, diagonal), diagonal)
        D = jnp.where(rule.scaling == IDENTITY, 1.0, jnp.maximum(D, 1e-10))
        factor = cho_factor(A + lam * jnp.diag(D))
        s = -cho_solve(factor, g)
        step, bends_little = s, True
        if geodesic:

            def along(t: Any) -> Any:
                return jax.jvp(residuals, (t,), (s,))[1]

            a = -cho_solve(factor, J.T @ jax.jvp(along, (theta,), (s,))[1])
            bends_little = jnp.linalg.norm(a) <= 0.375 * jnp.linalg.norm(s)
            step = s + 0.5 * a
        new = 0.5 * jnp.sum(residuals(theta + step) ** 2)
        fell = (new < loss) & bends_little
        ratio = (loss - new) / (0.5 * (s @ (lam * D * s - g)))
        by_factor = jnp.where(fell, lam / rule.down, lam * rule.up)
        shrunk = lam * jnp.maximum(1 / 3, 1 - (2 * ratio - 1) ** 3)
        by_ratio = jnp.where(fell, shrunk, lam * nu)
        lam = jnp.clip(jnp.where(rule.nielsen > 0, by_ratio, by_factor), 1e-16, 1e10)
        theta = jnp.where(fell, theta + step, theta)
        J, A, g = jax.lax.cond(fell, model, lambda _: (J, A, g), theta)
        nu, loss = jnp.where(fell, 2.0, 2 * nu), jnp.where(fell, new, loss)
        return theta, lam, nu, J, A, g, loss, D, accepted + fell

    @jax.jit
    def walk(theta: Any, rule: Rule) -> tuple[Any, Any]:
        J, A, g = model(theta)
        lam = rule.first * jnp.where(
            rule.scaling == IDENTITY, jnp.max(jnp.diag(A)), 1.0
        )
        loss = 0.5 * jnp.sum(residuals(theta) ** 2)
        carry = (theta, lam, jnp.array(2.0), J, A, g, loss, jnp.zeros_like(g), 0)
        carry = jax.lax.fori_loop(0, TRIES, lambda _, c: attempt(c, rule), carry)
        return carry[6], carry[8]

    def walks(rule: Rule) -> tuple[np.ndarray, np.ndarray]:
        rule = Rule(*map(float, rule))
        ends = [walk(theta, rule) for theta, _ in starts]
        return np.array([e[0] for e in ends]), np.array([e[1] for e in ends])

    return walks
