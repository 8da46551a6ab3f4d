"""What the commands do, without a terminal."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import lamina
from lamina import MLPClassifier
from lamina.app import jobs, reports
from lamina.app.jobs import FitOptions, JobError
from lamina.data import load
from tests.data.picture_files import save

QUICK = ("max_iter=3", "hidden_layer_sizes=[4]")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("jobs") / "m.lamina")
    jobs.fit("iris", FitOptions(out=path, sets=QUICK))
    return path


def test_the_report_of_a_fit_is_json(tmp_path):
    out = str(tmp_path / "m.lamina")
    report = jobs.fit("iris", FitOptions(out=out, sets=QUICK))
    assert json.loads(reports.as_json(report)) == report
    assert report["network"] == "4 → 4 → 3"
    assert report["parameters"] == 4 * 4 + 4 + 4 * 3 + 3
    assert report["epochs"] == 3
    assert report["held_out"] == 30
    assert any("max_iter=3" in note for note in report["notes"])
    assert report["model_bytes"] == (tmp_path / "m.lamina").stat().st_size
    assert report["advice"] is None


def test_the_report_advises_where_something_is_wrong(tmp_path):
    sets = (*QUICK, "learning_rate_init=1e-9", "max_iter=20")
    report = jobs.fit("iris", FitOptions(out=str(tmp_path / "m.lamina"), sets=sets))
    assert "the learning rate 1e-09 is too low" in report["advice"]


def test_held_out_rows_are_written_and_evaluate_to_the_same_scores(tmp_path):
    out, rows = str(tmp_path / "m.lamina"), str(tmp_path / "rows.csv")
    report = jobs.fit("digits", FitOptions(out=out, holdout_out=rows, sets=QUICK))
    found = jobs.evaluate(out, rows)
    assert found["rows"] == report["holdout_rows"] == report["held_out"]
    assert found["scores"] == report["scores"]
    assert found["baseline"] == report["baseline"]


def test_predictions_are_those_of_the_model(model):
    table = load("iris").as_table()
    found = jobs.predict(model, "iris", proba=True)
    loaded = lamina.load(model)
    assert found.names == ["species", "p(setosa)", "p(versicolor)", "p(virginica)"]
    np.testing.assert_array_equal(found.columns[0], loaded.predict(table))
    probabilities = np.stack(found.columns[1:], axis=1)
    np.testing.assert_array_equal(probabilities, loaded.predict_proba(table))
    assert found.records[0]["species"] == found.columns[0][0]
    json.loads(reports.as_json(found.records))


def test_a_summary_tells_layers_and_columns(model):
    report = jobs.summary(model)
    assert [row["parameters"] for row in report["layers"]] == [20, 15]
    assert report["classes"] == ["setosa", "versicolor", "virginica"]
    assert [c["kind"] for c in report["columns"]] == ["number"] * 4 + ["target"]
    json.loads(reports.as_json(report))


def test_a_model_saved_from_python_has_a_summary_but_no_columns(tmp_path):
    path = str(tmp_path / "m.lamina")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MLPClassifier((3,), max_iter=1).fit([[0.0], [1.0]], [0, 1]).save(path)
    assert jobs.summary(path)["estimator"] == "MLPClassifier"
    with pytest.raises(JobError, match="saved from Python"):
        jobs.predict(path, "iris")


def test_all_data_sets_are_listed():
    sets = jobs.data_sets()["sets"]
    assert {"iris", "digits", "xor"} <= {row["name"] for row in sets}
    assert all(row["description"] for row in sets)


def interrupted_after(epochs):
    def callback(progress):
        if progress.epoch == epochs:
            raise KeyboardInterrupt

    return callback


@pytest.fixture
def interrupting(monkeypatch):
    """Let Ctrl-C come after so many epochs of any table model."""
    from lamina.estimators import TableModel

    fit = TableModel.fit

    def install(epochs):
        def interrupted_fit(self, *args):
            return fit(self.set_params(callbacks=[interrupted_after(epochs)]), *args)

        monkeypatch.setattr(TableModel, "fit", interrupted_fit)

    return install


def test_after_ctrl_c_the_best_network_so_far_is_written(tmp_path, interrupting):
    interrupting(20)
    out = str(tmp_path / "m.lamina")
    report = jobs.fit("iris", FitOptions(out=out))
    assert report["stopped"] == "interrupted"
    assert 0 < report["best_epoch"] <= 20
    assert jobs.evaluate(out, "iris")["scores"]["accuracy"] > 0.5


def test_ctrl_c_before_anything_was_learnt_writes_nothing(tmp_path, monkeypatch):
    from lamina.estimators import MLPClassifier

    def interrupt(self, *args, **how):
        raise KeyboardInterrupt

    monkeypatch.setattr(MLPClassifier, "fit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        jobs.fit("iris", FitOptions(out=str(tmp_path / "m.lamina")))
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_diverges_at_once_is_an_error(tmp_path):
    sets = ("solver=sgd", "learning_rate_init=1e30", *QUICK)
    out = str(tmp_path / "m.lamina")
    with pytest.raises(JobError, match="diverged in epoch 1"):
        jobs.fit("diabetes", FitOptions(out=out, sets=sets))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"holdout": 1.0}, "--holdout must be in"),
        ({"seed": -1}, "--seed must be in"),
        ({"task": "clustering"}, "--task must be classification or regression"),
        ({"holdout": 0.0, "holdout_out": "x.csv"}, "has nothing to write"),
        ({"out": "missing/m.lamina"}, "there is no folder"),
        ({"out": "."}, "is a folder"),
        ({"holdout_out": "missing/x.csv"}, "there is no folder"),
        ({"holdout_out": "model.lamina"}, "would overwrite"),
        ({"kinds": ["zip"]}, "COLUMN=KIND"),
        ({"kinds": ["zip=category"]}, "no column 'zip'"),
        ({"sets": ["max_itr=3"]}, "did you mean max_iter"),
        ({"sets": ["max_iter"]}, "name=value"),
        ({"sets": ["solver=adm"]}, "'adm'"),
        ({"sets": ["callbacks=[1]"]}, "callbacks must be functions"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_written(
    options, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        jobs.fit("iris", FitOptions(**options))
    assert list(tmp_path.iterdir()) == []


def test_only_models_are_overwritten(tmp_path, model):
    data = tmp_path / "t.csv"
    text = "a,y\n" + "".join(f"{i % 7},{i % 2}\n" for i in range(30))
    data.write_text(text)
    with pytest.raises(JobError, match="would overwrite what it is made from"):
        jobs.fit(str(data), FitOptions(["y"], out=str(data)))
    with pytest.raises(JobError, match="is no model; it is not overwritten"):
        jobs.fit("iris", FitOptions(out=str(data)))
    assert data.read_text() == text
    for path in (str(data), model):
        with pytest.raises(JobError, match="would overwrite"):
            jobs.check_predictions_out(path, str(data), model)
    again = tmp_path / "m.lamina"
    again.write_bytes(Path(model).read_bytes()[:200])  # a damaged model may go
    jobs.fit("iris", FitOptions(out=str(again), sets=QUICK))
    assert jobs.summary(str(again))["task"] == "classification"


# ---- pictures -----------------------------------------------------------------------

SMALL = ("layers=[Conv(4, 3, 2), GlobalPool()]", "max_iter=3", "batch_size=8")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Ten pictures of cats, which are red, and of dogs, which are green."""
    folder = tmp_path_factory.mktemp("jobs") / "photos"
    for k, name in enumerate(("cat", "dog")):
        for i in range(10):
            values = np.full((8, 6, 3), 20 + i, np.uint8)
            values[..., k] = 200
            save(folder / name / f"{i}.png", values)
    return folder


