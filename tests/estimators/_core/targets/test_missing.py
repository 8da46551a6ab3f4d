"""Missing labels: what is not measured teaches nothing and counts for nothing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from lamina import MLPClassifier, MLPRegressor


@pytest.mark.slow
def test_missing_targets_train_each_task_on_its_own_rows():
    """Linear tasks share nothing: each is its own regression, in weights and score."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    Y = X @ rng.normal(size=(3, 2)) + 0.1 * rng.normal(size=(80, 2))
    Y[rng.random(Y.shape) < 0.3] = np.nan
    how = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-9}
    model = MLPRegressor(**how, dtype="float64", random_state=0).fit(X, Y)
    scores = []
    for j in range(2):
        own = ~np.isnan(Y[:, j])
        alone = MLPRegressor(**how, dtype="float64", random_state=0)
        alone.fit(X[own], Y[own, j])
        np.testing.assert_allclose(
            model.coefs_[0][:, j], alone.coefs_[0][:, 0], atol=1e-5
        )
        scores.append(r2_score(Y[own, j], model.predict(X[own])[:, j]))
    assert model.score(X, Y) == pytest.approx(np.mean(scores), rel=1e-9)


@pytest.mark.slow
def test_missing_labels_are_masked_in_early_stopping_and_score_too():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 5))
    Y = (X[:, :2] > 0).astype(float)
    missing = rng.random(Y.shape) < 0.4
    missing[0] = True  # a row of which nothing is known
    Y[missing] = np.nan
    model = MLPClassifier(
        (10,), early_stopping=True, random_state=0, learning_rate_init=0.05
    ).fit(X, Y)
    right = (model.predict(X) == Y) | missing
    some = ~missing.all(axis=1)
    assert model.score(X, Y) == pytest.approx(right.all(axis=1)[some].mean())
    assert model.score(X, Y) > 0.9
    assert np.all(np.isfinite(model.history_["score"]))


def test_what_was_filled_in_for_missing_labels_changes_nothing():
    """The same weights, whatever stands in the places that NaN hides."""
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    Y[::3, 0] = np.nan
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0)
    with pytest.warns(UserWarning, match="max_iter"):
        whole = model.fit(X, Y).coefs_[0].copy()
    frame = pd.DataFrame(Y)
    with pytest.warns(UserWarning, match="max_iter"):
        again = model.fit(X, frame).coefs_[0]
    np.testing.assert_array_equal(whole, again)


def test_a_column_without_any_label_is_refused():
    X, Y = np.ones((5, 2)), np.ones((5, 3))
    Y[:, 1] = np.nan
    with pytest.raises(ValueError, match="column 1 of y has no measured value"):
        MLPRegressor().fit(X, Y)


@pytest.mark.slow
def test_a_column_that_is_not_measured_is_left_out_of_the_score():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 3))
    Y = X @ rng.normal(size=(3, 2)) + rng.normal(size=(40, 2))
    how = {"hidden_layer_sizes": (), "solver": "lbfgs", "random_state": 0}
    model = MLPRegressor(**how).fit(X, Y)
    known = Y.copy()
    known[:, 1] = np.nan
    expected = r2_score(Y[:, 0], model.predict(X)[:, 0])
    assert model.score(X, known) == pytest.approx(expected, rel=1e-6)
    assert np.isnan(model.score(X, np.full_like(Y, np.nan)))
    labels = (Y > 0).astype(int)
    classifier = MLPClassifier(**how).fit(X, labels)
    half = np.where([True, False], labels, np.nan)
    right = classifier.predict(X)[:, 0] == labels[:, 0]
    assert classifier.score(X, half) == pytest.approx(right.mean())


@pytest.mark.slow
def test_a_validation_set_may_lack_a_column():
    """Its loss and score are those of the columns that it has."""
    rng = np.random.default_rng(4)
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    held = Y[:10].copy()
    held[:, 1] = np.nan
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0)
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(X, Y, X_val=X[:10], y_val=held)
    predicted = model.predict(X[:10])[:, 0]
    loss = np.mean((predicted - Y[:10, 0]) ** 2) / 2
    assert model.history_["validation_loss"][-1] == pytest.approx(loss, rel=1e-5)
    score = r2_score(Y[:10, 0], predicted)
    assert model.history_["score"][-1] == pytest.approx(score, rel=1e-5)


def test_a_score_of_other_columns_is_refused():
    X, Y = np.eye(4), np.eye(4)
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, Y)
    with pytest.raises(ValueError, match="y must have 4 columns, got 2"):
        model.score(X, np.where(Y > 0, np.nan, 0)[:, :2])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(X, np.where(Y > 0, np.nan, 0)[:3])


def test_a_single_target_must_be_known():
    with pytest.raises(ValueError, match="NaN"):
        MLPRegressor().fit(np.ones((3, 1)), [1.0, np.nan, 2.0])
