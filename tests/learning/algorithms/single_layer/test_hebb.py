"""Hebb's rule: its steps by hand, the linear associator, forgetting."""

import numpy as np
import pytest

from lamina.learning import Batch, Dataset, HebbRule, Loader, Objective
from lamina.networks import Dense, Key, Network
from tests.learning.fits import fit

pytestmark = pytest.mark.usefixtures("x64")

LINEAR = Objective(Network((Dense(2, "identity"),)), "squared_error")


def batch(x, y, weight=None):
    x, y = np.array(x), np.array(y)
    return Batch(x, y, np.ones(len(x)) if weight is None else np.array(weight))


def layer(weight, bias=None):
    one = {"weight": np.array(weight)}
    return (one if bias is None else {**one, "bias": np.array(bias)},)


def step(algorithm, params, one, objective=LINEAR):
    (moved,), state, report = algorithm.update(
        objective, params, algorithm.init(params), one, None
    )
    assert state == {}
    return {k: np.asarray(v) for k, v in moved.items()}, report


def test_one_step_by_hand():
    """x = (1, 2), y = (1, −1), η = ½: x yᵀ = [[1, −1], [2, −2]]."""
    params = layer([[0.0, 1.0], [2.0, 3.0]], [0.5, 0.5])
    moved, report = step(HebbRule(0.5), params, batch([[1.0, 2.0]], [[1.0, -1.0]]))
    np.testing.assert_array_equal(moved["weight"], [[0.5, 0.5], [3, 2]])
    np.testing.assert_array_equal(moved["bias"], [1, 0])
    # h = (4, 7) + 0.5, so that ½ Σ (y − h)² = ½ (3.5² + 8.5²)
    assert float(report["loss"]) == 42.25


def test_decay_by_hand():
    """¾ W + ½ x yᵀ."""
    params = layer([[4.0, 8.0], [0.0, -4.0]], [4.0, 0.0])
    one = batch([[1.0, 2.0]], [[1.0, -1.0]])
    moved, _ = step(HebbRule(0.5, 0.25), params, one)
    np.testing.assert_array_equal(moved["weight"], [[3.5, 5.5], [1, -4]])
    np.testing.assert_array_equal(moved["bias"], [3.5, -0.5])


def test_a_batch_is_averaged_by_weight():
    """(3 · x₁ y₁ᵀ + 1 · x₂ y₂ᵀ) / 4; the third example is padding."""
    one = batch(
        [[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]],
        [[1.0, -1.0], [2.0, 4.0], [9.0, 9.0]],
        [3.0, 1.0, 0.0],
    )
    moved, _ = step(HebbRule(), layer(np.zeros((2, 2)), [0.0, 0.0]), one)
    np.testing.assert_array_equal(moved["weight"], [[0.75, -0.75], [0.5, 1]])
    np.testing.assert_array_equal(moved["bias"], [1.25, 0.25])


def test_padding_alone_is_no_step():
    params = layer([[1.0, 2.0], [3.0, 4.0]])
    moved, _ = step(
        HebbRule(0.5, 0.25),
        params,
        batch([[1.0, 2.0]], [[1.0, -1.0]], [0.0]),
        Objective(Network((Dense(2, "identity", use_bias=False),)), "squared_error"),
    )
    np.testing.assert_array_equal(moved["weight"], params[0]["weight"])


def test_class_numbers_are_one_unit_of_ones():
    softmax = Objective(Network((Dense(2, "softmax"),)), "cross_entropy")
    params = layer(np.zeros((2, 2)), [0.0, 0.0])
    numbers, report = step(
        HebbRule(), params, batch([[1.0, 2.0], [5.0, 0.0]], [1, 0]), softmax
    )
    dense, _ = step(
        HebbRule(), params, batch([[1.0, 2.0], [5.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]])
    )
    np.testing.assert_array_equal(numbers["weight"], [[2.5, 0.5], [0, 1]])
    np.testing.assert_array_equal(numbers["weight"], dense["weight"])
    np.testing.assert_array_equal(numbers["bias"], dense["bias"])
    assert float(report["loss"]) == pytest.approx(np.log(2))


def associator(x, y, algorithm, epochs=1):
    network = Network((Dense(y.shape[1], "identity", "zeros", use_bias=False),))
    params, _ = network.init(Key(0), x.shape[1:], np.float64)
    loader = Loader(Dataset(x, y, dtype=np.float64), batch_size=1)
    objective = Objective(network, "squared_error")
    result = fit(objective, algorithm, loader, params, key=Key(0), epochs=epochs)
    return np.asarray(result.params[0]["weight"])


def test_orthonormal_patterns_are_recalled_exactly_after_one_pass():
    """The linear associator: W = Σ x yᵀ, so that x_qᵀ W = y_qᵀ."""
    x = 0.5 * np.array(
        [[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [1.0, 1.0, 1.0, 1.0]]
    )
    y = np.array([[1.0, -1.0], [1.0, 1.0], [0.25, 7.0]])
    weight = associator(x, y, HebbRule())
    np.testing.assert_array_equal(x @ weight, y)


def test_other_patterns_disturb_each_other():
    """x₁ᵀx₂ = 0.6: x₁ recalls y₁ + 0.6 y₂."""
    x = np.array([[1.0, 0.0], [0.6, 0.8]])
    y = np.array([[1.0], [10.0]])
    recalled = x @ associator(x, y, HebbRule())
    np.testing.assert_allclose(recalled, [[1 + 6], [0.6 + 10]], rtol=1e-15)


def test_without_decay_weights_grow_and_with_it_they_settle():
    """x y = 2 in every step: after 50 passes 100 η, or near η / γ · 2."""
    x, y = np.array([[1.0]]), np.array([[2.0]])
    assert associator(x, y, HebbRule(0.5), epochs=50) == 50
    settled = associator(x, y, HebbRule(0.5, 0.25), epochs=50)
    np.testing.assert_allclose(settled, 4 * (1 - 0.75**50), rtol=1e-14)


@pytest.mark.parametrize(
    "layers", [(Dense(3, "tanh"), Dense(1, "identity")), (Dense(2), Dense(2), Dense(2))]
)
def test_hidden_layers_are_refused(layers):
    params, _ = Network(layers).init(Key(0), (4,), np.float64)
    with pytest.raises(ValueError, match=f"one Dense layer.* has {len(layers)} layers"):
        HebbRule().init(params)
