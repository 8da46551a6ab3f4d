"""Images moved, turned, scaled and mirrored: exactly, where that is possible."""

import jax
import numpy as np
import pytest

from lamina.networks import Augment, Key
from lamina.networks.layers.augment import warp

pytestmark = pytest.mark.usefixtures("x64")

COMPILED = jax.jit(lambda layer, x, key: layer({}, x, key=key))
NONE = {"shift": (0.0, 0.0), "angle": 0.0, "size": 1.0, "mirror": 1.0}


def image(*shape):
    return np.random.default_rng(0).uniform(1, 2, shape)


def moved(x, **how):
    """Return images, all changed in the same way."""
    how = {name: np.tile(value, (len(x), 1)) for name, value in (NONE | how).items()}
    shift = how.pop("shift")
    return np.asarray(
        warp(jax.numpy.asarray(x), shift, **{k: v[:, 0] for k, v in how.items()})
    )


def augmented(x, layer, seed=0):
    return np.asarray(COMPILED(layer, x, Key(seed).device()))


# ---- one change at a time -----------------------------------------------------------


@pytest.mark.slow
def test_no_change_is_exact():
    x = image(3, 5, 4, 2)
    assert np.array_equal(moved(x), x)
    assert np.array_equal(augmented(x, Augment()), x)


@pytest.mark.slow
def test_shift_by_whole_pixels_repeats_the_border():
    x = image(2, 4, 8, 3)
    down = moved(x, shift=(0.5, 0.0))  # 2 of 4 rows
    np.testing.assert_array_equal(down[:, 2:], x[:, :2])
    np.testing.assert_array_equal(down[:, :2], x[:, :1].repeat(2, axis=1))
    left = moved(x, shift=(0.0, -0.125))  # 1 of 8 columns
    np.testing.assert_array_equal(left[:, :, :-1], x[:, :, 1:])
    np.testing.assert_array_equal(left[:, :, -1], x[:, :, -1])


@pytest.mark.slow
def test_shift_by_half_a_pixel_is_the_mean_of_neighbours():
    x = np.array([1.0, 3.0, 7.0, 5.0]).reshape(1, 1, 4, 1)
    right = moved(x, shift=(0.0, 0.125))  # half of one of 4 columns
    np.testing.assert_array_equal(right.ravel(), [1, 2, 5, 6])


@pytest.mark.slow
@pytest.mark.parametrize("turns", [1, 2, 3, -1])
def test_quarter_turns_are_those_of_numpy(turns):
    x = image(2, 5, 5, 2)
    turned = moved(x, angle=turns * np.pi / 2)
    np.testing.assert_allclose(turned, np.rot90(x, turns, axes=(1, 2)), rtol=1e-12)
    x = image(2, 4, 4, 1)
    turned = moved(x, angle=turns * np.pi / 2)
    np.testing.assert_allclose(turned, np.rot90(x, turns, axes=(1, 2)), rtol=1e-12)


@pytest.mark.slow
def test_flip_is_a_flip():
    x = image(2, 3, 4, 2)
    assert np.array_equal(moved(x, mirror=-1.0), x[:, :, ::-1])
    assert np.array_equal(augmented(x, Augment(flip=1)), x[:, :, ::-1])


@pytest.mark.slow
def test_twice_the_size_by_hand():
    """Around the centre of 0 … 4, place j shows place 2 + (j − 2) / 2."""
    x = np.array([0.0, 10, 20, 30, 40]).reshape(1, 1, 5, 1)
    large = moved(x, size=2.0)
    np.testing.assert_array_equal(large.ravel(), [10, 15, 20, 25, 30])
    small = moved(x, size=0.5)
    np.testing.assert_array_equal(small.ravel(), [0, 0, 20, 40, 40])


@pytest.mark.slow
def test_all_at_once_is_the_formula():
    """One place, worked by hand: 3 × 3, φ = 90°, s = 2, m = −1, shifted by (1/3, 0).

    (i, j) = (0, 2): R (−1, −1) / 2 = (−1, 1) / 2, and (u, v) = (1 − 1 − ½, 1 + ½)
    = (−½, 1½): between the columns 1 and 2 of row 0.
    """
    x = image(1, 3, 3, 1)
    y = moved(x, angle=np.pi / 2, size=2.0, mirror=-1.0, shift=(1 / 3, 0.0))
    np.testing.assert_allclose(y[0, 0, 2], (x[0, 0, 1] + x[0, 0, 2]) / 2, rtol=1e-12)


# ---- the draws ----------------------------------------------------------------------


def test_images_have_draws_of_their_own():
    x = np.tile(image(1, 6, 6, 1), (50, 1, 1, 1))
    y = augmented(x, Augment(shift=0.3))
    assert len(np.unique(y.reshape(50, -1), axis=0)) == 50


