"""Newton's method: the exact Hessian, a step by hand, saddles and flat places."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess

from lamina.learning import Batch, Newton, Objective, newton
from lamina.learning.line_search import flattened
from lamina.learning.newton import solved, with_hessian
from lamina.networks import Dense, Key, Network

pytestmark = pytest.mark.usefixtures("x64")


def rosenbrock(params, batch, key):
    x = params["x"]
    terms = 100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2
    return terms.sum()


def steps(objective, start, n, algorithm=None):
    algorithm = algorithm or Newton()
    params = {"x": np.array(start)}
    state = algorithm.init(params)
    update = jax.jit(algorithm.update, static_argnums=0)
    path, reports = [params["x"]], []
    for _ in range(n):
        params, state, report = update(objective, params, state, None, None)
        path.append(np.asarray(params["x"]))
        reports.append({k: float(v) for k, v in report.items()})
    return np.array(path), reports


def test_three_steps_by_hand():
    """E = ¼ θ⁴: θ − θ³ / 3θ² = ⅔ θ, which the conditions accept."""

    def quartic(params, batch, key):
        return jnp.sum(params["x"] ** 4) / 4

    path, reports = steps(quartic, [3.0], 3)
    np.testing.assert_allclose(path.ravel(), [3, 2, 4 / 3, 8 / 9], rtol=1e-13)
    assert [r["loss"] for r in reports] == pytest.approx([4, 64 / 81, 1024 / 6561])
    assert [r["gradient"] for r in reports] == pytest.approx([8, 64 / 27, 512 / 729])
    assert [r["evaluations"] for r in reports] == [2, 2, 2]


def test_a_bowl_takes_one_step():
    A = np.array([[3.0, 1.0], [1.0, 2.0]])

    def bowl(params, batch, key):
        return 0.5 * params["x"] @ A @ params["x"] - params["x"][0]

    path, _ = steps(bowl, [5.0, -3.0], 1)
    np.testing.assert_allclose(path[1], np.linalg.solve(A, [1, 0]), rtol=1e-13)


def test_negative_curvature_is_turned_round():
    """E = ½ (θ₁² − 2 θ₂²) + θ₂⁴ / 4 at (1, ½): H = diag(1, −1¼), g = (1, −⅞).

    d = (−1, ⅞ / 1¼ = 0.7); Newton's own step would go up along θ₂, to the saddle.
    """

    def saddle(params, batch, key):
        a, b = params["x"]
        return 0.5 * (a**2 - 2 * b**2) + b**4 / 4

    path, _ = steps(saddle, [1.0, 0.5], 8)
    np.testing.assert_allclose(path[1], [0, 1.2], rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(path[-1], [0, np.sqrt(2)], atol=1e-9)


def test_small_curvatures_are_raised_to_a_share_of_the_largest():
    """λ = 2, −0.5, 0.01, 0 in a turned basis, δ = 0.1: 2, 0.5, 0.2, 0.2."""
    rng = np.random.default_rng(0)
    Q, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    H = Q @ np.diag([2.0, -0.5, 0.01, 0.0]) @ Q.T
    g = rng.standard_normal(4)
    expected = Q @ (Q.T @ g / [2, 0.5, 0.2, 0.2])
    np.testing.assert_allclose(solved(jnp.asarray(H), g, 0.1), expected, rtol=1e-12)


def test_without_any_curvature_it_descends_along_the_gradient():
    np.testing.assert_array_equal(
        solved(jnp.zeros((2, 2)), np.array([3.0, -1.0]), 0.1), [3, -1]
    )


@pytest.mark.parametrize("n", [2, 3, 7])
def test_hessian_of_rosenbrock(n, monkeypatch):
    """Also where the last block of columns is not full: blocks of 3."""
    monkeypatch.setattr(newton, "TANGENTS", 3)
    x = np.linspace(-1.2, 1.5, n)
    theta, evaluate, _ = flattened(rosenbrock, {"x": x}, None, None)
    loss, g, H = with_hessian(evaluate, theta)
    np.testing.assert_allclose(loss, rosen(x), rtol=1e-13)
    np.testing.assert_allclose(g, rosen_der(x), rtol=1e-12)
    np.testing.assert_allclose(H, rosen_hess(x), rtol=1e-12)


def test_hessian_of_a_network_summed_in_chunks(monkeypatch):
    """Against second derivatives by differences of the gradient."""
    monkeypatch.setattr("lamina.learning.objective.CHUNK_ROWS", 8)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((24, 3)), rng.standard_normal((24, 2))
    network = Network((Dense(4, "tanh"), Dense(2, "identity")))
    params, _ = network.init(Key(0), (3,), np.float64)
    objective = Objective(network, "squared_error", l2=0.1)
    batch = Batch(x, y, rng.uniform(0.5, 2, 24))
    theta, evaluate, _ = flattened(objective, params, batch, None)
    H = np.asarray(jax.jit(lambda theta: with_hessian(evaluate, theta)[2])(theta))
    gradient = jax.jit(lambda theta: evaluate(theta)[1])
    h = 1e-5
    columns = [
        (gradient(theta + h * e) - gradient(theta - h * e)) / (2 * h)
        for e in np.eye(theta.size)
    ]
    np.testing.assert_allclose(H, np.array(columns), atol=1e-8)
    np.testing.assert_allclose(H, H.T, atol=1e-14)


def test_converges_quadratically_at_the_end():
    """The error is squared in each of the last steps (damping smaller than λ)."""
    path, reports = steps(rosenbrock, [-1.2, 1.0], 24)
    errors = np.abs(path - 1).max(axis=1)
    near = errors[(errors < 1e-1) & (errors > 1e-12)]
    assert len(near) >= 3
    assert (near[1:] <= 50 * near[:-1] ** 2 + 1e-13).all()
    assert reports[-1]["loss"] < 1e-20


def test_sixteen_dimensions_of_rosenbrock():
    path, reports = steps(rosenbrock, np.linspace(-1, 2, 16), 40)
    np.testing.assert_allclose(path[-1], 1, atol=1e-8)
    assert reports[-1]["gradient"] < 1e-8


def test_memory_grows_with_the_square_of_the_weights():
    one = Newton().memory_bytes(1000, 10, 1, 4)
    assert one >= 5 * 1000**2 * 4
    assert Newton().memory_bytes(2000, 10, 1, 4) > 3.9 * one
