"""Losses: each equation by hand, δ = a − y, goldens G8 and G9, extremes."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks.functional.activations import ACTIVATIONS
from lamina.networks.functional.losses import (
    LOSSES,
    curvature_root,
    find_loss,
    loss_from_pre_activation,
)

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
    "margin": [0.5 * 0.1**2 + 0.2**2, 0.0 + 0.5 * 0.3**2],
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


@pytest.mark.slow
def test_golden_g8():
    """t = (0,0,1,0), o = (.2,.4,.3,.1): SSE 0.7, CE 1.20397, ∂CE/∂net = o − t."""
    t, o = jnp.array([[0.0, 0, 1, 0]]), jnp.array([[0.2, 0.4, 0.3, 0.1]])
    assert float(LOSSES["sum_squared_error"](o, t)[0]) == pytest.approx(0.7, rel=1e-14)
    assert float(LOSSES["cross_entropy"](o, t)[0]) == pytest.approx(1.20397, abs=5e-6)

    def from_net(h):
        return loss_from_pre_activation("cross_entropy", "softmax", h, t)[0]

    h = jnp.log(o)
    assert float(from_net(h)) == pytest.approx(-math.log(0.3), rel=1e-14)
    delta = jax.grad(from_net)(h)
    np.testing.assert_allclose(delta, [[0.2, 0.4, -0.7, 0.1]], atol=1e-15)


def delta_of(loss, activation, h, y):
    def total(h):
        return loss_from_pre_activation(loss, activation, h, y).sum()

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
    actual = loss_from_pre_activation(loss, activation, h, y)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_net_inputs_of_any_size_keep_losses_and_signals_finite(dtype):
    """Hopelessly wrong by 1,000: ℓ = 1000 and δ = ±1, where ln a would be −∞."""
    h = jnp.array([[-1000.0], [1000.0]], dtype)
    y = jnp.array([[1.0], [0.0]], dtype)
    loss = loss_from_pre_activation("binary_cross_entropy", "logistic", h, y)
    assert loss.tolist() == [1000, 1000]
    delta = delta_of("binary_cross_entropy", "logistic", h, y)
    assert delta.ravel().tolist() == [-1, 1]

    h, y = jnp.array([[1000.0, 0.0]], dtype), jnp.array([[0.0, 1.0]], dtype)
    assert loss_from_pre_activation("cross_entropy", "softmax", h, y).tolist() == [1000]
    assert delta_of("cross_entropy", "softmax", h, y).tolist() == [[1, -1]]


def test_probabilities_rounded_to_0_or_1_keep_losses_finite():
    a, y = jnp.array([[0.0, 1.0]]), jnp.array([[1.0, 0.0]])
    for name in ("binary_cross_entropy", "cross_entropy", "poisson"):
        assert np.isfinite(LOSSES[name](a, y)).all()


@pytest.mark.parametrize("activation", ["softmax", "identity"])
def test_class_numbers_mean_one_hot_rows(activation):
    h = jnp.array([[0.3, 0.2, 0.8], [0.5, 0.1, 0.4]])
    numbers, rows = jnp.array([2, 0]), jnp.array([[0.0, 0, 1], [1, 0, 0]])
    by_number = loss_from_pre_activation("cross_entropy", activation, h, numbers)
    by_row = loss_from_pre_activation("cross_entropy", activation, h, rows)
    np.testing.assert_array_equal(by_number, by_row)
    assert np.all(np.asarray(by_number) > 0)


def test_margin_takes_class_numbers_and_several_classes():
    a = jnp.array([[0.2, 0.7, 0.05]])
    number, row = jnp.array([1]), jnp.array([[0.0, 1.0, 0.0]])
    expected = 0.5 * 0.1**2 + 0.2**2
    for y in (number, row):
        loss = loss_from_pre_activation("margin", "identity", a, y)
        np.testing.assert_allclose(loss, [expected], rtol=1e-14)
    both = loss_from_pre_activation(
        "margin", "identity", a, jnp.array([[1.0, 1.0, 0.0]])
    )
    np.testing.assert_allclose(both, [0.7**2 + 0.2**2], rtol=1e-14)


def test_margin_pulls_only_within_its_margins():
    """∂ℓ/∂a = −2 (m⁺ − a) if present, 2 λ (a − m⁻) if not, 0 beyond."""
    a = jnp.array([[0.95, 0.4, 0.6, 0.05]])
    y = jnp.array([[1.0, 1.0, 0.0, 0.0]])
    delta = delta_of("margin", "identity", a, y)
    np.testing.assert_allclose(delta, [[0, -2 * 0.5, 0.5, 0]], atol=1e-15)


def test_a_function_gets_outputs_and_targets():
    def cubed(a, y):
        return jnp.sum(jnp.abs(a - y) ** 3, axis=-1)

    h, y = jnp.array([[0.0, 0.0]]), jnp.array([[1.0, 0.5]])
    assert loss_from_pre_activation(cubed, "logistic", h, y).tolist() == [0.125]
    assert find_loss(cubed) is cubed


@pytest.mark.parametrize(
    "find", [find_loss, lambda n: loss_from_pre_activation(n, "tanh", A, Y)]
)
def test_unknown_names_are_refused_with_what_is_known(find):
    with pytest.raises(ValueError, match=r"one of squared_error, .* got 'hinge'"):
        find("hinge")


NET_INPUTS = np.array([[0.3, -1.2, 0.8], [2.0, 0.1, -0.4]])
CLASSES = np.array([[0.0, 1, 0], [1, 0, 0]])

MATCHED = [
    ("squared_error", "identity"),
    ("sum_squared_error", "identity"),
    ("binary_cross_entropy", "logistic"),
    ("cross_entropy", "softmax"),
    ("poisson", "exp"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "activation"), MATCHED)
def test_curvature_root_squared_is_the_hessian(loss, activation):
    """BᵀB = ∂²ℓ/∂h² and Bᵀρ = ∂ℓ/∂h, both by differentiating the loss itself."""
    B, rho = curvature_root(loss, activation, NET_INPUTS, CLASSES)

    def one(h, y):
        return loss_from_pre_activation(loss, activation, h[None], y[None])[0]

    for i in range(2):
        gradient = jax.grad(one)(NET_INPUTS[i], CLASSES[i])
        hessian = jax.hessian(one)(NET_INPUTS[i], CLASSES[i])
        np.testing.assert_allclose(B[i].T @ rho[i], gradient, atol=1e-14)
        np.testing.assert_allclose(B[i].T @ B[i], hessian, atol=1e-14)


def test_curvature_root_of_two_classes_by_hand():
    """a = (¾, ¼), y = (0, 1): BᵀB = diag a − a aᵀ = 3/16 (1, −1; −1, 1)."""
    h = np.log([[3.0, 1.0]])
    B, rho = curvature_root("cross_entropy", "softmax", h, np.array([1]))
    root = math.sqrt(0.75)
    expected = [[root * 0.25, -root * 0.25], [-0.5 * 0.75, 0.5 * 0.75]]
    np.testing.assert_allclose(B[0], expected, rtol=1e-14)
    np.testing.assert_allclose(rho[0], [0.75 / root, -0.75 / 0.5], rtol=1e-14)
    np.testing.assert_allclose(B[0].T @ B[0], 3 / 16 * np.array([[1, -1], [-1, 1]]))


@pytest.mark.parametrize("activation", ["logistic", "tanh", "softmax"])
def test_squared_errors_of_any_activation_leave_out_its_second_derivative(activation):
    B, rho = curvature_root("squared_error", activation, NET_INPUTS, CLASSES)
    a = np.asarray(ACTIVATIONS[activation](NET_INPUTS))
    np.testing.assert_allclose(rho, a - CLASSES, rtol=1e-14)
    for i in range(2):
        if activation == "softmax":
            slope = np.diag(a[i]) - np.outer(a[i], a[i])
        else:
            slope = np.diag(
                a[i] * (1 - a[i]) if activation == "logistic" else 1 - a[i] ** 2
            )
        np.testing.assert_allclose(B[i], slope, atol=1e-15)
    gradient = delta_of("squared_error", activation, jnp.asarray(NET_INPUTS), CLASSES)
    np.testing.assert_allclose(np.einsum("bkj,bk->bj", B, rho), gradient, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("loss", "activation"), MATCHED[2:])
def test_curvature_root_of_saturated_outputs_keeps_the_signal(loss, activation, dtype):
    """Hopelessly wrong: Bᵀρ is a − y still, though the curvature itself is 0."""
    h = jnp.array([[-80.0, 40.0]], dtype)
    y = jnp.array([[1.0, 0.0]], dtype)
    B, rho = curvature_root(loss, activation, h, y)
    signal = (jnp.swapaxes(B, 1, 2) @ rho[..., None])[0, :, 0]
    expected = ACTIVATIONS[activation](h)[0] - y[0]
    np.testing.assert_allclose(
        signal, expected, rtol=1e-5 if dtype == "float32" else 1e-12
    )


@pytest.mark.parametrize(
    ("loss", "activation"),
    [
        ("absolute_error", "identity"),
        ("binary_cross_entropy", "identity"),
        ("cross_entropy", "logistic"),
        ("margin", "identity"),
    ],
)
def test_losses_without_a_curvature_root_are_refused_with_those_that_have(
    loss, activation
):
    with pytest.raises(ValueError, match=r"cross_entropy with softmax.*; got '" + loss):
        curvature_root(loss, activation, NET_INPUTS, CLASSES)


# ---- an answer at each place --------------------------------------------------------


def test_places_by_hand():
    """Probabilities of the labels 0.5, 0.8, none and 0.1, none, none.

    ℓ = −(ln 0.5 + ln 0.8) / 2 and −ln 0.1; nothing is labelled in the third.
    """
    p = np.array(
        [
            [[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]],
            [[0.9, 0.1], [0.5, 0.5], [0.5, 0.5]],
            [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]],
        ]
    )
    y = np.array([[0, 1, -1], [1, -1, -1], [-1, -1, -1]])
    expected = [-(math.log(0.5) + math.log(0.8)) / 2, -math.log(0.1), 0]
    for loss in ("softmax", "identity"):  # from h, and from a
        h = np.log(p) if loss == "softmax" else p
        found = loss_from_pre_activation(
            "cross_entropy", loss, jnp.asarray(h), jnp.asarray(y)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.slow
def test_places_without_a_label_have_no_delta():
    h = jnp.asarray(np.random.default_rng(0).normal(size=(2, 2, 3, 4)))
    y = jnp.asarray([[[0, 1, -1], [3, -1, 2]], [[-1, -1, -1], [-1, -1, 1]]])

    def total(h):
        return loss_from_pre_activation("cross_entropy", "softmax", h, y).sum()

    delta = np.asarray(jax.grad(total)(h))
    assert (delta[np.asarray(y) < 0] == 0).all()
    share = np.asarray(jax.nn.softmax(h))[0, 0, 1] - [0, 1, 0, 0]
    np.testing.assert_allclose(delta[0, 0, 1], share / 4, rtol=1e-5)  # 4 have labels


@pytest.mark.slow
def test_one_place_is_one_example():
    h = jnp.asarray(np.random.default_rng(0).normal(size=(3, 1, 1, 4)))
    y = jnp.asarray([2, 0, 1])
    np.testing.assert_allclose(
        loss_from_pre_activation("cross_entropy", "softmax", h, y[:, None, None]),
        loss_from_pre_activation("cross_entropy", "softmax", h[:, 0, 0], y),
        rtol=1e-6,
    )


def test_places_have_no_curvature_root_and_need_their_labels():
    h, y = jnp.zeros((2, 3, 3, 4)), jnp.zeros((2, 3, 3), int)
    with pytest.raises(ValueError, match="one output vector per example"):
        curvature_root("cross_entropy", "softmax", h, y)
    with pytest.raises(ValueError, match="targets must have the shape of the outputs"):
        loss_from_pre_activation("cross_entropy", "softmax", h, y[:, :2])