@pytest.fixture(scope="module")
def picture_model(photos):
    path = str(photos.parent / "m.lamina")
    jobs.fit(str(photos), FitOptions(out=path, sets=SMALL))
    return path


def test_the_report_of_pictures(photos, tmp_path):
    out, rows = str(tmp_path / "m.lamina"), str(tmp_path / "held.csv")
    options = FitOptions(out=out, sets=SMALL, size="4x6", holdout_out=rows)
    report = jobs.fit(str(photos), options)
    assert json.loads(reports.as_json(report)) == report
    assert report["images"] == "4 × 6, colour, letterbox"
    assert (report["rows"], report["features"], report["held_out"]) == (20, 72, 4)
    assert (report["target"], report["task"]) == (["class"], "classification")
    assert report["network"] == "4×6×3 → 1×2×4 → 1"
    found = jobs.evaluate(out, rows)
    assert found["rows"] == report["holdout_rows"] == 4
    assert found["scores"] == report["scores"]
    assert found["images"] == report["images"]


def test_predictions_name_their_pictures(picture_model, photos):
    found = jobs.predict(picture_model, str(photos), proba=True)
    assert found.names == ["picture", "class", "p(cat)", "p(dog)"]
    assert found.columns[0].tolist()[:2] == ["cat/0.png", "cat/1.png"]
    loaded = lamina.load(picture_model)
    np.testing.assert_array_equal(found.columns[1], loaded.predict(photos))
    one = jobs.predict(picture_model, str(photos / "dog" / "3.png"))
    assert one.records == [{"picture": "3.png", "class": found.columns[1][13]}]


def test_the_summary_of_pictures(picture_model):
    report = jobs.summary(picture_model)
    assert json.loads(reports.as_json(report)) == report
    assert report["images"] == "8 × 6, colour, letterbox"
    assert (report["columns"], report["classes"]) == ([], ["cat", "dog"])
    first = [row["layer"] for row in report["layers"]][:3]
    assert first == ["Rescale", "Augment", "Conv"]
    assert report["layers"][0]["input"] == [8, 6, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ("a=number",)}, "--kind is for a table and sequences, but"),
        ({"exclude": ("a",)}, "--exclude is for a table and sequences, but"),
        ({"target": ("a", "b")}, "is pictures, which have one --target"),
        ({"target": ("a",)}, "names a column, but this is no table"),
        ({"size": "big"}, "--size is one side or HEIGHTxWIDTH"),
        ({"task": "regression"}, "its labels are classes"),
    ],
)
def test_options_that_pictures_have_no_use_for(photos, tmp_path, options, message):
    out = str(tmp_path / "m.lamina")
    with pytest.raises(ValueError, match=message):
        jobs.fit(str(photos), FitOptions(out=out, sets=SMALL, **options))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", [{"size": "4"}, {"skip_broken": True}])
def test_options_that_tables_have_no_use_for(option):
    with pytest.raises(JobError, match=r"is for pictures, but iris is a table"):
        jobs.fit("iris", FitOptions(**option))


def test_a_model_of_pictures_wants_pictures(picture_model, model, photos):
    with pytest.raises(ValueError, match="no column holds paths of pictures"):
        jobs.predict(picture_model, "iris")
    with pytest.raises(ValueError, match="is a folder"):
        jobs.predict(model, str(photos))
