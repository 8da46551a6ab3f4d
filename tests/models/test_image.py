"""Images in, a trained network out."""

from dataclasses import replace

import numpy as np
import pytest

import lamina
from lamina import Conv, ConvNetClassifier, ConvNetRegressor, GlobalPool
from lamina.data import ImageError, ImageSchema, TableError, read_images
from lamina.data.images.disk_images import DiskImages
from lamina.models import ImageModel
from tests.data.images.test_idx import idx
from tests.data.sample_images import save
from tests.model_files import closed, opened

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {
    "layers": [Conv(4, 3, 2), GlobalPool()],
    "max_iter": 30,
    "batch_size": 8,
    "learning_rate_init": 0.03,
}
CLASSES = ("bird", "cat", "dog")


def coloured(k, size=(8, 10), rng=None):
    """An image whose strongest channel is k."""
    rng = np.random.default_rng(k) if rng is None else rng
    values = rng.integers(0, 60, (*size, 3))
    values[..., k % 3] += 150
    return values.astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten images of each class, and lists of them."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    rows = []
    for k, name in enumerate(CLASSES):
        for i in range(10):
            save(folder / "photos" / name / f"{i}.png", coloured(k, rng=rng))
            rows.append(f"photos/{name}/{i}.png,{name},{k + i / 10},x")
    (folder / "t.csv").write_text("\n".join(["file,kind,age,note", *rows]) + "\n")
    return folder


@pytest.fixture(scope="module")
def photos(folder):
    return folder / "photos"


@pytest.fixture(scope="module")
def model(photos):
    return ImageModel(random_state=0, settings=QUICK).fit(photos)


@pytest.mark.slow
def test_classes_are_learnt(model):
    assert model.classes_.tolist() == list(CLASSES)
    assert (model.task_, model.target_) == ("classification", "class")
    assert (model.n_train_, model.n_holdout_) == (24, 6)
    assert model.schema_ == ImageSchema(8, 10)
    assert model.scores_["accuracy"] >= 0.8
    assert model.baseline_scores_["accuracy"] == pytest.approx(1 / 3)
    assert model.notes_ == ["images are 8 × 10, colour, not resized"]


@pytest.mark.slow
def test_held_out_images_are_those_of_the_scores(model, photos):
    images = read_images(photos)
    held = model.holdout_rows_
    assert len(held) == 6
    assert sorted(images.y[held].tolist()) == sorted(CLASSES * 2)
    proba = model.estimator_.predict_proba(images.X[held])
    true = np.searchsorted(model.classes_, images.y[held])
    loss = -np.log(proba[np.arange(6), true]).mean()
    assert model.scores_["log_loss"] == pytest.approx(loss, rel=1e-5)


def test_held_out_images_change_nothing_that_is_learnt(model, photos):
    images = read_images(photos)
    X = np.array(images.X)
    X[model.holdout_rows_] = 255 - X[model.holdout_rows_]
    again = ImageModel(random_state=0, settings=QUICK).fit(replace(images, X=X))
    assert np.array_equal(again.holdout_rows_, model.holdout_rows_)
    assert np.array_equal(again.predict_proba(photos), model.predict_proba(photos))


def test_applied_to_all_kinds_of_sources(model, photos, folder, tmp_path):
    whole = model.predict(photos)
    assert len(whole) == 30
    assert (whole == np.repeat(CLASSES, 10)).mean() >= 0.8
    assert model.predict(photos / "cat").tolist() == whole[10:20].tolist()
    assert model.predict(photos / "cat" / "3.png").tolist() == [whole[13]]
    np.testing.assert_array_equal(model.predict(folder / "t.csv"), whole)
    assert model.predict_proba(photos).shape == (30, 3)
    # Of another size and grey: brought to what was learnt.
    path = save(tmp_path / "large.jpg", np.full((90, 40), 70, np.uint8))
    assert model.read(path).X.shape == (1, 8, 10, 3)
    assert model.predict(path).shape == (1,)


def test_evaluated_on_folders_and_tables(model, photos, folder):
    found = model.evaluate(photos)
    assert (found["rows"], found["skipped"]) == (30, 0)
    right = (model.predict(photos) == np.repeat(CLASSES, 10)).mean()
    assert found["scores"]["accuracy"] == pytest.approx(right)
    assert found["baseline"]["accuracy"] == pytest.approx(1 / 3)
    for source in (photos / "cat", photos / "cat" / "3.png"):
        with pytest.raises(ImageError, match="the images have no labels"):
            model.evaluate(source)
    by_table = ImageModel("kind", settings=QUICK, random_state=0).fit(folder / "t.csv")
    assert by_table.target_ == "kind"
    assert by_table.evaluate(folder / "t.csv") == by_table.evaluate(photos)


@pytest.mark.slow
def test_numbers_and_folders_of_digits_are_the_same_classes(tmp_path):
    values = np.stack([coloured(k % 2)[..., 0] for k in range(24)])
    labels = np.arange(24, dtype=np.uint8) % 2 + 7
    (tmp_path / "a-images-idx3-ubyte").write_bytes(idx(values))
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(idx(labels))
    for k, (value, label) in enumerate(zip(values, labels, strict=True)):
        save(tmp_path / "d" / str(label) / f"{k}.png", value)
    sources = tmp_path / "a-images-idx3-ubyte", tmp_path / "d"
    for learnt, other in (sources, sources[::-1]):
        model = ImageModel(settings=QUICK, random_state=0).fit(learnt)
        assert model.evaluate(other)["scores"]["accuracy"] == 1.0
    save(tmp_path / "d" / "nine" / "a.png", values[0])
    model = ImageModel(settings=QUICK, random_state=0).fit(sources[0])
    found = model.evaluate(sources[1])
    assert found["scores"]["accuracy"] == pytest.approx(24 / 25)


