"""Weights of classes: counted on measured labels of training rows, one rule for all."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils import compute_sample_weight

from lamina import SGD, ConvNetClassifier, Dense, LastStep, MLPClassifier, Output
from lamina import RecurrentClassifier as Recurrent
from lamina.estimators._core.holdout import split
from lamina.estimators._core.targets.class_weights import (
    class_factors,
    weights_by_class,
)
from lamina.networks import Key

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAN = np.nan


def balanced(labels):
    """n / (2 nₖ) of the measured labels of a column, 1 where nothing is measured."""
    measured = ~np.isnan(labels)
    n, counts = measured.sum(), [np.sum(labels == k) for k in (0, 1)]
    return np.where(measured, n / (2 * np.where(labels == 1, counts[1], counts[0])), 1)


# ---- the factors --------------------------------------------------------------------


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 3.0, "b": 0.5, "c": 1.0}])
def test_of_one_column_they_are_those_of_scikit_learn(class_weight):
    y = np.array(["a", "b", "a", "c", "a", "b"])
    classes, codes = np.unique(y, return_inverse=True)
    weight = weights_by_class(class_factors(class_weight, classes, codes), codes)
    np.testing.assert_array_equal(weight, compute_sample_weight(class_weight, y))


def test_of_several_columns_they_are_those_of_scikit_learn():
    y = (np.random.default_rng(0).random((30, 3)) < [0.2, 0.5, 0.7]).astype(int)
    for class_weight in ("balanced", [{0: 1, 1: 5}, {0: 2, 1: 1}, {1: 3}]):
        weight = weights_by_class(class_factors(class_weight, np.arange(2), y), y)
        np.testing.assert_array_equal(weight, compute_sample_weight(class_weight, y))


def test_only_measured_labels_are_counted():
    """Column 0 has one 0 and three 1; counted as 0, its NaN would make it even."""
    y = np.array([[1, 0], [1, NAN], [0, 1], [1, 1], [NAN, 0], [NAN, NAN]])
    factors = class_factors("balanced", np.arange(2), y)
    np.testing.assert_array_equal(factors, [[4 / 2, 4 / 6], [1, 1]])
    weight = weights_by_class(factors, y)
    np.testing.assert_array_equal(weight, [4 / 6, 4 / 6, 2, 4 / 6, 1, 1])


def test_a_class_that_is_not_learnt_from_counts_1():
    factors = class_factors("balanced", np.array([3, 5, 7]), np.array([0, 0, 2, 0]))
    np.testing.assert_array_equal(factors, [[4 / 6, 1, 2]])


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: 1, 1: 2}, "class_weight of 2 label columns must be"),
        ([{0: 1}], "class_weight of 2 label columns must be"),
        ("even", "class_weight"),
    ],
)
def test_weights_that_do_not_fit_are_refused(class_weight, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(class_weight=class_weight).fit(np.eye(2), np.eye(2, dtype=int))


def test_classes_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="not in class_weight"):
        MLPClassifier(class_weight={7: 1.0}).fit(np.eye(2), [0, 1])


# ---- a step of learning -------------------------------------------------------------


@pytest.mark.parametrize("class_weight", ["balanced", [{0: 1, 1: 4}, {0: 3, 1: 1}]])
def test_the_first_step_by_hand_where_labels_are_missing(class_weight):
    """ΔWⱼ = −η Σᵢ mᵢⱼ wᵢ (σ(0) − yᵢⱼ) xᵢ / Σᵢ mᵢⱼ wᵢ, weights 0 at the start."""
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(40, 3)), (rng.random((40, 2)) < [0.8, 0.3]).astype(float)
    y[rng.random(y.shape) < 0.4] = NAN
    if class_weight == "balanced":
        weight = balanced(y[:, 0]) * balanced(y[:, 1])
    else:
        known = np.nan_to_num(y).astype(int)
        each = np.array([[1, 4], [3, 1]])[[0, 1], known]
        weight = np.where(np.isnan(y), 1, each).prod(axis=1)
    model = MLPClassifier(
        layers=[Output(Dense(2, "logistic", "zeros"))],
        solver=SGD(0.1),
        class_weight=class_weight,
        batch_size="full",
        max_iter=1,
        alpha=0,
        dtype="float64",
    ).fit(X, y)
    measured = ~np.isnan(y)
    delta = np.where(measured, 0.5 - np.nan_to_num(y), 0) * weight[:, None]
    total = (measured * weight[:, None]).sum(axis=0)
    np.testing.assert_allclose(model.coefs_[0], -0.1 * X.T @ delta / total, rtol=1e-12)
    step = -0.1 * delta.sum(axis=0) / total
    np.testing.assert_allclose(model.intercepts_[0], step, rtol=1e-12)


# ---- validation rows ----------------------------------------------------------------


def rare(rng, n=120):
    X = rng.normal(size=(n, 3))
    return X, (X[:, 0] + 0.5 * rng.normal(size=n) > 1).astype(int)


def weighted(**how):
    return MLPClassifier(
        (4,),
        class_weight="balanced",
        early_stopping=True,
        validation_fraction=0.25,
        batch_size=20,
        max_iter=4,
        random_state=0,
        **how,
    )


def of_labels(rng):
    X, y = rare(rng)
    return weighted(), X, y


def of_missing_labels(rng):
    X, y = rare(rng)
    y = np.column_stack([y, X[:, 1] > 0]).astype(float)
    y[rng.random(y.shape) < 0.3] = NAN
    return weighted(), X, y


def of_images(rng):
    X, y = rare(rng)
    layers = [Dense(4, "tanh")]
    net = ConvNetClassifier(layers, image_shape=(1, 3), standardize=False)
    return net.set_params(**_shared()), X, y


def of_sequences(rng):
    X, y = rare(rng)
    net = Recurrent([LastStep(), Dense(4, "tanh")], standardize=False)
    return net.set_params(**_shared(), schedule=None), X[:, :, None], y


def _shared():
    names = ("class_weight", "early_stopping", "validation_fraction", "batch_size")
    names = (*names, "max_iter", "random_state")
    return {name: getattr(weighted(), name) for name in names}


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [of_labels, of_missing_labels, of_images, of_sequences]
)
def test_rows_held_out_by_hand_are_as_good_as_those_held_out_inside(case, rng):
    """Weights, history and what is kept are the same, bit for bit."""
    model, X, y = case(rng)
    inside = clone(model).fit(X, y)
    strata = y if y.ndim == 1 else None
    rows, held = split(Key(0), len(y), 0.25, strata)
    by_hand = clone(model).fit(X[rows], y[rows], X_val=X[held], y_val=y[held])
    assert by_hand.history_ == inside.history_
    assert by_hand.best_epoch_ == inside.best_epoch_
    for mine, theirs in zip(by_hand.params_, inside.params_, strict=True):
        for name in theirs:
            np.testing.assert_array_equal(mine[name], theirs[name])


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_loss_of_validation_rows_has_the_weights_and_their_score_has_not(
    by_hand, rng
):
    """Both as they are by hand, after the first epoch."""
    X, y = rare(rng)
    rows, held = split(Key(0), len(y), 0.25, y)
    model, sample = weighted(dtype="float64").set_params(max_iter=1), np.ones(len(y))
    if by_hand:
        model.fit(X[rows], y[rows], X_val=X[held], y_val=y[held])
    else:
        sample = rng.uniform(0.5, 2, len(y))
        model.fit(X, y, sample)
    p = model.predict_proba(X[held])[np.arange(len(held)), y[held]]
    counts = np.bincount(y[rows])
    weight = sample[held] * (len(rows) / (2 * counts))[y[held]]
    loss = np.average(-np.log(p), weights=weight)
    assert model.history_["validation_loss"][0] == pytest.approx(loss, rel=1e-12)
    score = model.score(X[held], y[held], sample[held])
    assert model.history_["score"][0] == pytest.approx(score, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("by_hand", [False, True])
def test_refit_is_a_fit_of_all_rows_with_the_weights_of_their_classes(by_hand, rng):
    X, y = rare(rng)
    more = {"X_val": X[80:], "y_val": y[80:]} if by_hand else {}
    model = weighted(refit="restart")
    model.fit(*((X[:80], y[:80]) if by_hand else (X, y)), **more)
    plain = clone(model).set_params(
        early_stopping=False, refit=None, max_iter=model.best_epoch_
    )
    plain.fit(X, y)
    for mine, theirs in zip(model.coefs_, plain.coefs_, strict=True):
        np.testing.assert_array_equal(mine, theirs)
