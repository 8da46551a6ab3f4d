"""A stack of layers: its forward and backward pass by hand, its keys, its shapes."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import (
    GRU,
    LSTM,
    Bidirectional,
    ClockworkRNN,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalPool,
    GroupNorm,
    Key,
    LastStep,
    LayerNorm,
    Network,
    Residual,
    SkipConnection,
    TemporalMean,
)
from lamina.networks.core.masking import Sequences
from lamina.networks.functional.losses import loss_from_pre_activation

pytestmark = pytest.mark.usefixtures("x64")

W1, B1 = np.array([[0.5, -0.3], [0.2, 0.8]]), np.array([0.1, -0.2])
W2, B2 = np.array([[1.0], [-2.0]]), np.array([0.3])
X = np.array([[1.0, -1.0]])
TWO = Network((Dense(2, "tanh"), Dense(1, "logistic")))
PARAMS = ({"weight": W1, "bias": B1}, {"weight": W2, "bias": B2})
H1 = [0.5 - 0.2 + 0.1, -0.3 - 0.8 - 0.2]
A1 = [math.tanh(h) for h in H1]
H2 = A1[0] - 2 * A1[1] + 0.3
A2 = 1 / (1 + math.exp(-H2))


def test_forward_pass_by_hand():
    np.testing.assert_allclose(TWO.pre_activation(PARAMS, X), [[H2]], rtol=1e-15)
    np.testing.assert_allclose(TWO(PARAMS, X), [[A2]], rtol=1e-15)
    np.testing.assert_allclose(TWO.output(np.array([H2])), [A2], rtol=1e-15)
    assert TWO.out_activation == "logistic"


def test_backward_pass_by_hand_with_all_deltas_from_old_weights():
    """δ² = a − y, δ¹ = φ′(h¹) ∘ W² δ², with W² before its change."""
    d2 = A2 - 1.0
    d1 = [(1 - A1[i] ** 2) * W2[i, 0] * d2 for i in range(2)]
    expected = (
        {"weight": np.outer(X[0], d1), "bias": np.array(d1)},
        {"weight": np.array([[A1[0] * d2], [A1[1] * d2]]), "bias": np.array([d2])},
    )

    def loss(params):
        h = TWO.pre_activation(params, X)
        return loss_from_pre_activation(
            "binary_cross_entropy", "logistic", h, jnp.ones((1, 1))
        )[0]

    gradient = jax.grad(loss)(PARAMS)
    for got, by_hand in zip(gradient, expected, strict=True):
        for name in ("weight", "bias"):
            np.testing.assert_allclose(got[name], by_hand[name], rtol=1e-13)
    # the lecture's order of updates gives another δ¹, so this test can tell them apart
    changed = W2[:, 0] - 0.1 * np.array([A1[0] * d2, A1[1] * d2])
    wrong = [(1 - A1[i] ** 2) * changed[i] * d2 for i in range(2)]
    assert not np.allclose(wrong, d1, rtol=1e-3)


def test_derivative_of_a_composition_is_the_product():
    """Golden G15: f₃(w₃ f₂(w₂ f₁(w₁ x))) has the derivative Π wᵢ fᵢ′."""
    network = Network(
        tuple(Dense(1, f, use_bias=False) for f in ("tanh", "logistic", "exp"))
    )
    w = [0.7, -1.3, 0.4]
    params = tuple({"weight": jnp.array([[v]])} for v in w)
    x = 0.9
    f1 = math.tanh(w[0] * x)
    f2 = 1 / (1 + math.exp(-w[1] * f1))
    f3 = math.exp(w[2] * f2)
    slopes = [1 - f1**2, f2 * (1 - f2), f3]
    expected = math.prod(w) * math.prod(slopes)
    got = jax.grad(lambda x: network(params, x[None, None])[0, 0])(jnp.array(x))
    assert float(got) == pytest.approx(expected, rel=1e-14)


def test_derivative_rules_of_addition_and_scaling():
    """Golden G15: a sum of paths adds derivatives, a factor multiplies them."""
    network = Network((Dense(2, "tanh"), Dense(1, "identity")))
    params = (
        {"weight": jnp.array([[0.7, -0.2]]), "bias": jnp.zeros(2)},
        {"weight": jnp.array([[3.0], [5.0]]), "bias": jnp.zeros(1)},
    )
    x = 0.9
    expected = 3 * 0.7 * (1 - math.tanh(0.63) ** 2) - 5 * 0.2 * (
        1 - math.tanh(-0.18) ** 2
    )
    got = jax.grad(lambda x: network(params, x[None, None])[0, 0])(jnp.array(x))
    assert float(got) == pytest.approx(expected, rel=1e-14)


def test_ten_logistic_layers_bound_the_error_signal():
    """Golden G14: unit weights, δ at the input at most 4⁻¹⁰ = 9.54e−7 of δ above."""
    network = Network(tuple(Dense(1, "logistic", use_bias=False) for _ in range(10)))
    params = tuple({"weight": jnp.ones((1, 1))} for _ in range(10))
    slope = jax.grad(lambda x: network(params, x[None, None])[0, 0])
    for x in (-3.0, 0.0, 3.0):
        assert 0 < slope(jnp.array(x)) <= 9.54e-7


def test_hand_wired_xor():
    """Golden G10: OR and AND units, and their difference: 0, 1, 1, 0."""
    network = Network((Dense(2, "threshold"), Dense(1, "threshold")))
    params = (
        {"weight": np.ones((2, 2)), "bias": np.array([-0.5, -1.5])},
        {"weight": np.array([[1.0], [-1.0]]), "bias": np.array([-0.5])},
    )
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert network(params, corners).ravel().tolist() == [0, 1, 1, 0]


def test_init_shapes_dtype_and_output_shape():
    network = Network((Dropout(0.1), Dense(5), Dense(2)))
    params, shape = network.init(Key(0), (3,), np.float64)
    assert shape == (2,)
    assert [sorted(p) for p in params] == [[], ["bias", "weight"], ["bias", "weight"]]
    assert params[1]["weight"].shape == (3, 5)
    assert params[2]["weight"].shape == (5, 2)
    assert all(leaf.dtype == np.float64 for leaf in jax.tree.leaves(params))
    single, _ = network.init(Key(0), (3,))
    assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves(single))
    np.testing.assert_array_equal(
        single[1]["weight"], params[1]["weight"].astype(np.float32)
    )


def test_each_layer_draws_from_a_key_of_its_own():
    network = Network((Dense(4), Dense(4)))
    params, _ = network.init(Key(0), (4,))
    assert not np.array_equal(params[0]["weight"], params[1]["weight"])


def test_parameters_of_another_depth_are_refused():
    with pytest.raises(ValueError, match="zip"):
        TWO(PARAMS[:1], X)


@pytest.mark.parametrize("wrong", [3, "relu", Dense])
def test_what_is_no_layer_is_refused(wrong):
    with pytest.raises(TypeError, match=r"layers\[1\] must be a layer such as Dense"):
        Network((Dense(3), wrong))


def test_a_network_may_be_a_layer():
    inner = Network((Dense(2, "tanh"),))
    outer = Network((inner, Dense(1, "logistic")))
    params = (PARAMS[:1], PARAMS[1])
    np.testing.assert_allclose(outer(params, X), [[A2]], rtol=1e-15)


def test_an_inner_network_draws_in_the_outer_dtype():
    inner = Network((Dense(2, "tanh"),))
    params, _ = Network((inner, Dense(1))).init(Key(0), (2,), np.float64)
    weight = params[0][0]["weight"]
    assert np.any(weight != weight.astype(np.float32))


def test_an_inner_network_may_be_the_last_layer():
    outer = Network((Dense(2, "tanh"), Network((Dense(1, "logistic"),))))
    params = (PARAMS[0], (PARAMS[1],))
    np.testing.assert_allclose(outer.pre_activation(params, X), [[H2]], rtol=1e-15)
    assert outer.out_activation == "logistic"


def test_the_last_layer_must_have_an_activation():
    """``Dropout`` has no pre-activation from which a loss could be computed."""
    with pytest.raises(ValueError, match="Dropout"):
        Network((Dense(2), Dropout(0.5))).pre_activation(({}, {}), X)


def test_trace_by_hand():
    signals = TWO.trace(PARAMS, X)
    expected = [(H1, A1), ([H2], [A2])]
    for signal, (h, a) in zip(signals, expected, strict=True):
        np.testing.assert_allclose(signal.h, [h], rtol=1e-15)
        np.testing.assert_allclose(signal.a, [a], rtol=1e-15)


def test_the_derivative_with_respect_to_a_shift_is_delta():
    """δ² = a − y, δ¹ = φ′(h¹) ∘ W² δ², from one backward pass."""

    def loss(shifts):
        h = TWO.trace(PARAMS, X, shifts=shifts)[-1].h
        return loss_from_pre_activation(
            "binary_cross_entropy", "logistic", h, jnp.ones((1, 1))
        )[0]

    delta = jax.grad(loss)([jnp.zeros((1, 2)), jnp.zeros((1, 1))])
    d2 = A2 - 1.0
    d1 = [(1 - A1[i] ** 2) * W2[i, 0] * d2 for i in range(2)]
    np.testing.assert_allclose(delta[0], [d1], rtol=1e-13)
    np.testing.assert_allclose(delta[1], [[d2]], rtol=1e-13)


def test_a_shift_goes_through_the_layers_above():
    shifted = TWO.trace(PARAMS, X, shifts=[np.array([[0.5, 0.0]]), None])
    a1 = [math.tanh(H1[0] + 0.5), A1[1]]
    np.testing.assert_allclose(shifted[0].h, [[H1[0] + 0.5, H1[1]]], rtol=1e-15)
    np.testing.assert_allclose(shifted[1].h, [[a1[0] - 2 * a1[1] + 0.3]], rtol=1e-14)


DEEP = Network(
    (Dropout(0.4), Network((Dense(6, "tanh"), Dropout(0.5))), Dense(3, "softmax"))
)


@pytest.mark.parametrize("key", [None, 5])
def test_trace_ends_in_the_output_with_and_without_a_key(key):
    """Inner networks are walked through; every layer draws the same as in a call."""
    params, _ = DEEP.init(Key(1), (4,), np.float64)
    x = np.random.default_rng(0).standard_normal((7, 4))
    key = None if key is None else jax.random.key(key)
    signals = DEEP.trace(params, x, key=key)
    assert [s.h is None for s in signals] == [True, False, True, False]
    np.testing.assert_array_equal(signals[-1].a, DEEP(params, x, key=key))
    np.testing.assert_array_equal(
        signals[-1].h, DEEP.pre_activation(params, x, key=key)
    )
    if key is not None:
        assert np.any(np.asarray(signals[0].a) != x)


@pytest.mark.parametrize("layer", [LastStep(), GlobalPool(), Flatten()])
def test_a_mask_ends_with_the_axis_of_time(layer):
    """Behind it, as many units as steps are no steps."""
    network = Network((Dense(3, "tanh"), layer, GroupNorm(1), Dense(2)))
    params, _ = network.init(Key(1), (4, 2), np.float64)
    x = np.random.default_rng(0).standard_normal((5, 4, 2))
    mask = np.ones((5, 4), bool)
    right = network(params, x)
    np.testing.assert_allclose(network(params, x, mask=mask), right, rtol=1e-12)
    traced = network.trace(params, x, mask=mask)[-1].a
    np.testing.assert_allclose(traced, right, rtol=1e-12)
    inner = Network((Network(network.layers[:2]), *network.layers[2:]))
    params = (params[:2], *params[2:])
    np.testing.assert_allclose(inner(params, x, mask=mask), right, rtol=1e-12)
    traced = inner.trace(params, x, mask=mask)[-1].a
    np.testing.assert_allclose(traced, right, rtol=1e-12)


def test_shifts_reach_the_layers_of_inner_networks():
    params, _ = DEEP.init(Key(1), (4,), np.float64)
    x = np.ones((2, 4))
    shifts = [None, np.full((2, 6), 0.25), None, np.full((2, 3), -1.0)]
    plain, shifted = DEEP.trace(params, x), DEEP.trace(params, x, shifts=shifts)
    np.testing.assert_allclose(shifted[1].h, plain[1].h + 0.25, rtol=1e-15)
    above = np.tanh(plain[1].h + 0.25) @ params[2]["weight"] - 1.0
    np.testing.assert_allclose(shifted[3].h, above, rtol=1e-13)


def test_walk_goes_through_inner_networks():
    params, _ = DEEP.init(Key(1), (4,))
    pairs = DEEP.walk(params)
    assert [type(layer).__name__ for layer, _ in pairs] == [
        "Dropout",
        "Dense",
        "Dropout",
        "Dense",
    ]
    assert pairs[1][1] is params[1][0]
    assert pairs[3][1] is params[2]


# ---- pieces of a sequence -----------------------------------------------------------

PIECEWISE = Network(
    (
        Embedding(5, 3),
        Residual((LSTM(3), Dense(3, "identity"))),
        SkipConnection((GRU(2), LayerNorm(1))),
        Network((ClockworkRNN(4, (1, 2)), Dense(2, "tanh"))),
    )
)
"""Recurrent layers, alone and inside of others, between layers of single steps."""


@pytest.mark.slow
@pytest.mark.parametrize("last", [(), (LastStep(),)], ids=["every step", "the last"])
def test_a_sequence_in_pieces_gives_what_the_whole_one_gives(last):
    network = Network((*PIECEWISE.layers, *last))
    params, _ = network.init(Key(0), (6, 1), np.float64)
    x = np.random.default_rng(0).integers(0, 5, (3, 6, 1))
    whole = network(params, x)
    state, pieces = network.start(3, np.float64), []
    for begin, end in ((0, 1), (1, 4), (4, 6)):
        piece, state = jax.jit(network.run)(params, x[:, begin:end], state)
        pieces.append(piece)
    found = pieces[-1] if last else jnp.concatenate(pieces, axis=1)
    np.testing.assert_allclose(found, whole, atol=1e-15)


@pytest.mark.slow
def test_the_state_is_that_after_the_last_real_step():
    params, _ = PIECEWISE.init(Key(0), (6, 1), np.float64)
    x = np.random.default_rng(1).integers(0, 5, (2, 6, 1))
    padded = Sequences(jnp.asarray(x[:, :4]), jnp.array([2, 4]))
    _, state = PIECEWISE.run(params, padded, PIECEWISE.start(2, np.float64))
    rest = np.stack([x[0, 2:4], x[1, 4:6]])
    found, _ = PIECEWISE.run(params, rest, state)
    whole = PIECEWISE(params, x)
    np.testing.assert_allclose(found[0], whole[0, 2:4], atol=1e-15)
    np.testing.assert_allclose(found[1], whole[1, 4:6], atol=1e-15)


@pytest.mark.slow
def test_the_gradient_reaches_the_state_that_a_piece_begins_with():
    """An encoder learns from the errors of a decoder by way of this state."""
    network = Network((LSTM(2), Dense(1, "identity")))
    params, _ = network.init(Key(0), (4, 1), np.float64)
    x = np.random.default_rng(2).standard_normal((1, 4, 1))

    def loss(first):
        _, state = network.run(params, first, network.start(1, np.float64))
        return jnp.sum(network.run(params, x[:, 2:], state)[0])

    def at_once(first):
        return jnp.sum(network(params, jnp.concatenate([first, x[:, 2:]], 1))[:, 2:])

    first = jnp.asarray(x[:, :2])
    np.testing.assert_allclose(
        jax.grad(loss)(first), jax.grad(at_once)(first), atol=1e-16
    )


@pytest.mark.parametrize(
    "layer", [Bidirectional(LSTM(2)), TemporalMean(), LayerNorm(2), Flatten()], ids=repr
)
def test_a_layer_that_sees_the_whole_sequence_cannot_go_on(layer):
    network = Network((Dense(2), layer))
    params, _ = network.init(Key(0), (4, 2), np.float64)
    with pytest.raises(ValueError, match="needs a whole sequence"):
        network.run(params, np.ones((1, 4, 2)), network.start(1, np.float64))
