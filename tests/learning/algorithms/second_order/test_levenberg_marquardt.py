"""Levenberg-Marquardt: steps in plain numbers, safety, peers, and hard curves."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.optimize import least_squares

from lamina.data.datasets.generators import sine
from lamina.learning import Batch, Objective, penalties
from lamina.learning.algorithms.second_order.levenberg_marquardt import (
    LevenbergMarquardt,
)
from lamina.networks import Dense, Key, Network
from lamina.networks.core.description import description
from lamina.networks.core.layer import Activated

pytestmark = pytest.mark.usefixtures("x64")


@description
class Banana(Activated):
    """h = (1 − a, 10 (b − a²)): with Σ h² Rosenbrock's function."""

    def pre_activation(self, params, x, *, key=None, mask=None):
        a, b = params["weight"]
        return x * jnp.stack([1 - a, 10 * (b - a * a)])

    __call__ = pre_activation
    activation = "identity"


@description
class Cliff(Activated):
    """h = a − 3 where a ≤ 4, and not a number beyond."""

    def pre_activation(self, params, x, *, key=None, mask=None):
        a = params["weight"]
        return x * jnp.where(a <= 4, jnp.arctan(a - 3), jnp.nan)

    __call__ = pre_activation
    activation = "identity"


def batch_of(x, y):
    return Batch(np.asarray(x), np.asarray(y), np.ones(len(x)))


def trained(objective, params, batch, steps, algorithm=None):
    """Take steps in one program; return parameters and what each step reported."""
    algorithm = algorithm or LevenbergMarquardt()

    @jax.jit
    def run(params):
        def step(carry, _):
            params, state, report = algorithm.update(objective, *carry, batch, None)
            return (params, state), (params, report)

        start = params, algorithm.init(params)
        return jax.lax.scan(step, start, None, length=steps)

    (params, _), (path, reports) = run(jax.tree.map(jnp.asarray, params))
    return params, path, jax.tree.map(np.asarray, reports)


def banana_by_hand(a, b, tau, steps):
    """Rosenbrock's function in plain numbers; J = √2 (−1, 0; −20 a, 10)."""

    def loss(a, b):
        return (1 - a) ** 2 + 100 * (b - a * a) ** 2

    lam, path, evaluations = None, [], []
    for _ in range(steps):
        p, q = 1 - a, 10 * (b - a * a)
        A11, A12, A22 = 2 * (1 + 400 * a * a), 2 * (-200 * a), 2 * 100
        g1, g2 = 2 * (-p - 20 * a * q), 2 * (10 * q)
        lam = tau * max(A11, A22) if lam is None else lam
        nu, tries = 2, 0
        while True:
            determinant = (A11 + lam) * (A22 + lam) - A12 * A12
            s1 = ((A22 + lam) * g1 - A12 * g2) / determinant
            s2 = ((A11 + lam) * g2 - A12 * g1) / determinant
            tries += 1
            fall = loss(a, b) - loss(a - s1, b - s2)
            if fall > 0:
                break
            lam, nu = lam * nu, 2 * nu
        predicted = 0.5 * (s1 * (lam * s1 + g1) + s2 * (lam * s2 + g2))
        lam *= max(1 / 3, 1 - (2 * fall / predicted - 1) ** 3)
        a, b = a - s1, b - s2
        path.append((a, b))
        evaluations.append(1 + tries)
    return path, lam, evaluations


def test_steps_by_hand_with_rejected_dampings():
    expected, lam, evaluations = banana_by_hand(-1.2, 1.0, 1e-4, 6)
    assert max(evaluations) == 4  # two dampings of one step were too small
    objective = Objective(Network((Banana(),)), "sum_squared_error")
    batch = batch_of(np.ones((1, 2)), np.zeros((1, 2)))
    params = ({"weight": np.array([-1.2, 1.0])},)
    algorithm = LevenbergMarquardt(1e-4)
    _, path, reports = trained(objective, params, batch, 6, algorithm)
    np.testing.assert_allclose(path[0]["weight"], expected, rtol=1e-12)
    np.testing.assert_array_equal(reports["evaluations"], evaluations)
    assert reports["damping"][-1] == pytest.approx(lam, rel=1e-9)


