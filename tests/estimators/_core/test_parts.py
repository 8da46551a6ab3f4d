"""Parts and their estimator: what is learnt goes there and comes back."""

from dataclasses import dataclass

import numpy as np

from lamina.estimators._core.parts import keep, learnt, learnt_fields, recall
from lamina.storage.rules import UNSET


@dataclass(eq=False)
class Scale:
    """Divides."""

    used: bool
    mean: np.ndarray = learnt("mean_")
    factor: float | None = learnt("_factor")


class Owner:
    pass


def test_fields_and_their_attributes():
    assert learnt_fields(Scale) == (("mean", "mean_"), ("factor", "_factor"))
    assert Scale(True).mean is UNSET


def test_what_is_learnt_is_kept_and_recalled():
    owner, mean = Owner(), np.ones(2)
    keep(Scale(True, mean, None), owner)
    assert vars(owner) == {"mean_": mean, "_factor": None}
    again = recall(Scale(False), owner)
    assert again.mean is mean
    assert (again.used, again.factor) == (False, None)


def test_what_is_not_learnt_any_more_is_forgotten():
    owner = Owner()
    keep(Scale(True, np.ones(2), 3.0), owner)
    keep(Scale(True, np.zeros(2)), owner)
    assert list(vars(owner)) == ["mean_"]
    assert recall(Scale(True), owner).factor is UNSET
