"""Classes and numbers of whole sequences."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score

from lamina import GRU, LSTM, RecurrentClassifier, RecurrentRegressor, data

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.slow
def test_japanese_vowels():
    """Nine speakers by two vowels in a row, of 7 to 29 steps: 97 % are asked for."""
    vowels = data.load("japanese_vowels")
    model = RecurrentClassifier(random_state=0).fit(vowels.X, vowels.y)
    assert model.score(vowels.X_test, vowels.y_test) >= 0.97
    p = model.predict_proba(vowels.X_test)
    assert p.shape == (370, 9)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.slow
def test_the_sum_of_two_marked_numbers():
    """The adding problem of few steps; the variance of its target is 1/6."""
    problem = data.load("adding_problem", n=1000, length=12, seed=0)
    more = data.load("adding_problem", n=200, length=12, seed=1)
    model = RecurrentRegressor([LSTM(32)], pooling="last", random_state=0, max_iter=60)
    model.fit(problem.X, problem.y)
    assert model.score(more.X, more.y) > 0.95
    assert model.predict(more.X).dtype == np.float64


@pytest.mark.slow
def test_several_numbers_and_several_labels():
    rng = np.random.default_rng(0)
    X = [rng.standard_normal((n, 1)) for n in rng.integers(3, 9, 60)]
    y = np.array([[x.mean(), x[0, 0]] for x in X])
    how = {"layers": [GRU(8)], "max_iter": 2, "random_state": 0}
    assert RecurrentRegressor(**how).fit(X, y).predict(X).shape == (60, 2)
    labels = (y > 0).astype(int)
    model = RecurrentClassifier(**how).fit(X, labels)
    assert model.predict(X).shape == (60, 2)
    assert model.out_activation_ == "logistic"


@pytest.mark.slow
def test_searches_over_nested_parameters():
    rng = np.random.default_rng(0)
    X = [rng.standard_normal(n) for n in rng.integers(3, 9, 60)]
    y = np.array([int(x.mean() > 0) for x in X])
    model = RecurrentClassifier([GRU(4)], max_iter=2, random_state=0)
    search = GridSearchCV(model, {"layers__0__units": [2, 4]}, cv=2).fit(X, y)
    assert search.best_params_["layers__0__units"] in (2, 4)
    assert len(cross_val_score(model, X, y, cv=3)) == 3
