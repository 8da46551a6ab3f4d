"""Activations: each equation by hand, its derivative, its ties and its extremes."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks.functional.activations import (
    ACTIVATIONS,
    LEAK,
    activation,
    length,
    logistic,
)

pytestmark = pytest.mark.usefixtures("x64")

H = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])

BY_HAND = {
    "identity": lambda h: h,
    "threshold": lambda h: 1.0 if h > 0 else 0.0,
    "sign": lambda h: 1.0 if h >= 0 else -1.0,
    "logistic": lambda h: 1 / (1 + math.exp(-h)),
    "tanh": lambda h: (math.exp(h) - math.exp(-h)) / (math.exp(h) + math.exp(-h)),
    "relu": lambda h: max(0.0, h),
    "leaky_relu": lambda h: h if h > 0 else 0.01 * h,
    "exp": math.exp,
}

DERIVATIVES = {
    "identity": lambda h: 1.0,
    "threshold": lambda h: 0.0,
    "sign": lambda h: 0.0,
    "logistic": lambda h: math.exp(-h) / (1 + math.exp(-h)) ** 2,
    "tanh": lambda h: 4 / (math.exp(h) + math.exp(-h)) ** 2,
    "relu": lambda h: 1.0 if h > 0 else 0.0,
    "leaky_relu": lambda h: 1.0 if h > 0 else 0.01,
    "exp": math.exp,
}


def softmax_by_hand(h):
    e = [math.exp(v) for v in h]
    return [v / sum(e) for v in e]


def test_every_activation_has_its_equation_here():
    assert BY_HAND.keys() | {"softmax", "squash"} == ACTIVATIONS.keys()
    assert DERIVATIVES.keys() == BY_HAND.keys()


@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
@pytest.mark.parametrize("name", BY_HAND)
def test_equation(name, position):
    a = ACTIVATIONS[name](position(H))
    np.testing.assert_allclose(a, [BY_HAND[name](h) for h in H], rtol=1e-14, atol=0)
    assert a.dtype == np.float64


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivative(name):
    slopes = jax.vmap(jax.grad(ACTIVATIONS[name]))(jnp.asarray(H))
    expected = [DERIVATIVES[name](h) for h in H]
    np.testing.assert_allclose(slopes, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_numpy_stays_numpy_and_float32_stays_float32(name):
    a = ACTIVATIONS[name](H.astype(np.float32))
    assert type(a) is np.ndarray
    assert a.dtype == np.float32


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_numpy_agrees_with_jax_at_extremes(name, recwarn):
    largest = 80 if name == "exp" else 1e4
    h = np.array([[-largest, -0.0, largest], [1e-300, -1e-300, 3.0]])
    a = ACTIVATIONS[name](h)
    assert np.isfinite(a).all()
    np.testing.assert_allclose(a, ACTIVATIONS[name](jnp.asarray(h)), rtol=1e-14)
    assert len(recwarn) == 0


@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_softmax_equation_over_the_last_axis(position):
    h = np.array([[[0.0, 1.0, 2.0], [3.0, -1.0, 0.5]]])
    a = ACTIVATIONS["softmax"](position(h))
    expected = [[softmax_by_hand(row) for row in h[0]]]
    np.testing.assert_allclose(a, expected, rtol=1e-14)


@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_squash_by_hand(position):
    """‖(3, 4)‖ = 5: the length becomes 25/26; a short vector loses most of its own."""
    h = np.array([[[3.0, 4.0], [0.0, -0.1], [0.0, 0.0]]])
    a = ACTIVATIONS["squash"](position(h))
    expected = [[[0.6 * 25 / 26, 0.8 * 25 / 26], [0.0, -0.01 / 1.01], [0.0, 0.0]]]
    np.testing.assert_allclose(a, expected, rtol=1e-14)
    np.testing.assert_allclose(length(position(h)), [[5.0, 0.1, 0.0]], rtol=1e-14)


def test_squash_derivative_by_hand_and_at_0():
    """Along h the slope is 2n/(1 + n²)², across it n/(1 + n²): 0 at n = 0, not NaN."""
    jacobian = jax.jacobian(ACTIVATIONS["squash"])
    expected = np.diag([2 * 2 / 25, 2 / 5])
    np.testing.assert_allclose(jacobian(jnp.array([2.0, 0.0])), expected, rtol=1e-14)
    np.testing.assert_array_equal(jacobian(jnp.zeros(2)), 0)
    np.testing.assert_array_equal(jax.grad(length)(jnp.zeros(2)), 0)
    np.testing.assert_allclose(jax.grad(length)(jnp.array([3.0, 4.0])), [0.6, 0.8])


@pytest.mark.slow
def test_softmax_derivative_is_the_full_jacobian():
    """A Jacobian: aᵢ(1 − aᵢ) is only its diagonal."""
    h = np.array([0.2, -1.0, 0.7])
    a = softmax_by_hand(h)
    expected = [[a[i] * ((i == j) - a[j]) for j in range(3)] for i in range(3)]
    jacobian = jax.jacobian(ACTIVATIONS["softmax"])(jnp.asarray(h))
    np.testing.assert_allclose(jacobian, expected, rtol=1e-13)
    np.testing.assert_allclose(jacobian.sum(axis=0), 0, atol=1e-15)


def test_softmax_is_shifted_by_its_maximum():
    a = ACTIVATIONS["softmax"](np.array([1000.0, 1000.0 + math.log(3), -1000.0]))
    np.testing.assert_allclose(a, [0.25, 0.75, 0.0], rtol=1e-12)


def test_tanh_is_a_scaled_logistic():
    """Golden G14: tanh x = 2σ(2x) − 1."""
    x = np.linspace(-3, 3, 13)
    expected = 2 * logistic(2 * x) - 1
    np.testing.assert_allclose(ACTIVATIONS["tanh"](x), expected, atol=1e-15)


def test_logistic_slope_is_at_most_a_quarter():
    """Golden G14: σ′(0) = ¼, and nowhere more."""
    slope = jax.vmap(jax.grad(logistic))
    assert slope(jnp.zeros(1))[0] == 0.25
    assert np.all(np.asarray(slope(jnp.linspace(-9, 9, 181))) <= 0.25)


def test_logistic_stack_bounds_the_error_signal():
    """Golden G14: ten unit-weight logistic layers leave at most 4⁻¹⁰ = 9.54e−7 of δ."""

    def stack(h):
        for _ in range(10):
            h = logistic(h)
        return h

    slopes = np.asarray(jax.vmap(jax.grad(stack))(jnp.linspace(-6, 6, 121)))
    assert f"{0.25**10:.2e}" == "9.54e-07"
    assert 0 < slopes.max() <= 0.25**10


@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_ties_make_the_or_unit(position):
    """Golden G10: β = (1, 1), β₀ = −1 is OR on {0, 1}² only if a tie counts as +1."""
    x = position([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    h = x @ position([1.0, 1.0]) - 1
    assert ACTIVATIONS["sign"](h).tolist() == [-1, 1, 1, 1]
    assert ACTIVATIONS["threshold"](h).tolist() == [0, 0, 0, 1]  # h > 0


def test_leak_is_the_published_one():
    assert LEAK == 0.01


def test_a_function_is_its_own_activation():
    assert activation(math.sin) is math.sin


def test_unknown_names_are_refused_with_what_is_known():
    with pytest.raises(ValueError, match=r"one of identity, .* got 'sigmoid'"):
        activation("sigmoid")
