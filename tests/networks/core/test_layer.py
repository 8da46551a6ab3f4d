"""Layers: what is asked of them, and the answers of one that says nothing of itself."""

import numpy as np
import pytest

from lamina import networks
from lamina.networks import Conv, Dense, Key, Network, Residual
from lamina.networks.core.layer import Activated, Composite, Layer, size


def test_what_a_layer_says_that_says_nothing():
    layer = Layer()
    assert not layer.portable
    assert not layer.on_one_core
    assert layer.activation is None


def test_the_work_of_a_layer_by_hand():
    """Six weights and two biases at each of 5 · 7 positions."""
    params = {"weight": np.ones((3, 2)), "bias": np.ones(2)}
    assert size(params) == 8
    assert Layer().flops(params, (5, 7, 3)) == 2 * 8 * 5 * 7
    assert Layer().flops(params, (3,)) == 2 * 8


def test_squared_norms_by_hand():
    weight = np.array([[3.0, 1.0], [4.0, 2.0]])
    np.testing.assert_array_equal(Layer().squared_norms("", weight), [[25, 5]])


@pytest.mark.parametrize("kind", [Layer, Activated, Composite])
def test_what_every_layer_must_do_itself(kind):
    layer = kind()
    with pytest.raises(NotImplementedError):
        layer.init(Key(0), (3,))
    with pytest.raises(NotImplementedError):
        layer({}, np.ones((2, 3)))


def test_kinds_of_layers():
    assert isinstance(Dense(3), Activated)
    assert isinstance(Residual((Dense(3),)), Activated)
    assert isinstance(Network((Conv(3, 3),)), Composite)
    assert not isinstance(Network((Dense(3),)), Activated)


def test_every_public_layer_is_a_layer():
    public = [getattr(networks, name) for name in networks.__all__]
    layers = [one for one in public if isinstance(one, type) and hasattr(one, "init")]
    assert len(layers) > 30
    assert all(issubclass(one, Layer) for one in layers)
