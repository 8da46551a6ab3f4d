"""The closed form: golden G14, by hand, and beside NumPy and scikit-learn."""

import jax
import numpy as np
import pytest
from sklearn.linear_model import Ridge

from lamina.learning import L1, Batch, Objective, penalties
from lamina.learning.algorithms.single_layer.least_squares import LeastSquares
from lamina.networks import Dense, Key, Network

pytestmark = pytest.mark.usefixtures("x64")


def solved(x, y, weight=None, *, l2=None, bias=True, loss="squared_error", mask=None):
    """Return W, b (or None) and the report of one step from a random start."""
    network = Network((Dense(y.shape[1], "identity", use_bias=bias),))
    params, _ = network.init(Key(0), (x.shape[1],), np.float64)
    weight = np.ones(len(x)) if weight is None else weight
    objective, algorithm = Objective(network, loss, penalties(l2)), LeastSquares()
    batch = Batch(x, y, weight, mask)
    state = algorithm.init(params)
    params, state, report = algorithm.update(objective, params, state, batch, None)
    g = jax.grad(objective)(params, batch)
    largest = max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(g))
    assert float(report["loss"]) == pytest.approx(float(objective(params, batch)))
    assert float(report["gradient"]) == pytest.approx(largest, rel=1e-9, abs=1e-15)
    return np.asarray(params[0]["weight"]), params[0].get("bias"), report


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 4)) * [1, 10, 0.1, 3] + [0, 5, 0, -2]
    return x, rng.standard_normal((50, 2)) + 3, rng.uniform(0.1, 4, 50)


@pytest.mark.slow
def test_line_by_hand():
    """(0, 1), (1, 3), (2, 2): W = Σ(x−1)(y−2) / Σ(x−1)² = ½, b = 2 − ½."""
    x, y = np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [3.0], [2.0]])
    W, b, report = solved(x, y)
    np.testing.assert_allclose(W, [[0.5]], rtol=1e-14)
    np.testing.assert_allclose(b, [1.5], rtol=1e-14)
    # a = 1.5, 2, 2.5: errors −½, 1, −½
    assert float(report["loss"]) == pytest.approx(0.5 * 1.5 / 3, rel=1e-13)


@pytest.mark.slow
def test_golden_g14_the_pseudo_inverse_of_the_extended_inputs(data):
    """w = X̃⁺ y, and no other w is better: the gradient X̃ᵀ(X̃w − y) is 0."""
    x, y, _ = data
    W, b, report = solved(x, y)
    extended = np.column_stack([x, np.ones(50)])
    expected = np.linalg.pinv(extended) @ y
    np.testing.assert_allclose(np.vstack([W, b]), expected, rtol=1e-11)
    assert float(report["gradient"]) < 1e-12


@pytest.mark.slow
def test_weights_and_padding_as_in_numpy(data):
    x, y, w = data
    w[-7:] = 0
    W, b, _ = solved(x, y, w)
    root = np.sqrt(w)[:, None]
    extended = root * np.column_stack([x, np.ones(50)])
    expected = np.linalg.lstsq(extended, root * y, rcond=None)[0]
    np.testing.assert_allclose(np.vstack([W, b]), expected, rtol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_a_penalty_makes_it_scikit_learns_ridge(data, bias, weighted):
    """½ Σ w (y − a)² + ½ α Σ W² is half of what Ridge minimises: the same α."""
    x, y, w = data
    w = w if weighted else np.ones(50)
    W, b, report = solved(x, y, w, l2=2.5, bias=bias)
    peer = Ridge(2.5, fit_intercept=bias, solver="svd").fit(x, y, w)
    np.testing.assert_allclose(W.T, peer.coef_, rtol=1e-10)
    if bias:
        np.testing.assert_allclose(b, peer.intercept_, rtol=1e-10)
    assert float(report["gradient"]) < 1e-12


@pytest.mark.slow
def test_summed_squares_halve_the_penalty(data):
    """Σ (y − a)² + ½ α Σ W² is least where ½ Σ (y − a)² + ½ (α/2) Σ W² is."""
    x, y, _ = data
    summed, _, report = solved(x, y, l2=5.0, loss="sum_squared_error")
    halved, _, _ = solved(x, y, l2=2.5)
    np.testing.assert_allclose(summed, halved, rtol=1e-12)
    assert float(report["gradient"]) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 50])
def test_of_many_solutions_the_least(data, n):
    """Twice the same column, and fewer examples than weights, or more."""
    x, y, _ = data
    x, y = np.column_stack([x[:n], x[:n, :1]]), y[:n]
    W, b, report = solved(x, y)
    assert (float(report["loss"]) < 1e-25) == (n == 3)
    np.testing.assert_allclose(W[0], W[4], rtol=1e-9)
    extended = np.column_stack([x, np.ones(n)])
    expected = np.linalg.lstsq(extended, y, rcond=None)[0]
    np.testing.assert_allclose(np.vstack([W, b]), expected, rtol=1e-9)


@pytest.mark.slow
def test_masked_outputs_learn_from_their_own_examples(data):
    x, y, w = data
    mask = np.ones((50, 2))
    mask[:20, 0] = mask[40:, 1] = 0
    W, b, _ = solved(x, np.where(mask > 0, y, 99.0), w, l2=0.3, mask=mask)
    for j, rows in enumerate([slice(20, None), slice(None, 40)]):
        alone, bias, _ = solved(x[rows], y[rows, j : j + 1], w[rows], l2=0.3)
        np.testing.assert_allclose(W[:, j], alone[:, 0], rtol=1e-10)
        np.testing.assert_allclose(b[j], bias[0], rtol=1e-10)


def test_memory_is_estimated_to_a_fifth():
    network = Network((Dense(1, "identity"),))
    params, _ = network.init(Key(0), (100,), np.float64)
    objective = Objective(network, "squared_error")
    batch = Batch(np.zeros((3000, 100)), np.zeros((3000, 1)), np.ones(3000))
    program = jax.jit(lambda p: LeastSquares().update(objective, p, {}, batch, None)[0])
    analysis = program.lower(params).compile().memory_analysis()
    needed = LeastSquares().memory_bytes(101, 3000, 1, 8)
    assert needed == pytest.approx(analysis.temp_size_in_bytes, rel=0.2)


@pytest.mark.parametrize(
    ("layers", "loss", "message"),
    [
        ((Dense(1, "tanh"),), "squared_error", "one Dense layer with the activation"),
        ((Dense(2), Dense(1, "identity")), "squared_error", "hidden_layer_sizes="),
        ((Dense(1, "identity"),), "absolute_error", "got 'absolute_error'"),
    ],
)
def test_what_has_no_closed_form_is_refused(layers, loss, message):
    network = Network(layers)
    params, _ = network.init(Key(0), (1,), np.float64)
    batch = Batch(np.ones((2, 1)), np.ones((2, 1)), np.ones(2))
    with pytest.raises(ValueError, match=message):
        LeastSquares().update(Objective(network, loss), params, {}, batch, None)


def test_penalties_that_are_not_quadratic_are_refused():
    network = Network((Dense(1, "identity"),))
    params, _ = network.init(Key(0), (1,), np.float64)
    batch = Batch(np.ones((2, 1)), np.ones((2, 1)), np.ones(2))
    objective = Objective(network, "squared_error", (L1(0.1),))
    with pytest.raises(ValueError, match="LeastSquares does not support L1"):
        LeastSquares().update(objective, params, {}, batch, None)
