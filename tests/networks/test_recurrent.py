"""What recurrent layers have in common."""

import numpy as np
import pytest

from lamina.networks import LSTM, RNN, Key
from lamina.networks.recurrent import orthogonal, squashed


def test_orthogonal_weights_keep_lengths():
    U = orthogonal(Key(0), 5)
    np.testing.assert_allclose(U.T @ U, np.eye(5), atol=1e-14)
    assert not np.array_equal(U, orthogonal(Key(1), 5))


def test_gates_are_logistic_functions_of_twice_their_input():
    z = np.linspace(-3, 3, 6, dtype=np.float32)
    a = squashed(z, (True, False))
    np.testing.assert_allclose(a[:3], 1 / (1 + np.exp(-2 * z[:3])), atol=1e-7)
    np.testing.assert_allclose(a[3:], np.tanh(z[3:]), rtol=1e-6)


def test_an_example_is_a_sequence():
    with pytest.raises(ValueError, match=r"\(time, features\), got shape \(4,\)"):
        LSTM(2).init(Key(0), (4,))
    assert RNN(3).init(Key(0), (4, 2))[1] == (4, 3)


def test_flops_count_products():
    layer = LSTM(3)
    params, _ = layer.init(Key(0), (5, 2))
    assert layer.flops(params, (5, 2)) == 2 * 5 * (2 + 3) * 12
