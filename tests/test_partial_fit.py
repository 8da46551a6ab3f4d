"""partial_fit: what its first call says is checked against y and every later call."""

import numpy as np
import pytest
from sklearn.datasets import make_multilabel_classification
from sklearn.neural_network import MLPClassifier as SkClassifier

from lamina import (
    GRU,
    Conv,
    ConvNetClassifier,
    ConvNetRegressor,
    ConvNetSegmenter,
    MLPClassifier,
    MLPRegressor,
    Perceptron,
    RecurrentClassifier,
    RecurrentRegressor,
    RecurrentTagger,
)
from tests.tiers import in_tiers

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

A, B = make_multilabel_classification(50, n_classes=5, random_state=0)
TWO = B[:, 0]
THREE = np.arange(50) % 3
IMAGES = A[:, :16].reshape(50, 4, 4)
SERIES = A[:, :6, None]
CLASSIFIERS = {
    "mlp": (MLPClassifier((4,)), A, TWO),
    "perceptron": (Perceptron(), A, TWO),
    "convnet": (ConvNetClassifier([Conv(2)]), IMAGES, TWO),
    "recurrent": (RecurrentClassifier([GRU(2)]), SERIES, TWO),
    "segmenter": (
        ConvNetSegmenter([Conv(2, padding="same")], ignore_label=9),
        IMAGES,
        (IMAGES > 1).astype(int),
    ),
    "tagger": (
        RecurrentTagger([GRU(2)], ignore_label=9),
        SERIES,
        (SERIES[..., 0] > 1).astype(int),
    ),
}


def test_columns_of_labels_are_learnt_as_by_scikit_learn():
    classes = [0, 1, 2, 3, 4]
    theirs = SkClassifier((), random_state=0).partial_fit(A, B, classes=classes)
    ours = MLPClassifier((), random_state=0).partial_fit(A, B, classes=classes)
    assert ours.predict(A).shape == theirs.predict(A).shape == B.shape
    assert ours.out_activation_ == theirs.out_activation_ == "logistic"
    assert np.array_equal(ours.classes_, theirs.classes_)
    without = MLPClassifier((), random_state=0).partial_fit(A, B)
    np.testing.assert_array_equal(ours.coefs_[0], without.coefs_[0])
    ours.partial_fit(A, B, classes=classes)


@pytest.mark.parametrize(
    "name", in_tiers(CLASSIFIERS, ("mlp", "perceptron", "convnet"))
)
def test_other_classes_later_are_refused(name):
    model, X, y = CLASSIFIERS[name]
    classes = [0, 1, 9] if hasattr(model, "ignore_label") else [0, 1]
    model.partial_fit(X, y, classes=classes).partial_fit(X, y, classes=classes[::-1])
    before = model.params_
    with pytest.raises(
        ValueError, match=r"`classes=.* is not the same as on last call"
    ):
        model.partial_fit(X, y, classes=[1, 2])
    with pytest.raises(ValueError, match="not among the classes"):
        model.partial_fit(X, y + 1)
    assert model.params_ is before


def test_classes_that_do_not_fit_y_are_refused_at_once():
    model = MLPClassifier((4,))
    for classes in ([0, 1], [1, 2, 3, 4, 5], ["a", "b", "c", "d", "e"]):
        with pytest.raises(ValueError, match=r"5 columns of 0 and 1.*got classes="):
            model.partial_fit(A, B, classes=classes)
    with pytest.raises(ValueError, match=r"not among the classes \[0 1\]: \[2\]"):
        model.partial_fit(A, THREE, classes=[0, 1])
    with pytest.raises(ValueError, match="not among the classes"):
        model.partial_fit(A, THREE, classes=["0", "1", "2"])
    with pytest.raises(ValueError, match="continuous"):
        model.partial_fit(A, THREE + 0.5, classes=[0, 1, 2])
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize(
    ("model", "X"),
    [(MLPClassifier((4,)), A), (RecurrentClassifier([GRU(2)]), SERIES)],
)
def test_another_kind_of_labels_later_is_refused(model, X):
    model.partial_fit(X, TWO, classes=[0, 1])
    with pytest.raises(ValueError, match=r"one label an example.*shape \(50, 5\)"):
        model.partial_fit(X, B)
    labels = MLPClassifier((4,)).partial_fit(A, B)
    with pytest.raises(ValueError, match=r"must have 5 0/1 columns, got shape \(50,\)"):
        labels.partial_fit(A, TWO)
    with pytest.raises(ValueError, match=r"must have 5 0/1 columns"):
        labels.partial_fit(A, B[:, :4])
    with pytest.raises(ValueError, match=r"must hold 0 and 1, got \[0 3\]"):
        labels.partial_fit(A, 3 * B)


def test_columns_of_other_numbers_are_no_labels():
    """Of −1 and 1 the loss would be that of a probability of −1."""
    with pytest.raises(ValueError, match=r"must hold 0 and 1, got \[-1  1\]"):
        MLPClassifier((4,)).fit(A, 2 * B - 1)


def test_validation_labels_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="one label an example"):
        MLPClassifier((4,)).fit(A, TWO, X_val=A, y_val=B)


STEPS = SERIES[..., 0]


@pytest.mark.parametrize(
    ("model", "X", "y", "others"),
    [
        (MLPRegressor(hidden_layer_sizes=()), A, A[:, :2], [TWO, A[:, :3]]),
        (MLPRegressor(hidden_layer_sizes=()), A, TWO, [A[:, :2]]),
        (ConvNetRegressor([Conv(2)]), IMAGES, A[:, :2], [TWO]),
        (RecurrentRegressor([GRU(2)]), SERIES, A[:, :2], [TWO]),
        (
            RecurrentTagger([GRU(2)], loss="squared_error"),
            SERIES,
            np.stack([STEPS, STEPS], axis=2),
            [STEPS],
        ),
    ],
)
def test_targets_of_other_columns_are_refused(model, X, y, others):
    """One column would be learnt by all outputs."""
    model.partial_fit(X, y)
    before = model.params_
    for other in others:
        with pytest.raises(ValueError, match=r"outputs|numbers a step"):
            model.partial_fit(X, other)
    assert model.params_ is before


# ---- labels as objects --------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", [MLPClassifier((4,), max_iter=1, random_state=0), Perceptron()]
)
def test_whole_numbers_and_truths_may_be_objects(model):
    """``df.values[:, -1]`` of a data frame with a column of texts."""
    for y in (THREE, TWO == 1):
        plain = model.fit(A, y).predict(A)
        found = model.fit(A, y.astype(object)).predict(A)
        assert model.classes_.dtype == y.dtype
        np.testing.assert_array_equal(found, plain)
        assert model.score(A, y.astype(object)) == model.score(A, y)
    model.fit(A, THREE.astype(object)).partial_fit(A, THREE.astype(object))


def test_columns_of_labels_may_be_objects():
    model = MLPClassifier((4,), max_iter=1, random_state=0).fit(A, B)
    again = MLPClassifier((4,), max_iter=1, random_state=0).fit(A, B.astype(object))
    np.testing.assert_array_equal(again.predict_proba(A), model.predict_proba(A))


def test_objects_of_several_types_stay_refused():
    y = np.array([0, "1", 0, "1"], dtype=object)
    with pytest.raises(ValueError, match="y holds int and str; labels are all texts"):
        MLPClassifier().fit(A[:4], y)
