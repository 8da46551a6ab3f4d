"""Scores beside each other, as a person reads them."""

from lamina.app.render.scores import NAMES
from lamina.estimators._core.reporting import embedding_scores
from lamina.metrics import scores
from lamina.models.reports import Backtest, Coverage, Report, ScoreColumn, Scores
from tests.app.fits import said


def lines(part, capsys):
    from lamina.app.render.terminal import show

    show(Report("fit", (part,)))
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_scores_stand_beside_the_baseline(capsys):
    network = {"r2": None, "rmse": 1.23456, "mae": 0.5, "accuracy": 0.75}
    baseline = {"r2": 0.0, "rmse": 2.0, "mae": float("nan"), "accuracy": 0.5}
    columns = (
        ScoreColumn("scores", "network", network),
        ScoreColumn("baseline", "baseline (mean)", baseline),
    )
    rows = lines(Scores("score on 9 rows", columns), capsys)
    assert ["RMSE", "1.235", "2"] in rows
    assert ["R²", "–", "0"] in rows
    assert ["mean", "absolute", "error", "0.5", "–"] in rows
    assert ["accuracy", "75.0%", "50.0%"] in rows
    assert ["score", "on", "9", "rows", "network", "baseline", "(mean)"] in rows


def test_scores_that_only_one_column_has_and_scores_without_a_name(capsys):
    columns = (
        ScoreColumn("scores", "network", {"same_label": 0.75, "edit_distance": 2.0}),
        ScoreColumn("pca", "PCA", {"same_label": 0.5}),
        ScoreColumn("baseline", "mean", None),
    )
    rows = lines(Scores("score", columns), capsys)
    label = NAMES["same_label"].split()
    assert [*label, "75.0%", "50.0%", "–"] in rows
    assert ["edit", "distance", "2", "–", "–"] in rows


def test_where_nothing_was_tried_there_is_no_table(capsys):
    none = Scores("score", (ScoreColumn("scores", "network", None),))
    assert lines(none, capsys) == []
    assert none.to_json() == {"scores": None}


def test_all_scores_have_names():
    known = (
        *embedding_scores.NAMES,
        *scores.OF_CLASSES,
        *scores.OF_NUMBERS,
        *scores.OF_FORECASTS,
    )
    assert set(known) == set(NAMES)


def test_how_many_numbers_lay_within_bounds(capsys):
    told = "Coverage 80 % prediction interval covered 64 % of actual values"
    assert said(Report("fit", (Coverage(0.64), Backtest(3))), capsys) == told
    assert said(Report("fit", (Coverage(None),)), capsys) == ""
