"""Reports as a person reads them."""

import pytest

from lamina.app import parts, render

FIT = {
    "command": "fit",
    "data": "evil\x1b[2J.csv",
    "rows": 1000,
    "target": ["[bold]y"],
    "task": "regression",
    "features": 3,
    "network": "3 → 4 → 1",
    "parameters": 21,
    "trained_on": 800,
    "held_out": 200,
    "scores": {"r2": None, "rmse": 1.23456, "mae": 0.5},
    "baseline": {"r2": 0.0, "rmse": 2.0, "mae": 1.0},
    "epochs": 7,
    "best_epoch": 5,
    "stopped": "stopped",
    "seconds": 1.0,
    "checkpoint": None,
    "resumed_from": None,
    "notes": [f"note {i}" for i in range(20)] + ["kinds={'a': 'category'}"],
    "model": "my model.lamina",
    "model_bytes": 12345,
    "holdout_file": None,
}


def shown(report, capsys):
    render.SHOW[report["command"]](report)
    return capsys.readouterr().out


def test_scores_stand_beside_the_baseline(capsys):
    text = shown(FIT, capsys)
    rows = [line.split() for line in text.splitlines()]
    assert ["RMSE", "1.235", "2"] in rows
    assert ["R²", "–", "0"] in rows
    assert "lamina predict 'my model.lamina' NEW.csv" in text


def test_names_from_files_are_neither_markup_nor_escapes(capsys):
    text = shown(FIT, capsys)
    assert "\x1b" not in text
    assert "[bold]y" in text


def test_many_notes_are_cut_short(capsys):
    text = shown(FIT, capsys)
    assert text.count("Note") == parts.MOST_NOTES
    assert "… and 14 more" in text


def test_advice_in_notes_is_for_the_command_line(capsys):
    text = shown(FIT | {"notes": ["kinds={'a': 'category'}"]}, capsys)
    assert "--kind a=category" in text


@pytest.mark.parametrize("stopped", render.STOPPED)
def test_why_training_ended_is_told(stopped, capsys):
    assert render.STOPPED[stopped] in shown(FIT | {"stopped": stopped}, capsys)


def test_advice_is_shown_if_there_is_any(capsys):
    text = shown(FIT | {"advice": "the learning rate 5 is too high."}, capsys)
    assert "Advice    the learning rate 5 is too high." in text
    assert "Advice" not in shown(FIT | {"advice": None}, capsys)


def test_a_model_that_was_not_kept(capsys):
    assert "not kept" in shown(FIT | {"model_bytes": None}, capsys)


def test_many_columns_are_cut_short_but_the_target_is_shown(capsys):
    columns = [{"name": f"c{i}", "kind": "number", "detail": ""} for i in range(100)]
    columns.append({"name": "y", "kind": "target", "detail": "regression"})
    layer = {"layer": "Dense", "details": "", "input": [3], "output": [1]}
    report = FIT | {
        "command": "summary",
        "columns": columns,
        "classes": None,
        "estimator": "MLPRegressor",
        "layers": [layer | {"parameters": 4}],
    }
    text = shown(report, capsys)
    assert "… 82 more" in text
    assert "c99" not in text
    assert "target" in text


@pytest.mark.parametrize(
    ("report", "text"),
    [
        ({"resumed_from": None}, "run: begun anew"),
        ({"resumed_from": 3}, "run: went on from epoch 3"),
        ({"resumed_from": 7}, "run: had ended before, with epoch 7"),
        (
            {"resumed_from": 3, "stopped": "interrupted"},
            "run: went on from epoch 3; the same command again goes on",
        ),
    ],
)
def test_where_a_fit_went_on_is_said(report, text, capsys):
    lines = shown(FIT | {"checkpoint": "run"} | report, capsys).splitlines()
    assert text in [line.removeprefix("Run").strip() for line in lines]
    assert "Run" not in shown(FIT, capsys)


def test_what_an_inspection_shows(capsys):
    report = {
        "command": "inspect",
        "what": "patches",
        "image": "a.png",
        "images": 20,
        "layer": 3,
        "unit": 1,
        "output": None,
        "layers": [{"number": 0, "layer": "Conv", "output": [10, 8, 4]}],
        "figure": "patches.png",
        "figure_bytes": 12345,
    }
    text = shown(report, capsys)
    assert "patches, layer 3, unit 1, of 20 pictures" in text
    assert "0 Conv 10×8×4" in text
    assert "patches.png (12.3 kB)" in text
    assert "of a.png" in shown(report | {"what": "saliency"}, capsys)
