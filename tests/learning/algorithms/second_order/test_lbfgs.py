"""L-BFGS: its recursion by hand, its line search by its conditions."""

import itertools

import jax
import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from lamina.learning.algorithms.second_order.lbfgs import LBFGS, _direction
from lamina.learning.algorithms.second_order.line_search import ARMIJO, CURVATURE

pytestmark = pytest.mark.usefixtures("x64")

A = np.array([[3.0, 1.0], [1.0, 2.0]])


def bowl(params, batch, key):
    x = params["x"]
    return 0.5 * x @ A @ x


def rosenbrock(params, batch, key):
    x = params["x"]
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def steps(objective, start, n, algorithm=None):
    algorithm = algorithm or LBFGS()
    params = {"x": np.array(start)}
    state = algorithm.init(params)
    update = jax.jit(algorithm.update, static_argnums=0)
    path = [params["x"]]
    reports = []
    for _ in range(n):
        params, state, report = update(objective, params, state, None, None)
        path.append(np.asarray(params["x"]))
        reports.append({k: float(v) for k, v in report.items()})
    return np.array(path), state, reports


def test_two_steps_by_hand():
    """θ₀ = (1, 0): g = (3, 1), a step of length 1 along −g, then H₁ from one pair."""
    g0 = np.array([3.0, 1.0])
    theta1 = np.array([1.0, 0.0]) - g0 / np.sqrt(10)
    s = theta1 - np.array([1.0, 0.0])
    y = A @ s
    rho = 1 / (y @ s)
    gamma = (s @ y) / (y @ y)
    V = np.eye(2) - rho * np.outer(y, s)
    H = V.T @ (gamma * np.eye(2)) @ V + rho * np.outer(s, s)
    g1 = A @ theta1
    d = -H @ g1
    path, _, reports = steps(bowl, [1.0, 0.0], 2)
    # Both steps must be acceptable as they are for this to be their hand calculation.
    assert 0.5 * theta1 @ A @ theta1 <= 1.5 - ARMIJO * np.sqrt(10)
    assert g1 @ -g0 >= CURVATURE * -(g0 @ g0)
    theta2 = theta1 + d
    assert (A @ theta2) @ d >= CURVATURE * (g1 @ d)
    np.testing.assert_allclose(path[1], theta1, atol=1e-12, rtol=0)
    np.testing.assert_allclose(path[2], theta2, atol=1e-12, rtol=0)
    assert reports[0]["evaluations"] == 2  # at θ₀ and at θ₁
    assert reports[1]["evaluations"] == 1  # at θ₂: θ₁'s gradient was kept
    np.testing.assert_allclose(
        reports[1]["gradient"], np.abs(A @ theta2).max(), rtol=1e-12
    )


def test_direction_equals_the_full_bfgs_matrix():
    """The two-loop recursion is −H g with H built pair by pair."""
    rng = np.random.default_rng(0)
    n, m = 5, 3
    B = rng.standard_normal((n, n))
    B = B @ B.T + np.eye(n)
    S = rng.standard_normal((m, n))
    Y = S @ B
    rho = 1 / np.sum(S * Y, axis=1)
    gamma = (S[-1] @ Y[-1]) / (Y[-1] @ Y[-1])
    H = gamma * np.eye(n)
    for s, y, r in zip(S, Y, rho, strict=True):
        V = np.eye(n) - r * np.outer(y, s)
        H = V.T @ H @ V + r * np.outer(s, s)
    g = rng.standard_normal(n)
    state = {
        "s": np.vstack([np.zeros((2, n)), S]),  # two empty places of the memory
        "y": np.vstack([np.zeros((2, n)), Y]),
        "rho": np.concatenate([np.zeros(2), rho]),
        "gamma": gamma,
    }
    np.testing.assert_allclose(_direction(state, g), -H @ g, rtol=1e-12)


def test_the_newest_pairs_are_kept_the_newest_last():
    path, state, _ = steps(rosenbrock, [-1.2, 1.0], 6, LBFGS(memory=3))
    s = np.diff(path, axis=0)[-3:]
    y = np.diff([rosen_der(x) for x in path], axis=0)[-3:]
    np.testing.assert_allclose(state["s"], s, rtol=1e-9)
    np.testing.assert_allclose(state["y"], y, rtol=1e-9)
    np.testing.assert_allclose(state["rho"], 1 / np.sum(s * y, axis=1), rtol=1e-9)


def test_every_step_meets_the_weak_wolfe_conditions():
    path, _, _ = steps(rosenbrock, [-1.2, 1.0], 25)
    for before, after in itertools.pairwise(path):
        step, slope = after - before, rosen_der(before) @ (after - before)
        assert rosen(after) <= rosen(before) + ARMIJO * slope + 1e-12
        assert rosen_der(after) @ step >= CURVATURE * slope - 1e-12


def test_bowl_and_rosenbrock_are_solved_as_quickly_as_by_scipy():
    path, _, reports = steps(bowl, [5.0, -3.0], 12)
    assert np.abs(path[-1]).max() < 1e-8
    path, _, reports = steps(rosenbrock, [-1.2, 1.0], 60)
    np.testing.assert_allclose(path[-1], [1, 1], atol=1e-8)
    losses = [r["loss"] for r in reports]
    ours = int(np.argmax(np.array(losses) < 1e-10))
    peer = minimize(rosen, [-1.2, 1.0], jac=rosen_der, method="L-BFGS-B", tol=1e-12)
    assert ours <= 1.5 * peer.nit


def test_at_the_minimum_it_stays():
    path, state, reports = steps(rosenbrock, [1.0, 1.0], 3)
    assert np.array_equal(path[-1], [1.0, 1.0])
    assert np.isfinite(state["gamma"])
    assert reports[-1]["loss"] == 0


def test_a_cliff_of_nan_is_backed_away_from():
    def cliff(params, batch, key):
        x = params["x"][0]
        return jax.numpy.where(x > 2, jax.numpy.nan, (x - 1.9) ** 2 - 0 * x)

    path, _, reports = steps(cliff, [-4.0], 30)
    np.testing.assert_allclose(path[-1], [1.9], atol=1e-6)
    assert all(np.isfinite(r["loss"]) for r in reports)


@pytest.mark.parametrize("field", ["memory", "max_line_search_steps"])
def test_impossible_sizes_are_refused(field):
    with pytest.raises(ValueError, match=f"{field} must be at least 1"):
        LBFGS(**{field: 0})
