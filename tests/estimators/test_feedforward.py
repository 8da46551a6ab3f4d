"""From parameters to descriptions; what both perceptrons share."""

import numpy as np
import pytest

from lamina import (
    LBFGS,
    SGD,
    Adam,
    Adaptive,
    Dense,
    Dropout,
    InverseScaling,
    MLPClassifier,
    MLPRegressor,
    Network,
)
from lamina.estimators.feedforward import _is_head, _per_layer


@pytest.mark.parametrize(
    ("params", "algorithm"),
    [
        ({}, Adam(0.001, 0.9, 0.999, 1e-8)),
        ({"learning_rate_init": 0.1, "beta_2": 0.9}, Adam(0.1, 0.9, 0.9, 1e-8)),
        ({"solver": "sgd"}, SGD(0.001, 0.9, nesterov=True)),
        ({"solver": "sgd", "momentum": 0}, SGD(0.001)),
        ({"solver": "sgd", "nesterovs_momentum": False}, SGD(0.001, 0.9)),
        ({"solver": "lbfgs"}, LBFGS()),
        ({"solver": Adam(0.5)}, Adam(0.5)),
    ],
)
def test_solvers_by_name_have_scikit_learns_rates(params, algorithm):
    assert MLPClassifier(**params)._algorithm() == algorithm


@pytest.mark.parametrize(
    ("params", "schedule"),
    [
        ({}, None),
        ({"learning_rate": "invscaling"}, None),  # adam has no schedule there
        ({"solver": "sgd"}, None),
        ({"solver": "sgd", "learning_rate": "invscaling"}, InverseScaling(0.5)),
        ({"solver": "sgd", "learning_rate": "adaptive"}, Adaptive()),
    ],
)
def test_schedules_belong_to_sgd(params, schedule):
    assert MLPRegressor(**params)._schedule() == schedule


def test_network_of_sizes():
    model = MLPClassifier((5, 4), "tanh", dropout=0.5, input_dropout=0.2, init="he")
    assert model._network("softmax", 3) == Network(
        (
            Dropout(0.2),
            Dense(5, "tanh", "he"),
            Dropout(0.5),
            Dense(4, "tanh", "he"),
            Dropout(0.5),
            Dense(3, "softmax", "he"),
        )
    )
    assert MLPClassifier(7)._network("logistic", 1).layers[0].units == 7
    assert MLPClassifier(())._network("identity", 2) == Network((Dense(2, "identity"),))


def test_what_counts_as_the_output_layer():
    assert _is_head(Dense(3, "softmax"), 3)
    assert _is_head(Dense(1, "identity"), 1)
    assert not _is_head(Dense(3, "relu"), 3)
    assert not _is_head(Dense(4, "identity"), 3)
    assert not _is_head(Dropout(0.1), 3)
    with pytest.raises(ValueError, match="softmax layer has 4 units"):
        _is_head(Dense(4, "softmax"), 3)


def test_one_value_for_all_layers_or_one_each():
    assert _per_layer("dropout", 0.1, 2) == [0.1, 0.1]
    assert _per_layer("dropout", (0.1, 0.2), 2) == [0.1, 0.2]
    with pytest.raises(ValueError, match="dropout has 1 entries for 2 hidden layers"):
        _per_layer("dropout", [0.1], 2)


@pytest.mark.parametrize(
    ("batch_size", "n", "expected"),
    [("auto", 500, 200), ("auto", 30, 30), ("full", 500, 500), (32, 500, 32)],
)
def test_batch_sizes(batch_size, n, expected):
    model = MLPClassifier(batch_size=batch_size)
    model._algorithm_in_use = Adam()
    assert model._batch_size(n) == expected
    model._algorithm_in_use = LBFGS()
    assert model._batch_size(n) == n


def test_a_batch_larger_than_the_data_is_clipped_with_a_warning():
    model = MLPClassifier(batch_size=100)
    model._algorithm_in_use = Adam()
    with pytest.warns(UserWarning, match="batch_size=100 is larger.*clipped to 30"):
        assert model._batch_size(30) == 30


def test_validation_rows_are_outside_training():
    seen = []
    X = np.arange(40.0)[:, None]
    model = MLPRegressor(hidden_layer_sizes=(2,), early_stopping=True, max_iter=1)
    train = model._train
    model._train = lambda feed, validation, incremental: (
        seen.append((feed.rows, validation.feed.rows)),
        train(feed, validation, incremental),
    )
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(X, X[:, 0])
    (rows, held), *_ = seen
    assert len(held) == 4
    assert sorted([*rows, *held]) == list(range(40))
