"""Wrappers: what they pass on, how they combine, and that the state stays the same."""

import numpy as np
import pytest

from lamina.learning import (
    LBFGS,
    SGD,
    Adam,
    ClipNorm,
    ClipValue,
    ContrastiveDivergence,
    FixedMask,
    MaxNorm,
    Recorded,
    Rprop,
)
from lamina.networks import RBM, Network
from tests.model_files import through_json

WRAPPERS = [ClipNorm, ClipValue, MaxNorm, FixedMask, lambda inner: Recorded(inner, 3)]
PARAMS = ({"weight": np.ones((2, 3), np.float32), "bias": np.zeros(3, np.float32)},)


@pytest.mark.parametrize("wrap", WRAPPERS)
@pytest.mark.parametrize("inner", [Adam(0.1), Rprop(), ContrastiveDivergence(0.1)])
def test_it_needs_what_the_inner_one_needs(wrap, inner):
    outer = wrap(wrap(inner))
    assert outer.needs == inner.needs
    assert outer.rate == inner.rate
    assert outer.memory_bytes(3, 4, 5, 8) == inner.memory_bytes(3, 4, 5, 8)
    network = Network((RBM(3),))
    params = ({**PARAMS[0], "visible_bias": np.zeros(2, np.float32)},)
    limit = inner.loss_limit(network, params)
    assert outer.loss_limit(network, params) == limit


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_a_schedule_reaches_the_inner_rate(wrap):
    assert wrap(wrap(Adam(0.1))).with_rate(0.3) == wrap(wrap(Adam(0.3)))
    with pytest.raises(ValueError, match="LBFGS has no learning rate"):
        wrap(LBFGS()).with_rate(0.3)


@pytest.mark.parametrize("kind", [ClipNorm, ClipValue, MaxNorm])
def test_the_state_is_that_of_the_inner_one(kind):
    """So that a warm start may go on with another bound, or with none."""
    outer, inner = kind(Adam()), Adam()
    assert outer.name == inner.name == "Adam"
    assert outer.init(PARAMS).keys() == inner.init(PARAMS).keys()
    assert outer.init(PARAMS)["m"][0]["weight"].shape == (2, 3)


def test_another_state_has_another_name():
    names = {one.name for one in (SGD(), FixedMask(SGD()), Recorded(SGD(), 3))}
    assert len(names) == 3


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_json(wrap):
    assert through_json(wrap(SGD(0.3))) == wrap(SGD(0.3))
