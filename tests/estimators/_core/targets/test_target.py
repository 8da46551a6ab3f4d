"""What every kind of target can do by default."""

from dataclasses import dataclass

import numpy as np
import pytest

from lamina import MLPClassifier, MLPRegressor
from lamina.estimators._core.targets.target import (
    Target,
    TargetValues,
    Weights,
    checked_target,
    require,
)
from lamina.learning.protocols import Needs

X = np.zeros((3, 2))


@dataclass(eq=False)
class Doubled(Target):
    """Numbers that are learnt doubled, one a step."""

    unit = "step"
    n_outputs, head = 1, "identity"

    def check(self, owner, y, X):
        return TargetValues(y)

    def learn(self, answers, classes):
        return self, self.encode(answers)

    def encode(self, answers):
        return 2 * np.asarray(answers.values)

    def decode(self, outputs, dtype):
        return outputs / 2

    def score(self, y, outputs, weight):
        return 0.0


def test_defaults():
    target = Doubled("float32", "squared_error")
    y = target.resume(TargetValues([1.0, 2.0]), False, None)
    assert y.tolist() == [2, 4]
    assert target.measure(y, "identity", Needs()) is target
    assert target.for_loss(y, "identity") is y
    assert target.output_shape((5, 3)) == (1,)
    assert target.loss_for("identity") == "squared_error"
    assert (target.mean_over, target.strata(y)) == (1, None)
    assert target.join((y, y)).tolist() == [2, 4, 2, 4]


def test_answers_of_places_are_not_for_every_algorithm():
    target = Doubled("float32", "squared_error")
    target.check_needs(Needs(), "adam")
    with pytest.raises(ValueError, match="solver='lm' needs one answer an example"):
        target.check_needs(Needs(one_target=True), "lm")


def test_all_answers_count_the_same_unless_weighed():
    weights = Doubled("float32", "squared_error").weights(np.zeros(2))
    assert type(weights) is Weights
    assert not weights
    assert weights(None, None) is None
    assert weights(X, None) is X


def test_targets_are_required():
    with pytest.raises(ValueError, match="^MLPClassifier requires y to be passed"):
        require(MLPClassifier(), None)
    require(MLPClassifier(), [1])


def test_answers_are_arrays_as_long_as_the_inputs():
    owner = MLPRegressor()
    values, missing = checked_target(owner, [1, 2, 3], X, numeric=True)
    assert values.tolist() == [1, 2, 3]
    assert missing is None
    objects = np.array([1, 2.5, 3], object)
    assert checked_target(owner, objects, X, numeric=True).values.dtype == float
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        checked_target(owner, [1, 2], X, numeric=True)
    with pytest.warns(UserWarning, match="column-vector"):
        assert checked_target(owner, [[1], [2], [3]], X, True).values.shape == (3,)
    gaps = checked_target(owner, [[1, np.nan], [2, 3], [4, 5]], X, numeric=True)
    assert gaps.values.tolist() == [[1, 0], [2, 3], [4, 5]]
    assert gaps.missing.tolist() == [[False, True], [False, False], [False, False]]
