"""What kinds of data share whose models predict a target of each example."""

from types import SimpleNamespace

import numpy as np

from lamina.models.kinds.predictive import PREDICTS, beside
from lamina.models.kinds.table import Tables


class Model(SimpleNamespace):
    """Predicts what it is given."""

    def predict(self, data):
        return data

    def predict_proba(self, data):
        return np.stack([1 - data, data], axis=-1) if data.ndim == 1 else data / 2


def model(*targets):
    schema = SimpleNamespace(target=targets)
    return Model(schema_=schema, classes_=np.array(["no", "yes"], object))


def test_answers_and_probabilities_are_columns():
    data = np.array([0.0, 1.0])
    found = Tables().predict(model("y"), data, True)
    assert found.names == ["y", "p(no)", "p(yes)"]
    assert found.columns[1].tolist() == [1, 0]
    assert Tables().predict(model("y"), data, False).names == ["y"]


def test_several_targets_have_a_column_each():
    data = np.array([[0.0, 1.0], [1.0, 1.0]])
    found = Tables().predict(model("a", "b"), data, True)
    assert found.names == ["a", "b", "p(a)", "p(b)"]
    assert [column.tolist() for column in found.columns[::2]] == [[0, 1], [0, 0.5]]


def test_scores_beside_a_baseline():
    scores = beside("score", "regression", {"r2": 0.5}, None)
    assert scores.to_json() == {"scores": {"r2": 0.5}, "baseline": None}
    assert scores.columns[1].heading == "baseline (mean)"
    scores = beside("score", "classification", {"accuracy": 0.5}, None)
    assert scores.columns[1].heading == "baseline (majority class)"
    assert set(PREDICTS) == {"transform", "sample"}
