"""What all estimators with a network can do beside learning."""

import copy

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from lamina import BernoulliRBM, MLPClassifier

X, Y = np.eye(6), np.array([0, 1, 0, 1, 0, 1])
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_summary_has_a_row_for_each_layer_and_the_advice():
    model = MLPClassifier((3,), max_iter=1, random_state=0)
    with pytest.raises(NotFittedError):
        model.summary()
    text = model.fit(1e4 * X, Y).summary()
    assert [line.split()[0] for line in text.splitlines()] == [
        "layer",
        "Dense",
        "Dense",
        "total",
        "advice:",
    ]


def test_the_examples_of_the_records_do_not_go_into_a_copy():
    model = MLPClassifier((3,), max_iter=1, random_state=0).fit(X, Y)
    assert model._recorder is not None
    again = copy.deepcopy(model)
    assert "_recorder" not in vars(again)
    np.testing.assert_equal(again.diagnostics_, model.diagnostics_)


def test_machines_have_no_records():
    model = BernoulliRBM(2, n_iter=1, random_state=0).fit(X)
    assert model._recorder is None
    assert model.diagnostics_["epoch"] == []
