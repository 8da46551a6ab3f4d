"""Conjugate gradients: their first steps by hand, n steps in n dimensions, restarts."""

import itertools

import jax
import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from lamina.learning import ConjugateGradient
from lamina.learning.algorithms.second_order import conjugate_gradient
from lamina.learning.algorithms.second_order.conjugate_gradient import (
    CURVATURE,
    FORMULAS,
    RESTART,
)
from lamina.learning.algorithms.second_order.line_search import ARMIJO

pytestmark = pytest.mark.usefixtures("x64")

A = np.array([[3.0, 1.0], [1.0, 2.0]])


def bowl(params, batch, key):
    x = params["x"]
    return 0.5 * x @ A @ x


def rosenbrock(params, batch, key):
    x = params["x"]
    terms = 100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2
    return terms.sum()


def steps(objective, start, n, algorithm=None):
    algorithm = algorithm or ConjugateGradient()
    params = {"x": np.array(start)}
    state = algorithm.init(params)
    update = jax.jit(algorithm.update, static_argnums=0)
    path, states, reports = [params["x"]], [], []
    for _ in range(n):
        params, state, report = update(objective, params, state, None, None)
        path.append(np.asarray(params["x"]))
        states.append(jax.tree.map(np.asarray, state))
        reports.append({k: float(v) for k, v in report.items()})
    return np.array(path), states, reports


def test_two_steps_by_hand():
    """On a bowl the search is exact, and two steps of linear CG reach the bottom.

    θ₀ = (7, 0): r = −g = (−21, −7), α = rᵀr / rᵀA r = 2 / 7, θ₁ = (1, −2);
    r₁ = (−1, 3), β = r₁ᵀr₁ / rᵀr = 1 / 49, d = r₁ + β r = (−10, 20) / 7,
    α = r₁ᵀr₁ / dᵀA d = 0.7, θ₂ = (1, −2) + (−1, 2) = 0.
    """
    path, states, reports = steps(bowl, [7.0, 0.0], 2)
    np.testing.assert_allclose(path[1], [1, -2], rtol=1e-12)
    np.testing.assert_allclose(states[0]["d"], np.array([-10, 20]) / 7, rtol=1e-12)
    np.testing.assert_allclose(path[2], 0, atol=1e-12)
    # θ₀, length 1 and then the zero of the straight line. The next first length is
    # τ gᵀd / g₁ᵀd₁ = (2/7) · 490 / 10 = 14; 0.7 is so near the bracket's other end
    # that 1.4 comes first.
    assert [r["evaluations"] for r in reports] == [3, 3]
    np.testing.assert_allclose(states[0]["tau"], 14, rtol=1e-12)


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_next_direction_by_the_formula(formula, monkeypatch):
    """One step from a point of Rosenbrock's valley where β is not 0."""
    monkeypatch.setattr(conjugate_gradient, "RESTART", np.inf)
    start = np.array([0.4, 0.4])
    path, states, _ = steps(rosenbrock, start, 1, ConjugateGradient(formula))
    g0, g1 = rosen_der(path[0]), rosen_der(path[1])
    d = -g0
    beta = {
        "polak_ribiere": g1 @ (g1 - g0) / (g0 @ g0),
        "fletcher_reeves": g1 @ g1 / (g0 @ g0),
        "hestenes_stiefel": g1 @ (g1 - g0) / (d @ (g1 - g0)),
    }[formula]
    assert beta > 0
    np.testing.assert_allclose(states[0]["d"], -g1 + beta * d, rtol=1e-10)


def test_the_formulas_differ_off_a_bowl():
    ends = [
        steps(rosenbrock, [0.4, 0.4], 3, ConjugateGradient(f))[0][-1] for f in FORMULAS
    ]
    for a, b in itertools.combinations(ends, 2):
        assert np.abs(a - b).max() > 1e-6


@pytest.mark.parametrize("formula", FORMULAS)
def test_n_steps_in_n_dimensions(formula, monkeypatch):
    """If every search is exact."""
    monkeypatch.setattr(conjugate_gradient, "CURVATURE", 1e-10)
    rng = np.random.default_rng(0)
    B = rng.standard_normal((6, 6))
    B = B @ B.T + np.eye(6)

    def quadratic(params, batch, key):
        return 0.5 * params["x"] @ B @ params["x"]

    path, _, _ = steps(quadratic, rng.standard_normal(6), 6, ConjugateGradient(formula))
    assert np.abs(path[5]).max() > 1e-4
    np.testing.assert_allclose(path[6], 0, atol=1e-9)


def test_every_step_meets_the_strong_wolfe_conditions():
    path, _, _ = steps(rosenbrock, [-1.2, 1.0], 25)
    for before, after in itertools.pairwise(path):
        step, slope = after - before, rosen_der(before) @ (after - before)
        assert rosen(after) <= rosen(before) + ARMIJO * slope + 1e-12
        assert abs(rosen_der(after) @ step) <= CURVATURE * abs(slope) + 1e-12


def test_gradients_that_are_alike_restart():
    """Powell's criterion, in steps where it asks for a restart and where not."""
    path, states, _ = steps(rosenbrock, [-1.2, 1.0], 25)
    restarts = []
    for (before, after), state in zip(itertools.pairwise(path), states, strict=True):
        g0, g = rosen_der(before), rosen_der(after)
        if abs(g @ g0) >= 1.01 * RESTART * (g @ g):
            np.testing.assert_allclose(state["d"], -g, rtol=1e-6, atol=1e-9)
            restarts.append(True)
        elif abs(g @ g0) <= 0.99 * RESTART * (g @ g) and g @ (g - g0) > 0:
            assert np.abs(state["d"] + g).max() > 0
            restarts.append(False)
    assert {True, False} == set(restarts)


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("start", [[-1.2, 1.0], list(np.linspace(-1, 2, 30))])
def test_rosenbrock_takes_as_many_evaluations_as_in_scipy(formula, start):
    peer = minimize(rosen, start, jac=rosen_der, method="CG", options={"gtol": 1e-5})
    algorithm = ConjugateGradient(formula)
    path, _, reports = steps(rosenbrock, start, 250, algorithm)
    solved = int(np.argmax([r["gradient"] <= 1e-5 for r in reports]))
    assert reports[solved]["gradient"] <= 1e-5
    assert sum(r["evaluations"] for r in reports[: solved + 1]) <= 2 * peer.nfev
    np.testing.assert_allclose(path[solved + 1], peer.x, atol=1e-4)
    np.testing.assert_allclose(path[solved + 1], 1, atol=1e-4)


def test_at_the_minimum_it_stays():
    path, states, reports = steps(rosenbrock, [1.0, 1.0], 3)
    np.testing.assert_array_equal(path[-1], [1.0, 1.0])
    assert np.isfinite(states[-1]["tau"])
    assert reports[-1]["loss"] == 0
