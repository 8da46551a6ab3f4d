"""Initial weights: bounds, variances, and what they do to five layers of 100 units."""

import math

import numpy as np
import pytest

from lamina.networks import Dense, Key, Network
from lamina.networks.functional.initializers import (
    INITIALIZERS,
    initializer,
    nguyen_widrow,
    nguyen_widrow_bias,
)

FAN_IN, FAN_OUT = 300, 500
SHAPE = (FAN_IN, FAN_OUT)

# Standard deviation and bound (∞: normal) of each distribution, from its equation.
SPREAD = {
    "zeros": (0.0, 0.0),
    "uniform": (0.1 / math.sqrt(3), 0.1),
    "normal": (1.0, math.inf),
    "lecun": (math.sqrt(1 / 300), math.inf),
    "glorot_normal": (math.sqrt(2 / 800), math.inf),
    "glorot_uniform": (math.sqrt(2 / 800), math.sqrt(6 / 800)),
    "he": (math.sqrt(2 / 300), math.inf),
}


def test_every_initializer_has_its_equation_here():
    assert SPREAD.keys() | {"nguyen_widrow"} == INITIALIZERS.keys()


@pytest.mark.parametrize("name", SPREAD)
def test_spread(name):
    """150,000 draws: the standard deviation is known to 0.2 %; within 4 of that."""
    weight = INITIALIZERS[name](Key(0), SHAPE, FAN_IN, FAN_OUT)
    deviation, bound = SPREAD[name]
    assert weight.shape == SHAPE
    assert weight.dtype == np.float64
    assert weight.std() == pytest.approx(deviation, rel=0.008)
    assert abs(weight.mean()) <= 5 * deviation / math.sqrt(weight.size)
    assert np.abs(weight).max() <= bound
    if math.isfinite(bound):
        assert np.abs(weight).max() >= 0.999 * bound
    else:
        assert np.abs(weight).max() > 4 * deviation


@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_key_alone_decides(name):
    draw = INITIALIZERS[name]
    first = draw(Key(1), (4, 3), 4, 3)
    np.testing.assert_array_equal(first, draw(Key(1), (4, 3), 4, 3))
    if name != "zeros":
        assert not np.array_equal(first, draw(Key(2), (4, 3), 4, 3))


def test_nguyen_widrow_lengths_and_directions():
    """β = 0.7 · 16^(1/2) = 2.8 for 2 inputs and 16 units."""
    weight = nguyen_widrow(Key(0), (2, 16), 2, 16)
    np.testing.assert_allclose(np.linalg.norm(weight, axis=0), 2.8, rtol=1e-14)
    assert len(np.unique(weight.round(6), axis=1).T) == 16


def test_nguyen_widrow_biases_fill_their_interval():
    bias = nguyen_widrow_bias(Key(0), 4096, 4)
    beta = 0.7 * 8  # 4096^(1/4) = 8
    assert 0.995 * beta < np.abs(bias).max() <= beta
    assert bias.std() == pytest.approx(beta / math.sqrt(3), rel=0.03)


def test_nguyen_widrow_spreads_the_kinks_over_the_inputs():
    """In one dimension each unit's centre −θ₀/w lies in [−1, 1]: none is wasted."""
    weight = nguyen_widrow(Key(0), (1, 50), 1, 50)
    bias = nguyen_widrow_bias(Key(1), 50, 1)
    centres = -bias / weight[0]
    assert np.abs(centres).max() <= 1
    assert np.abs(centres).max() > 0.9


def variance_after_five_layers(name, scale=1.0):
    """Mean over ten draws of the output variance of five linear layers of 100 units."""
    network = Network(tuple(Dense(100, "identity", name) for _ in range(5)))
    variances = []
    for seed in range(10):
        params, _ = network.init(Key(seed), (100,), np.float64)
        x = Key(seed).fold_in("x").generator().standard_normal((100, 100))
        for layer in params:
            layer["weight"] *= scale
        variances.append(network(params, x).var())
    return np.mean(variances)


@pytest.mark.parametrize("name", ["glorot_uniform", "glorot_normal", "lecun"])
def test_glorot_keeps_the_variance(name):
    """Golden G12: U ± √(6/200) has variance 1/100, so each layer multiplies by 1."""
    assert variance_after_five_layers(name) == pytest.approx(0.96, abs=0.08)


def test_the_printed_bound_without_the_root_dies():
    """U ± 6/200, without the root, leaves 0.03⁵ = 2.4e−8."""
    variance = variance_after_five_layers("glorot_uniform", scale=math.sqrt(6 / 200))
    assert variance == pytest.approx(0.96 * 0.03**5, rel=0.09)
    assert variance == pytest.approx(2.5e-8, rel=0.15)


def test_unit_variance_weights_explode():
    """Golden G12: N(0, 1) multiplies the variance by 100 in each of five layers."""
    assert variance_after_five_layers("normal") == pytest.approx(1e10, rel=0.15)


def test_small_uniform_weights_die():
    """U ± 0.1 has variance 1/300: 100 inputs leave a third of it in each layer."""
    assert variance_after_five_layers("uniform") == pytest.approx(3.0**-5, rel=0.15)


def test_zero_weights_keep_hidden_units_equal():
    network = Network((Dense(4, "tanh", "zeros"), Dense(1, "identity")))
    params, _ = network.init(Key(0), (3,))
    hidden = Dense(4, "tanh")(params[0], np.eye(3))
    assert np.ptp(hidden, axis=1).tolist() == [0, 0, 0]


def test_unknown_names_are_refused_with_what_is_known():
    with pytest.raises(ValueError, match=r"one of zeros, .*; got 'xavier'"):
        initializer("xavier")
