"""Sequences at the command line: a .ts file, a table of steps, answers at each step."""

import csv
import json

import numpy as np
import pytest

import lamina
from lamina.app import fitting, jobs
from lamina.app.render.as_json import as_json
from lamina.app.tables import csv_chunks, table_rows
from lamina.data import load
from tests.app.fits import evaluate, fit, refused, said

QUICK = ("max_iter=2", "layers=[GRU(4)]")


def written(path, table):
    path.write_bytes(b"".join(csv_chunks(table_rows(table))))
    return str(path)


@pytest.fixture
def sines(tmp_path):
    table = load("noisy_sines", n=30, length=12, shortest=6).as_long_table()
    return written(tmp_path / "sines.csv", table)


@pytest.fixture
def steps(tmp_path):
    table = load("hidden_markov", n=30, length=12, shortest=6).as_long_table()
    return written(tmp_path / "steps.csv", table)


def options(tmp_path, **how):
    return {"out": str(tmp_path / "m.lamina"), "sets": QUICK} | how


@pytest.mark.slow
def test_a_file_of_sequences(tmp_path, capsys):
    """Rows of the file: features by commas, their columns by colons, the label last."""
    path = tmp_path / "waves.ts"
    rng = np.random.default_rng(0)
    lines = ["@problemName waves", "@classLabel true a b", "@data"]
    for i in range(24):
        columns = rng.normal(i % 2, 1, (2, 5 + i % 4)).round(3)
        lines.append(":".join([",".join(map(str, c)) for c in columns] + ["ab"[i % 2]]))
    path.write_text("\n".join(lines))
    whole = fitting.fit(str(path), options(tmp_path))
    report = whole.to_json()
    assert json.loads(as_json(report)) == report
    assert report["examples"] == "sequences"
    assert report["rows"] == 24
    assert report["sequences"] == "5 to 8 steps × 2 features"
    found = jobs.predict(report["model"], str(path), True)
    assert found.names == ["sequence", "class", "p(a)", "p(b)"]
    assert found.columns[0].tolist() == [str(i) for i in range(24)]
    assert evaluate(report["model"], str(path))["rows"] == 24
    text = said(whole, capsys)
    assert "24 sequences; 5 to 8 steps × 2 features → class" in text
    assert "NEW.ts" in text
    text = said(jobs.summary(report["model"]), capsys)
    assert "Sequences 5 to 8 steps × 2 features" in text


@pytest.mark.slow
def test_a_table_of_steps(tmp_path, sines):
    held = str(tmp_path / "held.csv")
    how = {"group_column": "series", "time_column": "step", "target": ("class",)}
    report = fit(sines, **options(tmp_path, save_holdout=held, **how))
    assert report["target"] == ["class"]
    again = evaluate(report["model"], held)
    assert again["scores"] == pytest.approx(report["scores"])
    assert again["rows"] == report["held_out"]
    with open(held, newline="") as file:
        names = {row["series"] for row in csv.DictReader(file)}
    assert len(names) == report["held_out"]
    found = jobs.predict(report["model"], sines)
    assert found.names == ["series", "class"]
    assert len(found.columns[1]) == 30


@pytest.mark.slow
def test_an_answer_at_each_step(tmp_path, steps):
    how = {"group_column": "series", "time_column": "step", "target": ("state",)}
    report = fit(steps, **options(tmp_path, **how))
    found = jobs.predict(report["model"], steps, True)
    assert found.names[:3] == ["series", "step", "state"]
    assert len(found.names) == 6
    with open(steps, newline="") as file:
        assert len(found.columns[0]) == len(list(csv.DictReader(file)))
    np.testing.assert_allclose(sum(found.columns[3:]), 1, rtol=1e-5)
    model = lamina.load(report["model"])
    flat = np.concatenate(model.predict(steps))
    np.testing.assert_array_equal(found.columns[2], flat)


@pytest.mark.slow
def test_steps_are_counted_where_there_are_no_times(tmp_path, steps):
    how = {"group_column": "series", "target": ("state",), "exclude": ("step",)}
    report = fit(steps, **options(tmp_path, **how))
    found = jobs.predict(report["model"], steps)
    assert found.names == ["series", "step", "state"]
    assert found.columns[1][:6].tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"group_column": "nope", "target": ("class",)}, "no column 'nope'"),
        ({"group_column": "series"}, "have no targets; name the column"),
        (
            {"time_column": "step", "target": ("class",)},
            "--time-column applies to sequences and time series",
        ),
        ({"group_column": "series", "horizon": 3}, "--horizon applies to time series"),
        ({"group_column": "series", "horizon": 0}, "--horizon applies to time series"),
        ({"group_column": "series", "folds": 2}, "--folds applies to time series"),
        ({"group_column": "series", "size": "4"}, "--size applies to images"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, sines, how, message):
    refused(sines, message, **options(tmp_path, **how))


def test_options_of_tables_are_refused_for_files_of_sequences(tmp_path):
    how = options(tmp_path, target=("class",))
    error = refused("noisy_sines", "--target applies to tables; noisy_sines", **how)
    assert error.parameter == "target"
