"""Work of one example, counted by hand."""

import numpy as np

from lamina.networks import Dense, Dropout, Key, Network
from lamina.networks.core.description import description
from lamina.networks.core.flops import flops
from lamina.networks.core.layer import Layer


@description
class Sliding(Layer):
    """A filter of three weights that moves along a row; it tells its own work."""

    def init(self, key, shape):
        return {"weight": np.ones(3)}, (shape[0] - 2, 1)

    def __call__(self, params, x, *, key=None, mask=None):
        w = params["weight"]
        return x[:, :-2] * w[0] + x[:, 1:-1] * w[1] + x[:, 2:] * w[2]

    def flops(self, params, shape):
        return 2 * 3 * (shape[0] - 2)


def work(layers, shape):
    network = Network(layers)
    params, _ = network.init(Key(0), shape)
    return flops(network, params, shape)


def test_units_multiply_and_add_once_a_weight():
    """(3 + 1) · 5 parameters, then (5 + 1) · 2."""
    assert work((Dense(5), Dropout(0.5), Dense(2)), (3,)) == 2 * (20 + 12)


def test_weights_that_are_used_at_every_place_count_there():
    assert work((Dense(5), Dense(2)), (7, 3)) == 7 * 2 * (20 + 12)


def test_a_layer_may_tell_its_own_work():
    """3 weights at 8 places; a Dense (1 + 1) · 4 at each of them."""
    assert work((Sliding(), Dense(4)), (10, 1)) == 2 * 3 * 8 + 2 * 8 * 8


def test_layers_of_inner_networks_count_by_themselves():
    inner = Network((Sliding(), Dense(4)))
    assert work((inner, Dense(2)), (10, 1)) == 48 + 128 + 2 * 8 * 10
