"""The three rules of going back: one network by hand, and what they have in common."""

import jax
import numpy as np
import pytest

from lamina.insight import deconvolution
from lamina.insight.deconvnet import RULES, with_relu
from lamina.networks import Conv, Dense, Flatten, Key, MaxPool, Network, Residual

IMAGE = np.array([[1.0, -2.0, 3.0, 1.0]])
NETWORK = Network((Conv(2, 1), MaxPool((1, 2)), Conv(1, (1, 2))))
PARAMS = (
    {"weight": np.array([[[[1.0, -1.0]]]]), "bias": np.zeros(2)},
    {},
    {"weight": np.array([[[[1.0], [-1.0]], [[2.0], [3.0]]]]), "bias": np.zeros(1)},
)

BY_HAND = {
    "deconvnet": [5, 0, -5, 0],
    "guided": [5, 0, 10, 0],
    "gradient": [5, 5, 10, 0],
}


@pytest.mark.parametrize(("rule", "expected"), BY_HAND.items())
def test_by_hand(rule, expected):
    """Forward: h = (1, −2, 3, 1) and (−1, 2, −3, −1); after relu and pool (1, 3) and
    (2, 0), with switches 0, 2 and 1, 2 (the first of two zeros); a = 1 − 2 + 6 + 0 = 5.

    Back: 5 · (1, 2) and 5 · (−1, 3), unpooled to (5, 0, 10, 0) and (0, −5, 15, 0). The
    deconvnet drops −5 for it is negative; the guided rule drops 15 too, for −3 was off;
    the gradient drops 15 only. The image is the first map minus the second.
    """
    found = deconvolution((NETWORK, PARAMS), IMAGE, layer=2, rule=rule)
    assert found.activation == 5
    assert (found.unit, found.position) == (0, (0, 0))
    assert found.reconstruction.shape == (1, 4, 1)
    np.testing.assert_allclose(found.reconstruction[0, :, 0], expected)
    assert found.box.tolist() == [[0, 1], [0, 4]]


def test_a_unit_that_is_off_leaves_nothing():
    params = (*PARAMS[:2], {**PARAMS[2], "bias": np.array([-6.0])})
    found = deconvolution((NETWORK, params), IMAGE, 2)
    assert found.activation == 0
    assert not found.reconstruction.any()


def test_the_most_active_unit_and_place_are_taken():
    """Layer 0: 3 at place 2 of unit 0 is the largest; of unit 1 it is 2 at place 1."""
    found = deconvolution((NETWORK, PARAMS), IMAGE, 0)
    assert (found.unit, found.position, found.activation) == (0, (0, 2), 3)
    np.testing.assert_allclose(found.reconstruction[0, :, 0], [0, 0, 3, 0])
    found = deconvolution((NETWORK, PARAMS), IMAGE, 0, unit=1)
    assert (found.position, found.activation) == ((0, 1), 2)
    found = deconvolution((NETWORK, PARAMS), IMAGE, 0, position=(0, 1))
    assert (found.unit, found.activation) == (1, 2)
    np.testing.assert_allclose(found.reconstruction[0, :, 0], [0, -2, 0, 0])


def deep():
    """Blocks with relus in all places where there may be one."""
    return Network(
        (
            Conv(3, 3, padding="same"),
            Residual((Conv(3, 3, padding="same"), Conv(3, 1)), None, "relu"),
            MaxPool(2),
            Network((Flatten(), Dense(6))),
            Dense(2, "softmax"),
        )
    )


@pytest.mark.slow
def test_the_gradient_is_that_of_the_network(rng):
    network, image = deep(), rng.normal(size=(6, 6, 1)).astype(np.float32)
    params = network.init(Key(1), image.shape)[0]
    found = deconvolution((network, params), image, -1, 1, rule="gradient")
    probability = np.asarray(network(params, image[None]))[0, 1]
    slope = jax.jit(jax.grad(lambda x: network.pre_activation(params, x)[0, 1]))(
        image[None]
    )
    np.testing.assert_allclose(found.activation, probability, rtol=1e-6)
    np.testing.assert_allclose(found.reconstruction, probability * slope[0], atol=1e-6)


def test_rules_change_no_answer_and_reach_every_relu(rng):
    network, x = deep(), rng.normal(size=(4, 6, 6, 1)).astype(np.float32)
    params = network.init(Key(1), x.shape[1:])[0]
    for rule in RULES.values():
        changed = with_relu(network, rule)
        activations = [getattr(k, "activation", None) for k, _ in changed.walk(params)]
        relus = [rule, rule, rule, rule, None, None, rule, "softmax"]
        assert activations == relus
        np.testing.assert_allclose(changed(params, x), network(params, x), rtol=1e-5)


def test_where_nothing_is_off_all_rules_agree():
    """Weights and pixels above 0: no relu has anything to do, in any direction."""
    image = np.abs(IMAGE)
    params = jax.tree.map(lambda a: np.abs(a) + 0.1, PARAMS)
    reconstructions = [
        deconvolution((NETWORK, params), image, 2, rule=rule).reconstruction
        for rule in RULES
    ]
    np.testing.assert_allclose(reconstructions[0], reconstructions[1], rtol=1e-6)
    np.testing.assert_allclose(reconstructions[0], reconstructions[2], rtol=1e-6)
    assert np.ptp(reconstructions[0]) > 1


def test_nothing_outside_the_box(rng):
    network = Network((Conv(2, 3), MaxPool(2), Conv(2, 2)))
    image = rng.normal(size=(12, 11, 1))
    params = network.init(Key(0), image.shape)[0]
    found = deconvolution((network, params), image, 2)
    (top, bottom), (left, right) = found.box
    assert (bottom - top, right - left) == (6, 6)
    outside = found.reconstruction.copy()
    outside[top:bottom, left:right] = 0
    assert not outside.any()
    assert found.reconstruction.any()


def test_the_figure_frames_what_the_unit_sees():
    figure = deconvolution((NETWORK, PARAMS), IMAGE, 0).figure()
    assert figure.get_suptitle() == "Unit 0 of layer 0, position (0, 2): a = 3"
    image, reconstruction = figure.axes
    assert reconstruction.get_title() == "deconvnet"
    assert sorted(set(image.lines[0].get_xdata())) == [1.5, 2.5]
    np.testing.assert_allclose(
        reconstruction.images[0].get_array(), [[0.5, 0.5, 1, 0.5]]
    )


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="deconvnet, guided, gradient; got 'lrp'"):
        deconvolution((NETWORK, PARAMS), IMAGE, 0, rule="lrp")
