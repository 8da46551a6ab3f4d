"""Filters, maps and patches: numbers by hand, and the figures that show them."""

import numpy as np
import pytest

from lamina.insight import feature_maps, filters, top_patches
from lamina.networks import Conv, Dense, Flatten, Key, MaxPool, Network, Rescale

CROSS = np.array([[-1, 1, -1], [1, 2, 1], [-1, 1, -1]], np.float32)


def planted():
    """A network whose first filter is a cross; the second layer halves its map."""
    network = Network(
        (
            Rescale(0.0, 2.0),
            Conv(2, 3, activation="identity"),
            MaxPool(2),
            Conv(1, 1, activation="identity"),
        )
    )
    params = network.init(Key(0), (8, 9, 1))[0]
    weight = np.zeros((3, 3, 1, 2), np.float32)
    weight[..., 0, 0] = CROSS
    params[1]["weight"], params[1]["bias"] = weight, np.array([0.5, 0], np.float32)
    params[3]["weight"] = np.array([[[[-1], [0]]]], np.float32)
    return network, params


# ---- filters ------------------------------------------------------------------------


def test_filters_of_pixels_are_grey_around_0():
    found = filters(planted())
    assert found.layer == 1
    assert found.of_pixels
    assert found.weights.shape == (3, 3, 1, 2)
    expected = np.where(CROSS == 2, 1, np.where(CROSS == 1, 0.75, 0.25))
    np.testing.assert_allclose(found.images[0], expected)
    np.testing.assert_allclose(found.images[1], 0.5)  # all weights 0


def test_filters_of_colours_keep_them():
    network = Network((Conv(1, 1),))
    params = ({"weight": np.array([[[[-4.0], [0.0], [2.0]]]])},)
    found = filters((network, params), 0)
    np.testing.assert_allclose(found.images, [[[[0, 0.5, 0.75]]]])
    assert found.figure().axes[0].images[0].get_array().shape == (1, 1, 3)


def test_filters_of_maps_show_their_norm_or_one_channel():
    """√(3² + 4²) = 5, √(0 + 1) = 1; one scale for all filters of a channel."""
    network = Network((Conv(2, 1), Conv(1, (1, 2))))
    first = {"weight": np.ones((1, 1, 1, 2)), "bias": np.zeros(2)}
    second = {"weight": np.array([[[[3.0], [4.0]], [[0.0], [1.0]]]])}
    found = filters((network, (first, second)), -1)
    assert (found.layer, found.of_pixels) == (1, False)
    np.testing.assert_allclose(found.images, [[[1, 0.2]]])
    assert "norm" in found.figure().get_suptitle()
    shown = found.figure(channel=0).axes[0].images[0].get_array()
    np.testing.assert_allclose(shown, [[1, 0.5]])
    with pytest.raises(ValueError, match="from 0 to 1, got 2"):
        found.figure(channel=2)


def test_a_true_convolution_shows_what_meets_the_image():
    weight = np.array([[[[1.0]], [[2.0]]]])
    network = Network((Conv(1, (1, 2), flip=True),))
    found = filters((network, ({"weight": weight},)))
    np.testing.assert_allclose(found.weights[0, :, 0, 0], [2, 1])


def test_filters_of_signals_are_one_place_high():
    network = Network((Conv(2, 3),))
    params = network.init(Key(0), (9, 1))[0]
    assert filters((network, params)).weights.shape == (1, 3, 1, 2)


@pytest.mark.parametrize("layer", [0, 2, 4, -5, "conv"])
def test_a_layer_without_filters_names_those_with(layer):
    expected = "convolutional layers are 1, 3 among 0 Rescale, 1 Conv, 2 MaxPool"
    with pytest.raises(ValueError, match=f"layer {layer} has no filters.*{expected}"):
        filters(planted(), layer)


def test_a_network_without_convolutions_has_no_filters():
    network = Network((Flatten(), Dense(2)))
    params = network.init(Key(0), (2, 2, 1))[0]
    with pytest.raises(ValueError, match="convolutional layers are none among 0 Fla"):
        filters((network, params))


# ---- maps ---------------------------------------------------------------------------


