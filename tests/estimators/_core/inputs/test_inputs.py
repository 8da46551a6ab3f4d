"""What every kind of inputs can do by default."""

from dataclasses import dataclass

import numpy as np
import pytest

from lamina import Dense, Network
from lamina.estimators._core.inputs.inputs import Inputs
from lamina.networks import Key


@dataclass(eq=False)
class Halved(Inputs):
    """Rows that the network sees halved."""

    @property
    def shape(self):
        return (2,)

    def learn(self, owner, X):
        return self, X

    def check(self, owner, X):
        return X

    def encode(self, X):
        return X / 2

    def join(self, parts):
        return np.concatenate(parts)


X = np.arange(6.0).reshape(3, 2)


def test_it_has_to_say_how_examples_are_checked():
    with pytest.raises(TypeError, match="abstract"):
        Inputs("float32")


def test_the_network_sees_encoded_examples_in_training_and_application():
    inputs = Halved("float64")
    examples = inputs.examples(X, np.zeros((3, 1)), None, np.dtype(float))
    np.testing.assert_array_equal(examples.x, X / 2)
    network = Network((Dense(1, "identity"),))
    params, _ = network.init(Key(0), (2,), np.float64)
    found = inputs.outputs(network, params, X)
    weight, bias = params[0]["weight"], params[0]["bias"]
    np.testing.assert_allclose(found, X / 2 @ weight + bias, rtol=1e-12)


def test_defaults():
    inputs = Halved("float32")
    assert inputs.measure(X, None) is inputs
    assert inputs.layers() == ()
    assert inputs.decode(X, X) is X
    assert [inputs.auto_batch_size(n) for n in (30, 200, 1000)] == [30, 200, 200]
