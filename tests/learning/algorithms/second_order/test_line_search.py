"""The line search: its bracket by hand, its two sets of conditions, its way out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.learning import BFGS, LBFGS, ConjugateGradient, Newton
from lamina.learning.algorithms.second_order.line_search import (
    ARMIJO,
    first_state,
    flattened,
    line_search,
    size_and_dtype,
)

pytestmark = pytest.mark.usefixtures("x64")


def cosine(theta):
    """E = 1 − cos θ, whose slope is sin θ."""
    return jnp.sum(1 - jnp.cos(theta)), jnp.sin(theta)


def bowl(theta):
    """E = ½ θ²."""
    return 0.5 * jnp.sum(theta * theta), theta


def search(evaluate, theta, d, **options):
    """Search from θ, where everything is known, along d."""
    theta = np.atleast_1d(np.asarray(theta, float))
    loss, g = evaluate(theta)
    known = np.ones((), bool)
    state = {"d": np.atleast_1d(d), "loss": loss, "gradient": g, "evaluated": known}
    options = {"most": 30, **options}
    return jax.jit(lambda: line_search(evaluate, theta, state, **options))()


def test_halves_until_the_loss_falls():
    """θ = 1, d = −8: τ = 1 leads to −7, ½ to −3, ¼ to −1 (no fall), ⅛ to 0."""
    found = search(bowl, 1.0, -8.0)
    assert float(found.tau) == 1 / 8
    assert int(found.evaluations) == 4
    assert float(found.loss) == float(found.g[0]) == 0


def test_doubles_while_it_is_steep():
    """θ = 1, d = −0.01: flat enough (θ ≤ 0.9) from τ = 10 on, so 1, 2, 4, 8, 16."""
    found = search(bowl, 1.0, -0.01)
    assert float(found.tau) == 16
    assert int(found.evaluations) == 5
    np.testing.assert_allclose(found.step, -0.16, rtol=1e-15)


def test_takes_the_middle_of_a_bracket():
    """c₂ = 0.01 asks for θ ≤ 0.01, Armijo for θ > −1: d = −0.3 by hand.

    τ = 1, 2: θ = 0.7, 0.4, steep; 4: −0.2 is flat enough, as any ascent is.
    With d = −0.6: 1: 0.4; 2: −0.2. With d = −0.55 and a first τ = 4: −1.2 does not
    fall; 2: −0.1.
    """
    assert float(search(bowl, 1.0, -0.3, curvature=0.01).tau) == 4
    assert float(search(bowl, 1.0, -0.6, curvature=0.01).tau) == 2
    found = search(bowl, 1.0, -0.55, curvature=0.01, tau=4.0)
    assert float(found.tau) == 2
    # With a first τ = 2.5 and d = −0.9: −1.25 does not fall, 1.25 does.
    assert float(search(bowl, 1.0, -0.9, curvature=0.01, tau=2.5).tau) == 1.25


def test_a_strong_search_finds_the_bottom_of_a_parabola_at_once():
    """φ′ is a straight line: its zero is the minimum, ahead or between the ends."""
    ahead = search(bowl, 1.0, -0.2, strong=True, curvature=0.1)
    assert int(ahead.evaluations) == 2  # τ = 1, then 1 + 4
    np.testing.assert_allclose(ahead.tau, 5, rtol=1e-14)
    between = search(bowl, 1.0, -0.8, strong=True, curvature=0.1, tau=2.0)
    assert int(between.evaluations) == 2  # τ = 2 leads to −0.6
    np.testing.assert_allclose(between.tau, 1.25, rtol=1e-14)


def test_a_strong_search_goes_ahead_by_nine_advances_at_most():
    """Nor less than one: the minimum is at 1000.

    τ = 1, 1 + 9 · 1, 10 + 9 · 9, 91 + 9 · 81 = 820, 820 + 729, and back to 1000.
    """
    found = search(bowl, 1.0, -0.001, strong=True, curvature=0.1)
    assert int(found.evaluations) == 6
    np.testing.assert_allclose(found.tau, 1000, rtol=1e-12)


@pytest.mark.parametrize("strong", [False, True])
@pytest.mark.parametrize("tau", [1e-3, 0.3, 1.0, 7.0, 1e3])
def test_what_is_accepted_meets_the_conditions(strong, tau):
    theta, d, c2 = 2.5, -1.0, 0.1
    found = search(cosine, theta, d, strong=strong, curvature=c2, tau=tau)
    assert found.done
    there = theta + float(found.step[0])
    slope = np.sin(theta) * d
    assert 1 - np.cos(there) <= 1 - np.cos(theta) + ARMIJO * float(found.tau) * slope
    slope_there = np.sin(there) * d
    assert slope_there >= c2 * slope
    assert not strong or abs(slope_there) <= c2 * abs(slope)
    np.testing.assert_allclose(found.loss, 1 - np.cos(there), rtol=1e-12)
    np.testing.assert_allclose(found.g, np.sin(there), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("d", [0.0, 1.0, np.nan])
def test_a_direction_that_does_not_descend_is_replaced(d):
    """θ = 3: −g = −3, and a first step of length 1."""
    found = search(bowl, 3.0, d)
    assert float(found.d[0]) == -3
    np.testing.assert_allclose(found.step, -1, rtol=1e-15)


def test_an_unknown_start_is_evaluated_first():
    theta = np.array([3.0])
    state = first_state({"x": theta})
    found = jax.jit(lambda: line_search(bowl, theta, state, most=30))()
    assert int(found.evaluations) == 2
    assert float(found.first_loss) == 4.5
    np.testing.assert_allclose(found.step, -1, rtol=1e-15)


@pytest.mark.parametrize("strong", [False, True])
def test_without_an_acceptable_step_it_stays_and_starts_anew(strong):
    """A wrong gradient: all is uphill. The next direction is steepest descent."""

    def liar(theta):
        return jnp.sum(theta), -jnp.ones(1)

    found = search(liar, 1.0, 1.0, most=7, strong=strong)
    assert not found.done
    assert int(found.evaluations) == 7
    assert float(found.step[0]) == 0
    assert float(found.loss) == 1
    np.testing.assert_array_equal(found.state(np.ones(1))["d"], 0)


@pytest.mark.parametrize("strong", [False, True])
def test_losses_that_are_no_numbers_are_backed_away_from(strong):
    def cliff(theta):
        loss, g = bowl(theta)
        return jnp.where(theta[0] < -0.5, jnp.nan, loss), g

    found = search(cliff, 1.0, -4.0, strong=strong)
    assert found.done
    assert np.isfinite(found.loss)


def test_report_and_state():
    found = search(bowl, [3.0, 0.0], np.array([-1.0, -1.0]))
    assert {k: float(v) for k, v in found.report().items()} == {
        "loss": 2.5,
        "gradient": 2,
        "evaluations": 1,
    }
    state = found.state(np.array([5.0, 6.0]))
    np.testing.assert_array_equal(state["d"], [5, 6])
    np.testing.assert_array_equal(state["gradient"], [2, -1])
    assert state["evaluated"]


def test_pairs():
    """s = (−1, −1) and y = s on the bowl; without a step there is no pair. From 1 along
    −8 an eighth of the way is taken."""
    s, y, curvature, good = search(bowl, [3.0, 0.0], np.array([-1.0, -1.0])).pair()
    np.testing.assert_array_equal(s, [-1, -1])
    np.testing.assert_array_equal(y, [-1, -1])
    assert (float(curvature), bool(good)) == (2, True)
    s, y, curvature, good = search(bowl, 1.0, -8.0).pair()
    assert (float(s[0]), float(y[0]), float(curvature), bool(good)) == (-1, -1, 1, True)
    s, y, curvature, good = search(bowl, 0.0, -1.0).pair()
    assert (float(curvature), bool(good)) == (1, False)


def test_flattened_parameters_and_back():
    params = {"a": np.array([[1.0, 2.0]]), "b": np.array(3.0)}

    def objective(params, batch, key):
        return batch * (jnp.sum(params["a"]) + params["b"] ** 2)

    theta, evaluate, unravel = flattened(objective, params, 2.0, None)
    np.testing.assert_array_equal(theta, [1, 2, 3])
    loss, g = evaluate(theta)
    assert float(loss) == 24
    np.testing.assert_array_equal(g, [2, 2, 12])
    np.testing.assert_array_equal(unravel(theta)["a"], params["a"])
    assert size_and_dtype(params) == (3, np.float64)


@pytest.mark.parametrize("cls", [BFGS, LBFGS, ConjugateGradient, Newton])
def test_a_step_takes_one_evaluation_at_least(cls):
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        cls(max_line_search_steps=0)
