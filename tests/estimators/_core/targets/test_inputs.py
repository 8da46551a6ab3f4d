"""Targets that are the inputs themselves."""

import numpy as np
import pytest

from lamina import Autoencoder
from lamina.estimators._core.inputs.scaled import ScaledInputs
from lamina.estimators._core.targets.inputs import InputTarget
from lamina.estimators._core.targets.target import TargetValues
from lamina.learning.protocols import Needs

X = np.array([[0.0, 10.0], [2.0, 20.0], [4.0, 60.0]])


def target_of(X, layers=None, loss="auto"):
    inputs = ScaledInputs("float64", loss, True, layers, None)
    inputs, X = inputs.learn(Autoencoder(), X)
    return InputTarget("float64", loss, inputs.measure(X, None))


def test_loss_and_output_follow_the_inputs():
    numbers, unit = target_of(X), target_of(X / 60)
    assert (numbers.head, numbers.loss_for(None)) == ("identity", "squared_error")
    assert (unit.head, unit.loss_for(None)) == ("logistic", "binary_cross_entropy")
    assert numbers.n_outputs == 2
    assert numbers.output_shape((2,)) == (2,)


def test_the_score_is_minus_the_squared_error_of_scaled_numbers():
    target = target_of(X)
    made = target.inputs.encode(X) + np.array([[1.0, 1.0], [0.0, 2.0], [0.0, 0.0]])
    # errors of the rows: 1, 2, 0
    assert target.score(X, made, np.ones(3)) == pytest.approx(-1)
    assert target.score(X, made, np.array([1.0, 0.0, 1.0])) == pytest.approx(-0.5)
    assert np.isnan(target.score(X, made, np.zeros(3)))
    again = target.decode(target.inputs.encode(X), X.dtype)
    np.testing.assert_allclose(again, X, atol=1e-12)


def test_later_inputs_must_be_targets_too():
    unit = target_of(X / 60)
    with pytest.raises(ValueError, match="needs inputs from 0 to 1"):
        unit.encode(TargetValues(X))


def test_methods_of_one_target_take_the_encoder_of_units_only():
    needs = Needs(one_target=True)
    target_of(X).check_needs(needs, "lm")
    with pytest.raises(ValueError, match="is for encoder=, not for layers="):
        target_of(X, layers=[object()]).check_needs(needs, "lm")
