"""What models share that predict a target of their source."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from lamina import MLPClassifier, MLPRegressor, RecurrentTagger
from lamina.estimators._core.estimator import Estimator
from lamina.metrics.scores import Baseline
from lamina.models.predictive_model import PredictiveModel
from lamina.models.state import FittedPredictive
from lamina.networks import Key

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Model(PredictiveModel, Estimator):
    """Takes arrays as its source."""

    def __init__(self, estimator=None, settings=None, holdout=0.25, random_state=3):
        self.estimator = estimator
        self.settings = settings
        self.holdout = holdout
        self.random_state = random_state
        self.verbose = self.callbacks = self.checkpoint = None

    def _inputs(self, source):
        return source

    def fit(self, X, y):
        self.task_, self.notes_ = "classification", []
        train, self.held = self._split(Key(0), y, self.task_)
        default = MLPClassifier((4,), solver="lbfgs", max_iter=50)
        self._train(self._chosen(default, self.task_, Key(0)), X[train], y[train])
        self._keep_scores(X, y, train, self.held)
        return self


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 3)).astype(np.float32)
    y = np.where(X[:, 0] > 0.5, "much", "little")
    model = Model().fit(X, y)
    return model, X, y, model.held


def test_scores_are_of_held_out_rows_beside_the_most_frequent_answer(fitted):
    model, X, y, held = fitted
    assert (model.n_train_, model.n_holdout_) == (80 - len(held), len(held))
    right = (model.predict(X[held]) == y[held]).mean()
    assert model.scores_["accuracy"] == pytest.approx(right)
    most = (y[held] == "little").mean()
    assert model.baseline_scores_["accuracy"] == pytest.approx(most)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-5)


def test_numbers_have_no_probabilities(fitted):
    model, X, *_ = fitted
    model.task_ = "regression"
    try:
        with pytest.raises(ValueError, match="no probabilities"):
            model.predict_proba(X)
    finally:
        model.task_ = "classification"


@pytest.mark.parametrize(
    "baseline",
    [
        Baseline(shares=np.array([0.2, 0.3, 0.5])),
        Baseline(shares=np.array([1.0])),
        Baseline(mean=np.array([0.5])),
        Baseline(),
    ],
    ids=str,
)
def test_a_baseline_of_a_file_that_does_not_fit(fitted, baseline):
    model = fitted[0]
    state = FittedPredictive.of(model)
    state.check(model)
    with pytest.raises(ValueError, match="the baseline does not fit"):
        replace(state, baseline=baseline).check(model)


def test_the_classes_of_a_file_are_those_of_its_network(fitted):
    model, again = fitted[0], Model()
    FittedPredictive.of(model).restore(again)
    assert again.classes_ is model.estimator_.classes_
    assert again.scores_ == model.scores_


@pytest.mark.parametrize(
    "own", [MLPRegressor(), StandardScaler(), RecurrentTagger()], ids=str
)
def test_an_estimator_for_the_other_task_is_refused(own):
    expected = f"requires classification.* is a {type(own).__name__}"
    with pytest.raises(ValueError, match=expected):
        Model(own)._chosen(MLPClassifier(), "classification", Key(0))
