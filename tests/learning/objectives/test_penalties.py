"""Penalties on weights, by hand."""

import jax
import numpy as np
import pytest

from lamina.learning import (
    L1,
    L2,
    Objective,
    penalties,
)
from lamina.networks import Dense, Network

pytestmark = pytest.mark.usefixtures("x64")

KEY = jax.random.key(5)
NETWORK = Network((Dense(2, "identity"), Dense(1, "identity")))
ONE = Network((Dense(1, "identity"),))
ONE_PARAMS = ({"weight": np.array([[3.0], [4.0]]), "bias": np.array([1.0])},)

PARAMS = (
    {"weight": np.array([[1.0, -2.0]]), "bias": np.array([0.5, 3.0])},
    {"weight": np.array([[3.0], [1.0]]), "bias": np.array([-4.0])},
)


def test_penalties_by_hand():
    """½ α Σ W² and λ Σ |W|; biases are left out."""
    assert float(L2(0.1).penalty(PARAMS)) == pytest.approx(0.5 * 0.1 * 15)
    assert float(L1(0.2).penalty(PARAMS)) == pytest.approx(0.2 * 7)


def test_gradient_of_penalties_leaves_biases_alone():
    """α W + λ sign W for weights, and 0 for biases."""
    objective = Objective(NETWORK, "squared_error", (L1(0.2), L2(0.1)))
    g = jax.grad(objective.penalty)(PARAMS)
    for got, layer in zip(g, PARAMS, strict=True):
        weight = layer["weight"]
        expected = 0.1 * weight + 0.2 * np.sign(weight)
        np.testing.assert_allclose(got["weight"], expected, rtol=1e-15)
        assert not np.any(got["bias"])


def test_what_has_no_strength_is_left_out():
    assert penalties(0.1, 0.2) == (L2(0.1), L1(0.2))
    assert penalties(0.0, 0.2) == (L1(0.2),)
    assert penalties(0.1) == (L2(0.1),)
    assert penalties(None, None) == penalties(0.0) == ()


@pytest.mark.parametrize("kind", [L1, L2])
@pytest.mark.parametrize("strength", [-1.0, float("nan")])
def test_impossible_strengths_are_refused(kind, strength):
    with pytest.raises(ValueError, match=f"strength must be .*got {strength}"):
        kind(strength)
