"""Fixed masks: what was pruned stays away, and all else learns as before."""

import jax
import numpy as np
import pytest

from lamina.learning import (
    L1,
    LBFGS,
    SGD,
    Adam,
    Dataset,
    FixedMask,
    Loader,
    Objective,
)
from lamina.networks import Dense, Key, Network
from tests.learning.fits import fit

pytestmark = pytest.mark.usefixtures("x64")

NETWORK = Network((Dense(4, "tanh"), Dense(1, "identity")))
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((20, 3)), RNG.standard_normal((20, 1))


def start(pruned):
    params, _ = NETWORK.init(Key(0), (3,), np.float64)
    params[0]["weight"][pruned] = 0.0
    return params


def trained(algorithm, params, epochs=5, state=None, first_epoch=0):
    objective = Objective(NETWORK, "squared_error", (L1(0.01),))
    loader = Loader(Dataset(X, Y, dtype=np.float64), batch_size=8)
    how = {"key": Key(1), "epochs": epochs, "state": state, "first_epoch": first_epoch}
    return fit(objective, algorithm, loader, params, **how)


@pytest.mark.parametrize("inner", [SGD(0.05, 0.9), Adam(0.05)])
def test_what_is_zero_stays_zero_and_the_rest_moves(inner):
    pruned = (np.array([0, 2, 2]), np.array([1, 0, 3]))
    before = start(pruned)
    result = trained(FixedMask(inner), before)
    weight = np.asarray(result.params[0]["weight"])
    assert not weight[pruned].any()
    assert np.count_nonzero(weight) == 12 - 3
    assert np.all(np.asarray(result.params[0]["bias"]) != 0)  # biases begin at 0
    for leaf in jax.tree.leaves(result.state["inner"]):
        if np.shape(leaf) == (3, 4):  # neither momentum nor mean squares
            assert not np.asarray(leaf)[pruned].any()


def test_without_zeros_nothing_changes():
    free = start(([], []))
    masked, plain = trained(FixedMask(Adam(0.05)), free), trained(Adam(0.05), free)
    for a, b in zip(*map(jax.tree.leaves, (masked.params, plain.params)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_pruned_weight_is_one_of_a_smaller_network():
    """All weights of a hidden unit away: its bias alone is learnt with the output's."""
    pruned = (slice(None), 1)
    masked = trained(FixedMask(SGD(0.05)), start(pruned))
    free = trained(SGD(0.05), start(pruned))
    assert not np.asarray(masked.params[0]["weight"])[pruned].any()
    assert np.asarray(free.params[0]["weight"])[pruned].all()


def test_a_run_goes_on_with_the_mask_it_began_with():
    """A weight that another hand has set to 0 comes back; one that was 0 does not."""
    algorithm = FixedMask(Adam(0.05))
    first = trained(algorithm, start(([0], [1])), epochs=2)
    between = jax.tree.map(np.array, first.params)
    between[0]["weight"][1, 1] = 0.0
    later = trained(algorithm, between, 4, first.state, first_epoch=2)
    weight = np.asarray(later.params[0]["weight"])
    assert weight[0, 1] == 0
    assert weight[1, 1] != 0


def test_what_searches_along_a_line_is_refused():
    with pytest.raises(ValueError, match="needs a first-order algorithm"):
        FixedMask(LBFGS()).init(start(([], [])))
