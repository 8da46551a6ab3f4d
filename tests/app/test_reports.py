"""Parts of reports."""

import json

import pytest

from lamina import MLPClassifier
from lamina.app import reports


@pytest.fixture(scope="module")
def estimator():
    X = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    model = MLPClassifier((5, 4), solver="lbfgs", dropout=0.1, max_iter=500)
    return model.fit(X, ["a", "b", "c"])


def test_layers_and_their_parameters(estimator):
    rows = reports.layers(estimator)
    assert [row["layer"] for row in rows] == ["Dense", "Dropout"] * 2 + ["Dense"]
    assert rows[0]["input"] == [2]
    assert rows[0]["output"] == [5]
    assert reports.count(estimator) == (2 * 5 + 5) + (5 * 4 + 4) + (4 * 3 + 3)
    assert reports.chain(estimator) == "2 → 5 → 4 → 3"
    json.dumps(rows)


def test_json_has_no_not_a_number():
    found = reports.plain({"a": float("nan"), "b": {"c": float("inf"), "d": 1.5}})
    assert found == {"a": None, "b": {"c": None, "d": 1.5}}
    assert reports.as_json({"é": 1}) == '{"é": 1}'


def test_sizes(tmp_path):
    (tmp_path / "f").write_bytes(b"123")
    assert reports.size(str(tmp_path / "f")) == 3
    assert reports.size("/dev/null") is None


def test_first_sentences():
    assert reports.first_sentence("One\ntwo. Three.\n\nFour") == "One two"
    assert reports.first_sentence("No end") == "No end"
