"""Several inputs: each is gathered in its own way, and a network sees them all."""

from typing import Any

import jax
import numpy as np
import pytest
import scipy.sparse

from lamina.learning import SGD, Dataset, Loader, Objective
from lamina.learning.data.inputs import Dense, Several, Sparse, Stored, inputs_of
from lamina.networks import Dense as DenseLayer
from lamina.networks import Key, Network
from lamina.networks.core.description import description
from lamina.networks.core.flops import flops
from lamina.networks.core.layer import Layer
from tests.learning.fits import fit

RNG = np.random.default_rng(0)
A, B = RNG.standard_normal((20, 3)), RNG.standard_normal((20, 2))
Y = RNG.standard_normal((20, 1))


@description
class Both(Layer):
    """Puts two inputs side by side."""

    def init(self, key: Any, shape: Any) -> Any:
        return {}, (shape["a"][0] + shape["b"][0],)

    def __call__(self, params: Any, x: Any, *, key: Any = None, mask: Any = None):
        return jax.numpy.concatenate([x["a"], x["b"]], axis=-1)


def test_the_kind_of_inputs_follows_from_what_holds_them():
    class File:
        shape, dtype = (5, 2), np.dtype(float)

    assert type(inputs_of(A, np.float32)) is Dense
    assert type(inputs_of(File(), np.float32)) is Stored
    assert type(inputs_of(scipy.sparse.csr_array(A), np.float32)) is Sparse
    several = inputs_of((A, {"b": B}), np.float32)
    assert type(several) is Several
    assert several.shape == ((3,), {"b": (2,)})
    assert (several.n, several.numbers, several.row_bytes) == (20, 5, 20)


def test_rows_of_several_inputs_are_gathered_together():
    examples = Dataset({"a": A, "b": B}, Y, dtype=np.float64)
    batch = examples.padded(np.array([4, 7]), 3, np.array([0, 2]))
    np.testing.assert_array_equal(batch.x["a"], [A[4], 0 * A[0], A[7]])
    np.testing.assert_array_equal(batch.x["b"], [B[4], 0 * B[0], B[7]])
    np.testing.assert_array_equal(batch.weight, [1, 0, 1])


def test_several_inputs_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"the same number of rows, got \[19, 20\]"):
        Dataset((A, B[:19]), Y)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("batch_size", [6, 20])
def test_a_fit_from_two_inputs_is_that_from_both_side_by_side(resident, batch_size):
    weights = []
    for layers, x, shape in (
        ((Both(), DenseLayer(1, "identity")), {"a": A, "b": B}, {"a": (3,), "b": (2,)}),
        ((DenseLayer(1, "identity"),), np.hstack([A, B]), (5,)),
    ):
        network = Network(layers)
        start, _ = network.init(Key(0), shape, np.float64)
        own = {"weight": np.full((5, 1), 0.1), "bias": np.zeros(1)}
        start = (*start[:-1], own)
        examples = Dataset(x, Y, dtype=np.float64, resident=resident)
        loader = Loader(examples, batch_size=batch_size)
        objective = Objective(network, "squared_error")
        found = fit(objective, SGD(0.1), loader, start, key=Key(1), epochs=3)
        weights.append(np.asarray(found.params[-1]["weight"]))
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-15)


def test_the_work_of_a_network_with_two_inputs_is_counted():
    network, shape = Network((Both(), DenseLayer(4))), {"a": (3,), "b": (2,)}
    params, _ = network.init(Key(0), shape)
    alone = Network((DenseLayer(4),))
    assert flops(network, params, shape) == flops(alone, params[1:], (5,))
