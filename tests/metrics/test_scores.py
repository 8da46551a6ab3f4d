"""Scores by hand, and against scikit-learn's."""

import math

import numpy as np
import pytest
from sklearn import metrics

from lamina.metrics.scores import (
    Baseline,
    baseline_scores,
    class_scores,
    label_scores,
    main_score,
    mean_squares,
    number_scores,
)

CLASSES = np.array(["a", "b", "c"])


def test_class_scores_by_hand():
    y = np.array(["a", "a", "b"])
    predicted = np.array(["a", "b", "b"])
    p = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.0, 1.0, 0.0]])
    found = class_scores(y, predicted, p, CLASSES)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["balanced_accuracy"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["log_loss"] == pytest.approx((math.log(2) + math.log(4) + 0) / 3)


def test_class_scores_are_those_of_sklearn(rng):
    y, predicted = CLASSES[rng.integers(0, 3, (2, 50))]
    p = rng.dirichlet(np.ones(3), 50)
    found = class_scores(y, predicted, p, CLASSES)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(y, predicted))
    expected = metrics.balanced_accuracy_score(y, predicted)
    assert found["balanced_accuracy"] == pytest.approx(expected)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(y, p))


def test_a_class_that_was_never_seen_is_wrong():
    y = np.array(["a", "zebra"], object)
    p = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    found = class_scores(y, np.array(["a", "c"]), p, CLASSES)
    assert found["accuracy"] == 0.5
    assert found["log_loss"] == pytest.approx(-math.log(1e-7) / 2)


def test_label_scores_by_hand():
    y = np.array([[1, 0], [1, 1]])
    predicted = np.array([[1, 0], [0, 1]])
    p = np.array([[0.5, 0.5], [0.25, 1.0]])
    found = label_scores(y, predicted, p)
    assert found["accuracy"] == 0.5
    assert found["balanced_accuracy"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["log_loss"] == pytest.approx((2 * math.log(2) + math.log(4)) / 2)


def test_number_scores_by_hand_and_against_sklearn(rng):
    found = number_scores(np.array([0.0, 2.0]), np.array([0.0, 1.0]))
    assert found == {"r2": 0.5, "rmse": pytest.approx(math.sqrt(0.5)), "mae": 0.5}
    y, predicted = rng.normal(size=(2, 30, 2))
    found = number_scores(y, predicted)
    assert found["r2"] == pytest.approx(metrics.r2_score(y, predicted))
    expected = metrics.root_mean_squared_error(y, predicted)
    assert found["rmse"] == pytest.approx(expected)


def test_one_row_has_no_r2():
    assert number_scores(np.array([1.0]), np.array([2.0]))["r2"] is None


def test_baselines():
    y = np.array(["a", "b", "b", "b"])
    baseline = Baseline.of_classes(y, CLASSES[:2])
    found = baseline_scores(baseline, y, CLASSES[:2])
    assert found["accuracy"] == 0.75
    assert found["balanced_accuracy"] == 0.5
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert found["log_loss"] == pytest.approx(entropy)
    y = np.array([[1, 0], [1, 0], [1, 1]])
    found = baseline_scores(Baseline.of_classes(y, np.arange(2)), y, np.arange(2))
    assert found["accuracy"] == pytest.approx(2 / 3)
    y = np.array([1.0, 3.0])
    found = baseline_scores(Baseline.of_numbers(y), y, None)
    assert found == {"r2": 0.0, "rmse": 1.0, "mae": 1.0}


def test_main_score():
    assert main_score({"accuracy": 1}) == "accuracy"
    assert main_score({"r2": 1}) == "r2"


# ---- targets that are not known -----------------------------------------------------


def test_unknown_labels_are_left_out_by_hand():
    """Rows: right of one known; wrong in one of two. Known labels: 1, 0, 1."""
    y = np.array([[1.0, np.nan], [0.0, 1.0]])
    predicted = np.array([[1, 0], [1, 1]])
    p = np.array([[0.5, 0.9], [0.75, 0.5]])
    found = label_scores(y, predicted, p)
    assert found["accuracy"] == 0.5
    assert found["balanced_accuracy"] == pytest.approx((2 / 2 + 0 / 1) / 2)
    expected = (math.log(2) + math.log(4) + math.log(2)) / 2
    assert found["log_loss"] == pytest.approx(expected)


def test_unknown_numbers_are_left_out_target_by_target():
    rng = np.random.default_rng(0)
    y, predicted = rng.normal(size=(2, 20, 3))
    y[rng.random(y.shape) < 0.3] = np.nan
    parts = [
        (y[~np.isnan(c), j], predicted[~np.isnan(c), j]) for j, c in enumerate(y.T)
    ]
    found = number_scores(y, predicted)
    r2 = np.mean([metrics.r2_score(*part) for part in parts])
    mae = np.mean([metrics.mean_absolute_error(*part) for part in parts])
    assert found["r2"] == pytest.approx(r2)
    assert found["mae"] == pytest.approx(mae)


def test_baselines_know_what_was_measured():
    y = np.array([[1.0, np.nan], [0.0, 1.0], [np.nan, 1.0]])
    assert Baseline.of_classes(y, np.arange(2)).shares.tolist() == [0.5, 1.0]
    assert Baseline.of_numbers(y).mean.tolist() == [0.5, 1.0]


def test_mean_squares_of_every_example():
    x = np.array([[[1.0, 2.0]], [[0.0, 0.0]]])
    made = np.array([[[0.0, 4.0]], [[3.0, 0.0]]])
    assert mean_squares(x, made).tolist() == [(1 + 4) / 2, 9 / 2]
