"""Saliency and occlusion: linear networks by hand, completeness, kinks, squares."""

import jax
import numpy as np
import pytest

from lamina.insight import occlusion, saliency
from lamina.insight.saliency import _cover, _gradients
from lamina.networks import Conv, Dense, Flatten, Key, MaxPool, Network, Rescale

WEIGHT = np.arange(-4.0, 4.0).reshape(4, 2)
IMAGE = np.array([[1.0, 2.0], [3.0, 4.0]])


def linear():
    """h = x W + b with x = (1, 2, 3, 4): (4, 16) and, b added, (5, 15)."""
    network = Network((Flatten(), Dense(2, "identity")))
    return network, ({}, {"weight": WEIGHT, "bias": np.array([1.0, -1.0])})


def deep():
    network = Network(
        (
            Rescale(3.0, 0.5),
            Conv(4, 3),
            MaxPool(2),
            Conv(4, 2, activation="tanh"),
            Flatten(),
            Dense(3, "softmax"),
        )
    )
    params = network.init(Key(0), (8, 8, 2), np.float64)[0]
    return network, params


# ---- saliency -----------------------------------------------------------------------


def test_of_a_linear_network_by_hand():
    """x W: −4 − 4 + 0 + 8 = 0 and −3 − 2 + 3 + 12 = 10; the gradient is a column."""
    found = saliency(linear(), IMAGE, 0)
    np.testing.assert_allclose(found.attribution[..., 0], [[-4, -2], [0, 2]])
    np.testing.assert_allclose(found.map, [[4, 2], [0, 2]])
    assert found.score == 1
    smooth = saliency(linear(), IMAGE, 0, "smooth", steps=20)
    np.testing.assert_allclose(smooth.attribution, found.attribution)
    integrated = saliency(linear(), IMAGE, 1, "integrated", steps=1)
    expected = [[1 * -3, 2 * -1], [3 * 1, 4 * 3]]
    np.testing.assert_allclose(integrated.attribution[..., 0], expected)
    off = saliency(linear(), IMAGE, 1, "integrated", steps=1, baseline=IMAGE - 1)
    np.testing.assert_allclose(off.attribution[..., 0], [[-3, -1], [1, 3]])


def test_the_largest_output_is_the_target():
    assert saliency(linear(), IMAGE).target == 1
    assert saliency(linear(), IMAGE).score == 9


@pytest.mark.slow
def test_it_is_the_derivative_of_the_net_input(rng):
    network, params = deep()
    x = rng.normal(3, 2, (8, 8, 2))
    found = saliency((network, params), x, 2)
    with jax.enable_x64(True):
        h, slope = jax.value_and_grad(
            lambda x: network.pre_activation(params, x[None])[0, 2]
        )(x)
    np.testing.assert_allclose(found.attribution, slope, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.map, np.abs(slope).max(axis=-1))
    np.testing.assert_allclose(found.score, h)


@pytest.mark.slow
def test_integrated_gradients_divide_the_whole_score(rng):
    """Σ A = f(x) − f(x′): completeness, to the error of 2,048 steps at the kinks."""
    network, params = deep()
    x, other = rng.normal(3, 2, (2, 8, 8, 2))
    for baseline in (0.0, other):
        found = saliency(
            (network, params), x, 1, "integrated", baseline=baseline, steps=2048
        )
        with jax.enable_x64(True):
            both = np.stack([x, np.broadcast_to(baseline, x.shape)])
            of_x, of_baseline = np.asarray(network.pre_activation(params, both))[:, 1]
        assert abs(of_x - of_baseline) > 0.05
        np.testing.assert_allclose(
            found.attribution.sum(), of_x - of_baseline, atol=1e-3
        )


def test_the_integral_by_hand():
    """f = max(0, x − 1) from 0 to 3 with 4 steps: at 3/8, 9/8, 15/8, 21/8 three are on.

    A = 3 · 3/4, and the other pixel, without a weight, gets nothing.
    """
    network = Network((Flatten(), Dense(1, "relu"), Dense(1, "identity")))
    first = {"weight": np.array([[1.0], [0.0]]), "bias": np.array([-1.0])}
    last = {"weight": np.ones((1, 1)), "bias": np.zeros(1)}
    model = network, ({}, first, last)
    found = saliency(model, np.array([[3.0, 5.0]]), 0, "integrated", steps=4)
    np.testing.assert_allclose(found.attribution[0, :, 0], [9 / 4, 0])


def test_smooth_gradients_are_a_mean_over_noise():
    """At the kink of a relu half of the noisy copies are on; 4,096 of them: ± 0.03."""
    network = Network((Flatten(), Dense(1, "relu"), Dense(1, "identity")))
    first = {"weight": np.array([[2.0], [0.0]]), "bias": np.zeros(1)}
    last = {"weight": np.ones((1, 1)), "bias": np.zeros(1)}
    model, image = (network, ({}, first, last)), np.array([[0.0, 1.0]])
    found = saliency(model, image, 0, "smooth", steps=4096)
    np.testing.assert_allclose(found.attribution[0, :, 0], [1, 0], atol=0.06)
    still = saliency(model, image + 1, 0, "smooth", steps=4, noise=0.0)
    np.testing.assert_allclose(still.attribution[0, :, 0], [2, 0])
    again = saliency(model, image, 0, "smooth", steps=4096)
    np.testing.assert_array_equal(again.attribution, found.attribution)


