"""The perceptron rule: the lectures' equations, step by step, and its theorem."""

import pickle

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.learning import (
    Batch,
    Dataset,
    Loader,
    LossBelow,
    Objective,
    PerceptronRule,
    Recorded,
    penalties,
    perceptron_loss,
)
from lamina.networks import Dense, Key, Network
from tests.learning.fits import fit

pytestmark = pytest.mark.usefixtures("x64")


def network(units=1, use_bias=True):
    return Network((Dense(units, "sign", "zeros", use_bias),))


def objective(units=1, use_bias=True, l2=None, l1=None):
    terms = penalties(l2, l1)
    return Objective(network(units, use_bias), perceptron_loss, terms)


def start(weight, bias=None):
    layer = {"weight": np.array(weight, float)}
    if bias is not None:
        layer["bias"] = np.array(bias, float)
    return (layer,)


def batch(x, y, weight=None):
    x, y = np.atleast_2d(np.array(x, float)), np.atleast_2d(np.array(y, float))
    return Batch(x, y, np.ones(len(x)) if weight is None else np.array(weight, float))


def step(rule, objective, params, batch, state=None):
    state = rule.init(params) if state is None else state
    return rule.update(objective, params, state, batch, None)


def learn(X, y, *, epochs, rate=1.0, units=1, shuffle=False, stop=True):
    """Train in the loop, one example a step; return the result and all weights."""
    params, _ = network(units).init(Key(0), X.shape[1:], np.float64)
    examples = Dataset(X, y.reshape(len(X), -1), dtype=np.float64)
    loader = Loader(examples, batch_size=1, shuffle=shuffle)
    traced, path = Recorded(PerceptronRule(rate), len(X)), []
    result = fit(
        objective(units),
        traced,
        loader,
        params,
        key=Key(0),
        epochs=epochs,
        stopping=[LossBelow("mistakes", 0.0)] if stop else [],
        callbacks=[lambda p: path.append(traced.last(p.state, len(X))[0])],
    )
    return result, loader, np.concatenate([vectors(p) for p in path])


def vectors(layer):
    return np.concatenate([layer["weight"], layer["bias"][:, None]], axis=1)


# ---- the equation -------------------------------------------------------------------


def test_three_steps_by_hand():
    """A worked example: w = [1, −0.8], no bias, η = 1."""
    rule, params, path = PerceptronRule(), start([[1], [-0.8]]), []
    for x, y in [([1, 2], 1), ([-1, 2], -1), ([0, -1], -1)]:
        params, _, report = step(rule, objective(1, False), params, batch(x, y))
        path.append(np.ravel(params[0]["weight"]))
        assert report["mistakes"] == 1
    np.testing.assert_allclose(path, [[2, 1.2], [3, -0.8], [3, 0.2]], atol=1e-15)
    assert set(params[0]) == {"weight"}
    for x, y in [([1, 2], 1), ([-1, 2], -1), ([0, -1], -1)]:
        after, _, report = step(rule, objective(1, False), params, batch(x, y))
        assert np.array_equal(after[0]["weight"], params[0]["weight"])
        assert report["mistakes"] == 0


@pytest.mark.parametrize(("y", "moved"), [(1, 0), (-1, 1)])
def test_a_tie_counts_as_positive(y, moved):
    params, _, report = step(
        PerceptronRule(), objective(), start([[0], [0]], [0]), batch([2, 3], y)
    )
    expected = np.array([-2, -3, -1]) * moved
    assert np.array_equal(np.ravel(vectors_of(params)), expected)
    assert report == {"loss": 0, "mistakes": moved}


def vectors_of(params):
    return np.concatenate([params[0]["weight"], params[0]["bias"][None]])


def test_loss_is_the_distance_behind_the_hyperplane():
    """h = 1·2 − 1 = 1 with y = −1, and h = −1·2 … right: ℓ = 1."""
    params = start([[1, -1]], [-1, 0])
    _, _, report = step(PerceptronRule(), objective(2), params, batch([2], [-1, -1]))
    assert report == {"loss": 1, "mistakes": 1}


