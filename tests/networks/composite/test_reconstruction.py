"""Capsules and their decoder: what comes out, and what the loss takes of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from lamina.networks import (
    Capsules,
    Dense,
    Flatten,
    Key,
    Network,
    Reconstruction,
)
from lamina.networks.composite.reconstruction import CapsuleLoss
from lamina.networks.core.description import description
from lamina.networks.core.layer import Layer
from tests.model_files import through_json

pytestmark = pytest.mark.usefixtures("x64")


@description
class Pairs(Layer):
    """Four numbers as two vectors of two."""

    def init(self, key, shape):
        return {}, (2, 2)

    def __call__(self, params, x, *, key=None, mask=None):
        return x.reshape(len(x), 2, 2)


LAYER = Reconstruction((Pairs(),), (Dense(4, "identity", use_bias=False),))
W = np.arange(16.0).reshape(4, 4)
PARAMS = {"layers": ({},), "decoder": ({"weight": jnp.asarray(W)},)}
X = jnp.array([[3.0, 4.0, 0.0, 1.0]])


def test_net_by_hand():
    """v = (3, 4), (0, 1): lengths 5 and 1; each vector meets its own two rows of W."""
    h = LAYER.pre_activation(PARAMS, X)
    first = 3 * W[0] + 4 * W[1]
    expected = np.concatenate([[5, 1], X[0], first, W[3]])
    np.testing.assert_allclose(h, expected[None], rtol=1e-15)


def test_application_is_the_lengths_alone():
    assert LAYER(PARAMS, X).tolist() == [[5, 1]]
    assert LAYER.init(Key(0), (4,))[1] == (2,)
    np.testing.assert_allclose(
        LAYER.draw(PARAMS, np.asarray(X).reshape(1, 2, 2)), X @ W, rtol=1e-15
    )


def test_loss_by_hand():
    """Lengths 0.5 and 0.3, right is the second: 0.5 · 0.4² + 0.6²; drawn (1, 3) of x =
    (2, 1): r (1² + 2²) / 2."""
    h = jnp.array([[0.5, 0.3, 2.0, 1.0, 9.0, 9.0, 1.0, 3.0]])
    loss = CapsuleLoss(2, 0.1)(h, jnp.array([1]))
    np.testing.assert_allclose(loss, [0.5 * 0.16 + 0.36 + 0.1 * 2.5], rtol=1e-15)


@pytest.mark.slow
def test_only_the_right_class_learns_to_draw():
    loss = CapsuleLoss(2, 1.0)
    y = jnp.array([0])
    delta = jax.grad(lambda h: loss(h, y).sum())(LAYER.pre_activation(PARAMS, X))
    assert np.all(np.asarray(delta[0, 10:]) == 0)
    assert np.all(np.asarray(delta[0, 6:10]) != 0)


def test_trace_walk_branches_and_shifts():
    net = Network((Flatten(), LAYER))
    params = ({}, PARAMS)
    assert [type(one).__name__ for one, _ in net.walk(params)] == [
        "Flatten",
        "Pairs",
        "Reconstruction",
    ]
    assert LAYER.branches(PARAMS) == [((Pairs(),), ({},))]
    signals = net.trace(params, X)
    np.testing.assert_array_equal(signals[-1].h, net.pre_activation(params, X))
    shifts = [None, None, jnp.ones((1, 14))]
    moved = net.trace(params, X, shifts=shifts)
    np.testing.assert_allclose(moved[-1].h, signals[-1].h + 1, rtol=1e-15)


@pytest.mark.slow
def test_gradient_is_finite_differences():
    layer = Reconstruction((Pairs(), Capsules(3, 2)), (Dense(4, "tanh"),))
    params, _ = layer.init(Key(0), (4,))
    loss, y = CapsuleLoss(3, 0.5), jnp.array([2])
    flat, unravel = ravel_pytree(params)

    @jax.jit
    def total(flat):
        return loss(layer.pre_activation(unravel(flat), X / 5), y).sum()

    steps = 1e-6 * np.eye(flat.size)
    values = jax.jit(jax.vmap(total))
    differences = (values(flat + steps) - values(flat - steps)) / 2e-6
    np.testing.assert_allclose(jax.grad(total)(flat), differences, atol=2e-9)


def test_parts_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="must end in Capsules"):
        Reconstruction((Flatten(),), (Dense(4),)).init(Key(0), (4,))
    with pytest.raises(ValueError, match="an image has 4 numbers"):
        Reconstruction((Pairs(),), (Dense(3),)).init(Key(0), (4,))
    with pytest.raises(TypeError, match="must be a layer"):
        Reconstruction((None,), (Dense(3),))


def test_json_keeps_both_parts():
    layer = Reconstruction((Capsules(3, 2),), (Dense(4),))
    assert through_json(layer) == layer
