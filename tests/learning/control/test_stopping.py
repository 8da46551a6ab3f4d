"""Stopping rules: when they say stop, epoch by epoch."""

import dataclasses
import json
import math

import pytest

from lamina.learning import (
    LossBelow,
    MaxEvaluations,
    NoImprovement,
    SmallChange,
    SmallImprovement,
)


def answers(rule, values, name="loss"):
    return [rule({name: v}) for v in values]


def test_losses_must_fall_by_tol():
    """From 1.0: 0.5 improves, 0.45 and 0.41 do not by 0.1, then 0.3 does."""
    rule = NoImprovement("loss", tol=0.1, patience=2)
    values = [1.0, 0.5, 0.45, 0.41, 0.3, 0.3, 0.3, 0.3]
    assert answers(rule, values) == [False] * 7 + [True]


def test_stop_comes_after_more_than_patience_epochs():
    """scikit-learn stops when the count *exceeds* ``n_iter_no_change``."""
    for patience in (0, 1, 3):
        rule = NoImprovement("loss", tol=0.1, patience=patience)
        said = answers(rule, [1.0] * 6)
        assert said.index(True) == patience + 1


def test_improvement_by_exactly_tol_counts():
    """As in scikit-learn, for losses (``not >``) and scores (``not <``) alike."""
    falling = NoImprovement("loss", tol=0.25, patience=0)
    assert answers(falling, [1.0, 0.75, 0.5, 0.25]) == [False] * 4
    rising = NoImprovement("score", tol=0.25, patience=0, maximize=True)
    assert answers(rising, [0.0, 0.25, 0.5], "score") == [False] * 3


def test_best_follows_even_small_improvements():
    """So a slow creep is no improvement, each measured against the last best."""
    rule = NoImprovement("loss", tol=0.1, patience=2)
    assert answers(rule, [1.0, 0.95, 0.90, 0.85]) == [False, False, False, True]
    assert rule.best == 0.85


def test_scores_rise():
    rule = NoImprovement("score", tol=0.0, patience=1, maximize=True)
    values = [0.5, 0.6, 0.4, 0.6, 0.5, 0.5]
    assert answers(rule, values, "score") == [False] * 5 + [True]


def test_patience_may_be_infinite():
    rule = NoImprovement("loss", patience=math.inf)
    assert not any(answers(rule, [1.0] * 1000))


def test_a_value_that_is_no_number_is_no_improvement():
    rule = NoImprovement("loss", patience=0)
    assert answers(rule, [1.0, math.nan]) == [False, True]
    assert rule.best == 1.0


def test_restart_forgets_the_count_and_keeps_the_best():
    rule = NoImprovement("loss", tol=0.1, patience=1)
    assert answers(rule, [1.0, 1.0, 1.0]) == [False, False, True]
    rule.restart()
    assert rule.best == 1.0
    assert answers(rule, [1.0, 1.0]) == [False, True]


def test_below():
    assert answers(LossBelow("loss", 0.5), [0.6, 0.5, 0.4]) == [False, True, True]
    assert answers(LossBelow("gradient", 0.5), [0.6, 0.4], "gradient") == [False, True]
    assert answers(LossBelow("loss", 0.5), [math.nan]) == [False]


def test_budget():
    rule = MaxEvaluations("evaluations", 10)
    assert answers(rule, [4, 5, 1, 1], "evaluations") == [False, False, True, True]
    assert rule.spent == 11


@pytest.mark.parametrize(
    "rule",
    [NoImprovement("loss"), LossBelow("loss", 0.1), MaxEvaluations("evaluations", 5)],
    ids=lambda rule: type(rule).__name__,
)
def test_a_checkpoint_can_hold_a_rule(rule):
    """Half the epochs, through JSON, and the rest: the same answers."""
    values = [1.0, 0.9, 0.95, 0.95, 0.05, 2.0] + [0.9] * 12
    name = rule.monitor
    whole = answers(dataclasses.replace(rule), values, name)
    first = answers(rule, values[:6], name)
    kept = json.loads(json.dumps(dataclasses.asdict(rule)))
    rest = answers(type(rule)(**kept), values[6:], name)
    assert first + rest == whole
    assert any(whole)


def test_relative_improvement_below_a_threshold():
    """8 → 4 halves, 4 → 3.8 is 5 %, 3.8 → 3.7 is 2.6 %."""
    rule = SmallImprovement("loss", tol=0.04)
    assert answers(rule, [8.0, 4.0, 3.8, 3.7]) == [False, False, False, True]


def test_relative_improvement_has_patience_with_epochs_in_a_row():
    rule = SmallImprovement("loss", tol=0.1, patience=1)
    values = [1.0, 0.95, 0.8, 0.79, 0.79]
    assert answers(rule, values) == [False, False, False, False, True]


def test_a_rising_loss_is_no_improvement_and_a_negative_one_may_fall():
    assert answers(SmallImprovement(tol=0.01), [1.0, 2.0]) == [False, True]
    assert answers(SmallImprovement(tol=0.01), [-1.0, -2.0]) == [False, False]
    assert answers(SmallImprovement(tol=0.0), [0.0, 0.0]) == [False, True]


def test_largest_weight_change_below_a_threshold():
    rule = SmallChange(0.5)
    assert answers(rule, [1.0, 0.5, 0.49], "weight_change") == [False, False, True]


def test_rules_with_patience_say_when_they_may_stop_at_the_soonest():
    """Epochs until then cannot be the last: they may be taken in one call."""
    for make in (
        lambda patience: NoImprovement("loss", 0.1, patience),
        lambda patience: SmallImprovement("loss", 0.0, patience),
    ):
        for patience in (0, 1, 2.5, 4):
            rule = make(patience)
            rule({"loss": 1.0})  # the first epoch always improves
            for _ in range(3):
                soonest, said = rule.soonest(), False
                for _ in range(soonest):
                    assert not said
                    said = rule({"loss": 1.0})
                assert said
                rule.count = 0
    assert NoImprovement(patience=math.inf).soonest() >= 10**9