def test_the_report_is_about_the_point_it_returns():
    objective = Objective(Network((Banana(),)), "sum_squared_error")
    batch = batch_of(np.ones((1, 2)), np.zeros((1, 2)))
    params = ({"weight": np.array([-1.2, 1.0])},)
    params, _, reports = trained(objective, params, batch, 3)
    a, b = map(float, params[0]["weight"])
    slope = -2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)
    loss = (1 - a) ** 2 + 100 * (b - a * a) ** 2
    assert reports["loss"][-1] == pytest.approx(loss, rel=1e-12)
    assert reports["gradient"][-1] == pytest.approx(max(map(abs, slope)), rel=1e-12)


def test_what_is_not_a_number_is_never_accepted():
    """From a = 1.2 the undamped step leads to 9.4, beyond the cliff at 4."""
    objective = Objective(Network((Cliff(),)), "squared_error")
    batch = batch_of(np.ones((1, 1)), np.zeros((1, 1)))
    first = 1.2 - math.atan(1.2 - 3) * (1 + (1.2 - 3) ** 2)
    assert first > 4
    params = ({"weight": np.array([1.2])},)
    algorithm = LevenbergMarquardt(1e-6)
    params, path, reports = trained(objective, params, batch, 20, algorithm)
    assert reports["evaluations"][0] > 2
    assert np.all(path[0]["weight"] <= 4)
    assert np.all(np.isfinite(reports["loss"]))
    np.testing.assert_allclose(params[0]["weight"], 3, atol=1e-7)


def test_a_loss_that_is_not_a_number_stays_for_the_loop_to_see():
    objective = Objective(Network((Cliff(),)), "squared_error")
    batch = batch_of(np.ones((1, 1)), np.zeros((1, 1)))
    _, path, reports = trained(objective, ({"weight": np.array([5.0])},), batch, 2)
    assert np.isnan(reports["loss"]).all()
    np.testing.assert_array_equal(path[0]["weight"], 5)


def curve(hidden=20, n=200):
    x, y = sine(n)
    layers = Dense(hidden, "tanh", "nguyen_widrow"), Dense(1, "identity")
    return Network(layers), batch_of(x, y[:, None])


def test_the_loss_never_rises_and_the_search_ends():
    """Converged within 60 steps; the rest find nothing left to gain, and stay."""
    network, batch = curve(hidden=5, n=30)
    params, _ = network.init(Key(1), (1,), np.float64)
    objective = Objective(network, "squared_error", penalties(0.1))
    params, path, reports = trained(objective, params, batch, 100)
    noise = 1e-15 * reports["loss"][1:]  # where θ stays, E(θ) is summed anew
    assert np.all(np.diff(reports["loss"]) <= noise)
    assert reports["gradient"][-1] < 1e-8
    np.testing.assert_array_equal(path[0]["weight"][-1], path[0]["weight"][-30])
    assert reports["evaluations"][-1] == 2
    assert reports["evaluations"].max() < 40


@pytest.mark.slow
def test_sine_is_fitted_to_1e_8_within_200_steps_from_most_starts():
    network, batch = curve()
    objective = Objective(network, "squared_error")
    algorithm = LevenbergMarquardt()

    @jax.jit
    def last_loss(params):
        def step(_, carry):
            params, state, _ = carry
            params, state, report = algorithm.update(
                objective, params, state, batch, None
            )
            return params, state, report["loss"]

        start = params, algorithm.init(params), jnp.zeros(())
        return jax.lax.fori_loop(0, 200, step, start)[2]

    starts = (network.init(Key(i), (1,), np.float64)[0] for i in range(10))
    errors = [2 * float(last_loss(params)) for params in starts]
    assert sum(error <= 1e-8 for error in errors) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("l2", [None, 1e-3])
