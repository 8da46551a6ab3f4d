"""What networks keep, by hand."""

from types import SimpleNamespace
from typing import Annotated

import numpy as np
import pytest

from lamina import MLPClassifier
from lamina.estimators._core.files.network_state import (
    Diagnostics,
    FittedClassifier,
    FittedRegressor,
    OfClasses,
    Weights,
)
from lamina.estimators._core.targets.labels import Labels
from lamina.storage.rules import UNSET, Scope, fits

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAN = float("nan")


def test_weights_are_finite_floats_in_any_nest():
    good = ({}, {"weight": np.zeros((2, 2)), "inner": ({"bias": np.zeros(1)},)})
    assert fits(Weights, good)
    for bad in (
        [{}],
        ({"weight": np.arange(2)},),
        ({"weight": np.array([NAN])},),
        ({"weight": 1.0},),
        1.5,
        UNSET,
        object(),
    ):
        assert not fits(Weights, bad)


def records(**changed):
    n = {"epoch": np.arange(2), "loss": np.ones(2), "contrast": np.ones(2)}
    return n | {"figures": np.ones((2, 3, 5)), "scale": np.ones(4)} | changed


def test_records_of_diagnostics_are_as_many_of_each():
    assert fits(Diagnostics, records())
    assert fits(Diagnostics, records(scale=np.ones(0), figures=np.full((2, 1, 5), NAN)))
    for changed in (
        {"epoch": np.ones(2)},
        {"loss": np.ones(3)},
        {"figures": np.ones((2, 3, 4))},
        {"scale": np.ones((2, 2))},
        {"more": np.ones(2)},
        {"loss": "far"},
    ):
        assert not fits(Diagnostics, records(**changed))
    assert not fits(Diagnostics, {})


def test_labels_have_as_many_outputs_as_the_network():
    kind = OfClasses.__annotations__["labels"]
    scope = Scope(SimpleNamespace(n_outputs=1))
    assert fits(kind, Labels("binary", np.arange(2)), scope)
    assert not fits(kind, Labels("multiclass", np.arange(3)), scope)
    assert not fits(kind, np.arange(2), scope)


def test_labels_are_labels():
    kind = Annotated[np.ndarray, *Labels.__annotations__["classes"].__metadata__]
    assert fits(kind, np.arange(2))
    assert not fits(kind, np.zeros((2, 1)))


def small(**how):
    X = np.random.default_rng(0).normal(size=(20, 2))
    y = np.arange(20) % 2
    return MLPClassifier((2,), max_iter=2, random_state=0, **how).fit(X, y)


def test_the_state_of_a_network_is_that_of_further_training_or_not():
    model = small()
    assert len(FittedClassifier.of(model).solver_state) > 1
    assert FittedClassifier.of(model, training=False).solver_state is None
    model.set_params(solver="sgd")  # cannot go on from the state of another
    assert FittedClassifier.of(model).solver_state is None


def test_what_follows_from_the_rest_is_not_kept_and_is_there_again():
    model, other = small(), MLPClassifier((2,), max_iter=2, random_state=0)
    state = FittedClassifier.of(model)
    state.restore(other)
    for name in ("loss_", "best_loss_", "loss_curve_", "n_layers_", "out_activation_"):
        assert name not in FittedClassifier.attributes().values()
        assert getattr(other, name) == getattr(model, name)
    assert other.classes_ is state.labels.classes


def test_a_solvers_state_that_is_not_finite_is_refused():
    state = FittedClassifier.of(small())
    state.solver_state[0] = state.solver_state[0] * np.nan
    with pytest.raises(ValueError, match="the solver's state is not finite"):
        state.restore(MLPClassifier((2,), max_iter=2))


def test_a_regressor_keeps_the_scale_of_its_targets():
    assert {"y_ndim", "target_mean", "target_scale"} <= set(
        FittedRegressor.attributes()
    )
