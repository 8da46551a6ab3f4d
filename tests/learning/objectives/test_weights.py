"""Weights and biases are told apart by their names."""

import jax
import numpy as np

from lamina.learning.objectives.weights import decayed, is_weight

PARAMS = (
    {"weight": np.array([[1.0, -2.0]]), "bias": np.array([0.5, 3.0])},
    {"weight": np.array([[3.0], [1.0]]), "bias": np.array([-4.0])},
)


def test_what_is_decayed():
    arrays = decayed(PARAMS)
    assert [a.shape for a in arrays] == [(1, 2), (2, 1)]
    recurrent = {"recurrent_weight": np.ones(3), "bias": np.ones(2), "gain": np.ones(4)}
    assert [a.shape for a in decayed((recurrent,))] == [(3,)]


def test_paths_say_what_a_weight_is():
    paths = [path for path, _ in jax.tree.leaves_with_path(PARAMS)]
    assert [is_weight(path) for path in paths] == [False, True, False, True]
