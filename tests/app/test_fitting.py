"""Fits, without a terminal."""

import json

import numpy as np
import pytest

from lamina.app import fitting, jobs, reports
from lamina.app.opening import JobError
from lamina.app.options import FitOptions
from tests.data.picture_files import save

QUICK = ("max_iter=3", "hidden_layer_sizes=[4]")


def test_the_report_of_a_fit_is_json(tmp_path):
    out = str(tmp_path / "m.lamina")
    report = fitting.fit("iris", FitOptions(out=out, sets=QUICK))
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
    report = fitting.fit("iris", FitOptions(out=str(tmp_path / "m.lamina"), sets=sets))
    assert "the learning rate 1e-09 is too low" in report["advice"]


def test_held_out_rows_are_written_and_evaluate_to_the_same_scores(tmp_path):
    out, rows = str(tmp_path / "m.lamina"), str(tmp_path / "rows.csv")
    report = fitting.fit("digits", FitOptions(out=out, holdout_out=rows, sets=QUICK))
    found = jobs.evaluate(out, rows)
    assert found["rows"] == report["holdout_rows"] == report["held_out"]
    assert found["scores"] == report["scores"]
    assert found["baseline"] == report["baseline"]


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
    report = fitting.fit("iris", FitOptions(out=out))
    assert report["stopped"] == "interrupted"
    assert 0 < report["best_epoch"] <= 20
    assert jobs.evaluate(out, "iris")["scores"]["accuracy"] > 0.5


def test_ctrl_c_before_anything_was_learnt_writes_nothing(tmp_path, monkeypatch):
    from lamina.estimators import MLPClassifier

    def interrupt(self, *args, **how):
        raise KeyboardInterrupt

    monkeypatch.setattr(MLPClassifier, "fit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fitting.fit("iris", FitOptions(out=str(tmp_path / "m.lamina")))
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_diverges_at_once_is_an_error(tmp_path):
    sets = ("solver=sgd", "learning_rate_init=1e30", *QUICK)
    out = str(tmp_path / "m.lamina")
    with pytest.raises(JobError, match="diverged in epoch 1"):
        fitting.fit("diabetes", FitOptions(out=out, sets=sets))
    assert list(tmp_path.iterdir()) == []


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


def test_the_report_of_pictures(photos, tmp_path):
    out, rows = str(tmp_path / "m.lamina"), str(tmp_path / "held.csv")
    options = FitOptions(out=out, sets=SMALL, size="4x6", holdout_out=rows)
    report = fitting.fit(str(photos), options)
    assert json.loads(reports.as_json(report)) == report
    assert report["images"] == "4 × 6, colour, letterbox"
    assert (report["rows"], report["features"], report["held_out"]) == (20, 72, 4)
    assert (report["target"], report["task"]) == (["class"], "classification")
    assert report["network"] == "4×6×3 → 1×2×4 → 1"
    found = jobs.evaluate(out, rows)
    assert found["rows"] == report["holdout_rows"] == 4
    assert found["scores"] == report["scores"]
    assert found["images"] == report["images"]
