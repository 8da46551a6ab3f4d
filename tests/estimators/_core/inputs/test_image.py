"""Images in, whatever they come as; pixels measured."""

import numpy as np
import pytest

from lamina import Augment, Conv, ConvNetClassifier, MaxPool, Rescale
from lamina.data.images.disk_images import ImageBuffer
from lamina.estimators._core.inputs.image import AUGMENTATION, scale_of, square_or_line

N, SIDE = 24, 6


@pytest.fixture(scope="module")
def images():
    """Bytes: the second class is brighter on the left."""
    X = np.random.default_rng(0).integers(0, 100, (N, SIDE, SIDE, 1), np.uint8)
    X[N // 2 :, :, :3] += 100
    return X


LABELS = np.repeat(["dark", "light"], N // 2)


def net(**params):
    """Return one structure, so that most tests share one program."""
    how = {"max_iter": 2, "random_state": 0, "n_iter_no_change": 5}
    return ConvNetClassifier([Conv(2, 3), MaxPool(2)], **how | params)


@pytest.fixture(scope="module")
def fitted(images):
    return net(max_iter=30, tol=0.0, learning_rate_init=0.03).fit(images, LABELS)


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ---- what goes in -------------------------------------------------------------------


def stored(images):
    collection = ImageBuffer(N, images.shape[1:], in_memory=0)
    for row, image in enumerate(images):
        collection.put(row, image)
    return collection.finished()[0]


@pytest.mark.parametrize(
    "form",
    [
        lambda X: X[..., 0],
        list,
        lambda X: [image[..., 0] for image in X],
        lambda X: X.reshape(N, -1),
        lambda X: X.reshape(N, -1).tolist(),
        lambda X: X.astype(np.float64),
        lambda X: X.astype(np.float32).reshape(N, -1),
        stored,
    ],
    ids=["grey", "list", "list2d", "rows", "lists", "float64", "float-rows", "stored"],
)
def test_all_ways_to_give_the_same_images_learn_the_same(form, images, fitted):
    given = form(images)
    again = net().fit(given, LABELS)
    same = net().fit(images, LABELS)
    np.testing.assert_allclose(
        again.predict_proba(images), same.predict_proba(images), atol=1e-6
    )
    assert again.image_shape_ == (SIDE, SIDE, 1)
    assert again.n_features_in_ == SIDE * SIDE
    assert np.array_equal(fitted.predict(given), LABELS)


def test_a_data_frame_keeps_its_names(images):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(images.reshape(N, -1)).add_prefix("pixel")
    model = net().fit(frame, LABELS)
    assert model.feature_names_in_[1] == "pixel1"
    model.fit(images, LABELS)
    assert not hasattr(model, "feature_names_in_")


def test_rows_are_a_square_or_a_line():
    assert square_or_line(64) == (8, 8)
    assert square_or_line(1) == (1, 1)
    assert square_or_line(63) == (1, 63)


@pytest.mark.slow
def test_image_shape_says_what_rows_are(images):
    rows = images.reshape(N, -1)
    model = ConvNetClassifier([Conv(2, (2, 3))], image_shape=(3, 12), max_iter=1)
    assert model.fit(rows, LABELS).image_shape_ == (3, 12, 1)
    model = ConvNetClassifier([Conv(2, 2)], image_shape=(3, 4, 3), max_iter=1)
    assert model.fit(rows, LABELS).image_shape_ == (3, 4, 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((N, 6, 6, 3)), r"images are \(6, 6, 3\).*has learnt \(6, 6, 1\)"),
        (np.zeros((N, 7, 6)), r"images are \(7, 6, 1\).*has learnt \(6, 6, 1\)"),
        (np.zeros((N, 35)), "35 features, but ConvNetClassifier is expecting 36"),
        (np.full((N, 6, 6), np.nan), "image 0 has nan at row 0, column 0"),
        (np.zeros((2, 6, 6, 1, 1)), "images must be"),
        (np.full((N, 6, 6), 1e200), "beyond the range of float32"),
        ([np.zeros((6, 6)), np.zeros((6, 5))], "image 0 is .* and image 1 is"),
    ],
    ids=["channels", "size", "columns", "nan", "axes", "huge", "mixed"],
)
def test_images_unlike_those_learnt_are_refused(given, message, fitted):
    with pytest.raises(ValueError, match=message):
        fitted.predict(given)


