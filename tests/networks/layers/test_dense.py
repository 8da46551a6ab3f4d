"""The fully connected layer: its equation by hand, its parameters, what it refuses."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import Dense, Key

X = np.array([[1.0, 2.0], [-1.0, 0.5]])
PARAMS = {
    "weight": np.array([[0.5, -1.0, 2.0], [0.25, 0.0, -1.0]]),
    "bias": np.array([0.0, 1.0, -0.5]),
}
# h = x W + b, number by number
NET = [
    [1 * 0.5 + 2 * 0.25, 1 * -1.0 + 1.0, 1 * 2.0 + 2 * -1.0 - 0.5],
    [-1 * 0.5 + 0.5 * 0.25, -1 * -1.0 + 1.0, -1 * 2.0 + 0.5 * -1.0 - 0.5],
]


def test_net_input_and_activation_by_hand():
    layer = Dense(3, "tanh")
    np.testing.assert_array_equal(layer.pre_activation(PARAMS, X), NET)
    expected = [[math.tanh(h) for h in row] for row in NET]
    np.testing.assert_allclose(layer(PARAMS, X), expected, rtol=1e-15)


def test_without_bias():
    layer = Dense(3, "identity", use_bias=False)
    expected = np.array(NET) - PARAMS["bias"]
    np.testing.assert_array_equal(layer({"weight": PARAMS["weight"]}, X), expected)
    params, _ = layer.init(Key(0), (2,))
    assert params.keys() == {"weight"}


def test_the_bias_is_the_weight_of_a_constant_unit():
    """x̃ = (x, 1) and W̃ = (W; b) give the same pre-activation."""
    extended = np.column_stack([X, np.ones(2)])
    both = np.vstack([PARAMS["weight"], PARAMS["bias"]])
    np.testing.assert_array_equal(Dense(3).pre_activation(PARAMS, X), extended @ both)


def test_outer_axes_stay():
    layer = Dense(3, "identity")
    params, shape = layer.init(Key(0), (5, 4, 2))
    assert shape == (5, 4, 3)
    assert params["weight"].shape == (2, 3)
    stacked = np.broadcast_to(X[:, None, None], (2, 5, 4, 2))
    a = layer(PARAMS, stacked)
    assert a.shape == (2, 5, 4, 3)
    np.testing.assert_array_equal(a[1, 3, 2], NET[1])


def test_bias_starts_at_zero_and_weights_within_glorot_bounds():
    params, _ = Dense(50).init(Key(3), (100,))
    bound = math.sqrt(6 / 150)
    assert not params["bias"].any()
    assert 0.99 * bound < np.abs(params["weight"]).max() <= bound


def test_nguyen_widrow_draws_the_bias_too():
    params, _ = Dense(16, "tanh", "nguyen_widrow").init(Key(3), (2,))
    beta = 0.7 * math.sqrt(16)
    lengths = np.linalg.norm(params["weight"], axis=0)
    np.testing.assert_allclose(lengths, beta, rtol=1e-12)
    assert 0.5 * beta < np.abs(params["bias"]).max() <= beta


def test_weight_and_bias_have_keys_of_their_own():
    """One draw for both would give each bias the sign of its weight."""
    params, _ = Dense(100, "tanh", "nguyen_widrow").init(Key(3), (1,))
    same_sign = np.sign(params["weight"][0]) == np.sign(params["bias"])
    assert 0.3 < same_sign.mean() < 0.7


def test_activation_may_be_a_function():
    layer = Dense(3, jnp.sin)
    np.testing.assert_allclose(layer(PARAMS, X), np.sin(NET), rtol=1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"units": 0}, "units must be a whole number of at least 1, got 0"),
        ({"units": 3, "activation": "sigmoid"}, "activation must be one of"),
        ({"units": 3, "initializer": "xavier"}, "init must be one of"),
    ],
)
def test_impossible_fields_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Dense(**fields)