@pytest.mark.slow
def test_draws_cover_what_is_asked_for_and_no_more():
    """A ramp tells where it was moved to, in the middle, where no border is seen."""
    n = 2000
    ramp = np.tile(np.arange(41.0)[:, None, None], (n, 1, 41, 1))
    middle = augmented(ramp, Augment(shift=0.1))[:, 20, 20, 0]
    share = (20 - middle) / 41
    assert np.abs(share).max() <= 0.1
    assert abs(share.mean()) < 0.005
    np.testing.assert_allclose(share.std(), 0.1 / np.sqrt(3), rtol=0.05)
    turned = augmented(ramp, Augment(rotate=30))
    angle = np.arcsin(turned[:, 20, 21, 0] - turned[:, 20, 20, 0])
    assert np.rad2deg(np.abs(angle)).max() <= 30 + 1e-9
    np.testing.assert_allclose(np.rad2deg(angle).std(), 30 / np.sqrt(3), rtol=0.05)
    scaled = augmented(ramp, Augment(scale=1))
    size = np.log2(1 / (scaled[:, 21, 20, 0] - scaled[:, 20, 20, 0]))
    assert np.abs(size).max() <= 1 + 1e-9
    np.testing.assert_allclose(size.std(), 1 / np.sqrt(3), rtol=0.05)
    across = np.tile(np.arange(3.0)[:, None], (n, 1, 1, 1))
    flipped = augmented(across, Augment(flip=0.25))[:, 0, 0, 0] == 2
    assert 0.22 < flipped.mean() < 0.28


def test_light_and_noise():
    x = np.tile(image(1, 8, 8, 1), (2000, 1, 1, 1))
    brighter = augmented(x, Augment(brightness=0.5)) - x
    assert np.ptp(brighter.reshape(2000, -1), axis=1).max() < 1e-12
    np.testing.assert_allclose(brighter.std(), 0.5 / np.sqrt(3), rtol=0.05)
    off = augmented(x, Augment(contrast=0.5)) - x.mean()
    factor = off / (x - x.mean())
    assert np.ptp(factor.reshape(2000, -1), axis=1).max() < 1e-9
    np.testing.assert_allclose(factor.std(), 0.5 / np.sqrt(3), rtol=0.05)
    noise = augmented(x, Augment(noise=0.3)) - x
    np.testing.assert_allclose(noise.std(), 0.3, rtol=0.02)
    assert abs(np.corrcoef(noise[:, 0, 0, 0], noise[:, 0, 1, 0])[0, 1]) < 0.1


def test_cutout_is_a_square_of_the_mean():
    x = image(500, 10, 20, 2)
    y = augmented(x, Augment(cutout=0.4))  # 4 of 10 pixels
    mean = x.mean(axis=(1, 2, 3))
    cut = np.isclose(y, mean[:, None, None, None], rtol=1e-12).all(axis=3)
    assert np.array_equal(y[~cut], x[~cut])
    rows, columns = cut.any(axis=2).sum(axis=1), cut.any(axis=1).sum(axis=1)
    assert rows.max() == columns.max() == 4
    assert rows.min() == 2  # at the border half of it is outside
    assert np.array_equal(cut.sum(axis=(1, 2)), rows * columns)
    assert cut.any(axis=0).all()  # anywhere


def test_same_key_same_images():
    layer = Augment(0.1, 10, 0.1, 0.5, 0.1, 0.2, 0.1, 0.1)
    x = image(4, 6, 6, 1)
    assert np.array_equal(augmented(x, layer), augmented(x, layer))
    assert not np.array_equal(augmented(x, layer), augmented(x, layer, seed=1))


def test_application_changes_nothing_but_the_type():
    layer = Augment(0.1, 10)
    x = image(2, 3, 3, 1)
    assert layer({}, x) is x
    bytes_ = layer({}, np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1))
    assert bytes_.dtype == np.float64


@pytest.mark.slow
def test_gradient_goes_to_where_pixels_came_from():
    x = jax.numpy.asarray(image(1, 1, 4, 1))
    right = jax.grad(
        lambda x: warp(x, np.array([[0.0, 0.25]]), *np.ones((3, 1)) * [[0], [1], [1]])[
            0, 0, 3, 0
        ]
    )(x)
    np.testing.assert_array_equal(right.ravel(), [0, 0, 1, 0])


@pytest.mark.slow
def test_numbers_are_leaves():
    x = jax.numpy.asarray(image(2, 4, 4, 1))
    k = Key(0).device()
    many = jax.vmap(lambda s: Augment(shift=s)({}, x, key=k))(
        jax.numpy.array([0.0, 0.3])
    )
    assert np.array_equal(many[0], x)
    np.testing.assert_allclose(many[1], augmented(x, Augment(0.3)), rtol=1e-14)


@pytest.mark.parametrize("field", ["shift", "rotate", "noise", "contrast"])
def test_negative_numbers_are_refused(field):
    with pytest.raises(ValueError, match=f"{field} must be at least 0, got -1"):
        Augment(**{field: -1})


def test_probabilities_and_shares_are_at_most_1():
    for field in ("flip", "cutout"):
        with pytest.raises(ValueError, match=f"{field} must be between 0 and 1"):
            Augment(**{field: 1.5})


def test_only_for_images():
    with pytest.raises(ValueError, match=r"\(height, width, channels\).*\(5, 2\)"):
        Augment().init(Key(0), (5, 2))