def test_one_program_serves_all_methods():
    saliency(linear(), IMAGE, 0)
    before = _gradients._cache_size()
    saliency(linear(), IMAGE + 1, 1, "smooth", steps=20, seed=3)
    saliency(linear(), IMAGE, 1, "integrated")
    assert _gradients._cache_size() == before


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "lime"}, "gradient, integrated, smooth; got 'lime'"),
        ({"target": 2}, "from 0 to 1"),
        ({"steps": 0}, "steps must be"),
        ({"noise": -1.0}, "noise must not be negative"),
        ({"method": "integrated", "baseline": np.zeros((3, 3))}, "the network's shape"),
    ],
)
def test_bad_requests_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        saliency(linear(), IMAGE, **wrong)


def test_figures_name_the_output():
    figure = saliency(linear(), IMAGE, 1).figure(["cat", "dog"])
    assert figure.get_suptitle() == "Output dog: h = 9"
    shown = figure.axes[1].images[0].get_array()
    np.testing.assert_allclose(shown, [[1, 1 / 3], [1 / 3, 1]])
    shares = saliency(linear(), IMAGE, 1, "integrated").figure()
    np.testing.assert_allclose(
        shares.axes[1].images[1].get_array(), [[-3, -2], [3, 12]]
    )
    assert shares.get_suptitle() == "Output 1: h = 9"


# ---- occlusion ----------------------------------------------------------------------


def summing(shape=(5, 4)):
    """One output: the sum of all pixels, each with its number as weight."""
    n = int(np.prod(shape))
    network = Network((Flatten(), Dense(1, "identity")))
    return network, ({}, {"weight": np.arange(1.0, n + 1)[:, None], "bias": np.ones(1)})


def test_squares_by_hand():
    """Squares of side 2, every second place and at the border: rows 0, 2, 3.

    With all pixels 1, the output is 1 + 210, and a square of zeros takes away the
    numbers of its pixels: 1 + 2 + 5 + 6 = 14 in the corner.
    """
    found = occlusion(summing(), np.ones((5, 4)), size=2, stride=2, fill=0.0)
    assert found.whole == 211
    assert found.boxes[:, 0, 0].tolist() == [[0, 2], [2, 4], [3, 5]]
    assert found.boxes[0, :, 1].tolist() == [[0, 2], [2, 4]]
    lost = [[14, 22], [46, 54], [62, 70]]
    np.testing.assert_allclose(211 - found.outputs, lost)
    columns = np.array([[14, 22], [14, 22], [46, 54], [54, 62], [62, 70]])
    np.testing.assert_allclose(found.map, np.repeat(columns, 2, axis=1))


def test_more_squares_than_fit_in_a_batch():
    """20 squares of one pixel each: what is lost is the pixel's weight times it."""
    image = np.random.default_rng(0).normal(size=(5, 4))
    found = occlusion(summing(), image, size=1, stride=1, fill=2.0)
    weights = np.arange(1.0, 21).reshape(5, 4)
    np.testing.assert_allclose(found.map, weights * (image - 2.0), atol=1e-12)


def test_grey_is_the_mean_of_what_was_learnt_or_of_the_image():
    image = np.ones((5, 4))
    image[0, 0] = 21  # the mean is 2
    network, params = summing()
    found = occlusion((network, params), image, size=1)
    np.testing.assert_allclose(found.whole - found.outputs[0, 0], 21 - 2)
    rescaled = Network((Rescale(5.0, 1.0), *network.layers)), ({}, *params)
    found = occlusion(rescaled, image, size=1)
    np.testing.assert_allclose(found.whole - found.outputs[0, 0], 21 - 5)


def test_sizes_follow_from_the_image():
    found = occlusion(summing((12, 9)), np.ones((12, 9)))
    assert found.boxes[1, 0].tolist() == [[1, 3], [0, 2]]  # side 9 // 4, stride half


def test_it_is_the_probability_that_is_lost(rng):
    network, params = deep()
    x = rng.normal(3, 2, (8, 8, 2))
    found = occlusion((network, params), x, size=8, fill=3.0)
    with jax.enable_x64(True):
        both = np.stack([x, np.full_like(x, 3.0)])
        whole, empty = np.asarray(network(params, both))
    assert found.target == np.argmax(whole)
    np.testing.assert_allclose(found.whole, whole.max())
    np.testing.assert_allclose(found.outputs, [[empty[found.target]]])


def test_another_size_compiles_nothing():
    occlusion(summing(), np.ones((5, 4)), size=1)
    before = _cover._cache_size()
    occlusion(summing(), np.ones((5, 4)), size=3, stride=1, fill=0.5)
    assert _cover._cache_size() == before


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 5}, "size from 1 to 4"),
        ({"size": 0}, "size from 1 to 4"),
        ({"size": 1.5}, "whole numbers"),
        ({"stride": 0}, "stride must be at least 1"),
        ({"target": 1}, "from 0 to 0"),
    ],
)
def test_impossible_squares_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        occlusion(summing(), np.ones((5, 4)), **wrong)


def test_the_figure_shows_the_loss():
    found = occlusion(summing(), np.ones((5, 4)), size=2, stride=2, fill=0.0)
    figure = found.figure(["sum"])
    assert figure.get_suptitle() == "Output sum: a = 211"
    np.testing.assert_array_equal(figure.axes[1].images[1].get_array(), found.map)
