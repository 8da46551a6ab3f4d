"""Reports of models that learn without labels, as a person reads them."""

import pytest

from lamina.app import codes, render, render_codes
from lamina.estimators._core.embedding_scores import NAMES

FIT = {
    "command": "fit",
    "task": "codes",
    "data": "evil\x1b[2J.csv",
    "examples": "rows",
    "rows": 100,
    "features": 6,
    "target": ["[bold]y"],
    "learner": "BernoulliRBM",
    "codes": 2,
    "network": "6 → 2",
    "parameters": 20,
    "trained_on": 80,
    "held_out": 20,
    "scores": {"reconstruction_error": 0.123456, "same_label": 0.75},
    "baseline": {"reconstruction_error": 0.5, "same_label": None},
    "pca": {"reconstruction_error": None, "same_label": 0.5},
    "epochs": 7,
    "best_epoch": 5,
    "stopped": "stopped",
    "seconds": 1.0,
    "checkpoint": "run",
    "resumed_from": None,
    "notes": ["model='gaussian-rbm' is for numbers"],
    "advice": "look again",
    "model": "my model.lamina",
    "model_bytes": 12345,
    "holdout_file": None,
    "samples": True,
    "drawable": False,
}


def shown(report, capsys):
    render.SHOW[report["command"]](report)
    return capsys.readouterr().out


def test_scores_stand_beside_the_mean_and_pca(capsys):
    found = [line.split() for line in shown(FIT, capsys).splitlines()]
    assert ["reconstruction", "error", "0.1235", "–", "0.5"] in found
    assert [
        "nearest",
        "code",
        "has",
        "the",
        "same",
        "label",
        "75.0%",
        "50.0%",
        "–",
    ] in found


def test_all_scores_have_names_and_the_words_agree():
    assert tuple(render_codes.NAMES) == NAMES
    assert render_codes.TASK == codes.TASK


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({}, "100 rows; 6 features → 2 codes; [bold]y is no input"),
        ({"target": [], "codes": 1}, "6 features → 1 code\n"),
        ({}, "BernoulliRBM: 6 → 2 (20 parameters)"),
        ({}, "7 epochs in 1.0 s, best epoch 5 (no improvement for long)"),
        ({"best_epoch": 7}, "7 epochs in 1.0 s (no improvement"),
        ({}, "run: begun anew"),
        ({}, "--model gaussian-rbm is for numbers"),
        ({}, "look again"),
        ({}, "lamina transform 'my model.lamina' 'evil"),
        ({}, "lamina sample 'my model.lamina' -o samples.csv"),
        ({"drawable": True}, "-o samples.png"),
        ({"holdout_file": "h.csv"}, "h.csv -o codes.png"),
        ({"codes": 3}, "-o codes.csv"),
        ({"held_out": 0}, "score on rows that were learnt"),
        ({"model_bytes": None}, "lamina fit … -o model.lamina keeps the model"),
    ],
)
def test_what_a_fit_came_to(part, text, capsys):
    found = shown(FIT | part, capsys)
    assert text in found
    assert "\x1b" not in found


def test_no_samples_are_offered_of_an_autoencoder(capsys):
    assert "lamina sample" not in shown(FIT | {"samples": False}, capsys)


def test_what_was_evaluated(capsys):
    report = FIT | {"command": "evaluate", "rows": 9, "skipped": 2, "notes": []}
    text = shown(report, capsys)
    assert "9 rows; 2 files that cannot be read left out" in text
    assert "score on 9 rows" in text


def test_what_a_model_is_made_of(capsys):
    report = FIT | {"command": "summary", "estimator": "BernoulliRBM"}
    layer = {"layer": "RBM", "input": [6], "output": [2], "parameters": 20}
    column = {"name": "x", "kind": "number", "detail": "mean 2"}
    report |= {"layers": [layer | {"details": "-"}], "columns": [column]}
    text = shown(report, capsys)
    for part in ("RBM", "2 codes of 6 features", "mean 2", "7 epochs on 80 rows"):
        assert part in text


def test_what_was_written(capsys):
    report = {"command": "transform", "codes": 2, "rows": 1500, "out": "c.png"}
    assert "2 codes of 1,500 rows: c.png" in shown(report | {"figure": False}, capsys)
    assert "a map of 1,500 rows: c.png" in shown(report | {"figure": True}, capsys)
    report = {"command": "sample", "samples": 9, "steps": 1000, "out": "s.csv"}
    text = shown(report | {"figure": False}, capsys)
    assert "9 rows, each after 1,000 Gibbs steps: s.csv" in text
