"""``lamina evaluate``: data with answers in, scores out."""

import json

from tests.app.cli.calls import assert_refused


def test_scores_and_what_training_had_not_seen(call, iris, tmp_path):
    _, out, _ = call("predict", iris, "iris", "--json")
    assert json.loads(out)["rows"] == 150
    head = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)"
    rows = "5.1,3.5,1.4,0.2,setosa\n6.0,3.0,4.5,1.5,tulip\n"
    (tmp_path / "t.csv").write_text(f"{head},species\n{rows}")
    status, out, err = call("evaluate", iris, "t.csv")
    assert status == 0
    assert "score on 2 rows" in out
    assert err.startswith("lamina: warning: ")
    assert "'tulip'" in err
    report = json.loads(call("evaluate", iris, "t.csv", "--json")[1])
    assert report["unseen"][0]["column"] == "species"
    assert len(report["warnings"]) == 1


def test_data_without_answers_are_refused(call, iris, tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    assert_refused(call("evaluate", iris, "t.csv"), "species")
