"""Forecasts at the command line: what comes next, with times and bounds."""

import json

import numpy as np
import pytest

from lamina.app import fitting, jobs
from lamina.app.render.as_json import as_json
from lamina.app.tables import csv_chunks, table_rows
from lamina.data import load
from lamina.models.kinds.forecast import Forecasts, known_target
from tests.app.fits import evaluate, fit, refused, said

QUICK = ("estimator=mlp", "n_estimators=1")


@pytest.fixture(scope="module")
def airline(tmp_path_factory):
    path = tmp_path_factory.mktemp("forecasts") / "airline.csv"
    path.write_bytes(b"".join(csv_chunks(table_rows(load("airline").as_table()))))
    return str(path)


def fitted(airline, tmp_path, **how):
    out = str(tmp_path / "m.lamina")
    how = {"forecast": ("passengers",), "horizon": 6, "sets": QUICK} | how
    return fit(airline, out=out, **how)


@pytest.mark.slow
def test_from_a_table_to_the_next_steps(airline, tmp_path, capsys):
    out = str(tmp_path / "m.lamina")
    how = {"forecast": ("passengers",), "horizon": 6, "sets": QUICK, "out": out}
    whole = fitting.fit(airline, how)
    report = whole.to_json()
    assert json.loads(as_json(report)) == report
    assert (report["time"], report["seasonal_period"], report["horizon"]) == (
        "month",
        12,
        6,
    )
    assert report["scores"]["mase"] < report["baseline"]["mase"]
    found = jobs.predict(report["model"], airline)
    names = ["month", "passengers", "passengers low", "passengers high"]
    assert found.names == names
    assert found.columns[0].astype(str).tolist()[:2] == ["1961-01-01", "1961-02-01"]
    _, middle, low, high = found.columns
    assert ((low < middle) & (middle < high)).all()
    assert len(middle) == 6
    scores = evaluate(report["model"], airline)
    assert scores["rows"] == 144
    assert scores["scores"]["mase"] < scores["baseline"]["mase"]
    text = ""
    for shown in (whole, jobs.summary(out), jobs.evaluate(out, airline)):
        found = shown.to_json()
        assert json.loads(as_json(found)) == found
        text += said(shown, capsys)
    assert "Note some of the last 6 steps were used for training" in text
    assert "144 steps by month, seasonal period 12" in text
    assert "the next 6 steps of passengers" in text
    assert "MASE" in text


@pytest.mark.slow
def test_an_embedded_series_is_forecast_unasked(tmp_path):
    report = fit("airline", sets=QUICK, out=str(tmp_path / "m.lamina"))
    assert report["task"] == "forecast"
    assert report["target"] == ["passengers"]


@pytest.mark.slow
def test_a_person_may_know_the_season(airline, tmp_path):
    report = fitted(airline, tmp_path, seasonal_period=4)
    assert report["seasonal_period"] == 4


@pytest.mark.slow
def test_on_how_many_ends_it_is_tried(airline, tmp_path, capsys):
    assert fitted(airline, tmp_path)["folds"] == 3
    assert fitted(airline, tmp_path, folds=1)["folds"] == 1
    how = {"forecast": ("passengers",), "horizon": 6, "sets": QUICK, "folds": 0}
    report = fitting.fit(airline, how | {"out": str(tmp_path / "m.lamina")})
    found = report.to_json()
    assert (found["folds"], found["scores"]) == (0, None)
    assert "backtest error" not in said(report, capsys)


@pytest.mark.slow
def test_steps_without_times(tmp_path):
    path = tmp_path / "plain.csv"
    rows = 5 + np.sin(np.arange(80))
    path.write_text("v\n" + "\n".join(map(str, rows)) + "\n")
    report = fitted(str(path), tmp_path, forecast=("v",), seasonal_period=6)
    assert "no time column" in report["notes"][0]
    found = jobs.predict(report["model"], str(path))
    assert found.names[:2] == ["step", "v"]
    assert found.columns[0].tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"forecast": ("nope",)}, "nope"),
        ({"target": ("passengers",)}, "--forecast names the column to forecast"),
        ({"save_holdout": "h.csv"}, "--save-holdout applies to tables, images"),
        ({"holdout": 0.2}, "is a time series; --folds sets the number"),
        ({"holdout": 0.0}, "--holdout applies to tables, images, sequences"),
        ({"folds": -1}, "folds must be a whole number"),
        ({"horizon": 0}, "horizon must be a whole number"),
        ({"sets": ("speed=1",)}, "speed"),
    ],
)
def test_what_does_not_fit_is_refused(airline, tmp_path, how, message):
    how = {"forecast": ("passengers",), "horizon": 6, "sets": QUICK} | how
    refused(airline, message, out=str(tmp_path / "m.lamina"), **how)


@pytest.mark.slow
def test_a_forecast_needs_what_it_continues(airline, tmp_path):
    report = fitted(airline, tmp_path)
    with pytest.raises(ValueError, match="no probabilities"):
        jobs.predict(report["model"], airline, True)


def test_what_an_embedded_set_is():
    assert known_target("airline") == "passengers"
    assert known_target("iris") is known_target("any.csv") is None
    assert Forecasts().recognises("any.csv", {"forecast": ("a", "b")})
    assert not Forecasts().recognises("airline", {"target": ("passengers",)})
