"""What is refused before anything is learnt."""

from pathlib import Path

import numpy as np
import pytest

from lamina.app import fitting, jobs
from lamina.app.opening import JobError, check_out
from lamina.app.options import FitOptions
from tests.data.picture_files import save

QUICK = ("max_iter=3", "hidden_layer_sizes=[4]")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("jobs") / "m.lamina")
    fitting.fit("iris", FitOptions(out=path, sets=QUICK))
    return path


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
        ({"sets": ["early_stopping=banana"]}, "early_stopping must be True or False"),
        ({"sets": ["max_iter=ten"]}, "max_iter must be a whole number ≥ 1; got 'ten'"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_written(
    options, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        fitting.fit("iris", FitOptions(**options))
    assert list(tmp_path.iterdir()) == []


def test_only_models_are_overwritten(tmp_path, model):
    data = tmp_path / "t.csv"
    text = "a,y\n" + "".join(f"{i % 7},{i % 2}\n" for i in range(30))
    data.write_text(text)
    with pytest.raises(JobError, match="would overwrite what it is made from"):
        fitting.fit(str(data), FitOptions(["y"], out=str(data)))
    with pytest.raises(JobError, match="is no model; it is not overwritten"):
        fitting.fit("iris", FitOptions(out=str(data)))
    assert data.read_text() == text
    for path in (str(data), model):
        with pytest.raises(JobError, match="would overwrite"):
            check_out(path, str(data), model)
    again = tmp_path / "m.lamina"
    again.write_bytes(Path(model).read_bytes()[:200])  # a damaged model may go
    fitting.fit("iris", FitOptions(out=str(again), sets=QUICK))
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
        fitting.fit(str(photos), FitOptions(out=out, sets=SMALL, **options))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", [{"size": "4"}, {"skip_broken": True}])
def test_options_that_tables_have_no_use_for(option):
    with pytest.raises(JobError, match=r"is for pictures, but iris is a table"):
        fitting.fit("iris", FitOptions(**option))
