"""What a perceptron keeps, by hand."""

from types import SimpleNamespace

import numpy as np

from lamina.estimators._core.targets.labels import Labels
from lamina.estimators.perceptrons.state import FittedPerceptron
from lamina.storage.records import Record
from lamina.storage.rules import fits

KINDS = Record(FittedPerceptron).kinds


def test_a_trace_is_the_finite_weights_of_each_step():
    good = np.zeros((3, 2)), np.zeros((3, 2, 2))
    bad = np.zeros(3), np.full((3, 2), np.nan), np.zeros((3, 2), int), [[0.0]], None
    assert all(fits(KINDS["trace"], value) for value in good)
    assert not any(fits(KINDS["trace"], value) for value in bad)


def test_every_class_has_a_code_of_as_many_numbers_as_units():
    weights = ({"weight": np.zeros((5, 2))},)
    labels = Labels("multiclass", np.arange(3))
    scope = SimpleNamespace(labels=labels, params=weights)
    assert fits(KINDS["codes"], np.zeros((3, 2), int), scope)
    assert not fits(KINDS["codes"], np.zeros((2, 2), int), scope)
    assert not fits(KINDS["codes"], np.zeros((3, 3), int), scope)
    assert not fits(KINDS["codes"], np.zeros((3, 2)), scope)