def test_bad_input_to_fit_is_refused(images):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        net().fit(images, LABELS[:-1])
    with pytest.raises(ValueError, match="image 1 is"):
        net().fit([np.zeros((6, 6)), np.zeros((6, 5))], [0, 1])
    with pytest.raises(ValueError, match=r"layers\[0\] = Conv.* cannot take"):
        net().fit(np.zeros((N, 2, 2)), LABELS)
    with pytest.raises(ValueError, match="needs 24 numbers per row"):
        net(image_shape=(4, 6)).fit(images.reshape(N, -1), LABELS)
    with pytest.raises(ValueError, match="augmentation must be None"):
        net(augmentation="much").fit(images, LABELS)
    with pytest.raises(ValueError, match=r"dropout must be a number in \[0, 1\)"):
        net(dropout=1.0).fit(images, LABELS)


def test_a_refused_fit_changes_nothing(images, fitted):
    before = dict(vars(fitted))
    with pytest.raises(ValueError, match="cannot take"):
        fitted.fit(np.zeros((N, 2, 2)), LABELS)
    assert vars(fitted) == before


# ---- what stands before the layers --------------------------------------------------


def test_scale_of_two_images_by_hand():
    """Pixels 0, 2 and 4, 4, the second image counting three times.

    μ = (0 + 2 + 3·8) / 8 = 3.25; σ² = (0 + 4 + 3·32) / 8 − 3.25² = 1.9375.
    """
    X = np.array([[0, 2], [4, 4]], np.uint8).reshape(2, 1, 2, 1)
    shift, factor = scale_of(X, np.array([1, 3]))
    assert shift == 3.25
    np.testing.assert_allclose(factor, 1.9375**-0.5, rtol=1e-15)


def test_scale_of_many_parts_is_that_of_all(monkeypatch):
    X = np.random.default_rng(0).normal(1e4, 1, (7, 3, 2, 1))
    monkeypatch.setattr("lamina.estimators._core.inputs.image.AT_ONCE", 13)
    shift, factor = scale_of(X, None)
    np.testing.assert_allclose([shift, 1 / factor], [X.mean(), X.std()], rtol=1e-12)


def test_equal_pixels_are_only_shifted():
    assert scale_of(np.full((2, 1, 1, 1), 7.0), None) == (7.0, 1.0)


@pytest.mark.slow
def test_layers_before_those_given(images):
    model = net(augmentation="default").fit(images, LABELS)
    first, second, *rest = model.network_.layers
    pixels = images.astype(float)
    assert isinstance(first, Rescale)
    np.testing.assert_allclose(first.shift, pixels.mean())
    np.testing.assert_allclose(first.factor, 1 / pixels.std())
    assert second == AUGMENTATION
    assert rest[:2] == [Conv(2, 3), MaxPool(2)]
    own = net(augmentation=Augment(noise=0.1), standardize=False)
    assert own.fit(images, LABELS).network_.layers[:2] == (
        Rescale(0.0, 1.0),
        Augment(noise=0.1),
    )


@pytest.mark.slow
def test_augmentation_changes_training_and_not_application(images, fitted):
    changed = net(augmentation=Augment(shift=0.5)).fit(images, LABELS)
    plain = net().fit(images, LABELS)
    assert changed.loss_curve_ != plain.loss_curve_
    assert np.array_equal(changed.predict_proba(images), changed.predict_proba(images))


def test_other_images_of_the_same_shape_compile_nothing(images):
    net().fit(images, LABELS)
    assert net().fit(images // 2, LABELS).n_compiles_ == 0
