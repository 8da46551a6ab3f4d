"""Losses: each equation by hand, δ = a − y, goldens G8 and G9, extremes."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks.activations import ACTIVATIONS
from lamina.networks.losses import LOSSES, find_loss, loss_from_net

pytestmark = pytest.mark.usefixtures("x64")

A = np.array([[0.2, 0.7], [0.9, 0.4]])
Y = np.array([[0.0, 1.0], [1.0, 0.0]])
COUNTS = np.array([[0.0, 3.0], [1.0, 2.0]])

BY_HAND = {
    "squared_error": [0.5 * (0.2**2 + 0.3**2), 0.5 * (0.1**2 + 0.4**2)],
    "sum_squared_error": [0.2**2 + 0.3**2, 0.1**2 + 0.4**2],
    "absolute_error": [0.2 + 0.3, 0.1 + 0.4],
    "binary_cross_entropy": [
        -math.log(0.8) - math.log(0.7),
        -math.log(0.9) - math.log(0.6),
    ],
    "cross_entropy": [-math.log(0.7), -math.log(0.9)],
}


@pytest.mark.parametrize("name", BY_HAND)
def test_equation(name):
    loss = LOSSES[name](jnp.asarray(A), jnp.asarray(Y))
    np.testing.assert_allclose(loss, BY_HAND[name], rtol=1e-14)


def test_poisson_is_half_the_deviance():
    """½ D = y ln(y/a) − (y − a), and a where nothing was counted."""
    expected = [
        0.2 + 3 * math.log(3 / 0.7) - (3 - 0.7),
        math.log(1 / 0.9) - (1 - 0.9) + 2 * math.log(2 / 0.4) - (2 - 0.4),
    ]
    loss = LOSSES["poisson"](jnp.asarray(A), jnp.asarray(COUNTS))
    np.testing.assert_allclose(loss, expected, rtol=1e-13)


def test_every_loss_has_its_equation_here():
    assert BY_HAND.keys() | {"poisson"} == LOSSES.keys()


def test_golden_g8():
    """t = (0,0,1,0), o = (.2,.4,.3,.1): SSE 0.7, CE 1.20397, ∂CE/∂net = o − t."""
    t, o = jnp.array([[0.0, 0, 1, 0]]), jnp.array([[0.2, 0.4, 0.3, 0.1]])
    assert float(LOSSES["sum_squared_error"](o, t)[0]) == pytest.approx(0.7, rel=1e-14)
    assert float(LOSSES["cross_entropy"](o, t)[0]) == pytest.approx(1.20397, abs=5e-6)

    def from_net(h):
        return loss_from_net("cross_entropy", "softmax", h, t)[0]

    h = jnp.log(o)
    assert float(from_net(h)) == pytest.approx(-math.log(0.3), rel=1e-14)
    delta = jax.grad(from_net)(h)
    np.testing.assert_allclose(delta, [[0.2, 0.4, -0.7, 0.1]], atol=1e-15)


def delta_of(loss, activation, h, y):
    def total(h):
        return loss_from_net(loss, activation, h, y).sum()

    return np.asarray(jax.grad(total)(h))


def test_golden_g9_squared_error_starves_a_saturated_logistic_unit():
    """y = 1, a = 1e−8: (a − y) a (1 − a) ≈ −1e−8, while cross entropy gives −1."""
    h = jnp.log(jnp.array([[1e-8]])) - jnp.log1p(-1e-8)
    y = jnp.ones((1, 1))
    starved = delta_of("squared_error", "logistic", h, y).item()
    assert starved == pytest.approx((1e-8 - 1) * 1e-8 * (1 - 1e-8), rel=1e-12)
    assert starved == pytest.approx(-1e-8, rel=1e-7)
    fed = delta_of("binary_cross_entropy", "logistic", h, y).item()
    assert fed == pytest.approx(1e-8 - 1, rel=1e-14)


@pytest.mark.parametrize(
    ("loss", "activation"),
    [
        ("squared_error", "identity"),
        ("binary_cross_entropy", "logistic"),
        ("cross_entropy", "softmax"),
        ("poisson", "exp"),
    ],
)
def test_error_signal_is_output_minus_target(loss, activation):
    """δ = ∂ℓ/∂h = a − y for the pairs that belong together."""
    h = np.array([[0.3, -1.2, 0.8], [2.0, 0.1, -0.4]])
    y = np.array([[0.0, 1, 0], [1, 0, 0]])
    expected = ACTIVATIONS[activation](h) - y
    delta = delta_of(loss, activation, jnp.asarray(h), jnp.asarray(y))
    np.testing.assert_allclose(delta, expected, rtol=1e-13, atol=1e-15)


def test_error_signal_of_deck_002_is_twice_as_large():
    h, y = jnp.array([[0.3, -1.2]]), jnp.array([[1.0, 0.0]])
    delta = delta_of("sum_squared_error", "identity", h, y)
    np.testing.assert_allclose(delta, 2 * (np.asarray(h) - np.asarray(y)), rtol=1e-15)


@pytest.mark.parametrize(
    ("loss", "activation"),
    [
        ("binary_cross_entropy", "logistic"),
        ("cross_entropy", "softmax"),
        ("poisson", "exp"),
    ],
)
def test_loss_from_net_input_is_loss_of_output(loss, activation):
    h = jnp.array([[0.3, -1.2, 0.8], [2.0, 0.1, -0.4]])
    y = jnp.array([[0.0, 1, 0], [1, 0, 0]])
    expected = LOSSES[loss](ACTIVATIONS[activation](h), y)
    actual = loss_from_net(loss, activation, h, y)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_net_inputs_of_any_size_keep_losses_and_signals_finite(dtype):
    """Hopelessly wrong by 1,000: ℓ = 1000 and δ = ±1, where ln a would be −∞."""
    h = jnp.array([[-1000.0], [1000.0]], dtype)
    y = jnp.array([[1.0], [0.0]], dtype)
    loss = loss_from_net("binary_cross_entropy", "logistic", h, y)
    assert loss.tolist() == [1000, 1000]
    delta = delta_of("binary_cross_entropy", "logistic", h, y)
    assert delta.ravel().tolist() == [-1, 1]

    h, y = jnp.array([[1000.0, 0.0]], dtype), jnp.array([[0.0, 1.0]], dtype)
    assert loss_from_net("cross_entropy", "softmax", h, y).tolist() == [1000]
    assert delta_of("cross_entropy", "softmax", h, y).tolist() == [[1, -1]]


def test_probabilities_rounded_to_0_or_1_keep_losses_finite():
    a, y = jnp.array([[0.0, 1.0]]), jnp.array([[1.0, 0.0]])
    for name in ("binary_cross_entropy", "cross_entropy", "poisson"):
        assert np.isfinite(LOSSES[name](a, y)).all()


@pytest.mark.parametrize("activation", ["softmax", "identity"])
def test_class_numbers_mean_one_hot_rows(activation):
    h = jnp.array([[0.3, 0.2, 0.8], [0.5, 0.1, 0.4]])
    numbers, rows = jnp.array([2, 0]), jnp.array([[0.0, 0, 1], [1, 0, 0]])
    by_number = loss_from_net("cross_entropy", activation, h, numbers)
    by_row = loss_from_net("cross_entropy", activation, h, rows)
    np.testing.assert_array_equal(by_number, by_row)
    assert np.all(np.asarray(by_number) > 0)


def test_a_function_gets_outputs_and_targets():
    def cubed(a, y):
        return jnp.sum(jnp.abs(a - y) ** 3, axis=-1)

    h, y = jnp.array([[0.0, 0.0]]), jnp.array([[1.0, 0.5]])
    assert loss_from_net(cubed, "logistic", h, y).tolist() == [0.125]
    assert find_loss(cubed) is cubed


@pytest.mark.parametrize("find", [find_loss, lambda n: loss_from_net(n, "tanh", A, Y)])
def test_unknown_names_are_refused_with_what_is_known(find):
    with pytest.raises(ValueError, match=r"one of squared_error, .* got 'hinge'"):
        find("hinge")