@pytest.mark.slow
def test_numbers_are_learnt(folder):
    model = ImageModel("age", settings=QUICK, random_state=0).fit(folder / "t.csv")
    assert model.task_ == "regression"
    assert isinstance(model.estimator_, ConvNetRegressor)
    assert set(model.scores_) == {"r2", "rmse", "mae"}
    assert model.scores_["rmse"] < model.baseline_scores_["rmse"]
    with pytest.raises(ValueError, match="no probabilities"):
        model.predict_proba(folder / "t.csv")


@pytest.mark.slow
def test_stored_images_give_the_same_model(model, photos, monkeypatch):
    monkeypatch.setattr("lamina.data.images.disk_images.IN_MEMORY", 0)
    stored = ImageModel(random_state=0, settings=QUICK)
    images = stored.read_training(photos)
    assert isinstance(images.X, DiskImages)
    stored.fit(images)
    assert stored.scores_ == pytest.approx(model.scores_, rel=1e-4)
    for mine, theirs in zip(
        stored.estimator_.params_, model.estimator_.params_, strict=True
    ):
        for name in mine:
            np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-3, atol=1e-5)


def test_through_a_file(model, photos, tmp_path):
    model.save(tmp_path / "m.lamina")
    loaded = lamina.load(tmp_path / "m.lamina")
    assert isinstance(loaded, ImageModel)
    assert loaded.schema_ == model.schema_
    assert loaded.scores_ == model.scores_
    np.testing.assert_array_equal(loaded.predict(photos), model.predict(photos))
    np.testing.assert_array_equal(
        loaded.predict_proba(photos), model.predict_proba(photos)
    )
    assert loaded.evaluate(photos) == model.evaluate(photos)
    assert not hasattr(loaded, "holdout_rows_")


def test_a_damaged_schema_is_refused(model):
    changes = (
        ({"height": 9}, "does not fit"),
        ({"height": "8"}, "schema.height must be a whole number; got '8'"),
        ({"resize": "tile"}, "letterbox or stretch or crop"),
    )
    for change, said in changes:
        description, tensors = opened(model)
        description["fitted"]["schema"]["ImageSchema"].update(change)
        with pytest.raises(ValueError, match=said):
            closed(description, tensors)


@pytest.mark.slow
def test_broken_files(folder, tmp_path):
    for k, name in enumerate(CLASSES):
        for i in range(2):
            save(tmp_path / name / f"{i}.png", coloured(k))
    (tmp_path / "cat" / "bad.png").write_bytes(b"")
    with pytest.raises(ImageError, match="1 of 7 images cannot be read: cat/bad.png"):
        ImageModel(settings=QUICK).fit(tmp_path)
    model = ImageModel(settings=QUICK, errors="skip", random_state=0).fit(tmp_path)
    assert model.n_train_ == 6
    assert any("1 file cannot be read and is skipped" in n for n in model.notes_)
    assert any("no test set" in note for note in model.notes_)
    found = model.evaluate(tmp_path)
    assert (found["rows"], found["skipped"]) == (6, 1)


def refused(source, message, error=ImageError, **parameters):
    with pytest.raises(error, match=message):
        ImageModel(**({"settings": QUICK} | parameters)).fit(source)


def test_what_nothing_can_be_learnt_from(photos, folder, tmp_path):
    refused(photos / "cat", "the images have no labels; use one subfolder per class")
    save(tmp_path / "one" / "cat" / "a.png")
    refused(tmp_path / "one", "contains 1 image; at least 2 are needed")
    save(tmp_path / "one" / "cat" / "b.png")
    refused(tmp_path / "one", "all images are of class 'cat'")
    for k in range(21):
        save(tmp_path / "many" / f"c{k}" / "a.png", coloured(k))
    refused(tmp_path / "many", "21 classes in 21 images")
    refused(folder / "t.csv", "no column 'kinds'", TableError, target="kinds")
    refused(photos, "holdout must be a number", ValueError, holdout=1.0)
    refused(photos, "no setting 'max_itr'", ValueError, settings={"max_itr": 1})
    refused(
        photos,
        "requires classification",
        ValueError,
        estimator=ConvNetRegressor(),
        settings=None,
    )
    refused(photos, "channels must be 1", ValueError, channels=2)


@pytest.mark.slow
def test_an_estimator_of_ones_own(photos):
    own = ConvNetClassifier(layers=QUICK["layers"], max_iter=2, random_state=1)
    model = ImageModel(estimator=own, size=(5, 6), resize="stretch", holdout=0)
    model.fit(photos)
    assert model.estimator_ is not own
    assert model.schema_ == ImageSchema(5, 6, 3, "stretch")
    assert (model.n_train_, model.n_holdout_) == (30, 0)
    with pytest.raises(ImageError, match="but the model expects"):
        model.predict(read_images(photos))
    assert len(model.predict(model.read(photos))) == 30