def test_several_units_are_several_perceptrons(rng):
    """W ← W + ½ x eᵀ, each column by its own error."""
    W, b = rng.standard_normal((3, 2)), rng.standard_normal(2)
    x, y = rng.standard_normal(3), np.array([1.0, -1])
    together, _, _ = step(PerceptronRule(), objective(2), start(W, b), batch(x, y))
    for j in range(2):
        alone, _, _ = step(
            PerceptronRule(), objective(), start(W[:, [j]], b[[j]]), batch(x, y[[j]])
        )
        assert np.array_equal(vectors_of(together)[:, [j]], vectors_of(alone))


def test_a_batch_sums_the_steps_of_its_examples(rng):
    X, y = rng.standard_normal((5, 3)), rng.choice([-1.0, 1.0], (5, 1))
    weight, params = rng.random(5), start(rng.standard_normal((3, 1)), [0.1])
    whole, _, _ = step(PerceptronRule(), objective(), params, batch(X, y, weight))
    moves = []
    for i in range(5):
        one = batch(X[i], y[i], weight[[i]])
        moved, _, _ = step(PerceptronRule(), objective(), params, one)
        moves.append(vectors_of(moved) - vectors_of(params))
    np.testing.assert_allclose(
        vectors_of(whole) - vectors_of(params), sum(moves), atol=1e-14
    )


def test_the_size_of_a_target_scales_its_unit_alone():
    params, _, report = step(
        PerceptronRule(), objective(2), start([[0, 0]], [0, 0]), batch([2], [-3, -1])
    )
    assert params[0]["weight"].tolist() == [[-6, -2]]
    assert params[0]["bias"].tolist() == [-3, -1]
    assert report["mistakes"] == 2


@pytest.mark.parametrize("how", [{}, {"l2": 0.5}, {"l1": 0.5}])
def test_an_example_of_weight_0_changes_nothing(how):
    params = start([[1.0], [-2.0]], [3.0])
    moved, _, report = step(
        PerceptronRule(), objective(**how), params, batch([1, 1], -1, [0])
    )
    assert np.array_equal(vectors_of(moved), vectors_of(params))
    assert report["mistakes"] == 0


# ---- penalties ----------------------------------------------------------------------


def test_l2_shrinks_the_weights_before_the_step():
    """W = 2, α = ½, η = ½: 2·(1 − ¼) = 1.5, then −½·3; b moves by −½ only."""
    params, _, report = step(
        PerceptronRule(0.5), objective(l2=0.5), start([[2]], [1]), batch([3], -1)
    )
    assert params[0]["weight"] == 0
    assert params[0]["bias"] == 0.5
    assert report["loss"] == 7 + 0.5 * 0.5 * 4


def test_l1_stops_at_zero_and_collects_the_rest_later():
    """λ = 0.4, no mistakes: 0.5 → 0.1 → 0; after a step of +1 all three debts are paid.

    Owed after three steps 1.2, paid 0.5 before the third: 1 − (1.2 − 0.5) = 0.3.
    """
    rule, criterion = PerceptronRule(), objective(1, False, l1=0.4)
    params = start([[0.5], [-10]])
    state = rule.init(params)
    seen = []
    for x, y in [([0, 1], -1), ([0, 1], -1), ([1, 0.5], 1)]:
        params, state, _ = step(rule, criterion, params, batch(x, y), state)
        seen.append(np.ravel(params[0]["weight"]))
    np.testing.assert_allclose(seen, [[0.1, -9.6], [0, -9.2], [0.3, -8.3]], atol=1e-14)


# ---- against the lectures' loops
# -------------------------------------------------------


def deck_002(X, y, order, eta):
    """The rule for −1 and +1, where a tie is positive."""
    w, b, path = np.zeros(X.shape[1]), 0.0, []
    for i in order:
        f = 1 if w @ X[i] + b >= 0 else -1
        e = y[i] - f
        w = w + 0.5 * eta * e * X[i]
        b = b + 0.5 * eta * e
        path.append([*w, b])
    return np.array(path)


def deck_004(X, y, order, eta, w, theta):
    """The rule for 0 and 1, whose unit fires above its threshold."""
    path = []
    for i in order:
        g = 1 if w @ X[i] > theta else 0
        if g == 0 and y[i] == 1:
            w, theta = w + eta * X[i], theta - eta
        elif g == 1 and y[i] == 0:
            w, theta = w - eta * X[i], theta + eta
        path.append([*w, -theta])
    return np.array(path)


