"""The simple recurrent layer."""

import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import RNN
from tests.networks.recurrent_checks import PHI, check, name

pytestmark = pytest.mark.usefixtures("x64")

LAYERS = [RNN(3, activation) for activation in PHI]


def rnn(layer, p, x):
    """The equation of the docstring, step by step."""
    h, every = np.zeros((len(x), layer.units)), []
    for t in range(x.shape[1]):
        z = x[:, t] @ p["weight"] + h @ p["recurrent_weight"] + p["bias"]
        h = PHI[layer.activation](z)
        every.append(h)
    return np.stack(every, axis=1)


@pytest.mark.parametrize("layer", LAYERS, ids=name)
def test_it_is_its_equations(layer):
    check(layer, rnn)


def test_three_steps_of_a_simple_layer_by_hand():
    """h = tanh(x W + h U + b) for one unit: W = 1, U = ½, b = 0.1 and x = 1, 0, −1."""
    params = {
        "weight": np.ones((1, 1)),
        "recurrent_weight": np.full((1, 1), 0.5),
        "bias": np.array([0.1]),
    }
    h = RNN(1)(params, jnp.array([[[1.0], [0.0], [-1.0]]]))
    first = np.tanh(1.1)
    second = np.tanh(0.5 * first + 0.1)
    right = [first, second, np.tanh(-0.9 + 0.5 * second)]
    np.testing.assert_allclose(h[0, :, 0], right, atol=1e-15)
