"""Layer and group normalisation: by hand, their axes, their gradient, their masks."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import GroupNorm, Key, LayerNorm

pytestmark = pytest.mark.usefixtures("x64")

PLACES = [np.asarray, jnp.asarray]


@pytest.mark.parametrize("position", PLACES, ids=["numpy", "jax"])
def test_layer_norm_by_hand(position):
    """x = (1, 3, 8): μ = 4, σ² = (9 + 1 + 16)/3 = 26/3."""
    params = {"scale": np.array([1.0, 2.0, -1.0]), "shift": np.array([0.0, 0.5, 10.0])}
    d = math.sqrt(26 / 3 + 0.25)
    expected = [[-3 / d, -2 / d + 0.5, -4 / d + 10]]
    layer = LayerNorm(epsilon=0.25)
    np.testing.assert_allclose(
        layer(params, position(np.array([[1.0, 3.0, 8.0]]))), expected, rtol=1e-14
    )


@pytest.mark.parametrize("position", PLACES, ids=["numpy", "jax"])
def test_group_norm_by_hand(position):
    """Channels 0 and 1 of both places: 1, 3, 5, 7; channels 2 and 3: 0, 0, 0, 4."""
    x = np.array([[[1.0, 3.0, 0.0, 0.0], [5.0, 7.0, 0.0, 4.0]]])
    params = {"scale": np.array([1.0, 2, 1, 1]), "shift": np.array([0.0, 0, 0, -1])}
    d, e = math.sqrt(5 + 1), math.sqrt(3 + 1)  # σ² = 5 with μ = 4; σ² = 3 with μ = 1
    expected = [
        [
            [-3 / d, 2 * -1 / d, -1 / e, -1 / e - 1],
            [1 / d, 2 * 3 / d, -1 / e, 3 / e - 1],
        ]
    ]
    a = GroupNorm(2, epsilon=1.0)(params, position(x))
    np.testing.assert_allclose(a, expected, rtol=1e-14)


def test_activation_acts_on_the_net_input():
    x = np.array([[1.0, 3.0, 8.0]])
    params, _ = LayerNorm(activation="relu").init(Key(0), (3,))
    h = LayerNorm(activation="relu").pre_activation(params, x)
    assert (h < 0).tolist() == [[True, True, False]]
    np.testing.assert_array_equal(
        LayerNorm(activation="relu")(params, x), np.maximum(h, 0)
    )
    params, _ = GroupNorm(1).init(Key(0), (3,))
    np.testing.assert_array_equal(
        GroupNorm(1, activation="tanh").pre_activation(params, x), h
    )
    np.testing.assert_array_equal(
        GroupNorm(1, activation="tanh")(params, x), np.tanh(h)
    )


X = np.random.default_rng(0).standard_normal((4, 3, 5, 6)) * 3 + 100


@pytest.mark.parametrize(
    ("layer", "axes", "shape"),
    [
        (LayerNorm(1, 0.0), (3,), (6,)),
        (LayerNorm(2, 0.0), (2, 3), (5, 6)),
        (LayerNorm(3, 0.0), (1, 2, 3), (3, 5, 6)),
        (GroupNorm(1, 0.0), (1, 2, 3), (6,)),
        (GroupNorm(6, 0.0), (1, 2), (6,)),
    ],
)
def test_mean_0_and_variance_1_over_the_right_axes(layer, axes, shape):
    params, out = layer.init(Key(0), X.shape[1:])
    assert out == X.shape[1:]
    assert {k: v.shape for k, v in params.items()} == {"scale": shape, "shift": shape}
    a = layer(params, X)
    np.testing.assert_allclose(a.mean(axis=axes), 0, atol=1e-13)
    np.testing.assert_allclose(a.var(axis=axes), 1, rtol=1e-12)


def test_one_group_of_vectors_is_the_layer_norm():
    x = X[:, 0, 0]
    params, _ = GroupNorm(1).init(Key(0), (6,))
    np.testing.assert_allclose(
        GroupNorm(1)(params, x), LayerNorm()(params, x), rtol=1e-13
    )


@pytest.mark.slow
def test_gradient_by_hand():
    """∂h/∂x = (I − 1/n − h hᵀ/n) / σ with γ = 1, β = 0, ε = 0."""
    x = jnp.array([1.0, 3.0, 8.0])
    params, _ = LayerNorm().init(Key(0), (3,))
    layer = LayerNorm(epsilon=0.0)
    jacobian = jax.jacobian(lambda x: layer(params, x[None])[0])(x)
    sigma = math.sqrt(26 / 3)
    h = (np.array([1.0, 3, 8]) - 4) / sigma
    expected = (np.eye(3) - 1 / 3 - np.outer(h, h) / 3) / sigma
    np.testing.assert_allclose(jacobian, expected, atol=1e-14)
    np.testing.assert_allclose(jacobian.sum(axis=1), 0, atol=1e-15)  # a shift is lost


def test_a_large_mean_costs_no_digits_in_single_precision():
    """mean x² − μ² would be 0, or less, in float32."""
    x = np.array([[1e4 - 1, 1e4, 1e4 + 1]], np.float32)
    params = {"scale": np.ones(3, np.float32), "shift": np.zeros(3, np.float32)}
    layer = LayerNorm(epsilon=0.0)
    a = layer(params, jnp.asarray(x))
    assert a.dtype == np.float32
    np.testing.assert_allclose(a, [[-math.sqrt(1.5), 0, math.sqrt(1.5)]], rtol=1e-6)


@pytest.mark.slow
def test_constant_inputs_give_the_shift_and_a_finite_gradient():
    x = jnp.full((1, 4), 7.0)
    params = {"scale": jnp.ones(4), "shift": jnp.array([1.0, 2, 3, 4])}
    assert LayerNorm()(params, x).tolist() == [[1, 2, 3, 4]]
    slope = jax.grad(lambda x: LayerNorm()(params, x)[0, 0])(x)
    assert np.isfinite(slope).all()


@pytest.mark.slow
@pytest.mark.parametrize("position", PLACES, ids=["numpy", "jax"])
def test_masked_is_trimmed(position):
    rng = np.random.default_rng(0)
    x, lengths = rng.standard_normal((3, 5, 4)), [5, 2, 3]
    mask = np.arange(5) < np.array(lengths)[:, None]
    layer = GroupNorm(2)
    params, _ = layer.init(Key(0), (5, 4))
    a = layer(params, position(x), mask=position(mask))
    for i, n in enumerate(lengths):
        alone = layer(params, x[i : i + 1, :n])
        np.testing.assert_allclose(a[i, :n], alone[0], rtol=1e-12)
    nothing = layer(params, position(x), mask=position(np.zeros_like(mask)))
    assert np.isfinite(nothing).all()


def test_layer_norm_and_masks():
    """Each place by itself needs no mask; places together would see padding."""
    params, _ = LayerNorm(1).init(Key(0), (5, 6))
    mask = np.ones((3, 5), bool)
    x = X[0]
    np.testing.assert_array_equal(
        LayerNorm(1)(params, x, mask=mask), LayerNorm(1)(params, x)
    )
    params, _ = LayerNorm(2).init(Key(0), (5, 6))
    with pytest.raises(ValueError, match="would mix masked positions"):
        LayerNorm(2)(params, x, mask=mask)


def test_work_goes_by_the_numbers_of_an_example():
    for layer in (LayerNorm(3), GroupNorm(2)):
        params, _ = layer.init(Key(0), (3, 5, 6))
        assert layer.flops(params, (3, 5, 6)) == 8 * 3 * 5 * 6


def test_epsilon_is_a_leaf():
    params, _ = LayerNorm().init(Key(0), (3,))
    x = np.array([[1.0, 3.0, 8.0]])
    many = jax.vmap(lambda layer: layer(params, jnp.asarray(x)))(
        LayerNorm(epsilon=jnp.array([0.0, 1.0]))
    )
    np.testing.assert_allclose(many[1], LayerNorm(epsilon=1.0)(params, x), rtol=1e-14)
    assert np.all(many[0] != many[1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LayerNorm(0), "axes must be a whole number of at least 1, got 0"),
        (lambda: LayerNorm(True), "axes must be a whole number"),
        (lambda: LayerNorm(epsilon=-1.0), "epsilon must not be negative, got -1"),
        (lambda: LayerNorm(activation="swish"), "activation must be one of"),
        (lambda: GroupNorm(0), "groups must be a whole number of at least 1, got 0"),
        (lambda: GroupNorm(2, float("nan")), "epsilon must not be negative, got nan"),
        (
            lambda: LayerNorm(3).init(Key(0), (4, 5)),
            r"last 3 axes needs examples .* got shape \(4, 5\)",
        ),
        (
            lambda: LayerNorm(10**9).pre_activation({}, np.ones((2, 3))),
            r"LayerNorm\(1000000000\) does not fit inputs of shape \(2, 3\)",
        ),
        (
            lambda: GroupNorm(4).init(Key(0), (9, 6)),
            r"groups=4 must divide the number of channels, got.*\(9, 6\)",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
