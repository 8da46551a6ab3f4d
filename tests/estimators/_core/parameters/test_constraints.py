"""The checks that parameters share: what passes, and what is refused."""

import numpy as np
import pytest

from lamina.estimators._core.parameters.constraints import (
    ACTIVATION,
    CLASS_WEIGHT,
    LABEL,
    LAYERS,
    NAMES,
    SCHEDULE,
    sides,
)
from lamina.learning import Adam, Cosine
from lamina.networks import Dense


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (LAYERS, [[], (Dense(3),)], [Dense(3), [3], ["Dense"], [Dense], None]),
        (ACTIVATION, ["relu", np.tanh, len], ["rleu", 1, Dense(3), dict]),
        (
            CLASS_WEIGHT,
            [None, "balanced", {"a": 2, "b": 0.5}, [{0: 1}, {1: np.float32(2)}]],
            ["even", {"a": "2"}, {"a": -1}, {"a": np.nan}, [1, 2], 3],
        ),
        (SCHEDULE, [None, "cosine", Cosine()], ["cos", 1, Cosine, Adam()]),
        (LABEL, [None, "no", 3, -1, np.nan, np.int64(2), True], [[1], (1,), {}]),
        (NAMES, ["a", ["a", "b"], ()], [1, [1], None, {"a": 1}]),
        (sides("height", "width"), [(4, 5), [4, 5], np.array([4, 5])], [4, (4,)]),
        (sides("height", "width"), [], [(4, 5, 1), (4, 0), (4, 2.5), "45"]),
        (sides("height", "width", "channels"), [(4, 5), (4, 5, 3)], [(4,) * 4, 4]),
    ],
)
def test_checks_that_estimators_share(check, good, bad):
    for value in good:
        check("p", value)
    for value in bad:
        with pytest.raises(ValueError, match="^p must be .*; got "):
            check("p", value)
