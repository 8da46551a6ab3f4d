"""RMSProp: its equation by hand, where ε stands, how long the first step is.

Three steps down a bowl, optax and pickles: ``tests/contracts/test_algorithms.py``.
"""

import math
from typing import Any

import numpy as np
import optax
import pytest

from lamina.learning import RMSProp

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
    """η = 1, ρ = ¾, ε = ½, gradients 1, −3, 2.

    v: ¼, 3/16 + 9/4 = 39/16, 117/64 + 1 = 181/64
    """
    path, state = walk(RMSProp(1, 0.75, epsilon=0.5), [np.array(c) for c in (1, -3, 2)])
    steps = [
        1 / (1 / 2 + 1 / 2),
        -3 / (math.sqrt(39) / 4 + 1 / 2),
        2 / (math.sqrt(181) / 8 + 1 / 2),
    ]
    np.testing.assert_allclose(path, -np.cumsum(steps), rtol=1e-14)
    assert float(state["v"]) == 181 / 64


def test_momentum_by_hand():
    """ρ = 0, ε = 0: g / √v = sign(g); m: 1, ½ − 1, −¼ + 1 times η = ½."""
    algorithm = RMSProp(0.5, 0, momentum=0.5, epsilon=0)
    path, _ = walk(algorithm, [np.array(c) for c in (4.0, -0.1, 7.0)])
    np.testing.assert_allclose(path, [-0.5, -0.25, -0.625], rtol=1e-15)


def test_epsilon_is_outside_the_root():
    """g = 2, ρ = ¾: √v = 1; ε = 1: a step of 1, not of √2."""
    (step,), _ = walk(RMSProp(1, 0.75, epsilon=1), [np.array(2.0)])
    assert float(step) == -1


def test_the_first_step_does_not_depend_on_the_gradient():
    gradients = np.array([1e-3, -5.0, 1e6])
    (step,), _ = walk(RMSProp(0.01, epsilon=0), [gradients])
    size = 0.01 / math.sqrt(0.1)
    np.testing.assert_allclose(step, -size * np.sign(gradients), rtol=1e-13)


def test_defaults_agree_with_optax():
    rng = np.random.default_rng(0)
    gradients = [rng.standard_normal(3) for _ in range(5)]
    path, _ = walk(RMSProp(), gradients)
    peer = optax.rmsprop(0.001, eps_in_sqrt=False)
    params: Any = np.zeros(3)
    state = peer.init(params)
    for g in gradients:
        step, state = peer.update(g, state)
        params = optax.apply_updates(params, step)
    np.testing.assert_allclose(path[-1], params, rtol=1e-13)


def test_the_report_is_the_loss_before_the_step():
    algorithm, params = RMSProp(), np.array(3.0)
    state = algorithm.init(params)
    assert float(state["v"]) == float(state["m"]) == 0
    _, _, report = algorithm.update(slope, params, state, np.array(2.0), None)
    assert float(report["loss"]) == 6
