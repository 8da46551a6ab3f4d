"""Long short-term memory, and its variants."""

import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import LSTM, Key
from tests.networks.recurrent_checks import check, name, sigma

pytestmark = pytest.mark.usefixtures("x64")

LAYERS = [LSTM(3, v) for v in ("forget", "1997", "peephole", "coupled")]


def lstm(layer, p, x):
    """The equations of the docstring, a gate at a time."""
    names = {"forget": "ifCo", "peephole": "ifCo", "1997": "iCo", "coupled": "fCo"}
    n, letters = layer.units, names[layer.variant]
    p_i, p_f, p_o = p.get("peephole_weight", np.zeros((3, n)))
    h, C, every = np.zeros((len(x), n)), np.zeros((len(x), n)), []
    for t in range(x.shape[1]):

        def net(letter, x_t=x[:, t], h=h):
            block = slice(letters.index(letter) * n, (letters.index(letter) + 1) * n)
            W, U, b = (p[k] for k in ("weight", "recurrent_weight", "bias"))
            return x_t @ W[:, block] + h @ U[:, block] + b[block]

        f = sigma(net("f") + p_f * C) if "f" in letters else 1
        i = sigma(net("i") + p_i * C) if "i" in letters else 1 - f
        C = f * C + i * np.tanh(net("C"))
        h = sigma(net("o") + p_o * C) * np.tanh(C)
        every.append(h)
    return np.stack(every, axis=1)


@pytest.mark.parametrize("layer", LAYERS, ids=name)
def test_it_is_its_equations(layer):
    check(layer, lstm)


def test_three_steps_of_an_lstm_by_hand():
    """One unit, all weights 0 and b_C = 1: i = o = ½, f = σ(1), C̃ = tanh 1."""
    layer = LSTM(1)
    params, _ = layer.init(Key(0), (3, 1))
    params = {k: np.zeros_like(v) for k, v in params.items()}
    params["bias"] = np.array([0.0, 1.0, 1.0, 0.0])
    h = layer(params, jnp.zeros((1, 3, 1)))
    C1 = np.tanh(1) / 2
    C2 = C1 * sigma(1) + np.tanh(1) / 2
    C3 = C2 * sigma(1) + np.tanh(1) / 2
    np.testing.assert_allclose(h[0, :, 0], np.tanh([C1, C2, C3]) / 2, atol=1e-15)


def test_starts():
    """U orthogonal block by block; b_f = 1, other biases and peepholes 0."""
    params, shape = LSTM(4, "peephole").init(Key(0), (7, 2))
    assert shape == (7, 4)
    for U in np.split(params["recurrent_weight"], 4, axis=1):
        np.testing.assert_allclose(U.T @ U, np.eye(4), atol=1e-14)
    np.testing.assert_array_equal(params["bias"], np.repeat([0, 1, 0, 0], 4))
    assert not params["peephole_weight"].any()
    assert params["weight"].shape == (2, 16)
    bound = np.sqrt(6 / (2 + 4))
    assert 0.8 * bound < np.abs(params["weight"]).max() <= bound
    coupled, _ = LSTM(4, "coupled", forget_bias=2).init(Key(0), (7, 2))
    np.testing.assert_array_equal(coupled["bias"], np.repeat([2, 0, 0], 4))
