"""Sequences of different lengths: what fills them up never changes an answer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Dense,
    Dropout,
    Key,
    LastStep,
    Network,
    Sequences,
    TemporalMean,
)

pytestmark = pytest.mark.usefixtures("x64")

LENGTHS = (4, 1, 6)


def padded(time, value, seed=0):
    """Three sequences of different lengths, filled up with a number."""
    rng = np.random.default_rng(seed)
    values = np.full((len(LENGTHS), time, 2), float(value))
    for i, n in enumerate(LENGTHS):
        values[i, :n] = rng.standard_normal((n, 2))
    return Sequences(jnp.asarray(values), jnp.asarray(LENGTHS))


def test_a_mask_says_which_steps_are_real():
    mask = np.asarray(padded(7, 0).mask)
    np.testing.assert_array_equal(mask.sum(axis=1), LENGTHS)
    np.testing.assert_array_equal(mask[1], [True] + 6 * [False])


def test_the_last_step_and_the_mean_are_those_of_the_true_length():
    x = padded(7, 9.0)
    values = np.asarray(x.values)
    last = LastStep()({}, x.values, mask=x.mask)
    average = TemporalMean()({}, x.values, mask=x.mask)
    for i, n in enumerate(LENGTHS):
        np.testing.assert_array_equal(last[i], values[i, n - 1])
        np.testing.assert_allclose(average[i], values[i, :n].mean(axis=0), atol=1e-15)
    np.testing.assert_array_equal(LastStep()({}, x.values), values[:, -1])
    np.testing.assert_allclose(TemporalMean()({}, x.values), values.mean(axis=1))


STACKS = [
    (RNN(3), LastStep()),
    (LSTM(3), TemporalMean()),
    (Bidirectional(LSTM(3, "peephole")), LastStep()),
    (Bidirectional(RNN(2)), Dropout(0.5), Bidirectional(GRU(3)), TemporalMean()),
]


@pytest.mark.slow
@pytest.mark.parametrize("layers", STACKS, ids=lambda s: type(s[0]).__name__)
def test_answers_and_gradients_are_those_of_each_sequence_alone(layers):
    """However long, and whatever with, they are filled up."""
    network = Network((*layers, Dense(2, "identity")))
    params, _ = network.init(Key(0), (7, 2), np.float64)
    c = jnp.asarray(np.random.default_rng(1).standard_normal((3, 2)))

    @jax.jit
    def both(params, x):
        def loss(params):
            a = network(params, x)
            return jnp.sum(c * a), a

        (_, a), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        return a, gradient

    x = padded(6, 0)
    alone = [x.values[i : i + 1, :n] for i, n in enumerate(LENGTHS)]
    right = np.concatenate([network(params, one) for one in alone])
    wanted = jax.grad(
        lambda p: sum(jnp.sum(c[i] * network(p, one)[0]) for i, one in enumerate(alone))
    )(params)
    for time, value in ((6, 0.0), (7, 0.0), (9, 1e3), (13, -5.0)):
        a, gradient = both(params, padded(time, value))
        np.testing.assert_allclose(a, right, atol=1e-13)
        for got, one in zip(
            jax.tree.leaves(gradient), jax.tree.leaves(wanted), strict=True
        ):
            np.testing.assert_allclose(got, one, atol=1e-12)


def test_an_example_is_a_sequence():
    with pytest.raises(ValueError, match=r"\(time, features\), got shape \(4,\)"):
        LastStep().init(Key(0), (4,))


@pytest.mark.slow
def test_a_trace_shows_what_came_out_of_every_layer():
    network = Network((GRU(3), LastStep(), Dense(2, "softmax")))
    params, _ = network.init(Key(0), (7, 2), np.float64)
    x = padded(7, 5.0)
    h, last, out = network.trace(params, x)
    assert h.a.shape == (3, 7, 3)
    assert last.a.shape == (3, 3)
    np.testing.assert_allclose(out.a, network(params, x), atol=1e-15)
