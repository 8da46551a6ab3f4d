"""Gauss-Newton: J, g and JᵀJ by hand, by differentiation, and in both forms."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.learning import (
    FGSM,
    L1,
    L2,
    Adam,
    Batch,
    InputNoise,
    L1Sparsity,
    Objective,
    penalties,
)
from lamina.learning.algorithms.second_order import gauss_newton
from lamina.learning.algorithms.second_order.gauss_newton import check_smooth, quadratic
from lamina.learning.parallel.mesh import Shards
from lamina.networks import Dense, Dropout, Key, Network
from lamina.networks.functional.losses import loss_from_pre_activation

pytestmark = pytest.mark.usefixtures("x64")

HEADS = {
    "squared_error": "identity",
    "sum_squared_error": "identity",
    "binary_cross_entropy": "logistic",
    "cross_entropy": "softmax",
    "poisson": "exp",
}


def problem(loss, n=12, hidden=3, l2=0.7):
    """A tanh network of one hidden layer, weighted examples, three of them padding."""
    rng = np.random.default_rng(0)
    network = Network((Dense(hidden, "tanh"), Dense(2, HEADS[loss])))
    params, _ = network.init(Key(0), (2,), np.float64)
    params = jax.tree.map(lambda p: p + 0.3 * rng.standard_normal(p.shape), params)
    weight = np.concatenate([rng.uniform(0.5, 2.0, n), np.zeros(3)])
    x = rng.standard_normal((n + 3, 2))
    y = np.eye(2)[rng.integers(0, 2, n + 3)]
    return Objective(network, loss, penalties(l2)), params, Batch(x, y, weight)


def flat(params):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(params)])


@pytest.mark.slow
def test_one_linear_unit_by_hand():
    """h = xW + b at W = 2, b = 1; x = 1 and 3, y = 2 and 9, w = 1 and 3, α = 8.

    r = √(w/4) (a − y) = (½ · 1, √¾ · −2),  J = √(w/4) (1, x) for (b, W);
    g = (¼ − 3/2, ¼ − 9/2) + (0, 8/4 · 2),  E = ½ (¼ + 3) + ½ · 8/4 · 4.
    """
    objective = Objective(Network((Dense(1, "identity"),)), "squared_error", [L2(8.0)])
    params = ({"weight": np.array([[2.0]]), "bias": np.array([1.0])},)
    x, y = np.array([[1.0], [3.0]]), np.array([[2.0], [9.0]])
    model = quadratic(objective, params, Batch(x, y, np.array([1.0, 3.0])))
    assert float(model.loss) == pytest.approx(0.5 * 3.25 + 4, rel=1e-15)
    np.testing.assert_allclose(model.g, [-1.25, -0.25], rtol=1e-14)
    np.testing.assert_allclose(model.JTJ, [[1, 2.5], [2.5, 7]], rtol=1e-14)
    np.testing.assert_array_equal(model.c, [0, 2])
    assert float(model.largest_curvature()) == pytest.approx(7, rel=1e-15)
    # (JᵀJ + diag c + λ) s = g with λ = 1: 2 s₁ + 2.5 s₂ = −1.25, 2.5 s₁ + 10 s₂ = −0.25
    determinant = 2 * 10 - 2.5**2
    s = [(-12.5 + 0.625) / determinant, (-0.5 + 3.125) / determinant]
    np.testing.assert_allclose(model.damped_step(1.0), s, rtol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("loss", HEADS)
@pytest.mark.parametrize("hidden", [3, 40])
def test_loss_and_gradient_are_those_of_the_objective(loss, hidden):
    """In both forms: 17 parameters below, 202 above, the 30 rows of J."""
    objective, params, batch = problem(loss, hidden=hidden)
    model = quadratic(objective, params, batch)
    assert (model.JTJ is None) == (hidden == 40)
    value, g = jax.value_and_grad(objective)(params, batch)
    assert float(model.loss) == pytest.approx(float(value), rel=1e-14)
    np.testing.assert_allclose(model.g, flat(g), rtol=1e-11, atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("loss", HEADS)
def test_curvature_is_the_hessian_of_the_loss_between_jacobians(loss):
    """JᵀJ = Σ wᵢ/Σw (∂h/∂θ)ᵀ ∂²ℓ/∂h² ∂h/∂θ, each part by differentiation."""
    objective, params, batch = problem(loss)
    expected = np.zeros((17, 17))
    for x, y, w in zip(batch.x, batch.y, batch.weight, strict=True):

        def net(params, x=x):
            return objective.network.pre_activation(params, x[None])[0]

        def of_net(h, y=y):
            return loss_from_pre_activation(loss, HEADS[loss], h[None], y[None])[0]

        rows = jax.tree.leaves(jax.jacobian(net)(params))
        jacobian = np.concatenate([np.reshape(leaf, (2, -1)) for leaf in rows], 1)
        hessian = jax.hessian(of_net)(net(params))
        expected += w / batch.weight.sum() * jacobian.T @ hessian @ jacobian
    model = quadratic(objective, params, batch)
    np.testing.assert_allclose(model.JTJ, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.slow
def test_class_numbers_are_one_hot_rows():
    objective, params, batch = problem("cross_entropy")
    numbers = batch._replace(y=np.argmax(batch.y, axis=1).astype(np.int32))
    by_row, by_number = (quadratic(objective, params, b) for b in (batch, numbers))
    np.testing.assert_array_equal(by_row.JTJ, by_number.JTJ)
    np.testing.assert_array_equal(by_row.g, by_number.g)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy"])
def test_masked_outputs_count_as_much_as_their_mask(loss):
    objective, params, batch = problem(loss)
    rng = np.random.default_rng(1)
    mask = 1.5 * rng.integers(0, 2, batch.y.shape)
    assert 0 < mask.sum() < 1.5 * mask.size
    masked = batch._replace(mask=mask)
    model = quadratic(objective, params, masked)
    value, g = jax.value_and_grad(objective)(params, masked)
    assert float(model.loss) == pytest.approx(float(value), rel=1e-14)
    np.testing.assert_allclose(model.g, flat(g), rtol=1e-11, atol=1e-14)
    # What is masked may be anything.
    other = masked._replace(y=np.where(mask > 0, batch.y, 1 - batch.y))
    np.testing.assert_array_equal(quadratic(objective, params, other).JTJ, model.JTJ)


@pytest.mark.parametrize("numbers", [1, 34 * 4, 34 * 7])
def test_chunks_of_rows_sum_to_the_same(numbers, monkeypatch):
    """One example at a time, 4 at a time (15 = 3 · 4 + 3), 7 at a time."""
    objective, params, batch = problem("cross_entropy")
    whole = quadratic(objective, params, batch)
    monkeypatch.setattr(gauss_newton, "CHUNK_NUMBERS", numbers)
    chunked = quadratic(objective, params, batch)
    np.testing.assert_allclose(chunked.JTJ, whole.JTJ, rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(chunked.g, whole.g, rtol=1e-13, atol=1e-15)
    assert float(chunked.loss) == pytest.approx(float(whole.loss), rel=1e-14)


@pytest.mark.parametrize("loss", HEADS)
@pytest.mark.parametrize("l2", [None, 0.7])
@pytest.mark.parametrize("damping", [1.0, 1e-6])
def test_both_forms_give_the_same_step(loss, l2, damping):
    """40 hidden units, 15 examples: 202 parameters, 30 rows of J."""
    objective, params, batch = problem(loss, hidden=40, l2=l2)
    model = quadratic(objective, params, batch)
    normal = model._replace(JTJ=model.J.T @ model.J)
    expected = np.asarray(normal.damped_step(damping))
    step = np.asarray(model.damped_step(damping))
    assert np.linalg.norm(step - expected) <= 1e-8 * np.linalg.norm(expected)


def test_the_smaller_form_does_not_cancel_when_nearly_undamped():
    """λ → 0 leads to the least step that makes the linear model's residuals 0."""
    objective, params, batch = problem("squared_error", hidden=40, l2=None)
    model = quadratic(objective, params, batch)
    least = np.linalg.lstsq(model.J, model.r, rcond=1e-12)[0]
    step = np.asarray(model.damped_step(1e-13))
    assert np.linalg.norm(step - least) <= 1e-8 * np.linalg.norm(least)


def test_what_is_not_smooth_is_refused():
    network = Network((Dense(2, "tanh"), Dense(1, "identity")))
    smooth = Objective(network, "squared_error", (L2(0.1),))
    check_smooth(Adam(), smooth)
    for term in (L1(0.5), InputNoise(0.5), L1Sparsity(0.5), FGSM(0.5)):
        rough = dataclasses.replace(smooth, terms=(*smooth.terms, term))
        name = type(term).__name__
        with pytest.raises(ValueError, match=f"Adam does not support {name}"):
            check_smooth(Adam(), rough)
    # The sums would be of one share.
    divided = dataclasses.replace(smooth, shards=Shards(2))
    with pytest.raises(ValueError, match="Adam needs all examples on one device"):
        check_smooth(Adam(), divided)
    dropout = Network((Network((Dropout(0.2), Dense(2))), Dense(1, "identity")))
    with pytest.raises(ValueError, match="Adam cannot train a network with Dropout"):
        check_smooth(Adam(), Objective(dropout, "squared_error"))
    with pytest.raises(ValueError, match="Adam needs an Objective"):
        check_smooth(Adam(), jnp.sum)
