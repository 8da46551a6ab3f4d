"""What is learnt from, what is held out, and all of it together."""

from dataclasses import replace

import numpy as np
import pytest

from lamina import MLPClassifier, MLPRegressor
from lamina.estimators._core.fitting import begun
from lamina.estimators._core.preparation import Checked
from lamina.networks import Key

X = np.arange(80.0).reshape(40, 2) / 80
Y = np.repeat([0, 1], 20)


def prepared(model, y=Y):
    begun(model, X, y)
    return model._prepared(model._algorithm()), model._known(X, y)


@pytest.mark.slow
def test_validation_rows_are_outside_training():
    preparation, data = prepared(MLPRegressor(early_stopping=True, random_state=0))
    loaders = preparation.loaders(data, None, Key(0))
    rows, held = loaders.training.rows, loaders.validation.loader.rows
    assert len(held) == 4
    assert sorted([*rows, *held]) == list(range(40))
    assert sorted(loaders.everything().rows) == list(range(40))


def test_every_class_has_its_share_of_the_rows_held_out():
    preparation, data = prepared(MLPClassifier(early_stopping=True, random_state=0))
    _, held = preparation.held_out(data, Key(0))
    assert np.bincount(Y[held]).tolist() == [2, 2]


def test_a_given_validation_set_is_learnt_from_only_at_the_end():
    preparation, data = prepared(MLPClassifier(early_stopping=True, random_state=0))
    loaders = preparation.loaders(data, Checked(X[:5], Y[:5]), Key(0))
    assert len(loaders.training.rows) == 40
    assert loaders.validation.loader.dataset.n == 5
    assert len(loaders.everything().rows) == 45


def test_class_weights_follow_from_the_training_rows():
    """Three of class 1 in ten: n / (K nₖ) = 10 / (2·7) and 10 / (2·3)."""
    y = np.repeat([0, 1], [7, 3])
    model = MLPClassifier(class_weight="balanced", random_state=0)
    begun(model, X[:10], y)
    preparation = model._prepared(model._algorithm())
    loaders = preparation.loaders(model._known(X[:10], y), None, Key(0))
    weight = loaders.training.dataset.weight
    np.testing.assert_allclose(weight[y == 0], 10 / 14)
    np.testing.assert_allclose(weight[y == 1], 10 / 6)


def test_batches_are_of_the_asked_size():
    preparation, data = prepared(MLPClassifier(batch_size=7, random_state=0))
    examples = preparation.examples(*data)
    assert preparation.batches(examples).batch_size == 7
    assert preparation.batches(examples, np.arange(5)).batch_size == 5
    full = replace(preparation, params=MLPClassifier(batch_size="full"))
    assert full.batches(examples).batch_size == 40


pytestmark = pytest.mark.filterwarnings("ignore:batch_size=7 is larger")
