"""The race of Boltzmann machines: who takes part, and what is told of them."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import BernoulliRBM as Peer

from benchmarks.rbm import (
    CASES,
    Case,
    contenders,
    lamina_task,
    pseudo_likelihood,
    sklearn_task,
)

SMALL = Case(40, 6, 3, 10, 2)


def test_all_get_the_same_settings():
    names = {one.name for one in contenders(SMALL)}
    assert {"lamina", "scikit-learn, 1 thread", "PyTorch, 1 thread"} <= names
    models: list[Any] = []
    for task in (lamina_task, sklearn_task):
        fit, samples = task(**asdict(SMALL))
        models.append(fit())
        assert samples == 80
    one, other = models
    assert one.components_.shape == other.components_.shape == (3, 6)
    for name in ("learning_rate", "batch_size", "n_iter"):
        assert getattr(one, name) == getattr(other, name)


def test_promises_are_those_of_the_readme():
    assert [bound for _, bound in CASES.values()] == [5.0, 2.4]
    X = SMALL.data()
    assert X.min() >= 0
    assert X.max() < 1


def test_the_pseudo_likelihood_is_that_of_its_definition():
    """P(vᵢ | others) of binary inputs, from the joint over all states."""
    X = (np.random.default_rng(0).random((30, 4)) < 0.4).astype(float)
    model = Peer(3, random_state=0, n_iter=30).fit(X)
    states = (np.arange(16)[:, None] >> np.arange(4) & 1).astype(float)
    p = np.exp(-model._free_energy(states))
    expected = []
    for v in X:
        terms = []
        for i in range(4):
            others = (np.delete(states, i, 1) == np.delete(v, i)).all(axis=1)
            same = others & (states[:, i] == v[i])
            terms.append(np.log(p[same].sum() / p[others].sum()))
        expected.append(sum(terms))
    assert pseudo_likelihood(model, X) == pytest.approx(np.mean(expected))
