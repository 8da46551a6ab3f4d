"""Networks and their training, as a person reads them."""

import pytest

from lamina.app.render.training import STOPPED
from lamina.data.errors import Message, Setting
from lamina.models.reports import (
    Compiled,
    Diagnosis,
    Ended,
    NetworkSize,
    Notes,
    Report,
    Run,
    Training,
)
from tests.app.fits import said


def shown(part, capsys):
    return said(Report("fit", (part,)), capsys)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (NetworkSize("3 → 4 → 1", 2100), "Network 3 → 4 → 1 (2,100 parameters)"),
        (
            NetworkSize("6 → 2", 20, learner="BernoulliRBM"),
            "Network BernoulliRBM: 6 → 2 (20 parameters)",
        ),
        (NetworkSize("Ridge", None, n_estimators=3), "Network 3 networks: Ridge"),
        (Ended(1.25), "Training 1.2 s"),
        (Compiled(7), ""),
        (Diagnosis("the rate 5 is too high."), "Advice the rate 5 is too high."),
        (Diagnosis(None), ""),
        (
            Notes([Message("use ", Setting("column_types", {"a": "category"}))]),
            "Note use --column-type a=category",
        ),
    ],
)
def test_each_part_is_a_line(part, text, capsys):
    assert shown(part, capsys) == text


@pytest.mark.parametrize("stopped", STOPPED)
def test_why_training_ended_is_told(stopped, capsys):
    text = shown(Training(7, 5, stopped, 1.0), capsys)
    assert text == f"Training 7 epochs in 1.0 s; {STOPPED[stopped]} (best: 5)"


def test_the_last_epoch_is_the_best_unless_another_one_is_named(capsys):
    for best in (7, None):
        text = shown(Training(7, best, "stopped"), capsys)
        assert text == "Training 7 epochs; stopping criterion met"


@pytest.mark.parametrize(
    ("best", "change"), [(5, "did not improve"), (40, "improved by less than tol")]
)
def test_early_stopping_names_what_it_watched(best, change, capsys):
    part = Training(55, best, "stopped", None, "validation loss", 50)
    assert shown(part, capsys) == (
        f"Training 55 epochs; stopped early: validation loss {change} for 50 epochs "
        f"(best: {best})"
    )
    assert part.to_json() == {
        "epochs": 55,
        "best_epoch": best,
        "stop_reason": "stopped",
    }


@pytest.mark.parametrize(
    ("resumed", "stopped", "words"),
    [
        (None, "finished", "new"),
        (3, "finished", "resumed after epoch 3"),
        (5, "finished", "had already finished after epoch 5"),
        (3, "interrupted", "resumed after epoch 3; rerun the command to resume"),
    ],
)
def test_where_a_run_began(resumed, stopped, words, capsys):
    assert shown(Run("run", resumed, 5, stopped), capsys) == (
        f"Run checkpoint run: {words}"
    )
    assert shown(Run(None, resumed, 5, stopped), capsys) == ""
