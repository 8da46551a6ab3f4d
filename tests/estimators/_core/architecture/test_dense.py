"""Dense layers by their sizes."""

import numpy as np
import pytest

from lamina import Dense, Dropout, MLPClassifier, Network, Output
from lamina.estimators._core.architecture.dense import DenseArchitecture, per_layer
from lamina.estimators._core.inputs.table import TableInputs
from lamina.estimators._core.targets.classes import ClassTarget
from lamina.estimators._core.targets.numbers import NumberTarget
from lamina.estimators._core.targets.target import TargetValues

INPUTS = TableInputs("float32", 4)


def target_of(head, n_outputs):
    """Return the target whose output layer is that one."""
    if head == "identity":
        target = NumberTarget("float32", "squared_error")
        return target.learn(TargetValues(np.zeros((2, n_outputs))), None)[0]
    labels = np.arange(n_outputs if head == "softmax" else 2)
    return ClassTarget("float32", "log_loss").learn(TargetValues(labels), None)[0]


def network(model, head, n_outputs):
    return model._architecture().network(INPUTS, target_of(head, n_outputs))


def test_one_value_for_all_layers_or_one_each():
    assert per_layer("dropout", 0.1, 2) == [0.1, 0.1]
    assert per_layer("dropout", (0.1, 0.2), 2) == [0.1, 0.2]
    with pytest.raises(ValueError, match="dropout has 1 entries for 2 hidden layers"):
        per_layer("dropout", [0.1], 2)


def test_network_of_sizes():
    model = MLPClassifier((5, 4), "tanh", dropout=0.5, input_dropout=0.2, init="he")
    assert network(model, "softmax", 3) == Network(
        (
            Dropout(0.2),
            Dense(5, "tanh", "he"),
            Dropout(0.5),
            Dense(4, "tanh", "he"),
            Dropout(0.5),
            Dense(3, "softmax", "he"),
        )
    )
    assert network(MLPClassifier(7), "logistic", 1).layers[0].units == 7
    assert network(MLPClassifier(()), "identity", 2) == Network((Dense(2, "identity"),))


def test_listed_layers_are_taken_as_they_are():
    marked = DenseArchitecture((9,), "relu", 0.0, 0.5, [Output(Dense(2))], "auto")
    assert marked.network(INPUTS, target_of("softmax", 3)) == Network((Dense(2),))
    assert marked.given == ("layers", [Output(Dense(2))])
