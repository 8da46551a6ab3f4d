"""Gradient ascent on the input: known maxima, what the numbers do, repeatability."""

import numpy as np
import pytest

from lamina.insight import maximising_input
from lamina.insight.maximise import _ascend
from lamina.networks import Conv, Dense, Flatten, Key, Network, Rescale

SHAPE = (4, 4, 1)
N = 16
LINEAR = Network((Rescale(8.0, 0.25), Conv(2, 4, activation="identity")))
BARE = {"tv": 0.0, "jitter": 0}


@pytest.fixture(scope="module")
def filter_and_model():
    params = LINEAR.init(Key(0), SHAPE)[0]
    return params[1]["weight"], (LINEAR, params)


@pytest.fixture(scope="module")
def deep():
    network = Network((Conv(4, 3), Flatten(), Dense(6), Dense(5, "softmax")))
    return network, network.init(Key(0), (6, 6, 1))[0]


@pytest.mark.parametrize("start", ["noise", "zeros"])
def test_the_maximiser_of_a_filter_is_the_filter(filter_and_model, start):
    """h = ⟨w, z⟩ with ‖z‖ ≤ κ √n is largest for z = κ √n w / ‖w‖, and is κ √n ‖w‖."""
    w, model = filter_and_model
    found = maximising_input(
        model, unit=1, contrast=0.5, step=0.5, start=start, shape=SHAPE, **BARE
    )
    length = np.sqrt(np.sum(w[..., 1] ** 2))
    z = 0.5 * 4 * w[..., 1] / length
    np.testing.assert_allclose(found.images[0], 8 + 4 * z, atol=1e-4)
    np.testing.assert_allclose(found.scores[0, -1], 0.5 * 4 * length, rtol=1e-5)


def test_the_penalty_of_the_length_by_hand(filter_and_model):
    """⟨w, z⟩ − l2 ‖z‖² / n has its maximum at z = n w / (2 l2), without a bound.

    The last steps are about 0.5 / 128 √n long, so z is as near as that.
    """
    w, model = filter_and_model
    found = maximising_input(
        model, unit=0, contrast=None, step=0.5, l2=4.0, shape=SHAPE, **BARE
    )
    z = N * w[..., 0] / (2 * 4.0)
    np.testing.assert_allclose(found.images[0], 8 + 4 * z, atol=4 * 0.02)


def test_the_first_step_by_hand(filter_and_model):
    """From z = 0 it goes √n η along w / ‖w‖, within the bound."""
    w, model = filter_and_model
    found = maximising_input(
        model, unit=0, steps=1, step=0.25, start="zeros", shape=SHAPE, **BARE
    )
    up = w[..., 0] / np.sqrt(np.sum(w[..., 0] ** 2))
    np.testing.assert_allclose(found.images[0], 8 + 4 * 4 * 0.25 * up, atol=1e-5)
    assert found.scores.shape == (1, 2)
    assert found.scores[0, 0] == 0


@pytest.mark.slow
def test_the_activation_rises(deep):
    found = maximising_input(deep, shape=(6, 6, 1))
    assert found.units == (0, 1, 2, 3, 4)
    assert found.layer == 3
    assert np.all(found.scores[:, -1] > found.scores[:, 0] + 0.3)
    network, params = deep
    h = np.asarray(network.pre_activation(params, found.images))
    np.testing.assert_allclose(np.diag(h), found.scores[:, -1], rtol=1e-5)
    lengths = np.sqrt(np.mean(found.images**2, axis=(1, 2, 3)))
    assert np.all(lengths < 1 + 1e-5)


def test_neighbours_become_alike(deep):
    def roughness(tv):
        found = maximising_input(deep, unit=0, tv=tv, jitter=0, shape=(6, 6, 1))
        return np.mean(np.diff(found.images, axis=1) ** 2)

    assert roughness(5.0) < 0.5 * roughness(0.0)


