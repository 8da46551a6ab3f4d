"""``lamina summary``: a model in, what it is made of out."""

import json


def test_layers_columns_and_scores(call, iris):
    status, out, err = call("summary", iris)
    assert (status, err) == (0, "")
    for text in ("MLPClassifier", "Dense", "standard deviation", "log loss"):
        assert text in out
    report = json.loads(call("summary", iris, "--json")[1])
    assert report["estimator"] == "MLPClassifier"
    assert report["model_bytes"] == iris.stat().st_size
    assert report["classes"] == ["setosa", "versicolor", "virginica"]
