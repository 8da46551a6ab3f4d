"""Label smoothing: targets by hand, wherever there are classes."""

import jax
import numpy as np
import pytest

from lamina.learning import (
    Batch,
    LabelSmoothing,
    Objective,
)
from lamina.networks import Dense, Key, Network

pytestmark = pytest.mark.usefixtures("x64")

KEY = jax.random.key(5)
NETWORK = Network((Dense(2, "identity"), Dense(1, "identity")))
ONE = Network((Dense(1, "identity"),))
ONE_PARAMS = ({"weight": np.array([[3.0], [4.0]]), "bias": np.array([1.0])},)


def test_smoothed_classes_by_hand():
    """s = 0.3 of three classes: y = 1 becomes (0.1, 0.8, 0.1)."""
    network = Network((Dense(3, "softmax", "zeros"),))
    params = ({"weight": np.zeros((1, 3)), "bias": np.log([0.2, 0.5, 0.3])},)
    objective = Objective(network, "cross_entropy", (LabelSmoothing(0.3),))
    batch = Batch(np.ones((1, 1)), np.array([1]), np.ones(1))
    expected = -(0.1 * np.log(0.2) + 0.8 * np.log(0.5) + 0.1 * np.log(0.3))
    assert float(objective(params, batch, KEY)) == pytest.approx(expected, rel=1e-12)
    assert float(objective(params, batch)) == pytest.approx(-np.log(0.5), rel=1e-12)


def test_smoothed_yes_and_no_by_hand():
    """s = 0.2: 1 becomes 0.9 and 0 becomes 0.1; a = σ(ln 3) = ¾."""
    network = Network((Dense(1, "logistic"),))
    params = ({"weight": np.zeros((1, 1)), "bias": np.log([3.0])},)
    objective = Objective(network, "binary_cross_entropy", (LabelSmoothing(0.2),))
    batch = Batch(np.ones((2, 1)), np.array([[1.0], [0.0]]), np.ones(2))
    expected = -np.log([0.75, 0.25]).sum() / 2  # 0.9 + 0.1 of each, over two rows
    assert float(objective(params, batch, KEY)) == pytest.approx(expected, rel=1e-12)


def test_smoothed_classes_at_each_place_by_hand():
    """The softmax is over classes, not places; a place without a label counts not."""
    network = Network((Dense(3, "softmax"),))
    p = np.array([0.2, 0.5, 0.3])
    params = ({"weight": np.zeros((1, 3)), "bias": np.log(p)},)
    objective = Objective(network, "cross_entropy", (LabelSmoothing(0.3),))
    numbers = np.array([[1, 0], [2, -1], [-1, -1]])
    each = -np.log(p) @ (0.7 * np.eye(3) + 0.1)  # of each class
    expected = ((each[1] + each[0]) / 2 + each[2] + 0) / 3
    x, weight = np.ones((3, 2, 1)), np.ones(3)
    found = objective(params, Batch(x, numbers, weight), KEY)
    assert float(found) == pytest.approx(expected, rel=1e-12)
    shares = np.eye(4)[numbers][..., :3]  # all 0 where there is no label
    found = objective(params, Batch(x, shares, weight), KEY)
    assert float(found) == pytest.approx(expected, rel=1e-12)
    clean = (-np.log(p[1] * p[0]) / 2 - np.log(p[2])) / 3
    for y in (numbers, shares):
        found = objective(params, Batch(x, y, weight))
        assert float(found) == pytest.approx(clean, rel=1e-12)


@pytest.mark.slow
def test_smoothed_classes_of_pixels_are_smoothed_one_by_one():
    """Places along two axes are the places of one axis, and s = 0 changes nothing."""
    rng = np.random.default_rng(0)
    network = Network((Dense(3, "softmax"),))
    params, _ = network.init(Key(0), (2,), np.float64)
    x, y = rng.normal(size=(4, 5, 6, 2)), rng.integers(-1, 3, (4, 5, 6))
    weight = rng.uniform(size=4)
    objective = Objective(network, "cross_entropy", (LabelSmoothing(0.2),))
    pixels = objective(params, Batch(x, y, weight), KEY)
    line = Batch(x.reshape(4, 30, 2), y.reshape(4, 30), weight)
    assert float(pixels) == pytest.approx(float(objective(params, line, KEY)))
    smooth, plain = (
        Objective(network, "cross_entropy", terms)(params, Batch(x, y, weight), KEY)
        for terms in ([LabelSmoothing(0.0)], [])
    )
    assert float(smooth) == pytest.approx(float(plain), rel=1e-12)


def test_only_classes_can_be_smoothed():
    with pytest.raises(ValueError, match="label_smoothing needs one of"):
        Objective(NETWORK, "squared_error", (LabelSmoothing(0.1),))


def test_classes_of_an_inner_network_are_smoothed_too():
    """How many classes there are follows from h, wherever it comes from."""
    dense = Dense(3, "softmax")
    batch = Batch(np.ones((2, 2)), np.array([0, 2]), np.ones(2))
    weights = {"weight": np.arange(6.0).reshape(2, 3), "bias": np.zeros(3)}
    plain = Objective(Network((dense,)), "cross_entropy", (LabelSmoothing(0.3),))
    nested = Network((Network((dense,)),))
    inside = Objective(nested, "cross_entropy", (LabelSmoothing(0.3),))
    key = jax.random.key(0)
    value = inside(((weights,),), batch, key)
    assert float(value) == float(plain((weights,), batch, key))
    # h = (3, 5, 7), log Σ exp h = 7.142932; targets (0.8, 0.1, 0.1) and (0.1, 0.1, 0.8)
    by_hand = 7.142932 - (0.8 * 3 + 0.5 + 0.7 + 0.3 + 0.5 + 0.8 * 7) / 2
    np.testing.assert_allclose(value, by_hand, rtol=1e-6)


@pytest.mark.parametrize("share", [1.0, -0.1, float("nan")])
def test_impossible_shares_are_refused(share):
    with pytest.raises(ValueError, match=f"share must be .*got {share}"):
        LabelSmoothing(share)
