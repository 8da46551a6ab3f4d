"""Adam: its equation by hand, its scale invariance, its first step.

Three steps down a bowl, optax and pickles: ``tests/contracts/test_algorithms.py``.
"""

import math

import numpy as np
import pytest

from lamina.learning import Adam

pytestmark = pytest.mark.usefixtures("x64")


def slope(params, batch, key):
    """E = c θ, whose gradient is c, whatever θ."""
    return (batch * params).sum()


def walk(algorithm, gradients):
    params = np.zeros(np.shape(gradients[0]))
    state, path = algorithm.init(params), []
    for c in gradients:
        params, state, _ = algorithm.update(slope, params, state, c, None)
        path.append(params)
    return np.array(path), state


def test_three_steps_by_hand():
    """β₁ = ½, β₂ = ¾, ε = ½, η = 1, gradients 1, −3, 2.

    m: ½, −5/4, 3/8          m / (1 − β₁ᵗ): 1, −5/3, 3/7
    v: ¼, 39/16, 181/64      v / (1 − β₂ᵗ): 1, 39/7, 181/37
    """
    path, state = walk(Adam(1, 0.5, 0.75, 0.5), [np.array(c) for c in (1.0, -3.0, 2.0)])
    steps = [
        1 / (1 + 0.5),
        (-5 / 3) / (math.sqrt(39 / 7) + 0.5),
        (3 / 7) / (math.sqrt(181 / 37) + 0.5),
    ]
    np.testing.assert_allclose(path, -np.cumsum(steps), rtol=1e-14)
    assert int(state["t"]) == 3
    assert float(state["m"]) == 3 / 8
    assert float(state["v"]) == 181 / 64


def test_the_first_step_has_the_size_of_the_rate():
    """Whatever the gradient: m̂ / √v̂ = ±1."""
    gradients = np.array([1e-3, -5.0, 1e6])
    (step,), _ = walk(Adam(0.01, epsilon=0), [gradients])
    np.testing.assert_allclose(step, -0.01 * np.sign(gradients), rtol=1e-13)


def test_steps_do_not_depend_on_the_scale_of_the_loss():
    gradients = [np.array(c) for c in (1.0, -0.5, 3.0, 0.25)]
    path, _ = walk(Adam(0.1, epsilon=0), gradients)
    scaled, _ = walk(Adam(0.1, epsilon=0), [1000 * c for c in gradients])
    np.testing.assert_allclose(scaled, path, rtol=1e-12)


def test_epsilon_is_outside_the_root():
    """g = 1, ε = 1: a step of ½, not of 1/√2."""
    (step,), _ = walk(Adam(1, epsilon=1), [np.array(1.0)])
    assert float(step) == pytest.approx(-0.5, rel=1e-14)


def test_defaults_are_the_published_ones():
    assert Adam() == Adam(0.001, 0.9, 0.999, 1e-8)


def test_the_report_is_the_loss_before_the_step():
    algorithm, params = Adam(), np.array(3.0)
    state = algorithm.init(params)
    assert int(state["t"]) == 0
    _, _, report = algorithm.update(slope, params, state, np.array(2.0), None)
    assert float(report["loss"]) == 6
