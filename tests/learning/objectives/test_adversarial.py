"""Adversarial examples: one step by hand, bounds that hold, losses that rise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.learning import FGSM, PGD, Batch, Objective
from lamina.networks import Dense, Key, Network
from tests.model_files import through_json

pytestmark = pytest.mark.usefixtures("x64")

X = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])
C = np.array([[3.0, -4.0, 0.0], [0.0, 0.5, -0.5]])
KEY = jax.random.key(0)


def linear(x):
    """ℓ = Σ c x, whose gradient is c, wherever."""
    return jnp.sum(C * x)


def test_fast_gradient_sign_by_hand():
    moved = FGSM(0.1).attack(linear, X, KEY)
    expected = [[1.1, -2.1, 0.5], [0.0, 3.1, -1.1]]
    np.testing.assert_allclose(moved, expected, rtol=1e-15)


def test_fast_gradient_of_length_epsilon_by_hand():
    """c / ‖c‖ is (3, −4, 0) / 5 and (0, 1, −1) / √2."""
    moved = FGSM(0.5, norm="l2").attack(linear, X, KEY)
    expected = X + 0.5 * np.array([[0.6, -0.8, 0], [0, 0.5**0.5, -(0.5**0.5)]])
    np.testing.assert_allclose(moved, expected, rtol=1e-15)


def test_inputs_stay_within_their_bounds():
    moved = FGSM(0.25, low=-2.0, high=3.0).attack(linear, X, KEY)
    np.testing.assert_allclose(moved, [[1.25, -2, 0.5], [0, 3, -1.25]], rtol=1e-15)


def test_projected_gradient_goes_to_the_corner_of_a_linear_loss():
    """From wherever it starts, enough steps end at x + ε sign(c); where c = 0 it
    stays where it started."""
    attack = PGD(0.1, steps=10, step_size=0.05)
    moved = np.asarray(attack.attack(linear, X, KEY))
    expected = X + 0.1 * np.sign(C)
    there = C != 0
    np.testing.assert_allclose(moved[there], expected[there], rtol=1e-14)
    assert np.all(np.abs(moved - X) <= 0.1 + 1e-15)
    assert np.all(moved[~there] != X[~there])


def test_default_step_is_two_and_a_half_epsilon_over_steps():
    """From u in [−ε, ε] one step of 2.5 ε ends outside, and is projected back."""
    moved = PGD(0.1, steps=1).attack(linear, X, KEY)
    np.testing.assert_allclose(moved[0, :2], [1.1, -2.1], rtol=1e-14)


@pytest.mark.parametrize("norm", ["inf", "l2"])
@pytest.mark.parametrize("attack", [FGSM, PGD])
def test_bound_holds_and_loss_rises(attack, norm):
    network = Network((Dense(8, "tanh"), Dense(3, "softmax")))
    params, _ = network.init(Key(1), (4,), np.float64)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)), rng.integers(0, 3, 20)
    objective = Objective(network, "cross_entropy")

    def loss(x):
        h = network.pre_activation(params, x)
        return objective.total_loss(h, Batch(x, y, np.ones(20)))

    moved = attack(0.3, norm=norm).attack(loss, x, KEY)
    order = np.inf if norm == "inf" else 2
    distance = np.linalg.norm(moved - x, ord=order, axis=1)
    assert np.all(distance <= 0.3 + 1e-12)
    assert np.max(distance) > 0.29
    assert loss(moved) > loss(x) + 1


def test_random_starts_fill_the_ball_evenly():
    """In a disc of radius ε a quarter of the starts lies within ε / 2."""
    x = jnp.zeros((4000, 2))
    start = PGD(2.0, norm="l2")._start(x, KEY)
    radius = np.linalg.norm(start, axis=1)
    assert radius.max() <= 2 + 1e-12
    assert np.mean(radius < 1) == pytest.approx(0.25, abs=0.03)


def test_objective_mixes_clean_and_adversarial_loss_by_hand():
    """h = 2x, y = 0, ℓ = 2x²; x̃ = x + 0.5 sign x: E = ¾ · 2 · 1 + ¼ · 2 · 1.5²."""
    network = Network((Dense(1, "identity", use_bias=False),))
    objective = Objective(network, "squared_error", (FGSM(0.5, share=0.25),))
    batch = Batch(np.array([[-1.0]]), np.zeros((1, 1)), np.ones(1))
    params = ({"weight": np.array([[2.0]])},)
    value, g = objective.value_and_grad(params, batch, KEY)
    assert float(value) == pytest.approx(0.75 * 2 + 0.25 * 4.5, rel=1e-15)
    # ∂ℓ/∂w = w x²
    assert float(g[0]["weight"][0, 0]) == pytest.approx(0.75 * 2 + 0.25 * 4.5)
    assert float(objective(params, batch)) == 2.0  # at application nobody attacks


@pytest.mark.parametrize("attack", [FGSM(0.2, norm="l2"), PGD(0.1, steps=3, low=0.0)])
def test_json(attack):
    assert through_json(attack) == attack


@pytest.mark.parametrize(
    "make",
    [
        lambda: FGSM(-0.1),
        lambda: FGSM(share=1.5),
        lambda: PGD(norm="l1"),
        lambda: PGD(steps=0),
        lambda: PGD(step_size=0.0),
    ],
)
def test_nonsense_is_refused(make):
    with pytest.raises(ValueError, match="must be"):
        make()
