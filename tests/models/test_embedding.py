"""A table or images in, codes out."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

import lamina
from lamina import (
    Autoencoder,
    BernoulliRBM,
    Conv,
    EmbeddingModel,
    MaxPool,
    MLPClassifier,
)
from lamina.data import ImageError, TableError, load, read_table
from lamina.storage.codec import encode
from tests.data.images.test_idx import idx
from tests.data.sample_images import save
from tests.model_files import closed, opened

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ERROR = "reconstruction_error"
QUICK = {"autoencoder": {"max_iter": 5}}
MACHINES = ("rbm", "gaussian-rbm", "dbn", "dbm")
RNG = np.random.default_rng(0)


def quick(model="autoencoder", latent_dim=2, **how):
    settings = QUICK.get(model, {"n_iter": 2}) | how.pop("settings", {})
    return EmbeddingModel(model, latent_dim, settings=settings, random_state=0, **how)


@pytest.fixture(scope="module")
def digits():
    return EmbeddingModel(random_state=0).fit("digits")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Twelve images of each of two classes, 6 × 5 and grey."""
    folder = tmp_path_factory.mktemp("codes") / "photos"
    for k, name in enumerate(("dark", "light")):
        for i in range(12):
            values = RNG.integers(0, 80, (6, 5)) + 150 * k
            save(folder / name / f"{i}.png", values.astype(np.uint8))
    return folder


@pytest.mark.slow
def test_two_codes_of_digits_tell_more_than_two_principal_components(digits):
    assert digits.latent_dim_ == 2
    assert digits.target_ == ["digit"]
    assert digits.image_shape_ == (8, 8)
    assert digits.scores_[ERROR] < 0.75 * digits.pca_scores_[ERROR]
    assert digits.scores_["same_label"] > digits.pca_scores_["same_label"] + 0.15
    assert digits.estimator_.loss_name_ == "binary_cross_entropy"


@pytest.mark.slow
def test_pixels_are_sixteenths_and_held_out_rows_are_seen_by_nothing(digits):
    table = load("digits").as_table()
    held = digits.holdout_rows_
    rest = np.setdiff1d(np.arange(table.n_rows), held)
    names = [c.name for c in digits.schema_.columns if c.kind == "number"]
    X = np.stack([table[name] for name in names], axis=1) / 16
    pca = PCA(2).fit(X[rest])
    again = pca.inverse_transform(pca.transform(X[held]))
    expected = ((X[held] - again) ** 2).mean()
    assert digits.pca_scores_[ERROR] == pytest.approx(expected, rel=1e-3)
    expected = ((X[held] - X[rest].mean(axis=0)) ** 2).mean()
    assert digits.baseline_scores_[ERROR] == pytest.approx(expected, rel=1e-4)
    found = digits.evaluate(table.take(held))
    assert found["scores"] == digits.scores_
    assert (found["baseline"], found["pca"]) == (
        digits.baseline_scores_,
        digits.pca_scores_,
    )


@pytest.mark.slow
@pytest.mark.parametrize("model", ["autoencoder", "rbm", "gaussian-rbm"])
def test_held_out_values_change_nothing_that_is_learnt(model):
    """Numbers far off, levels that stand nowhere else, gaps where there are none."""
    rng = np.random.default_rng(0)
    rows = {
        "x": rng.normal(size=60),
        "whole": rng.normal(size=60),
        "level": rng.choice(np.array(["u", "v"], object), 60),
    }
    first = quick(model, 2).fit(rows)
    held = first.holdout_rows_
    assert len(held) in (11, 12, 13)
    other = {name: values.copy() for name, values in rows.items()}
    for name, poison in {"x": 1e5, "whole": np.nan, "level": "w"}.items():
        other[name][held] = poison
    again = quick(model, 2).fit(other)
    assert np.array_equal(again.holdout_rows_, held)
    assert again.schema_.columns == first.schema_.columns
    for name in ("limits_", "mean_", "components_"):
        one, two = (getattr(each, name) for each in (first, again))
        assert (one is None) == (two is None)
        assert one is None or np.array_equal(one, two)
    assert np.array_equal(again.transform(rows), first.transform(rows))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["autoencoder", *MACHINES])
def test_saved_models_do_the_same_bit_for_bit(model, tmp_path):
    fitted = quick(model, 3).fit("iris")
    fitted.save(tmp_path / "m.lamina")
    again = lamina.load(tmp_path / "m.lamina")
    assert isinstance(again, EmbeddingModel)
    assert again.scores_ == fitted.scores_
    for ask in ("transform", "reconstruction_error"):
        np.testing.assert_array_equal(
            getattr(again, ask)("iris"), getattr(fitted, ask)("iris")
        )
    assert again.transform("iris").shape == (150, 3)
    assert fitted.labels("iris")["species"].tolist()[:1] == ["setosa"]


