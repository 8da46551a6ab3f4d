"""Options of formulas become the numbers their signatures ask for."""

import numpy as np
import pytest

from lamina.data.datasets.options import checked_options


def formula(n: int = 5, noise: float = 0.1, seed: int = 0):
    return n, noise, seed


def test_numbers_of_the_kind_of_the_default():
    found = checked_options("f", formula, {"n": np.int32(3), "noise": 1})
    assert found == {"n": 3, "noise": 1.0}
    assert [type(value) for value in found.values()] == [int, float]
    assert checked_options("f", formula, {"noise": 0, "seed": 0}) == {
        "noise": 0.0,
        "seed": 0,
    }


def test_what_cannot_be_is_refused():
    for options, part in (
        ({"points": 5}, "f takes no option 'points'; it takes n, noise, seed"),
        ({"n": 0}, "f: n must be at least 1; got 0"),
        ({"seed": -1}, "f: seed must be at least 0; got -1"),
        ({"n": 2.5}, "f: n must be a whole number; got 2.5"),
        ({"n": True}, "f: n must be a whole number; got True"),
        ({"noise": float("nan")}, "f: noise must be at least 0; got nan"),
        ({"noise": "much"}, "f: noise must be a number; got 'much'"),
    ):
        with pytest.raises(ValueError, match=part):
            checked_options("f", formula, options)
