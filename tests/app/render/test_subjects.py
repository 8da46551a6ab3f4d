"""What was learnt, predicted or tried, as a person reads it."""

import pytest

from lamina.models.reports import (
    Encoding,
    Forecasting,
    Inputs,
    Predicted,
    Prediction,
    Report,
    Split,
    Trial,
)
from tests.app.fits import said

ROWS = Inputs("rows", 6)
ENCODING = ("BernoulliRBM", 2, True, False)
FORECAST = ["passengers"], "month", 12, 6


def shown(part, capsys):
    return said(Report("fit", (part,)), capsys)


@pytest.mark.parametrize(
    ("inputs", "size"),
    [
        (ROWS, "6 features"),
        (Inputs("images", 64, images="8 × 8, grey"), "8 × 8, grey"),
        (Inputs("sequences", 3, sequences="7 steps × 3"), "7 steps × 3"),
    ],
)
def test_what_an_example_is(inputs, size, capsys):
    assert inputs.size == size
    part = Prediction("t.csv", 1500, inputs, ["y", "z"], "regression")
    told = f"Data t.csv: 1,500 {inputs.examples}; {size} → y, z (regression)"
    assert shown(part, capsys) == told
    assert shown(inputs, capsys) == ""


def test_names_from_files_are_neither_markup_nor_escapes(capsys):
    part = Prediction("evil\x1b[2J.csv", 3, ROWS, ["[bold]y"], "regression")
    text = shown(part, capsys)
    assert "\x1b" not in text
    assert "[bold]y" in text


def test_what_a_model_predicts(capsys):
    inputs = Inputs("images", 64, images="8 × 8, grey")
    classes = [f"c{i}" for i in range(20)]
    text = shown(Predicted(["kind"], "classification", classes, inputs), capsys)
    assert "Predicts kind (classification) Images 8 × 8, grey" in text
    assert "Classes 20: c0, c1," in text
    assert text.endswith("c11, …")
    assert shown(Predicted(["y"], "regression", None, ROWS), capsys) == (
        "Predicts y (regression)"
    )


def test_how_many_were_held_out(capsys):
    part = Split(1200, 300, "sequences")
    assert shown(part, capsys) == "Split training 1,200 · test 300 sequences"
    assert part.scored == "score on 300 test sequences"
    part = Split(1437, 360, "rows", 216)
    told = "Split training 1,221 · validation 216 · test 360 rows"
    assert shown(part, capsys) == told
    part = Split(12, 0, "rows")
    assert shown(part, capsys) == "Split training 12 rows"
    assert part.scored == "training score"


@pytest.mark.parametrize(
    ("target", "codes", "data", "text"),
    [
        (
            ["[bold]y"],
            2,
            "t",
            "t: 100 rows; 6 features (without [bold]y) → 2 latent dimensions",
        ),
        ([], 1, "t", "t: 100 rows; 6 features → 1 latent dimension"),
        (["y"], 2, None, "Learns 6 features (without y) → 2 latent dimensions"),
    ],
)
def test_what_is_learnt_without_labels(target, codes, data, text, capsys):
    part = Encoding(ROWS, target, "BernoulliRBM", codes, True, False, data, 100)
    assert shown(part, capsys).endswith(text)


@pytest.mark.parametrize(
    ("steps", "data", "texts"),
    [
        (
            (144, 1),
            "a.csv",
            ["144 steps by month, seasonal period 12", "the next 6 steps"],
        ),
        ((31, 2), "a.csv", ["2 series of up to 31 steps by month"]),
        (
            (144, 1),
            None,
            ["the next 6 steps of passengers, seasonal period 12"],
        ),
    ],
)
def test_what_is_forecast(steps, data, texts, capsys):
    told = shown(Forecasting(*steps, *FORECAST, data), capsys)
    for text in texts:
        assert text in told


def test_a_series_without_times_and_seasons(capsys):
    text = shown(Forecasting(80, 1, ["v"], None, 1, 6, "a.csv"), capsys)
    assert "a.csv: 80 steps, no seasonality" in text


@pytest.mark.parametrize(
    ("skipped", "text"),
    [
        (0, "Data t.csv: 9 rows"),
        (2, "Data t.csv: 9 rows; skipped 2 rows without a target"),
    ],
)
def test_what_was_tried(skipped, text, capsys):
    part = Trial("m.lamina", "t.csv", 9, skipped, "rows", ["y"], "regression")
    assert shown(part, capsys) == f"Model m.lamina {text}"