def test_maps_by_hand():
    """Twice a pixel, times the cross, plus ½; the map's place is the window's first."""
    image = np.zeros((8, 9), np.uint8)
    image[2, 3] = 1
    found = feature_maps(planted(), image, 1)
    expected = np.full((6, 7), 0.5)
    expected[0:3, 1:4] += 2 * CROSS  # symmetric
    assert found.maps.shape == (6, 7, 2)
    np.testing.assert_allclose(found.maps[..., 0], expected)
    np.testing.assert_allclose(found.maps[..., 1], 0)
    pooled = feature_maps(planted(), image, -2).maps[..., 0]
    np.testing.assert_allclose(pooled[0], [2.5, 4.5, 0.5])


def test_maps_are_drawn_on_one_scale():
    """Least −1.5, largest 4.5: 0.5 is a third of the way up."""
    image = np.zeros((8, 9), np.uint8)
    image[2, 3] = 1
    figure = feature_maps(planted(), image, 1).figure()
    assert [axis.get_title() for axis in figure.axes[:3]] == ["image", "0", "1"]
    assert "black -1.5, white 4.5" in figure.get_suptitle()
    np.testing.assert_allclose(figure.axes[1].images[0].get_array()[5, 6], 1 / 3)
    np.testing.assert_allclose(figure.axes[2].images[0].get_array(), 0.25)


# ---- patches ------------------------------------------------------------------------


def crosses():
    """70 faint images; 66, 3 and 40 hold a cross of brightness 9, 8 and 7."""
    images = np.zeros((70, 8, 9), np.uint8)
    for bright, row, (i, j) in [(9, 66, (0, 0)), (8, 3, (5, 6)), (7, 40, (2, 3))]:
        images[row, i : i + 3, j : j + 3] = bright * (CROSS > 0)
    return images


def test_patches_by_hand():
    """A cross of brightness b gives 2 b (4 + 2) + ½; more than a batch of images."""
    found = top_patches(planted(), crosses(), layer=1, unit=0, k=3)
    np.testing.assert_allclose(found.scores, [108.5, 96.5, 84.5])
    assert found.rows.tolist() == [66, 3, 40]
    assert found.positions.tolist() == [[0, 0], [5, 6], [2, 3]]
    assert found.boxes[1].tolist() == [[5, 8], [6, 9]]
    for bright, patch in zip([9, 8, 7], found.patches, strict=True):
        np.testing.assert_array_equal(patch[..., 0], bright * (CROSS > 0))
        assert patch.dtype == np.uint8
    axes = found.figure().axes
    assert axes[0].get_title() == "108 (image 66)"
    np.testing.assert_allclose(
        axes[2].images[0].get_array(), 7 / 255 * (CROSS > 0), atol=1e-9
    )


def test_patches_of_a_deeper_layer():
    """The last unit is minus the pooled map: most for a map that is nowhere high."""
    found = top_patches(planted(), crosses(), layer=-1, unit=0, k=2)
    assert found.rows.tolist() == [0, 1]  # the first of equal ones
    np.testing.assert_allclose(found.scores, -0.5)
    assert found.boxes[0].tolist() == [[0, 4], [0, 4]]  # conv 3, then pool 2


def test_fewer_images_than_asked_for():
    assert len(top_patches(planted(), crosses()[:2], 1, 0, k=9).patches) == 2


def test_a_unit_without_places_sees_the_image():
    network = Network((Flatten(), Dense(2, "identity")))
    params = network.init(Key(0), (3, 2, 1))[0]
    images = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(np.float32)
    found = top_patches((network, params), images, -1, 1, k=1)
    h = np.asarray(network(params, images[..., None]))[:, 1]
    assert found.rows.tolist() == [np.argmax(h)]
    np.testing.assert_allclose(found.scores, h.max(), rtol=1e-6)
    np.testing.assert_array_equal(found.patches[0][..., 0], images[found.rows[0]])
    assert found.positions.shape == (1, 0)


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        top_patches(planted(), crosses(), 1, 0, k=0)
    with pytest.raises(ValueError, match="unit must be a number from 0 to 1"):
        top_patches(planted(), crosses(), 1, 2)
    with pytest.raises(ValueError, match="an image must be an array of numbers"):
        top_patches(planted(), crosses()[:0], 1, 0)