@pytest.mark.slow
def test_scales_follow_from_what_learns():
    for model, visible in (("gaussian-rbm", None), ("dbn", "gaussian"), ("dbm", None)):
        settings = {} if visible is None else {"visible": visible}
        fitted = quick(model, 3, settings=settings).fit("iris")
        assert (fitted.limits_ is None) == (model != "dbm")
    assert quick().fit("iris").limits_ is None
    bounded = quick(settings={"loss": "binary_cross_entropy"}).fit("iris")
    x = bounded._inputs("iris")[np.setdiff1d(np.arange(150), bounded.holdout_rows_)]
    np.testing.assert_allclose((x.min(axis=0), x.max(axis=0)), [[0] * 4, [1] * 4])


@pytest.mark.slow
def test_binary_machines_are_told_to_be_for_bits():
    assert any("gaussian-rbm" in note for note in quick("rbm").fit("iris").notes_)
    for fitted in (quick("gaussian-rbm").fit("iris"), quick("rbm").fit("digits")):
        assert not any("gaussian-rbm" in note for note in fitted.notes_)


def mixed(n=60):
    return {
        "x": [None if i % 7 == 0 else i * 0.5 for i in range(n)],
        "c": ["u", "v", "w"] * (n // 3),
        "same": [4] * n,
        "y": ["p", "q"] * (n // 2),
    }


@pytest.mark.slow
@pytest.mark.parametrize("model", MACHINES)
def test_samples_are_rows_in_their_units(model):
    fitted = quick(model, 3, target="y").fit(mixed())
    assert fitted.target_ == ["y"]
    drawn = fitted.sample(20, 5, random_state=1)
    assert drawn.names == ["x", "c", "same"]
    assert set(drawn["c"]) <= {"u", "v", "w"}
    assert set(drawn["same"]) == {4.0}
    if model != "gaussian-rbm":
        assert np.nanmin(drawn["x"]) >= 0
        assert np.nanmax(drawn["x"]) <= 30
    assert drawn == fitted.sample(20, 5, random_state=1)


@pytest.mark.slow
def test_an_autoencoder_has_no_samples(digits):
    with pytest.raises(
        ValueError, match="cannot generate samples; fit a generative model"
    ):
        digits.sample()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["autoencoder", *MACHINES])
def test_images(model, images, tmp_path):
    fitted = quick(model, 3).fit(images)
    assert fitted.n_train_ + fitted.n_holdout_ == 24
    assert fitted.n_holdout_ in (4, 5)
    assert fitted.schema_.shape == (6, 5, 1)
    assert fitted.labels(images)["class"].tolist() == ["dark"] * 12 + ["light"] * 12
    assert fitted.transform(images / "dark" / "3.png").shape == (1, 3)
    fitted.save(tmp_path / "m.lamina")
    again = lamina.load(tmp_path / "m.lamina")
    np.testing.assert_array_equal(again.transform(images), fitted.transform(images))
    if model != "autoencoder":
        drawn = fitted.sample(4, 3, random_state=0)
        assert (drawn.shape, drawn.dtype) == ((4, 6, 5, 1), np.uint8)
    assert fitted.evaluate(images)["rows"] == 24


@pytest.mark.slow
def test_convolutional_codes_of_images(images):
    layers = [Conv(2, 3, padding="same"), MaxPool(2)]
    fitted = quick(latent_dim=None, size=8, settings={"layers": layers}).fit(images)
    assert fitted.latent_dim_ == 4 * 4 * 2
    assert fitted.transform(images).shape == (24, 32)


@pytest.mark.slow
def test_numbers_of_digits_in_a_file(tmp_path):
    values = RNG.integers(0, 255, (24, 4, 4)).astype(np.uint8)
    path = tmp_path / "a-images-idx3-ubyte"
    path.write_bytes(idx(values))
    fitted = quick("rbm", 3).fit(path)
    assert fitted.target_ == []
    assert fitted.labels(path) == {}
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(
        idx(np.arange(24, dtype=np.uint8) % 2)
    )
    fitted = quick("rbm", 3).fit(path)
    assert fitted.labels(path)["class"].tolist()[:3] == [0, 1, 0]
    assert "same_label" in fitted.scores_


@pytest.mark.slow
def test_lists_of_images_without_labels(images):
    fitted = quick().fit(images)
    (images.parent / "t.csv").write_text("file\nphotos/dark/3.png\n")
    found = fitted.transform(images.parent / "t.csv")
    np.testing.assert_array_equal(found, fitted.transform(images / "dark" / "3.png"))
    with pytest.raises(ImageError, match="but the model expects"):
        fitted.transform(quick(size=4).read_training(images)[0])


@pytest.mark.parametrize(
    ("how", "source", "message"),
    [
        (
            {"latent_dim": 4},
            "iris",
            "latent_dim=4 is not smaller than the number of fe",
        ),
        ({"latent_dim": 0}, "iris", "latent_dim must be a whole number ≥ 1"),
        ({"model": "pca"}, "iris", "model must be one of"),
        (
            {"latent_dim": None},
            "sine",
            "has a single feature, which cannot be embedded",
        ),
        ({"target": "specie"}, "iris", "did you mean 'species'"),
        ({"exclude": "species"}, "iris", "exclude must be a list"),
        ({"settings": {"encoder": [2]}}, "iris", "set the same number"),
        ({"settings": {"max_itr": 2}}, "iris", "did you mean max_iter"),
        ({"image_shape": (3, 3)}, "iris", "has 9 pixels, but there are 4 columns"),
        ({"holdout": 1}, "iris", "holdout must be a number"),
        ({}, {"x": [1.0], "y": [2.0]}, "no columns are left"),
        ({}, {"x": [1.0, 1.0], "y": [2.0, 2.0]}, "no columns are left"),
        (
            {"latent_dim": 4},
            {"x": [None, 1.0], "y": ["a", "b"]},
            "the number of features, 4",
        ),
    ],
)
def test_what_cannot_be_learnt(how, source, message):
    source = read_table(source) if isinstance(source, dict) else source
    with pytest.raises(ValueError, match=message):
        quick(**{"latent_dim": 2, **how}).fit(source)


@pytest.mark.slow
def test_more_codes_than_features_where_something_bounds_them():
    settings = {"corruption": "masking"}
    assert quick(latent_dim=9, settings=settings).fit("iris").latent_dim_ == 9
    assert quick("rbm", 9).fit("iris").latent_dim_ == 9


@pytest.mark.slow
def test_a_persons_own_estimator():
    own = Autoencoder((3,), max_iter=2)
    fitted = EmbeddingModel(estimator=own, random_state=4).fit("iris")
    assert (fitted.latent_dim_, fitted.estimator_.random_state) == (3, 4)
    with pytest.raises(ValueError, match="got MLPClassifier"):
        EmbeddingModel(estimator=MLPClassifier()).fit("iris")
    fitted = EmbeddingModel(estimator=BernoulliRBM(5, n_iter=1), holdout=0).fit(
        "digits"
    )
    assert fitted.n_holdout_ == 0
    assert any("no test set" in note for note in fitted.notes_)


@pytest.mark.slow
def test_other_tables_have_to_hold_the_columns(digits):
    fitted = quick().fit("iris")
    table = load("iris").as_table()
    few = table.take([5]).drop("species")
    expected = fitted.transform("iris")[5:6]
    np.testing.assert_allclose(fitted.transform(few), expected, rtol=1e-5)
    assert fitted.labels(few) == {}
    assert "same_label" not in fitted.evaluate(few)["scores"]
    with pytest.raises(TableError, match="the model needs it"):
        fitted.transform(table.drop("sepal width (cm)"))
    with pytest.raises(TableError, match="has 0 rows"):
        fitted.transform(table.take([]))


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "told"), [(1e9, True), (0.1, False)])
def test_a_rate_at_which_nothing_is_learnt_is_told_of(rate, told):
    settings = {"learning_rate": rate, "n_iter": 10}
    model = EmbeddingModel("rbm", 20, settings=settings, random_state=0).fit("digits")
    assert any("worse than that of the mean" in note for note in model.notes_) == told


