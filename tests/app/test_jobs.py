"""What the other commands do, without a terminal."""

import json
import warnings

import numpy as np
import pytest

import lamina
from lamina import MLPClassifier
from lamina.app import jobs
from lamina.app.render.as_json import as_json
from lamina.data import load
from lamina.data.errors import UserError
from tests.app.fits import fit, summary
from tests.data.sample_images import save

QUICK = ("max_iter=3", "hidden_layer_sizes=[4]")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("jobs") / "m.lamina")
    fit("iris", out=path, sets=QUICK)
    return path


def test_predictions_are_those_of_the_model(model):
    table = load("iris").as_table()
    found = jobs.predict(model, "iris", True)
    loaded = lamina.load(model)
    assert found.names == ["species", "p(setosa)", "p(versicolor)", "p(virginica)"]
    np.testing.assert_array_equal(found.columns[0], loaded.predict(table))
    probabilities = np.stack(found.columns[1:], axis=1)
    np.testing.assert_array_equal(probabilities, loaded.predict_proba(table))
    assert found.records[0]["species"] == found.columns[0][0]
    json.loads(as_json(found.records))


def test_a_summary_tells_layers_and_columns(model):
    report = summary(model)
    assert [row["parameters"] for row in report["layers"]] == [20, 15]
    assert report["classes"] == ["setosa", "versicolor", "virginica"]
    assert [c["kind"] for c in report["columns"]] == ["number"] * 4 + ["target"]
    json.loads(as_json(report))


def test_a_model_saved_from_python_has_a_summary_but_no_columns(tmp_path):
    path = str(tmp_path / "m.lamina")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MLPClassifier((3,), max_iter=1).fit([[0.0], [1.0]], [0, 1]).save(path)
    assert summary(path)["estimator"] == "MLPClassifier"
    with pytest.raises(UserError, match="saved from Python"):
        jobs.predict(path, "iris")


def test_all_data_sets_are_listed():
    sets = jobs.datasets().to_json()["sets"]
    assert {"iris", "digits", "xor"} <= {row["name"] for row in sets}
    assert all(row["description"] for row in sets)


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


@pytest.fixture(scope="module")
def image_model(photos):
    path = str(photos.parent / "m.lamina")
    fit(str(photos), out=path, sets=SMALL)
    return path


def test_predictions_name_their_images(image_model, photos):
    found = jobs.predict(image_model, str(photos), True)
    assert found.names == ["image", "class", "p(cat)", "p(dog)"]
    assert found.columns[0].tolist()[:2] == ["cat/0.png", "cat/1.png"]
    loaded = lamina.load(image_model)
    np.testing.assert_array_equal(found.columns[1], loaded.predict(photos))
    one = jobs.predict(image_model, str(photos / "dog" / "3.png"))
    assert one.records == [{"image": "3.png", "class": found.columns[1][13]}]


def test_the_summary_of_images(image_model):
    report = summary(image_model)
    assert json.loads(as_json(report)) == report
    assert report["images"] == "8 × 6, colour, letterbox"
    assert (report["columns"], report["classes"]) == ([], ["cat", "dog"])
    first = [row["layer"] for row in report["layers"]][:3]
    assert first == ["Rescale", "Augment", "Conv"]
    assert report["layers"][0]["input"] == [8, 6, 3]


def test_a_model_of_images_wants_images(image_model, model, photos):
    with pytest.raises(ValueError, match="no column has paths of images"):
        jobs.predict(image_model, "iris")
    with pytest.raises(ValueError, match="is a folder"):
        jobs.predict(model, str(photos))
