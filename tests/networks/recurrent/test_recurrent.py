"""What recurrent layers have in common."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import (
    GRU,
    LSTM,
    RNN,
    ClockworkRNN,
    Key,
    OutputFeedbackRNN,
)
from lamina.networks.recurrent.recurrent import orthogonal, sigmoid_tanh
from tests.networks.recurrent_checks import made, name

pytestmark = pytest.mark.usefixtures("x64")


def test_orthogonal_weights_keep_lengths():
    U = orthogonal(Key(0), 5)
    np.testing.assert_allclose(U.T @ U, np.eye(5), atol=1e-14)
    assert not np.array_equal(U, orthogonal(Key(1), 5))


def test_gates_are_logistic_functions_of_twice_their_input():
    z = np.linspace(-3, 3, 6, dtype=np.float32)
    a = sigmoid_tanh(z, (True, False))
    np.testing.assert_allclose(a[:3], 1 / (1 + np.exp(-2 * z[:3])), atol=1e-7)
    np.testing.assert_allclose(a[3:], np.tanh(z[3:]), rtol=1e-6)


def test_an_example_is_a_sequence():
    with pytest.raises(ValueError, match=r"\(time, features\), got shape \(4,\)"):
        LSTM(2).init(Key(0), (4,))
    assert RNN(3).init(Key(0), (4, 2))[1] == (4, 3)


LAYERS = [
    RNN(4, tbptt=3),
    LSTM(4, tbptt=3),
    LSTM(4, "peephole", tbptt=3),
    GRU(4, "before", tbptt=3),
    ClockworkRNN(4, (1, 2), tbptt=3),
    OutputFeedbackRNN(4, 2, tbptt=3),
]


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS, ids=name)
def test_truncated_errors_stay_in_their_chunk(layer):
    """∂h_t/∂x_s is 0 for s before t's chunk, and within it what it is without."""
    params, x = made(layer, time=8)
    x = jnp.asarray(x)
    jacobian = jax.jacobian(lambda x: jnp.sum(layer(params, x), axis=0))(x)
    by_step = np.abs(jacobian).sum(axis=(1, 2, 4))
    chunk = np.arange(8) // 3
    apart = chunk[:, None] != chunk
    assert (by_step[apart] == 0).all()
    past = np.arange(8)[:, None] >= np.arange(8)
    assert (by_step[~apart & past] > 0).all()
    whole = replace(layer, tbptt=None)
    np.testing.assert_array_equal(layer(params, x), whole(params, x))


@pytest.mark.slow
def test_chunks_as_they_are_cut_by_hand():
    """The gradient of U, with h taken for a constant where a chunk begins."""
    layer = RNN(3, tbptt=2)
    params, x = made(layer, time=5)

    def by_hand(params):
        h, total = jnp.zeros((2, 3)), 0.0
        for t in range(5):
            h = jax.lax.stop_gradient(h) if t % 2 == 0 else h
            net = x[:, t] @ params["weight"] + h @ params["recurrent_weight"]
            h = jnp.tanh(net + params["bias"])
            total += jnp.sum(h * (t + 1.0))
        return total

    def through(params):
        h = layer(params, jnp.asarray(x))
        return jnp.sum(h * jnp.arange(1.0, 6.0)[:, None])

    found, right = jax.grad(through)(params), jax.grad(by_hand)(params)
    for one in found:
        np.testing.assert_allclose(found[one], right[one], atol=1e-12)


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
        (lambda: RNN(2, tbptt=0), "tbptt must be a whole number of at least 1, got 0"),
        (lambda: GRU(2, "never"), "reset of GRU must be one of after, before; got"),
    ],
)
def test_impossible_layers_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()