def test_one_feature_has_no_shorter_code():
    table = read_table({"x": np.arange(30.0)})
    with pytest.raises(ValueError, match="has a single feature, which cannot be"):
        EmbeddingModel().fit(table)


@pytest.mark.slow
def test_a_fit_goes_on_from_its_checkpoint(tmp_path):
    how = {"checkpoint": tmp_path / "run"}
    two, four = ({"n_iter": n, "schedule": None} for n in (2, 4))
    quick("rbm", settings=two, **how).fit("iris")
    again = quick("rbm", settings=four, **how).fit("iris")
    assert again.estimator_.resumed_from_ == 2
    expected = quick("rbm", settings=four).fit("iris")
    np.testing.assert_array_equal(again.transform("iris"), expected.transform("iris"))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("estimator", MLPClassifier()),
        ("estimator", BernoulliRBM()),
        ("schema", None),
        ("limits", (np.zeros(3), np.ones(3))),
        ("limits", np.ones(4)),
        ("limits", (np.zeros(4), np.zeros(4))),
        ("latent_dim", 7),
        ("mean", np.zeros(3)),
        ("components", np.zeros((3, 4))),
        ("image_shape", (2, -2)),
        ("target", "species"),
        ("constants", {"x": None}),
        ("scores", {"accuracy": 1.0}),
        ("scores", {"reconstruction_error": "small"}),
        ("baseline_scores", {}),
        ("pca_scores", None),
    ],
)
def test_files_whose_parts_do_not_fit_are_refused(part, value, tmp_path):
    description, tensors = opened(quick().fit("iris"))
    description["fitted"][part], _ = encode(value, "own", tensors)
    with pytest.raises(ValueError, match=r"readable|fit|holds a|must be"):
        closed(description, tensors)
