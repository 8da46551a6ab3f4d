"""Max-norm: the weights into each unit are bounded, whatever order they lie in."""

import jax
import numpy as np
import pytest

from lamina.learning import SGD, Batch, MaxNorm
from lamina.learning.objectives.objective import Objective
from lamina.networks import (
    GRU,
    LSTM,
    Bidirectional,
    Conv,
    ConvTranspose,
    Dense,
    Flatten,
    Key,
    LocallyConnected,
    Network,
    Residual,
)

pytestmark = pytest.mark.usefixtures("x64")

BOUND = 0.5

LAYERS = {
    "dense": (Dense(3, "identity"), (4,)),
    "conv": (Conv(4, 3, activation="identity"), (5, 5, 2)),
    "conv, two groups": (Conv(4, 3, groups=2, activation="identity"), (5, 5, 2)),
    "transposed": (ConvTranspose(3, 3, stride=2, activation="identity"), (3, 3, 2)),
    "transposed, two groups": (
        ConvTranspose(4, 2, groups=2, activation="identity"),
        (3, 3, 6),
    ),
    "transposed in time": (ConvTranspose(3, 2, activation="identity"), (4, 2)),
    "local": (LocallyConnected(3, 2, activation="identity"), (3, 3, 2)),
    "local in time": (LocallyConnected(3, 2, activation="identity"), (4, 2)),
}


def constrained(network, params, bound=BOUND):
    objective = Objective(network, "squared_error")
    return MaxNorm(SGD(), bound).moved(objective, params)


def weights_into_units(layer, params, shape):
    """Return one mask of W for each unit: those weights that its pre-activation needs.

    A unit of a convolution is a filter, whose weights are the same at all positions;
    one of a locally connected layer stands at one position.
    """
    x = np.random.default_rng(0).uniform(0.5, 1, (1, *shape))
    needs = jax.jacobian(lambda w: layer.pre_activation({**params, "weight": w}, x))
    needs = np.asarray(needs(params["weight"]))[0] != 0
    filters = needs.shape[-1 - params["weight"].ndim]
    needs = needs.reshape(-1, filters, *params["weight"].shape)
    if not isinstance(layer, LocallyConnected):
        needs = needs.any(axis=0, keepdims=True)
    return needs.reshape(-1, *params["weight"].shape)


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_each_unit_is_bounded_by_itself(name):
    """W_j ← W_j min(1, c / ‖W_j‖) for the weights W_j that the unit's h depends on."""
    layer, shape = LAYERS[name]
    network = Network((layer, Flatten(), Dense(1)))
    params, _ = network.init(Key(1), shape, np.float64)
    weight = params[0]["weight"]
    masks = weights_into_units(layer, params[0], shape)
    assert (masks.sum(axis=0) == 1).all()  # every weight goes into one unit
    norms = [np.linalg.norm(weight[mask]) for mask in masks]
    bound = float(np.median(norms))
    expected = np.empty_like(weight)
    for mask, norm in zip(masks, norms, strict=True):
        expected[mask] = weight[mask] * min(1, bound / norm)
    found = constrained(network, params, bound)[0]["weight"]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (np.asarray(found) != weight).any()


def test_a_gate_has_one_peephole_for_each_unit():
    """Rows i, f, o are the weights of different gates: each is bounded by itself."""
    layer = LSTM(2, variant="peephole")
    network = Network((layer,))
    params, _ = network.init(Key(0), (3, 1), np.float64)
    peepholes = np.array([[3.0, 0.1], [-2.0, 0.2], [0.4, 0.5]])
    params[0]["peephole_weight"] = peepholes
    found = constrained(network, params)[0]
    np.testing.assert_allclose(
        found["peephole_weight"], [[0.5, 0.1], [-0.5, 0.2], [0.4, 0.5]], rtol=1e-12
    )
    for name in ("weight", "recurrent_weight"):
        norms = np.linalg.norm(params[0][name], axis=0)
        expected = params[0][name] * np.minimum(1, BOUND / norms)
        np.testing.assert_allclose(found[name], expected, rtol=1e-12)


@pytest.mark.parametrize("layer", [GRU(2), LSTM(2, variant="peephole")])
def test_both_directions_are_bounded_as_one_is(layer):
    network = Network((Bidirectional(layer),))
    params, _ = network.init(Key(0), (3, 2), np.float64)
    params = jax.tree.map(lambda a: a + 1.0, params)
    found = constrained(network, params)[0]
    for way, own in params[0].items():
        alone = constrained(Network((layer,)), (own,))[0]
        jax.tree.map(np.testing.assert_array_equal, found[way], alone)


def test_layers_inside_of_others_are_bounded_in_their_own_way():
    """A Residual's own projection (n, m) is bounded by its columns."""
    inner = ConvTranspose(3, 3, padding="same")
    network = Network((Residual((inner,)), Flatten(), Dense(1)))
    params, _ = network.init(Key(0), (3, 3, 2), np.float64)
    found = constrained(network, params)[0]
    alone = constrained(Network((inner,)), params[0]["layers"])
    np.testing.assert_array_equal(found["layers"][0]["weight"], alone[0]["weight"])
    weight = params[0]["weight"]
    expected = weight * np.minimum(1, BOUND / np.linalg.norm(weight, axis=0))
    np.testing.assert_allclose(found["weight"], expected, rtol=1e-12)


def test_training_keeps_the_bound_under_jit():
    """The compiled step knows the layers of traced parameters too."""
    layer = LocallyConnected(2, 2)
    network = Network((layer, Flatten(), Dense(1)))
    params, _ = network.init(Key(0), (3, 3, 1), np.float32)
    found = jax.jit(lambda params: constrained(network, params))(params)[0]["weight"]
    norms = np.sqrt((np.asarray(found) ** 2).sum(axis=-2))
    assert norms.max() <= BOUND * (1 + 1e-6)
    assert np.isclose(norms, BOUND).all()  # Glorot's weights are all longer


def test_weights_into_a_unit_are_shortened_by_hand():
    """(3, 4) has length 5, (0.3, 0.4) has ½, and (0, 0) stays; biases stay."""
    params = (
        {"weight": np.array([[3.0, 0.3, 0], [4.0, 0.4, 0]]), "bias": np.full(3, 9.0)},
    )
    (found,) = constrained(Network((Dense(3, "identity"),)), params, 2.0)
    np.testing.assert_allclose(found["weight"], [[1.2, 0.3, 0], [1.6, 0.4, 0]])
    np.testing.assert_array_equal(found["bias"], 9)


@pytest.mark.slow
def test_the_bound_holds_after_each_step():
    network = Network((Dense(2, "tanh"), Dense(1, "identity")))
    params, _ = network.init(Key(0), (3,), np.float64)
    batch = Batch(np.ones((4, 3)), np.full((4, 1), 50.0), np.ones(4))
    objective = Objective(network, "squared_error")
    algorithm = MaxNorm(SGD(0.1, 0.9), BOUND)
    state = algorithm.init(params)
    for _ in range(5):
        params, state, _ = algorithm.update(objective, params, state, batch, None)
        for own in params:
            lengths = np.linalg.norm(own["weight"], axis=0)
            assert np.all(lengths <= BOUND * (1 + 1e-12))
    assert np.isclose(lengths, BOUND).any()


@pytest.mark.parametrize("bound", [0.0, -1.0, float("nan")])
def test_impossible_bounds_are_refused(bound):
    with pytest.raises(ValueError, match=f"bound must be .*got {bound}"):
        MaxNorm(SGD(), bound)
