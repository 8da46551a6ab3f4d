"""The gated recurrent unit."""

import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import GRU, Key
from tests.networks.recurrent_checks import check, name, sigma

pytestmark = pytest.mark.usefixtures("x64")

LAYERS = [GRU(3), GRU(3, "before")]


def gru(layer, p, x):
    """The equations of the docstring."""
    n = layer.units
    W = np.split(p["weight"], 3, axis=1)
    U = np.split(p["recurrent_weight"], 3, axis=1)
    b = np.split(p["bias"], 3)
    h, every = np.zeros((len(x), n)), []
    for t in range(x.shape[1]):
        x_t = x[:, t]
        r = sigma(x_t @ W[0] + h @ U[0] + b[0])
        z = sigma(x_t @ W[1] + h @ U[1] + b[1])
        if layer.reset == "after":
            met = r * (h @ U[2] + p["reset_bias"])
        else:
            met = (r * h) @ U[2]
        new = np.tanh(x_t @ W[2] + met + b[2])
        h = (1 - z) * h + z * new
        every.append(h)
    return np.stack(every, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS, ids=name)
def test_it_is_its_equations(layer):
    check(layer, gru)


def test_three_steps_of_a_gru_by_hand():
    """One unit, all weights 0 and b_h = 1: z = ½ takes half of what is new."""
    layer = GRU(1)
    params, _ = layer.init(Key(0), (3, 1))
    params = {k: np.zeros_like(v) for k, v in params.items()}
    params["bias"] = np.array([0.0, 0.0, 1.0])
    h = layer(params, jnp.zeros((1, 3, 1)))
    right = np.tanh(1) * np.array([1 / 2, 3 / 4, 7 / 8])
    np.testing.assert_allclose(h[0, :, 0], right, atol=1e-15)
