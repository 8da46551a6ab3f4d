"""What kinds of data share whose models are one network that is trained."""

from types import SimpleNamespace

import pytest

from lamina.data.errors import UserError
from lamina.models.kinds.table import TableOptions, Tables
from lamina.models.table import TableModel


@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        ({"holdout": 1.0}, "holdout"),
        ({"holdout": -0.1}, "holdout"),
        ({"holdout": 0, "save_holdout": "x.csv"}, "save_holdout"),
        ({"resume": "nowhere"}, "resume"),
        ({"resume": "nowhere", "checkpoint": "other"}, "resume"),
        ({"seed": -1}, "seed"),
        ({"task": "clustering"}, "task"),
    ],
)
def test_options_that_make_no_sense(options, parameter):
    with pytest.raises(UserError, match=".") as caught:
        Tables().check("iris", TableOptions(**options))
    assert caught.value.parameter == parameter


def test_options_are_the_parameters_of_the_model():
    options = TableOptions(
        target=("y",), sets=("max_iter=3",), exclude=("a",), seed=4, resume="run"
    )
    assert Tables().parameters(options, TableModel) == {
        "target": "y",
        "settings": {"max_iter": 3},
        "random_state": 4,
        "task": None,
        "holdout": 0.2,
        "checkpoint": "run",
        "exclude": ["a"],
        "column_types": {},
        "verbose": False,
    }
    shown = Tables().parameters(options, TableModel, print)
    assert shown["verbose"]


def model(epochs, stopped):
    return SimpleNamespace(
        estimator_=SimpleNamespace(n_iter_=epochs, stop_reason_=stopped)
    )


def test_a_fit_by_which_nothing_was_learnt_is_an_error():
    Tables().check_learnt(model(3, "diverged"), [])
    with pytest.raises(UserError, match="diverged in epoch 1"):
        Tables().check_learnt(model(0, "diverged"), ["first", "diverged in epoch 1"])
    with pytest.raises(UserError, match="training failed in the first epoch"):
        Tables().check_learnt(model(0, "diverged"), [])
    with pytest.raises(KeyboardInterrupt):
        Tables().check_learnt(model(0, "interrupted"), [])
