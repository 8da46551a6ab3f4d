"""Which kind of data a source is, and what is refused before anything is learnt."""

from pathlib import Path

import numpy as np
import pytest

from lamina import MLPClassifier
from lamina.app.loading import check_out
from lamina.data.errors import UserError
from lamina.models.kinds.bare import Bare
from lamina.models.kinds.registry import KINDS, fit_options, kind_of, recognised
from lamina.models.options import options_of
from tests.app.fits import fit, refused, summary
from tests.data.sample_images import save

QUICK = ("max_iter=3", "hidden_layer_sizes=[4]")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("jobs") / "m.lamina")
    fit("iris", out=path, sets=QUICK)
    return path


@pytest.mark.parametrize(
    ("source", "given", "name"),
    [
        ("iris", {}, "table"),
        ("nothere.csv", {}, "table"),
        ("-", {}, "table"),
        (".", {}, "image"),
        ("waves.ts", {}, "sequence"),
        ("japanese_vowels", {}, "sequence"),
        ("any.csv", {"group_column": "id"}, "sequence"),
        ("airline", {}, "forecast"),
        ("airline", {"target": ("passengers",)}, "table"),
        ("any.csv", {"forecast": ("x",), "group_column": "id"}, "forecast"),
        ("iris", {"model": "rbm"}, "embedding"),
        (".", {"model": "rbm"}, "embedding"),
    ],
)
def test_the_most_special_kind_that_recognises_a_source_has_it(source, given, name):
    assert recognised(source, given).name == name


def test_kinds_are_known_by_name_and_say_what_they_are():
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    for kind in KINDS:
        assert kind.noun
        assert kind.plural
        for name in kind.instead:
            assert name not in {one.name for one in options_of(kind.options)}


def test_a_model_says_of_which_kind_it_is():
    class Model:
        kind_ = "table"

    assert kind_of(Model()).name == "table"
    Model.kind_ = "smell"
    with pytest.raises(UserError, match="does not support models of kind 'smell'"):
        kind_of(Model())
    assert isinstance(kind_of(MLPClassifier()), Bare)


def test_every_option_is_declared_once():
    options = fit_options()
    for part in ("name", "flag", "short"):
        known = [getattr(one, part) for one in options if getattr(one, part)]
        assert len(set(known)) == len(known)
    for kind in KINDS:
        for one in options_of(kind.options):
            assert one in options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"holdout": 1.0}, "--holdout must be in"),
        ({"seed": -1}, "--seed must be in"),
        ({"task": "clustering"}, "--task must be one of classification, regression"),
        ({"holdout": 0.0, "save_holdout": "x.csv"}, "has no rows to write"),
        ({"out": "missing/m.lamina"}, "does not exist"),
        ({"out": "."}, "is a folder"),
        ({"save_holdout": "missing/x.csv"}, "does not exist"),
        ({"save_holdout": "model.lamina"}, "would be overwritten"),
        ({"column_types": ("zip",)}, "COLUMN=TYPE"),
        ({"column_types": ("zip=category",)}, "no column 'zip'"),
        ({"sets": ("max_itr=3",)}, "did you mean max_iter"),
        ({"sets": ("max_iter",)}, "name=value"),
        ({"sets": ("solver=adm",)}, "'adm'"),
        ({"sets": ("callbacks=[1]",)}, "callbacks must be functions"),
        ({"sets": ("early_stopping=banana",)}, "early_stopping must be True or False"),
        ({"sets": ("max_iter=ten",)}, "max_iter must be a whole number ≥ 1; got 'ten'"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_written(
    options, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    refused("iris", message, **options)
    assert list(tmp_path.iterdir()) == []


def test_only_models_are_overwritten(tmp_path, model):
    data = tmp_path / "t.csv"
    text = "a,y\n" + "".join(f"{i % 7},{i % 2}\n" for i in range(30))
    data.write_text(text)
    with pytest.raises(UserError, match="is an input file and would be overwritten"):
        fit(data, target=("y",), out=str(data))
    with pytest.raises(UserError, match="is not a lamina model; not overwritten"):
        fit("iris", out=str(data))
    assert data.read_text() == text
    for path in (str(data), model):
        with pytest.raises(UserError, match="would be overwritten"):
            check_out(path, str(data), model)
    again = tmp_path / "m.lamina"
    again.write_bytes(Path(model).read_bytes()[:200])  # a damaged model may go
    fit("iris", out=str(again), sets=QUICK)
    assert summary(str(again))["task"] == "classification"


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"column_types": ("a=number",)},
            "--column-type applies to tables, sequences and",
        ),
        ({"exclude": ("a",)}, "--exclude applies to tables, sequences and"),
        ({"target": ("a", "b")}, "images can have only one --target"),
        ({"target": ("a",)}, "is a column, but this is not a table"),
        ({"size": "big"}, "--size must be one side or HEIGHTxWIDTH"),
        ({"task": "regression"}, "its labels are classes"),
    ],
)
def test_options_that_images_have_no_use_for(photos, tmp_path, options, message):
    out = str(tmp_path / "m.lamina")
    refused(photos, message, out=out, sets=SMALL, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", [{"size": "4"}, {"skip_broken": True}])
def test_options_that_tables_have_no_use_for(option):
    error = refused("iris", "applies to images", **option)
    assert "iris is a table" in str(error)
    assert error.parameter in option
