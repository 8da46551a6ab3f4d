"""Convolutional networks as estimators: they learn, are kept, searched and resumed."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

import lamina
from lamina import (
    FGSM,
    Adam,
    Conv,
    ConvNetClassifier,
    ConvNetRegressor,
    Dense,
    MaxPool,
    MLPClassifier,
    Output,
)
from lamina.estimators._core.training import algorithm_of, batch_size_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LAYERS = [Conv(8, 3), MaxPool(2)]


@pytest.fixture(scope="module")
def images(digits):
    X, y = digits
    return (16 * X).astype(np.uint8).reshape(-1, 8, 8), y


def net(**params):
    how = {"layers": LAYERS, "max_iter": 3, "random_state": 0}
    return ConvNetClassifier(**how | params)


@pytest.fixture(scope="module")
def fitted(images):
    return net(max_iter=25, learning_rate_init=0.01).fit(*images)


@pytest.mark.slow
def test_it_learns_digits(images, fitted):
    X, y = images
    assert fitted.score(X, y) > 0.99
    assert fitted.predict_proba(X).shape == (300, 10)
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    assert fitted.best_epoch_ <= 25
    assert fitted.out_activation_ == "softmax"


@pytest.mark.slow
def test_default_reads_held_out_digits():
    """98.5 % of the digits it has not seen, with nothing to write."""
    digits = lamina.data.load("digits")
    order = np.random.default_rng(0).permutation(len(digits.y))
    X, y = digits.X.reshape(-1, 8, 8)[order], digits.y[order]
    model = ConvNetClassifier(random_state=0).fit(X[:1347], y[:1347])
    assert model.score(X[1347:], y[1347:]) >= 0.985


@pytest.mark.slow
def test_a_linear_network_of_pixels_is_that_of_a_perceptron(images):
    """Without convolution it is the same network as an MLP of the scaled pixels.

    Of the same key the dense layers are drawn from other paths, so that the weights
    are given by zeros; the steps then are the same.
    """
    X, y = images
    how = {"max_iter": 3, "random_state": 0, "init": "zeros", "batch_size": 100}
    one = ConvNetClassifier(layers=[], **how).fit(X, y)
    rows = ((X - X.mean()) / X.std()).reshape(len(X), -1)
    two = MLPClassifier((), **how).fit(rows, y)
    np.testing.assert_allclose(one.loss_curve_, two.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(rows), atol=1e-4)


@pytest.mark.slow
def test_summary_and_health(fitted):
    table = fitted.summary()
    assert "Conv" in table
    assert "8×8×1 → 6×6×8" in table
    assert "80" in table  # 3 · 3 · 8 weights and 8 biases
    assert set(fitted.diagnostics_["layer"]) == {1, 2}


@pytest.mark.slow
def test_file_predicts_the_same_and_goes_on_the_same(images, tmp_path):
    X, y = images
    model = net(augmentation="default").fit(X, y)
    model.save(tmp_path / "net.lamina")
    again = lamina.load(tmp_path / "net.lamina")
    assert again.image_shape_ == (8, 8, 1)
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    model.partial_fit(X, y)
    again.partial_fit(X, y)
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize(
    "shape", [(8, 9, 1), (64,), [8, 8, 1], (8.0, 8, 1), (-8, -8, 1)]
)
def test_a_file_with_another_shape_is_refused(shape, images, tmp_path):
    model = net().fit(*images)
    model.image_shape_ = shape
    path = tmp_path / "net.lamina"
    model.save(path)
    with pytest.raises(lamina.storage.ModelFileError):
        lamina.load(path)


@pytest.mark.slow
def test_killed_fit_goes_on_to_the_same_weights(images, tmp_path):
    def killed(progress):
        if progress.epoch == 2:
            raise RuntimeError("killed")

    how = {"augmentation": "default", "max_iter": 4}
    folder = tmp_path / "run"
    with pytest.raises(RuntimeError, match="killed"):
        net(**how, callbacks=[killed], checkpoint=folder).fit(*images)
    again = net(**how, checkpoint=folder).fit(*images)
    assert again.resumed_from_ is not None
    whole = net(**how).fit(*images)
    for a, b in zip(again.params_, whole.params_, strict=True):
        for name in a:
            assert np.array_equal(a[name], b[name])


@pytest.mark.slow
def test_search_reaches_the_layers(images):
    model = net(max_iter=8, learning_rate_init=0.01)
    search = GridSearchCV(model, {"layers__0__filters": [1, 8]}, cv=2).fit(*images)
    assert search.best_estimator_.network_.layers[1].filters == 8
    model: Any = clone(net())
    model.set_params(layers__1__size=3, augmentation="default")
    assert model.layers == [Conv(8, 3), MaxPool(3)]
    assert LAYERS[1] == MaxPool(2)


@pytest.mark.slow
def test_another_classifier_learns_from_its_features(images):
    X, y = images
    features = net(max_iter=20, learning_rate_init=0.01, layers=[*LAYERS, Dense(32)])
    model = make_pipeline(features, SVC())
    assert model.fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.9


@pytest.mark.slow
def test_early_stopping_partial_fit_and_classes(images):
    X, y = images
    names = np.array(list("abcdefghij"))[y]
    model = net(early_stopping=True, refit="restart").fit(X, names)
    assert model.predict(X[:1])[0] in names
    assert len(model.validation_scores_) == 3
    assert model.refit_n_iter_ == model.best_epoch_
    steps = net().partial_fit(X[:50], y[:50], classes=np.arange(10))
    assert steps.partial_fit(X[50:], y[50:]).n_outputs_ == 10


@pytest.mark.slow
def test_two_classes_and_several_labels(images):
    X, y = images
    two = net().fit(X, y > 4)
    assert two.n_outputs_ == 1
    assert two.predict_proba(X).shape == (300, 2)
    several = np.column_stack([y > 4, y % 2])
    assert net().fit(X, several).predict(X).shape == (300, 2)


def test_weights_of_classes_and_examples(images):
    X, y = images
    plain = net().fit(X, y)
    balanced = net(class_weight={1: 5.0}).fit(X, y)
    weighted = net().fit(X, y, sample_weight=np.where(y == 1, 5.0, 1.0))
    assert np.array_equal(balanced.predict_proba(X), weighted.predict_proba(X))
    assert not np.array_equal(balanced.predict_proba(X), plain.predict_proba(X))


@pytest.mark.slow
def test_bytes_are_disturbed_as_numbers(images):
    """Noise and attacks need numbers with a gradient, in units of the images."""
    X, y = images
    noisy = net(input_noise=2.0, adversarial=FGSM(1.0), label_smoothing=0.1)
    plain = net(label_smoothing=0.1).fit(X, y)
    assert noisy.fit(X, y).loss_curve_[0] != plain.loss_curve_[0]


@pytest.mark.slow
def test_own_output_layer_and_solver(images):
    model = net(
        layers=[*LAYERS, Output(Dense(10, "softmax", "zeros"))],
        solver=Adam(0.01),
        schedule="cosine",
        batch_size=100,
    ).fit(*images)
    names = [type(layer).__name__ for layer in model.network_.layers]
    assert names == ["Rescale", "Conv", "MaxPool", "Flatten", "Dense"]


def test_batches_have_64_images():
    def size(n, **params):
        model = net(**params)
        automatic = model._inputs().auto_batch_size(n)
        return batch_size_of(model, algorithm_of(model), n, automatic)

    assert size(300) == 64
    assert size(10) == 10
    assert size(300, batch_size="full") == 300
    assert size(300, batch_size=7) == 7
    assert size(300, solver="lbfgs") == 300


@pytest.mark.slow
def test_regressor_finds_where_something_is(rng):
    """The centre of a bright spot, row and column."""
    where = rng.uniform(2, 9, (200, 2))
    i, j = np.mgrid[:12, :12]
    distance = (i - where[:, 0, None, None]) ** 2 + (j - where[:, 1, None, None]) ** 2
    X = np.exp(-distance / 4)
    model = ConvNetRegressor(
        [Conv(8, 3), MaxPool(2), Dense(32)],
        learning_rate_init=0.003,
        max_iter=80,
        random_state=0,
    ).fit(X[:150], where[:150])
    assert model.score(X[150:], where[150:]) > 0.97
    assert model.predict(X).dtype == np.float64
    assert model.predict(X).shape == (200, 2)
    np.testing.assert_allclose(model.target_mean_, where[:150].mean(axis=0))
