"""BFGS: its matrix by hand, its steps by the textbook's formula, scipy as a peer."""

import itertools
from typing import Any

import jax
import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from lamina.learning import BFGS
from lamina.learning.algorithms.second_order.line_search import ARMIJO, CURVATURE
from lamina.learning.parallel.memory import check_memory

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
    algorithm = algorithm or BFGS()
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


def with_pair(H, s, y):
    """Nocedal & Wright's equation 6.17, factors and all."""
    rho = 1 / (y @ s)
    left = np.eye(len(s)) - rho * np.outer(s, y)
    return left @ H @ left.T + rho * np.outer(s, s)


def test_three_steps_by_hand():
    """θ₀ = (1, 0): g = (3, 1), a step of length 1 along −g, then two pairs."""
    theta0 = np.array([1.0, 0.0])
    theta1 = theta0 - np.array([3.0, 1.0]) / np.sqrt(10)
    s, y = theta1 - theta0, A @ (theta1 - theta0)
    H = with_pair((y @ s) / (y @ y) * np.eye(2), s, y)
    path, states, reports = steps(bowl, theta0, 3)
    np.testing.assert_allclose(path[1], theta1, rtol=1e-12)
    np.testing.assert_allclose(states[0]["H"], H, rtol=1e-12)
    theta2 = theta1 - H @ A @ theta1
    # τ = 1 has to be acceptable for this to be the hand calculation.
    slope = -(A @ theta1) @ H @ (A @ theta1)
    assert 0.5 * theta2 @ A @ theta2 <= 0.5 * theta1 @ A @ theta1 + ARMIJO * slope
    assert (A @ theta2) @ (theta2 - theta1) >= CURVATURE * slope
    np.testing.assert_allclose(path[2], theta2, rtol=1e-12)
    H = with_pair(H, theta2 - theta1, A @ (theta2 - theta1))
    np.testing.assert_allclose(states[1]["H"], H, rtol=1e-12)
    theta3 = theta2 - H @ A @ theta2
    np.testing.assert_allclose(path[3], theta3, atol=1e-12, rtol=0)
    assert [r["evaluations"] for r in reports] == [2, 1, 1]
    assert reports[2]["gradient"] == pytest.approx(np.abs(A @ theta3).max(), rel=1e-9)


def test_matrix_fulfils_the_secant_equation_and_stays_positive_definite():
    path, states, _ = steps(rosenbrock, [-1.2, 1.0, 0.5], 25)
    for (before, after), state in zip(itertools.pairwise(path), states, strict=True):
        H, s, y = state["H"], after - before, rosen_der(after) - rosen_der(before)
        np.testing.assert_allclose(H @ y, s, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(H, H.T, rtol=1e-12)
        assert np.linalg.eigvalsh(H).min() > 0


def test_a_pair_of_negative_curvature_teaches_nothing():
    """On a hilltop of −½ ‖θ‖² any step falls, but yᵀs = −‖s‖²."""

    def hill(params, batch, key):
        return -0.5 * params["x"] @ params["x"]

    path, (state,), _ = steps(hill, [1.0, 0.5], 1, BFGS(max_line_search_steps=2))
    assert np.linalg.norm(path[1] - path[0]) > 0.9
    assert not state["scaled"]
    np.testing.assert_array_equal(state["H"], 0)


def test_matrix_becomes_the_inverse_hessian():
    _, states, _ = steps(bowl, [5.0, -3.0], 6)
    np.testing.assert_allclose(states[-1]["H"], np.linalg.inv(A), atol=0.01)


@pytest.mark.parametrize("start", [[-1.2, 1.0], list(np.linspace(-1, 2, 30))])
def test_rosenbrock_takes_as_many_evaluations_as_in_scipy(start):
    peer = minimize(rosen, start, jac=rosen_der, method="BFGS", options={"gtol": 1e-6})
    path, _, reports = steps(rosenbrock, start, 2 * peer.nit)
    solved = int(np.argmax([r["gradient"] <= 1e-6 for r in reports]))
    assert reports[solved]["gradient"] <= 1e-6
    assert sum(r["evaluations"] for r in reports[: solved + 1]) <= 2 * peer.nfev
    np.testing.assert_allclose(path[solved + 1], peer.x, atol=1e-6)
    np.testing.assert_allclose(path[solved + 1], 1, atol=1e-6)


def test_report_belongs_to_the_point_that_is_returned():
    path, _, reports = steps(rosenbrock, [-1.2, 1.0], 10)
    for point, report in zip(path[1:], reports, strict=True):
        assert report["loss"] == pytest.approx(rosen(point), rel=1e-12)
        assert report["gradient"] == pytest.approx(np.abs(rosen_der(point)).max())


def test_at_the_minimum_it_stays():
    path, states, reports = steps(rosenbrock, [1.0, 1.0], 3)
    np.testing.assert_array_equal(path[-1], [1.0, 1.0])
    assert np.isfinite(states[-1]["H"]).all()
    assert reports[-1]["loss"] == 0


def test_memory_is_refused_before_it_is_taken(monkeypatch):
    """n = 2,000,000 weights would need five matrices of 16 TB."""
    weights = np.lib.stride_tricks.as_strided(
        np.zeros(1, np.float32), (2_000_000,), (0,)
    )
    with pytest.raises(ValueError, match="BFGS needs about 80,000,000,000,000 bytes"):
        check_memory(BFGS(), {"weight": weights}, rows=10)


def test_memory_is_no_less_than_the_program_takes():
    n = 400
    params = {"x": np.ones(n, np.float64)}
    algorithm = BFGS()
    update = jax.jit(algorithm.update, static_argnums=0)
    program = update.lower(rosenbrock, params, algorithm.init(params), None, None)
    used: Any = program.compile().memory_analysis()
    taken = (
        2 * used.argument_size_in_bytes  # the loop keeps the state before, too
        + used.output_size_in_bytes
        + used.temp_size_in_bytes
    )
    estimate = algorithm.memory_bytes(n, 1, 1, 8)
    assert taken <= estimate <= 2 * taken
