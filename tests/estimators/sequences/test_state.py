"""What estimators of sequences keep, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from lamina import RNN, RecurrentTagger
from lamina.estimators.sequences.state import (
    FittedHybrid,
    FittedSequenceClassifier,
    FittedSequenceRegressor,
    FittedTagger,
)
from lamina.storage.records import Record
from lamina.storage.rules import UNSET, fits

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = [np.arange(6.0).reshape(3, 2), np.ones((4, 2))]
SIGNS = [np.array([0, 1, 0]), np.array([1, 1, 0, 0])]


@pytest.mark.parametrize("state", [FittedSequenceClassifier, FittedSequenceRegressor])
def test_the_features_of_a_step_have_a_positive_scale(state):
    kinds, scope = Record(state).kinds, SimpleNamespace(n_features_in=2)
    assert fits(kinds["feature_scale"], np.ones(2), scope)
    assert not fits(kinds["feature_scale"], np.zeros(2), scope)
    assert not fits(kinds["feature_mean"], np.zeros(3), scope)
    assert not fits(kinds["max_length"], 0)


@pytest.mark.slow
def test_a_tagger_has_learnt_labels_or_numbers():
    how = {"max_iter": 1, "random_state": 0}
    model = RecurrentTagger([RNN(2)], **how).fit(X, SIGNS)
    state = FittedTagger.of(model)
    assert state.target_mean is UNSET
    state.check(model)
    state.classes = UNSET
    with pytest.raises(ValueError, match="does not fit the loss"):
        state.check(model)
    model = RecurrentTagger([RNN(2)], loss="squared_error", **how).fit(X, SIGNS)
    state = FittedTagger.of(model)
    assert state.classes is UNSET
    for name in ("y_ndim", "target_mean", "target_scale"):
        state = FittedTagger.of(model)
        setattr(state, name, UNSET)
        with pytest.raises(ValueError, match="does not fit the loss"):
            state.check(model)


def test_a_chain_has_as_many_states_as_classes():
    kinds, scope = Record(FittedHybrid).kinds, SimpleNamespace(classes=np.arange(3))
    assert fits(kinds["transition"], np.ones((3, 3)), scope)
    assert not fits(kinds["transition"], np.ones((3, 2)), scope)
    assert not fits(kinds["start"], -np.ones(3), scope)
    assert not fits(kinds["prior"], np.ones(2), scope)
