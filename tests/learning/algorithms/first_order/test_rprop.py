"""Rprop: its steps by hand, which two well-known libraries do not agree on.

Three steps down a bowl and pickles: ``tests/contracts/test_algorithms.py``.
"""

import jax
import numpy as np
import pytest

from lamina.learning import Dataset, Loader, Objective, Rprop
from lamina.networks import Dense, Key, Network
from tests.learning.fits import fit

pytestmark = pytest.mark.usefixtures("x64")


def slope(params, batch, key):
    """E = c θ, whose gradient is c, whatever θ."""
    return (batch * params).sum()


def moves(algorithm, gradients):
    params = np.zeros(np.shape(gradients[0]))
    state, path = algorithm.init(params), [params]
    for c in gradients:
        params, state, _ = algorithm.update(slope, params, state, np.array(c), None)
        path.append(np.asarray(params))
    return np.diff(path, axis=0)


def test_five_steps_by_hand():
    """Δ: 0.1, 0.12, 0.144, 0.072 without a step, 0.072."""
    steps = moves(Rprop(0.1), [1.0, 1.0, 1.0, -1.0, 1.0])
    np.testing.assert_allclose(steps, [-0.1, -0.12, -0.144, 0, -0.072], rtol=1e-14)


def test_backtracking_takes_the_last_step_back():
    """The same, but the fourth step undoes the third."""
    steps = moves(Rprop(0.1, backtracking=True), [1.0, 1.0, 1.0, -1.0, 1.0])
    expected = [-0.1, -0.12, -0.144, 0.144, -0.072]
    np.testing.assert_allclose(steps, expected, rtol=1e-14)


def test_agrees_with_torch():
    """What ``torch.optim.Rprop(lr=0.3, etas=(0.5, 1.5))`` 2.x does, worked by hand.

    Δ: 0.3, 0.45, then − → 0.225 (stays), 0.225, 0.3375, then + → 0.16875 (stays).
    """
    gradients = [-2.0, -0.5, 3.0, 1.0, 0.1, -7.0, -7.0]
    steps = moves(Rprop(0.3, 1.5, 0.5), gradients)
    expected = [0.3, 0.45, 0, -0.225, -0.3375, 0, 0.16875]
    np.testing.assert_allclose(steps, expected, rtol=1e-14)


def test_sizes_stay_between_their_limits():
    steps = moves(Rprop(1.0, 2.0, 0.25, smallest=0.5, largest=3.0), [1.0] * 4)
    np.testing.assert_array_equal(steps, [-1, -2, -3, -3])
    steps = moves(Rprop(1.0, 2.0, 0.25, smallest=0.5, largest=3.0), [1.0, -1.0, -1.0])
    np.testing.assert_array_equal(steps, [-1, 0, 0.5])


def test_a_derivative_of_zero_moves_nothing_and_changes_no_size():
    steps = moves(Rprop(0.1), [1.0, 0.0, 1.0, 1.0])
    np.testing.assert_allclose(steps, [-0.1, 0, -0.1, -0.12], rtol=1e-14)


@pytest.mark.parametrize("backtracking", [False, True])
def test_each_weight_has_its_own_size(backtracking):
    gradients = np.array([[1.0, -1.0], [2.0, 5.0], [1e-3, 1.0]])
    algorithm = Rprop(0.1, backtracking=backtracking)
    together = moves(algorithm, list(gradients))
    for i in range(2):
        alone = moves(algorithm, list(gradients[:, i]))
        np.testing.assert_array_equal(together[:, i], alone)


def test_only_signs_count():
    """Also of derivatives whose product is too small for a number."""
    gradients = np.array([1.0, 2.0, -3.0, -1.0, 0.5])
    np.testing.assert_array_equal(
        moves(Rprop(), list(gradients)), moves(Rprop(), list(1e-200 * gradients))
    )


@pytest.mark.slow
def test_learns_a_line():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 2))
    y = x @ np.array([[2.0], [-1.0]]) + 0.5
    network = Network((Dense(1, "identity"),))
    params, _ = network.init(Key(0), (2,), np.float64)
    loader = Loader(Dataset(x, y, dtype=np.float64), batch_size=20)
    one = Objective(network, "squared_error")
    for algorithm in (Rprop(), Rprop(backtracking=True)):
        result = fit(one, algorithm, loader, params, key=Key(0), epochs=200)
        (layer,) = jax.tree.map(np.asarray, result.params)
        np.testing.assert_allclose(layer["weight"].ravel(), [2, -1], atol=1e-4)
        np.testing.assert_allclose(layer["bias"], 0.5, atol=1e-4)


def test_state_without_backtracking_remembers_no_step():
    params = np.zeros(3, np.float32)
    state = Rprop(0.25).init(params)
    assert set(state) == {"size", "gradient"}
    assert state["size"].dtype == np.float32
    np.testing.assert_array_equal(state["size"], 0.25)
    assert set(Rprop(backtracking=True).init(params)) == {*state, "step"}
