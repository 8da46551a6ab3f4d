"""What the end of a run tells the user."""

import math
import warnings

import pytest
from sklearn.exceptions import ConvergenceWarning

from lamina import Adam, LevenbergMarquardt, LossBelow, MaxEvaluations, MLPRegressor
from lamina.estimators._core.reporting.outcome import (
    InterruptedWarning,
    divergence,
    explain,
    remedies_of,
)
from lamina.learning import Result

ADVICE = "raise max_iter."


def result(reason, **how):
    known = {"params": (), "state": None, "history": {"loss": [0.5]}, "epochs": 3}
    known |= {"examples": 9, "reason": reason, "rules": (LossBelow("loss", 0.1),)}
    return Result(**known | how)


def told(result):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        explain(result, 3, ADVICE, "smaller steps")
    return [(one.category, str(one.message)) for one in caught]


def test_each_end_has_its_own_words():
    (used,) = told(result("finished"))
    assert used[0] is ConvergenceWarning
    assert "max_iter=3 epochs reached" in used[1]
    assert used[1].endswith(ADVICE)
    assert told(result("finished", rules=())) == []
    assert told(result("stopped", history={"loss": [0.05]})) == []
    ((category, _),) = told(result("interrupted"))
    assert category is InterruptedWarning
    ((_, text),) = told(result("diverged", end_loss=math.inf))
    assert "smaller steps or dtype='float64'" in text


def test_a_budget_that_is_used_up_is_named():
    budget = MaxEvaluations("evaluations", 5)
    budget({"evaluations": 6})
    ((_, text),) = told(result("stopped", rules=(budget,), history={"loss": [0.5]}))
    assert "after 5 evaluations" in text


def test_a_fit_no_better_than_the_mean_says_so():
    worse = {"constant_loss": 0.25, "loss": 0.5}
    ((_, text),) = told(result("finished", rules=(), **worse))
    assert "training loss is 0.5, worse than the 0.25" in text


def test_how_a_run_diverged():
    grew = result("diverged", start_loss=1.0, end_loss=9.0)
    assert divergence(grew) == "diverged: the loss rose from 1 to 9"
    away = result("diverged", end_loss=math.inf)
    assert divergence(away).startswith("diverged in epoch 4")


@pytest.mark.parametrize(
    ("params", "algorithm", "expected"),
    [
        (
            {},
            Adam(),
            "a smaller learning rate, scaled inputs (StandardScaler), sc",
        ),
        ({"scale_target": True}, LevenbergMarquardt(), "scaled inputs (Standard"),
    ],
)
def test_remedies(params, algorithm, expected):
    assert remedies_of(MLPRegressor(**params), algorithm).startswith(expected)
