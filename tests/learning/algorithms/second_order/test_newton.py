"""Newton's method: both methods' steps by hand, saddles, flat places, the border."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess

from lamina.learning import L2, Batch, Newton, Objective
from lamina.learning.algorithms.second_order import newton
from lamina.learning.algorithms.second_order.line_search import flattened
from lamina.learning.algorithms.second_order.newton import solved, with_hessian, within
from lamina.networks import Dense, Key, Network

pytestmark = pytest.mark.usefixtures("x64")

EXACT = Newton("exact")


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


@pytest.mark.parametrize("method", ["cg", "exact"])
def test_three_steps_by_hand(method):
    """E = ¼ θ⁴: θ − θ³ / 3θ² = ⅔ θ, which the conditions accept.

    In one dimension conjugate gradients are exact after one product.
    """

    def quartic(params, batch, key):
        return jnp.sum(params["x"] ** 4) / 4

    path, reports = steps(quartic, [3.0], 3, Newton(method))
    np.testing.assert_allclose(path.ravel(), [3, 2, 4 / 3, 8 / 9], rtol=1e-13)
    assert [r["loss"] for r in reports] == pytest.approx([4, 64 / 81, 1024 / 6561])
    assert [r["gradient"] for r in reports] == pytest.approx([8, 64 / 27, 512 / 729])
    assert [r["evaluations"] for r in reports] == [2, 2, 2]
    assert [r["products"] for r in reports] == [1, 1, 1]


def test_a_bowl_takes_one_step():
    A = np.array([[3.0, 1.0], [1.0, 2.0]])

    def bowl(params, batch, key):
        return 0.5 * params["x"] @ A @ params["x"] - params["x"][0]

    path, _ = steps(bowl, [5.0, -3.0], 1, EXACT)
    np.testing.assert_allclose(path[1], np.linalg.solve(A, [1, 0]), rtol=1e-13)


def test_negative_curvature_is_turned_round():
    """E = ½ (θ₁² − 2 θ₂²) + θ₂⁴ / 4 at (1, ½): H = diag(1, −1¼), g = (1, −⅞).

    d = (−1, ⅞ / 1¼ = 0.7); Newton's own step would go up along θ₂, to the saddle.
    """

    def saddle(params, batch, key):
        a, b = params["x"]
        return 0.5 * (a**2 - 2 * b**2) + b**4 / 4

    path, _ = steps(saddle, [1.0, 0.5], 8, EXACT)
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


def test_the_radius_shrinks_after_a_step_too_far():
    """E = √(1 + θ²): Newton's step leads from θ to −θ³. From 2 to −8, which is the
    border of 10, and lies within one of 20: no.

    Δ = 10 / 4 either way: to −½, ϱ = 0.57. Then freely to ⅛ and −1/512.
    """

    def hyperbola(params, batch, key):
        return jnp.sum(jnp.sqrt(1 + params["x"] ** 2))

    for radius in (10.0, 20.0):
        path, reports = steps(hyperbola, [2.0], 3, Newton(radius=radius))
        np.testing.assert_allclose(path.ravel(), [2, -0.5, 0.125, -1 / 512], rtol=1e-12)
        assert [r["evaluations"] for r in reports] == [3, 2, 2]
        assert [r["products"] for r in reports] == [2, 1, 1]


@pytest.mark.slow
def test_the_radius_doubles_where_the_model_is_good():
    """A bowl from 100: 10, 20 and 40 along the way, then Newton's step, which ends
    within 80: that stays."""

    def bowl(params, batch, key):
        return jnp.sum(params["x"] ** 2) / 2

    path, _ = steps(bowl, [100.0], 4)
    np.testing.assert_allclose(path.ravel(), [100, 90, 70, 30, 0], atol=1e-12)
    for begin, after in [(100.0, 20.0), (5.0, 10.0)]:
        params = {"x": np.array([begin])}
        state = Newton().init(params)
        _, state, _ = Newton().update(bowl, params, state, None, None)
        np.testing.assert_allclose(state["radius"], after, rtol=1e-14)


def test_a_poor_but_falling_step_is_taken_and_the_radius_made_smaller():
    """E = −cos θ at 2.5, where E″ = cos 2.5 < 0: to 2.5 − Δ, m = −Δ sin 2.5 + ½ Δ² E″.

    With Δ = 3, ϱ = 0.31 and Δ stays; with Δ = 4, ϱ = 0.099 and Δ ← 1.
    """

    def wave(params, batch, key):
        return jnp.sum(-jnp.cos(params["x"]))

    for radius, after in [(3.0, 3.0), (4.0, 1.0)]:
        algorithm = Newton(radius=radius)
        params = {"x": np.array([2.5])}
        predicted = np.sin(2.5) * radius - 0.5 * np.cos(2.5) * radius**2
        ratio = (np.cos(2.5 - radius) - np.cos(2.5)) / predicted
        assert ratio == pytest.approx(0.311 if after == 3 else 0.0990, rel=2e-3)
        params, state, _ = algorithm.update(
            wave, params, algorithm.init(params), None, None
        )
        np.testing.assert_allclose(params["x"], 2.5 - radius, rtol=1e-14)
        np.testing.assert_allclose(state["radius"], after, rtol=1e-14)


def test_what_is_not_a_number_is_never_accepted():
    def cliff(params, batch, key):
        x = params["x"]
        return jnp.sum(jnp.where(x > -1, jnp.sqrt(1 + x**2), jnp.nan))

    path, reports = steps(cliff, [2.0], 6)
    assert np.all(np.isfinite(path))
    assert reports[0]["evaluations"] > 2
    np.testing.assert_allclose(path[-1], 0, atol=1e-9)


def test_at_a_minimum_of_0_one_try_is_enough():
    def bowl(params, batch, key):
        return jnp.sum(params["x"] ** 2)

    path, reports = steps(bowl, [0.0], 2)
    np.testing.assert_array_equal(path, 0)
    assert [r["evaluations"] for r in reports] == [2, 2]
    assert [r["products"] for r in reports] == [0, 0]


def diagonal(*curvatures):
    return lambda v: jnp.array(curvatures) * v


def test_conjugate_gradients_by_hand():
    """H = diag(1, 4), g = (3, 1): α = 10/13, r = (9, −27)/13, β = 81/169.

    ‖r‖ / ‖g‖ = 0.69 > ½, so a second p = (−9, 27)/13 − 81/169 (3, 1) follows, after
    which H d = −g: d = (−3, −¼).
    """
    g = np.array([3.0, 1.0])
    for tolerance, most in [(0.5, 1), (0.7, 5)]:
        cg = within(diagonal(1.0, 4.0), g, 10.0, tolerance, most)
        np.testing.assert_allclose(cg.d, [-30 / 13, -10 / 13], rtol=1e-14)
        np.testing.assert_allclose(cg.r, [9 / 13, -27 / 13], rtol=1e-14)
        np.testing.assert_allclose(cg.model(g), -50 / 13, rtol=1e-14)
        assert cg.products == 1
    cg = within(diagonal(1.0, 4.0), g, 10.0, 0.5, 5)
    np.testing.assert_allclose(cg.d, [-3, -1 / 4], rtol=1e-13)
    np.testing.assert_allclose(cg.model(g), -37 / 8, rtol=1e-13)
    assert cg.products == 2
    assert not cg.at_border


def test_the_border_ends_conjugate_gradients():
    """As above with Δ = 1, on the way of the first p, and Δ = 2.5, of the second."""
    g = np.array([3.0, 1.0])
    cg = within(diagonal(1.0, 4.0), g, 1.0, 0.5, 5)
    np.testing.assert_allclose(cg.d, -g / np.sqrt(10), rtol=1e-14)
    assert (bool(cg.at_border), int(cg.products)) == (True, 1)
    cg = within(diagonal(1.0, 4.0), g, 2.5, 0.5, 5)
    d, p = -10 / 13 * g, np.array([-9, 27]) / 13 - 81 / 169 * g
    share = max(np.roots([p @ p, 2 * d @ p, d @ d - 2.5**2]))
    np.testing.assert_allclose(cg.d, d + share * p, rtol=1e-13)
    assert (bool(cg.at_border), int(cg.products)) == (True, 2)


@pytest.mark.parametrize(("scale", "products"), [(1, 1), (1e-4, 2)])
def test_near_a_minimum_the_tolerance_falls(scale, products):
    """g = (8, 1): α = 65/68, ‖r‖ / ‖g‖ = 0.35; of 10⁻⁴ g, √‖g‖ = 0.028 is asked."""
    cg = within(diagonal(1.0, 4.0), scale * np.array([8.0, 1.0]), 10.0, 0.5, 5)
    expected = {1: [-8 * 65 / 68, -65 / 68], 2: [-8e-4, -0.25e-4]}
    np.testing.assert_allclose(cg.d, expected[products], rtol=1e-12)
    assert cg.products == products


def test_along_negative_curvature_it_goes_to_the_border():
    """H = diag(1, −2), g = (3, 1): α = 10/7; the next p = −(180, 270)/49."""
    cg = within(diagonal(1.0, -2.0), np.array([3.0, 1.0]), 10.0, 0.5, 5)
    # 10² = (30/7 + 2 t)² + (10/7 + 3 t)²
    t = max(np.roots([13, 2 * (60 + 30) / 7, 1000 / 49 - 100]))
    np.testing.assert_allclose(cg.d, [-30 / 7 - 2 * t, -10 / 7 - 3 * t], rtol=1e-13)
    assert (bool(cg.at_border), int(cg.products)) == (True, 2)


@pytest.mark.parametrize("curvature", [-2.0, 0.0])
def test_a_first_direction_without_curvature_leads_to_the_border(curvature):
    cg = within(diagonal(curvature, 1.0), np.array([1.0, 0.0]), 10.0, 0.5, 5)
    np.testing.assert_allclose(cg.d, [-10, 0], rtol=1e-14)
    assert (bool(cg.at_border), int(cg.products)) == (True, 1)
    np.testing.assert_allclose(cg.model(np.array([1.0, 0.0])), -10 + 50 * curvature)


def test_conjugate_gradients_solve_as_exactly_as_they_are_asked():
    """Fifty unknowns: against LAPACK, and again with few products."""
    rng = np.random.default_rng(0)
    root = rng.standard_normal((50, 60))
    H, g = root @ root.T + 10 * np.eye(50), 1e-12 * rng.standard_normal(50)
    cg = within(lambda v: H @ v, jnp.asarray(g), 10.0, 0.5, 100)
    size = np.linalg.norm(g)
    assert np.linalg.norm(H @ cg.d + g) <= np.sqrt(size) * size
    np.testing.assert_allclose(cg.d, np.linalg.solve(H, -g), rtol=1e-3)
    assert cg.products < 50
    few = within(lambda v: H @ v, jnp.asarray(g), 10.0, 0.5, 3)
    assert few.products == 3
    assert few.d @ g < 0


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
    monkeypatch.setattr("lamina.learning.objectives.objective.CHUNK_ROWS", 8)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((24, 3)), rng.standard_normal((24, 2))
    network = Network((Dense(4, "tanh"), Dense(2, "identity")))
    params, _ = network.init(Key(0), (3,), np.float64)
    objective = Objective(network, "squared_error", (L2(0.1),))
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
    path, reports = steps(rosenbrock, [-1.2, 1.0], 24, EXACT)
    errors = np.abs(path - 1).max(axis=1)
    near = errors[(errors < 1e-1) & (errors > 1e-12)]
    assert len(near) >= 3
    assert (near[1:] <= 50 * near[:-1] ** 2 + 1e-13).all()
    assert reports[-1]["loss"] < 1e-20


@pytest.mark.parametrize(("method", "n"), [("cg", 50), ("exact", 40)])
def test_sixteen_dimensions_of_rosenbrock(method, n):
    path, reports = steps(rosenbrock, np.linspace(-1, 2, 16), n, Newton(method))
    np.testing.assert_allclose(path[-1], 1, atol=1e-8)
    assert reports[-1]["gradient"] < 1e-8


def test_memory_grows_with_the_square_of_the_weights_or_with_the_weights():
    one = EXACT.memory_bytes(1000, 10, 1, 4)
    assert one >= 5 * 1000**2 * 4
    assert EXACT.memory_bytes(2000, 10, 1, 4) > 3.9 * one
    assert Newton().memory_bytes(10**6, 10, 1, 4) < 20 * 10**6 * 4


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "lu"}, "method must be one of 'cg', 'exact', got 'lu'"),
        ({"tolerance": 0.0}, "tolerance must be > 0, got 0.0"),
        ({"radius": -1.0}, "radius must be > 0, got -1.0"),
        ({"max_products": 0}, "max_products must be at least 1"),
    ],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Newton(**wrong)
