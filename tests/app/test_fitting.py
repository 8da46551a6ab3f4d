"""Fits, without a terminal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lamina
from lamina.app import fitting
from lamina.app.render.as_json import as_json
from lamina.data.errors import UserError
from tests.app.fits import evaluate, fit
from tests.data.sample_images import save

QUICK = ("max_iter=3", "hidden_layer_sizes=[4]")


def test_the_report_of_a_fit_is_json(tmp_path):
    out = str(tmp_path / "m.lamina")
    report = fit("iris", out=out, sets=QUICK)
    assert json.loads(as_json(report)) == report
    assert report["network"] == "4 → 4 → 3"
    assert report["parameters"] == 4 * 4 + 4 + 4 * 3 + 3
    assert report["epochs"] == 3
    assert report["held_out"] == 30
    assert any("max_iter=3" in note for note in report["notes"])
    assert report["model_bytes"] == (tmp_path / "m.lamina").stat().st_size
    assert report["diagnosis"] is None


def test_the_report_advises_where_something_is_wrong(tmp_path):
    sets = (*QUICK, "learning_rate_init=1e-9", "max_iter=20")
    report = fit("iris", out=str(tmp_path / "m.lamina"), sets=sets)
    assert "the learning rate 1e-09 is too low" in report["diagnosis"]


@pytest.mark.slow
def test_held_out_rows_are_written_and_evaluate_to_the_same_scores(tmp_path):
    out, rows = str(tmp_path / "m.lamina"), str(tmp_path / "rows.csv")
    report = fit("digits", out=out, save_holdout=rows, sets=QUICK)
    found = evaluate(out, rows)
    assert found["rows"] == report["holdout_rows"] == report["held_out"]
    assert found["scores"] == report["scores"]
    assert found["baseline"] == report["baseline"]


def test_a_disk_that_is_full_at_the_end_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"out": "/dev/full", "save_holdout": "rows.csv", "sets": QUICK}
    with pytest.raises(OSError, match="No space left") as caught:
        fit("iris", **options)
    assert caught.value.filename == "/dev/full"
    assert f"the model was saved to {tmp_path / 'full'}" in caught.value.strerror
    assert evaluate("full", "rows.csv")["rows"] == 30
    model, rows = lamina.load("full"), lamina.data.read_table("rows.csv")
    model.holdout_rows_ = np.arange(30)
    with pytest.raises(OSError, match="No space left") as caught:
        fitting.write(model, "/dev/full", lambda out: rows, "gone/rows.csv")
    assert f"the model was saved to {tmp_path / 'full-2'}" in caught.value.strerror
    assert "gone/rows.csv: No such file or directory; the" in caught.value.strerror
    assert evaluate("full-2", "rows-2.csv")["rows"] == 30


@pytest.mark.slow
def test_a_disk_without_room_is_refused_before_training(tmp_path):
    """In a process of its own, in which no file may grow beyond 16 kB."""
    fit = f"{sys.executable} -m lamina fit iris -o m.lamina"
    told = subprocess.run(
        ["sh", "-c", f"ulimit -f 16; {fit}"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(lamina.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "m.lamina: cannot be written: File too large; the model needs" in told.stderr
    assert list(tmp_path.iterdir()) == []


def interrupted_after(epochs):
    def callback(progress):
        if progress.epoch == epochs:
            raise KeyboardInterrupt

    return callback


@pytest.fixture
def interrupting(monkeypatch):
    """Let Ctrl-C come after so many epochs of any table model."""
    from lamina.models import TableModel

    fit = TableModel.fit

    def install(epochs):
        def interrupted_fit(self, *args):
            return fit(self.set_params(callbacks=[interrupted_after(epochs)]), *args)

        monkeypatch.setattr(TableModel, "fit", interrupted_fit)

    return install


def test_after_ctrl_c_the_best_network_so_far_is_written(tmp_path, interrupting):
    interrupting(20)
    out = str(tmp_path / "m.lamina")
    report = fit("iris", out=out)
    assert report["stop_reason"] == "interrupted"
    assert 0 < report["best_epoch"] <= 20
    assert evaluate(out, "iris")["scores"]["accuracy"] > 0.5


def test_ctrl_c_before_anything_was_learnt_writes_nothing(tmp_path, monkeypatch):
    from lamina.estimators import MLPClassifier

    def interrupt(self, *args, **how):
        raise KeyboardInterrupt

    monkeypatch.setattr(MLPClassifier, "fit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit("iris", out=str(tmp_path / "m.lamina"))
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_diverges_at_once_is_an_error(tmp_path):
    sets = ("solver=sgd", "learning_rate_init=1e30", *QUICK)
    out = str(tmp_path / "m.lamina")
    with pytest.raises(UserError, match="diverged in epoch 1"):
        fit("diabetes", out=out, sets=sets)
    assert list(tmp_path.iterdir()) == []


# ---- images -----------------------------------------------------------------------

SMALL = ("layers=[Conv(4, 3, 2), GlobalPool()]", "max_iter=3", "batch_size=8")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Ten images of cats, which are red, and of dogs, which are green."""
    folder = tmp_path_factory.mktemp("jobs") / "photos"
    for k, name in enumerate(("cat", "dog")):
        for i in range(10):
            values = np.full((8, 6, 3), 20 + i, np.uint8)
            values[..., k] = 200
            save(folder / name / f"{i}.png", values)
    return folder


@pytest.mark.slow
def test_the_report_of_images(photos, tmp_path):
    out, rows = str(tmp_path / "m.lamina"), str(tmp_path / "held.csv")
    options = {"out": out, "sets": SMALL, "size": "4x6", "save_holdout": rows}
    report = fit(photos, **options)
    assert json.loads(as_json(report)) == report
    assert report["images"] == "4 × 6, colour, letterbox"
    assert (report["rows"], report["features"], report["held_out"]) == (20, 72, 4)
    assert (report["target"], report["task"]) == (["class"], "classification")
    assert report["network"] == "4×6×3 → 1×2×4 → 1"
    found = evaluate(out, rows)
    assert found["rows"] == report["holdout_rows"] == 4
    assert found["scores"] == report["scores"]
    assert found["images"] == report["images"]