@pytest.mark.slow
def test_a_image_does_not_depend_on_the_other_units(deep):
    all_units = maximising_input(deep, shape=(6, 6, 1))
    again = maximising_input(deep, unit=[3, 1], shape=(6, 6, 1))
    np.testing.assert_allclose(again.images, all_units.images[[3, 1]], atol=1e-3)
    assert again.units == (3, 1)


def test_the_seed_decides(deep):
    one, same, other = (
        maximising_input(deep, unit=0, seed=seed, shape=(6, 6, 1)).images
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1e-3


def test_other_numbers_and_units_compile_nothing(deep):
    maximising_input(deep, unit=0, shape=(6, 6, 1))
    before = _ascend._cache_size()
    maximising_input(
        deep, unit=4, step=0.2, contrast=None, tv=0.1, jitter=2, shape=(6, 6, 1)
    )
    assert _ascend._cache_size() == before


def test_it_may_start_from_a_image(filter_and_model):
    _, model = filter_and_model
    image = np.full((4, 4), 10.0)
    found = maximising_input(
        model, unit=0, start=image, steps=1, step=1e-6, shape=SHAPE
    )
    np.testing.assert_allclose(found.images[0, :, :, 0], image, atol=1e-3)


def test_a_place_of_the_map(filter_and_model):
    """A filter of 2 × 2 at place (0, 2) touches four pixels only."""
    network = Network((Conv(1, 2, activation="identity"),))
    params = network.init(Key(0), SHAPE)[0]
    found = maximising_input(
        (network, params), 0, 0, position=(0, 2), start="zeros", shape=SHAPE, **BARE
    )
    touched = np.zeros((4, 4), bool)
    touched[0:2, 2:4] = True
    np.testing.assert_array_equal(found.images[0, :, :, 0] != 0, touched)
    assert found.box.tolist() == [[0, 2], [2, 4]]
    # The bound is that of the four pixels: z = √4 w / ‖w‖.
    w = params[0]["weight"][..., 0]
    z = 2 * w / np.sqrt(np.sum(w**2))
    np.testing.assert_allclose(found.images[0, 0:2, 2:4], z, atol=1e-3)
    assert found.figure().axes[0].images[0].get_array().shape == (2, 2)


@pytest.mark.slow
def test_what_a_unit_does_not_see_stays_as_it_was():
    """Around a field of 2 × 2 pixels the jitter reaches one more on each side."""
    network = Network((Conv(1, 2, activation="identity"),))
    shape = (9, 9, 1)
    params = network.init(Key(0), shape)[0]
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = maximising_input(
        (network, params), 0, 0, position=(4, 4), start=image, jitter=1, shape=shape
    )
    moved = np.abs(found.images[0] - image)[..., 0] > 1e-6
    assert moved[3:7, 3:7].all()
    moved[3:7, 3:7] = False
    assert not moved.any()


def test_the_figure_names_the_units(deep):
    figure = maximising_input(deep, unit=[0, 2], shape=(6, 6, 1)).figure("abcde")
    titles = [axis.get_title() for axis in figure.axes if axis.axison]
    assert [title.split(":")[0] for title in titles] == ["a", "c"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "steps must be"),
        ({"steps": 1.5}, "steps must be"),
        ({"jitter": -1}, "jitter must be"),
        ({"step": 0.0}, "step and contrast must be above 0"),
        ({"contrast": 0.0}, "step and contrast must be above 0"),
        ({"l2": -1.0}, "must not be negative"),
        ({"tv": float("nan")}, "must not be negative"),
        ({"start": "mud"}, "start must be noise or zeros"),
        ({"unit": 5}, "from 0 to 4"),
        ({"unit": []}, "at least one unit"),
        ({"layer": 4}, "from -4 to 3"),
        ({"position": (0, 0)}, "position must be"),
    ],
)
def test_bad_requests_are_refused(deep, wrong, message):
    with pytest.raises(ValueError, match=message):
        maximising_input(deep, **{"shape": (6, 6, 1)} | wrong)
