"""What may be looked into, how layers are numbered, and what is refused."""

import numpy as np
import pytest

from lamina import data
from lamina.estimators import ConvNetClassifier
from lamina.insight import layers
from lamina.insight.network_view import pre_activation, view_network, view_network_for
from lamina.networks import (
    Conv,
    Dense,
    Flatten,
    Key,
    MaxPool,
    Network,
    Rescale,
    Residual,
)

SHAPE = (6, 6, 1)
NETWORK = Network(
    (Rescale(8.0, 0.25), Conv(2, 3), MaxPool(2), Flatten(), Dense(3, "softmax"))
)


@pytest.fixture(scope="module")
def model():
    return NETWORK, NETWORK.init(Key(0), SHAPE)[0]


def test_layers_have_the_numbers_of_walk(model):
    assert layers(model, SHAPE) == [
        (0, "Rescale", (6, 6, 1)),
        (1, "Conv", (4, 4, 2)),
        (2, "MaxPool", (2, 2, 2)),
        (3, "Flatten", (8,)),
        (4, "Dense", (3,)),
    ]


def test_layers_inside_others_count_each():
    network = Network((Residual((Conv(1, 3, padding="same"),)), Network((Flatten(),))))
    params = network.init(Key(0), SHAPE)[0]
    names = [name for _, name, _ in layers((network, params), SHAPE)]
    assert names == ["Conv", "Residual", "Flatten"]


@pytest.mark.slow
def test_a_fitted_estimator_knows_its_images():
    digits = data.load("digits")
    images = digits.X[:64].reshape(-1, 8, 8)
    fitted = ConvNetClassifier([Conv(2, 3)], max_iter=1, random_state=0)
    with pytest.raises(ValueError, match="ConvNetClassifier, which is not fitted"):
        view_network(fitted)
    with pytest.warns(UserWarning, match="max_iter"):
        fitted.fit(images, digits.y[:64])
    seen = view_network(fitted)
    assert seen.shape == (8, 8, 1)
    assert seen.scale == pytest.approx((images.mean(), images.std()))
    holder = type("Holder", (), {"estimator_": fitted})()
    assert view_network(holder).network is fitted.network_


def test_scale_is_that_of_a_first_rescale(model):
    assert view_network(model, SHAPE).scale == (8.0, 4.0)
    bare = Network(NETWORK.layers[1:]), model[1][1:]
    assert view_network(bare, SHAPE).scale is None


def test_layers_may_be_counted_from_the_end(model):
    seen = view_network(model, SHAPE)
    assert [seen.number(i) for i in (0, -1, -5, np.int64(2))] == [0, 4, 0, 2]


@pytest.mark.parametrize("layer", [5, -6, True, 1.0, "Conv"])
def test_no_such_layer_names_those_there_are(model, layer):
    with pytest.raises(ValueError, match="from -5 to 4.*0 Rescale, 1 Conv, 2 MaxPool"):
        view_network(model, SHAPE).number(layer)


def test_a_layer_without_places_names_those_with(model):
    expected = r"layer 4 \(Dense\) is not spatial.*0 Rescale, 1 Conv, 2 MaxPool$"
    with pytest.raises(ValueError, match=expected):
        view_network(model, SHAPE).number(-1, positions=True)


@pytest.mark.parametrize("unit", [2, -1, True, 0.0, None])
def test_no_such_unit(model, unit):
    with pytest.raises(ValueError, match=r"from 0 to 1 in layer 1 \(Conv\)"):
        view_network(model, SHAPE).unit(1, unit)


def test_places(model):
    seen = view_network(model, SHAPE)
    assert seen.position(1, None) == (2, 2)
    assert seen.position(1, [0, 3]) == (0, 3)
    assert seen.position(4, None) == ()
    for wrong in [(4, 0), (0,), 0, (0, 0.5), (-1, 0)]:
        with pytest.raises(ValueError, match=r"the map of shape \(4, 4\)"):
            seen.position(1, wrong)


def test_outputs(model):
    seen = view_network(model, SHAPE)
    assert seen.target(2) == 2
    for wrong in (3, -1, True, "a", "x" * 70_000):
        with pytest.raises(ValueError, match="from 0 to 2"):
            seen.target(wrong)
    assert seen.names == ("0", "1", "2")
    network = Network((Conv(2, 3),))
    positions = view_network((network, network.init(Key(0), SHAPE)[0]), SHAPE)
    with pytest.raises(ValueError, match=r"has shape \(4, 4, 2\)"):
        positions.target(0)


def test_images_become_batches_of_the_networks_type(model):
    seen = view_network(model, SHAPE)
    one = np.arange(36, dtype=np.uint8).reshape(6, 6)
    batch = seen.image(one)
    assert batch.shape == (1, 6, 6, 1)
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(batch[0, :, :, 0], one)
    np.testing.assert_array_equal(seen.image(one[..., None]), batch)


def test_other_images_are_refused(model):
    seen = view_network(model, SHAPE)
    with pytest.raises(ValueError, match=r"network's shape \(6, 6, 1\).*\(5, 6, 1"):
        seen.image(np.zeros((5, 6)))
    for wrong in (
        np.zeros(6),
        np.full((6, 6), "a"),
        np.zeros((0, 6)),
        np.zeros([2] * 5),
    ):
        with pytest.raises(ValueError, match="an image must be an array of numbers"):
            seen.image(wrong)
    with pytest.raises(
        ValueError, match=r"does not accept images of shape \(6, 6, 3\)"
    ):
        _ = view_network_for(model, np.zeros((1, 6, 6, 3))).shapes


@pytest.mark.parametrize("wrong", [None, (NETWORK,), (1, 2), "model.lamina", object()])
def test_what_holds_no_network_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a fitted image estimator"):
        view_network(wrong, SHAPE)


def test_the_shape_has_to_be_known(model):
    with pytest.raises(ValueError, match="pass the shape="):
        view_network(model)
    for wrong in [(6, 6), (6, 6, 0), (6, 6, 1.0)]:
        with pytest.raises(ValueError, match="shape must be"):
            view_network(model, wrong)


def test_the_networks_precision_is_kept():
    network = Network((Conv(1, 3),))
    params = network.init(Key(0), SHAPE, np.float64)[0]
    seen = view_network((network, params), SHAPE)
    with seen.precision():
        h = pre_activation(network, params, seen.image(np.ones((6, 6))), 0)
    assert h.dtype == np.float64


def test_net_input_is_before_the_activation(model):
    """A layer without a pre-activation gives what comes out of it."""
    network, params = model
    x = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)
    h = pre_activation(network, params, x, 4)
    np.testing.assert_allclose(h, network.pre_activation(params, x), rtol=1e-6)
    np.testing.assert_allclose(pre_activation(network, params, x, 0), (x - 8) / 4)