@pytest.mark.slow
@given(seed=st.integers(0, 2**32 - 1), rate=st.sampled_from([0.1, 0.5, 1.0]))
def test_every_step_equals_deck_002(seed, rate):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((20, 3)), rng.choice([-1.0, 1.0], 20)
    with jax.enable_x64(True):
        _, loader, path = learn(X, y, epochs=3, rate=rate, shuffle=True, stop=False)
    order = loader.order(Key(0), 0, 3)[:3, :20].ravel()
    expected = deck_002(X, y, order, rate)
    np.testing.assert_allclose(path[:, :, 0], expected, atol=1e-12)


def test_zeros_and_ones_are_the_same_rule_without_the_half(rng):
    """Both forms agree step by step, as long as there is no tie."""
    X, y = rng.standard_normal((30, 4)), rng.choice([0, 1], 30)
    w, theta, rate = rng.standard_normal(4), 0.3, 0.7
    params, path = start(w[:, None], [-theta]), []
    for x, target in zip(X, 2 * y - 1, strict=True):
        params, _, _ = step(PerceptronRule(rate), objective(), params, batch(x, target))
        path.append(np.ravel(vectors_of(params)))
    expected = deck_004(X, y, range(30), rate, w, theta)
    np.testing.assert_allclose(path, expected, atol=1e-12)
    assert len(np.unique(np.round(expected, 9), axis=0)) > 5  # it did learn


# ---- the theorem --------------------------------------------------------------------


@pytest.mark.slow
@given(seed=st.integers(0, 2**32 - 1), margin=st.floats(0.05, 1))
def test_convergence_theorem(seed, margin):
    """Novikoff: at most (R/γ)² mistakes from 0 on; b is the weight of a constant 1."""
    rng = np.random.default_rng(seed)
    u = rng.standard_normal(4)
    u /= np.linalg.norm(u)
    X = rng.standard_normal((40, 3))
    distance = X @ u[:3] + u[3]
    X += np.sign(distance)[:, None] * margin * u[:3]
    y = np.where(X @ u[:3] + u[3] >= 0, 1.0, -1.0)
    R = np.linalg.norm(np.c_[X, np.ones(40)], axis=1).max()
    gamma = np.abs(X @ u[:3] + u[3]).min()
    bound = (R / gamma) ** 2
    if bound > 4000:
        return
    with jax.enable_x64(True):
        result, _, path = learn(X, y, epochs=4001)
    moved = np.diff(np.concatenate([np.zeros_like(path[:1]), path]), axis=0)
    assert result.reason == "stopped"
    assert np.any(moved != 0, axis=(1, 2)).sum() <= bound
    counted = 40 * sum(result.history["mistakes"])
    assert round(counted) == np.any(moved != 0, axis=(1, 2)).sum()


def test_learning_rate_only_scales(rng):
    X, y = rng.standard_normal((20, 3)), rng.choice([-1.0, 1.0], 20)
    one = learn(X, y, epochs=4, stop=False)[2]
    quarter = learn(X, y, epochs=4, rate=0.25, stop=False)[2]
    np.testing.assert_allclose(quarter, 0.25 * one, atol=1e-13)


# ---- the contract -------------------------------------------------------------------


def test_other_networks_are_refused():
    two = Network((Dense(3, "sign"), Dense(1, "sign")))
    params, _ = two.init(Key(0), (2,))
    with pytest.raises(ValueError, match="one Dense layer; this one has 2 layers"):
        PerceptronRule().init(params)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(ValueError, match="learning_rate must be > 0"):
        PerceptronRule(rate)


def test_pickles():
    rule = PerceptronRule(0.5)
    assert pickle.loads(pickle.dumps(rule)) == rule


def test_many_rates_train_side_by_side():
    """The rate is a leaf: one program, mapped over rates."""
    params, rates = start([[0.0], [0.0]], [0.0]), np.array([0.5, 1, 2])

    def move(rule):
        return step(rule, objective(), params, batch([1, 2], -1))[0]

    moved = jax.vmap(move)(PerceptronRule(rates))
    assert moved[0]["weight"][:, :, 0].tolist() == [[-0.5, -1], [-1, -2], [-2, -4]]
