"""Layers beside PyTorch's: whose weights are whose, and what counts as a difference."""

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.agreement import deviation, one_way, recurrent_layer, sequences

pytestmark = pytest.mark.usefixtures("x64")


def sigma(z):
    return 1 / (1 + np.exp(-z))


def simple(x, h, C):
    """A step as in PyTorch's documentation: x and h are pre-activations, biases in."""
    return np.tanh(x + h), C


def lstm(x, h, C):
    i, f, g, o = np.split(x + h, 4)
    C = sigma(f) * C + sigma(i) * np.tanh(g)
    return sigma(o) * np.tanh(C), C


def gru(x, h, C, state):
    (x_r, x_z, x_n), (h_r, h_z, h_n) = np.split(x, 3), np.split(h, 3)
    z = sigma(x_z + h_z)
    return (1 - z) * np.tanh(x_n + sigma(x_r + h_r) * h_n) + z * state, C


@pytest.mark.parametrize(
    ("kind", "blocks", "step"),
    [("RNN, tanh", 1, simple), ("LSTM", 4, lstm), ("GRU", 3, gru)],
)
def test_pytorchs_equations_on_its_weights_are_the_layers_answer(kind, blocks, step):
    rng = np.random.default_rng(0)
    W, U = (rng.standard_normal((blocks * 3, n)) for n in (2, 3))
    b, c = rng.standard_normal((2, blocks * 3))
    x = rng.standard_normal((4, 2))
    state, C, every = np.zeros(3), np.zeros(3), []
    for x_t in x:
        kept = (state,) if step is gru else ()
        state, C = step(W @ x_t + b, U @ state + c, C, *kept)
        every.append(state)
    found = recurrent_layer(kind, 3)(one_way(kind, W, U, b, c), jnp.asarray(x)[None])
    np.testing.assert_allclose(found[0], every, atol=1e-14)


def test_a_deviation_is_relative_to_the_largest_number_of_its_array():
    one, small = np.array([2.0, -4.0]), np.array([0.1])
    assert deviation([one, small], [one, small]) == 0
    assert deviation([one, small], [one + np.ones(2), small]) == 1 / 3
    assert deviation([one, small], [one, small * 2]) == 0.5
    assert deviation([0 * one], [0 * one]) == 0


@pytest.mark.parametrize("wrong", [[1.0, np.nan], [1.0], [1.0, 1e-9]])
def test_what_is_no_number_of_another_shape_or_not_zero_is_far_off(wrong):
    assert deviation([np.array(wrong)], [np.zeros(2)]) == float("inf")


def test_recurrent_layers_meet_in_every_way_on_ragged_sequences_too():
    every = list(sequences())
    assert len({*every}) == len(every) == 36
    ways = {one[3:] for one in every if len({*one[0]}) > 1}
    assert ways == {(1, False), (1, True), (2, False), (2, True)}
