"""What recurrent layers have in common."""

import numpy as np
import pytest

from lamina.networks import GRU, LSTM, RNN, Key, OutputFeedbackRNN
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


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: RNN(0), "units must be a whole number of at least 1, got 0"),
        (lambda: RNN(2, "softmax"), "activation of RNN must be one of tanh, logistic"),
        (lambda: OutputFeedbackRNN(2, 0), "outputs must be a whole number"),
        (lambda: OutputFeedbackRNN(2, 2, "sign"), "activation of OutputFeedbackRNN"),
        (lambda: OutputFeedbackRNN(2, 2, "tanh", "sign"), "^out_activation of Output"),
        (lambda: LSTM(2, "2000"), "one of forget, 1997, peephole, coupled; got '2000'"),
        (lambda: LSTM(2, initializer="good"), "init must be one of"),
        (lambda: GRU(2, "never"), "reset of GRU must be one of after, before; got"),
    ],
)
def test_impossible_layers_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()