def test_reaches_a_minimum_of_scipy(l2):
    """SciPy goes on from where we end, and finds nothing better."""
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((60, 2)), rng.standard_normal((60, 1))
    network = Network((Dense(3, "tanh"), Dense(1, "identity")))
    params, _ = network.init(Key(1), (2,), np.float64)
    objective = Objective(network, "squared_error", penalties(l2))
    params, _, reports = trained(objective, params, batch_of(x, y), 400)
    theta, unravel = ravel_pytree(params)

    def residuals(theta):
        params = unravel(jnp.asarray(theta))
        r = (network(params, x) - y).ravel() / math.sqrt(60)
        weights = [p["weight"].ravel() for p in params]
        decay = math.sqrt((l2 or 0) / 60) * jnp.concatenate(weights)
        return np.concatenate([r, decay])

    peer = least_squares(residuals, theta, method="lm", xtol=1e-15, ftol=1e-15)
    assert peer.cost == pytest.approx(reports["loss"][-1], rel=1e-8)


@pytest.mark.parametrize(
    ("loss", "head"),
    [
        ("cross_entropy", "softmax"),
        ("binary_cross_entropy", "logistic"),
        ("poisson", "exp"),
    ],
)
def test_other_losses_converge_like_newton(loss, head):
    """Without hidden units JᵀJ is the Hessian; λ falls to ⅓ in each step."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 3))
    y = np.eye(2)[rng.integers(0, 2, 80)]
    network = Network((Dense(2, head),))
    params, _ = network.init(Key(0), (3,), np.float64)
    objective = Objective(network, loss, penalties(0.5))
    _, _, reports = trained(objective, params, batch_of(x, y), 14)
    assert reports["gradient"][0] > 1e-4  # so that there was something to do
    assert reports["gradient"][-1] < 1e-8


@pytest.mark.slow
def test_wide_networks_take_the_same_steps_from_the_smaller_matrix():
    """Ten examples, 61 parameters; twelve copies of them at 1/12 the weight."""
    network, batch = curve(n=10)
    params, _ = network.init(Key(0), (1,), np.float64)
    objective = Objective(network, "squared_error", penalties(0.1))
    copies = Batch(*(np.tile(a, (12, 1)) for a in batch[:2]), np.full(120, 1 / 12))
    _, few, _ = trained(objective, params, batch, 3)
    _, many, _ = trained(objective, params, copies, 3)
    for a, b in zip(jax.tree.leaves(few), jax.tree.leaves(many), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize(("rows", "hidden"), [(4000, 40), (60, 100)])
def test_memory_is_estimated_to_a_fifth(rows, hidden):
    """JᵀJ with 881 parameters, JJᵀ with 2201; the compiler tells what it takes."""
    network = Network((Dense(hidden, "tanh"), Dense(1, "identity")))
    params, _ = network.init(Key(0), (20,), np.float64)
    objective, algorithm = Objective(network, "squared_error"), LevenbergMarquardt()
    batch = batch_of(np.zeros((rows, 20)), np.zeros((rows, 1)))

    def steps(params):
        def step(_, carry):
            return algorithm.update(objective, *carry, batch, None)[:2]

        return jax.lax.fori_loop(0, 2, step, (params, algorithm.init(params)))

    analysis = jax.jit(steps).lower(params).compile().memory_analysis()
    n = sum(leaf.size for leaf in jax.tree.leaves(params))
    needed = algorithm.memory_bytes(n, rows, 1, 8)
    assert needed == pytest.approx(analysis.temp_size_in_bytes, rel=0.2)


@pytest.mark.parametrize("damping", [0, -1.0, math.nan])
def test_impossible_dampings_are_refused(damping):
    with pytest.raises(ValueError, match="damping must be > 0, got"):
        LevenbergMarquardt(damping)
