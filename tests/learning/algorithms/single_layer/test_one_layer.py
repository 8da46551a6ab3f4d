"""One Dense layer, and nothing else."""

import numpy as np
import pytest

from lamina.learning import HebbRule, PerceptronRule
from lamina.learning.algorithms.single_layer.one_layer import check_one_layer
from lamina.networks import Dense, Dropout, Key, Network


@pytest.mark.parametrize("use_bias", [True, False])
def test_one_dense_layer_passes(use_bias):
    params, _ = Network((Dense(2, use_bias=use_bias),)).init(Key(0), (3,))
    check_one_layer(params, "it")


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ((Dense(2), Dense(1)), r"2 layers .*\[\['bias', 'weight'\], \['bias'"),
        ((Dropout(0.1),), r"1 layers .*\[\[\]\]"),
        ((Network((Dense(2), Dense(1))),), "1 layers .*…"),
    ],
)
@pytest.mark.parametrize(
    ("rule", "start"),
    [
        (HebbRule(), "Hebb's rule .* as targets do not give"),
        (PerceptronRule(), "the perceptron rule trains"),
    ],
)
def test_others_are_refused_with_what_came(rule, start, layers, told):
    params, _ = Network(layers).init(Key(0), (3,), np.float32)
    with pytest.raises(ValueError, match=f"{start}.*{told}"):
        rule.init(params)
