"""Clipping: the gradient that the inner algorithm sees, by hand."""

import numpy as np
import pytest

from lamina.learning import LBFGS, SGD, Batch, ClipNorm, ClipValue, Objective
from lamina.networks import Dense, Network

pytestmark = pytest.mark.usefixtures("x64")

OBJECTIVE = Objective(Network((Dense(1, "identity"),)), "squared_error")
PARAMS = ({"weight": np.array([[3.0], [4.0]]), "bias": np.array([1.0])},)
BATCH = Batch(np.array([[1.0, 2.0]]), np.zeros((1, 1)), np.ones(1))
RULE = SGD(0.1)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        (RULE, [12, 24, 12]),
        (ClipValue(RULE, 20.0), [12, 20, 12]),
        (ClipNorm(RULE, 6.0), np.array([1, 2, 1]) * 6 / 6**0.5),
        (ClipNorm(RULE, 100.0), [12, 24, 12]),
        (ClipValue(ClipNorm(RULE, 3.0), 12.0), np.ones(3) * 3**0.5),
        (ClipNorm(ClipValue(RULE, 12.0), 3.0), np.array([1, 2, 1]) * 3 / 6**0.5),
    ],
)
def test_gradient_is_clipped_by_value_and_by_norm(algorithm, expected):
    """x = (1, 2), h = 12, y = 0: g = 12 (1, 2), 12 for the bias; ‖g‖ = 12 √6.

    The outer one comes first.
    """
    state = algorithm.init(PARAMS)
    (moved,), _, report = algorithm.update(OBJECTIVE, PARAMS, state, BATCH, None)
    assert float(report["loss"]) == 72
    (before,) = PARAMS
    g = [(before[name] - moved[name]) / 0.1 for name in ("weight", "bias")]
    np.testing.assert_allclose([*g[0][:, 0], *g[1]], expected, rtol=1e-13)


def test_negative_gradients_are_clipped_too():
    batch = BATCH._replace(y=np.full((1, 1), 36.0))  # h − y = −24
    algorithm = ClipValue(RULE, 20.0)
    (moved,), *_ = algorithm.update(
        OBJECTIVE, PARAMS, algorithm.init(PARAMS), batch, None
    )
    np.testing.assert_allclose(moved["bias"], 1 + 0.1 * 20)


@pytest.mark.parametrize("kind", [ClipNorm, ClipValue])
def test_impossible_bounds_are_refused(kind):
    with pytest.raises(ValueError, match=r"bound must be .*got 0\.0"):
        kind(RULE, 0.0)


@pytest.mark.parametrize("kind", [ClipNorm, ClipValue])
def test_a_line_search_needs_the_gradient_as_it_is(kind):
    with pytest.raises(ValueError, match="needs a first-order algorithm"):
        kind(LBFGS()).init(PARAMS)
