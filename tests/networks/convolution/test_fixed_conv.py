"""The kernels of the lectures, by their golden numbers."""

import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import KERNELS, FixedConv, Key

K = ((6, 2, 1), (0, -2, 3), (2, -1, -4))
X = [[4, 1, 0, 2, 5], [1, -1, 6, -2, 4], [-3, 4, 1, 3, 2], [0, -3, 0, 5, -1]]
FULL = [
    [-16, -8, 7, -6, -22, -1, 10],
    [8, -2, -23, 6, 9, -18, 8],
    [19, -9, 32, -15, 16, 18, 34],
    [-8, 31, 8, -15, 35, 3, 22],
    [-3, -11, -3, 44, 1, 24, 12],
    [0, -3, -6, -13, 9, 28, -6],
]


def run(kernel, x, padding, position=np.asarray):
    layer, x = FixedConv(kernel, padding), np.asarray(x, float)
    _, shape = layer.init(Key(0), (*x.shape, 1))
    a = layer({}, position(x[None, ..., None]))
    assert a.shape == (1, *shape)
    return np.asarray(a)[0, ..., 0]


@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_goldens_g1_and_g2(position):
    """A worked example: full, same and valid cross-correlation."""
    assert run(K, X, "full", position).tolist() == FULL
    assert run(K, X, "same", position).tolist() == [row[1:-1] for row in FULL[1:-1]]
    assert run(K, X, "valid", position).tolist() == [[32, -15, 16], [8, -15, 35]]


def test_golden_g6():
    """A cross found in an image."""
    x = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0]]
    x = [*x, [0, 1, 1, 0, 0]]
    a = run(((1, 0, 1), (0, 1, 0), (1, 0, 1)), x, "valid")
    assert a.tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


POINT = np.zeros((5, 5))
POINT[2, 2] = 1
STEP = np.array([[0, 0, 8, 8]] * 3)

# What each kernel of golden G7 does to an image of one point: its own image, turned
# by 180°, because a cross-correlation meets the point with every weight in turn.
TURNED = {
    "blur": [[1 / 9] * 3] * 3,
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "sharpen_more": [[0, -2, 0], [-2, 9, -2], [0, -2, 0]],
    "edge_enhance": [[0, 0, 0], [0, 1, -1], [0, 0, 0]],
    "edge_detect": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "emboss": [[2, 1, 0], [1, 1, -1], [0, -1, -2]],
}


def test_every_kernel_has_its_image_here():
    assert KERNELS.keys() == TURNED.keys()


@pytest.mark.parametrize("name", TURNED)
def test_golden_g7(name):
    a = run(name, POINT, "valid")
    np.testing.assert_allclose(a, TURNED[name], rtol=1e-15)


def test_brightness_stays_where_the_kernel_sums_to_1():
    grey = np.full((3, 3), 7.0)
    sums = {"edge_enhance": 0, "edge_detect": 0}
    for name in KERNELS:
        expected = 7.0 * sums.get(name, 1)
        np.testing.assert_allclose(run(name, grey, "valid"), [[expected]], rtol=1e-14)


def test_edges_by_hand():
    """From 0 to 8: the Laplacian sees +8 before the step and −8 after it."""
    assert run("edge_detect", STEP, "valid").tolist() == [[8, -8]]
    assert run("edge_enhance", STEP, "valid").tolist() == [[0, 8]]
    assert run("sharpen", STEP, "valid").tolist() == [[-8, 16]]


def test_channels_do_not_mix():
    x = np.stack([POINT, 10 * POINT], -1)[None]
    a = FixedConv("emboss")({}, x)
    np.testing.assert_array_equal(a[..., 1], 10 * a[..., 0])
    assert a.shape == x.shape


def test_one_axis_of_places():
    layer = FixedConv((1, -2), "valid")
    x = np.array([[[1.0], [4.0], [9.0]]])
    assert layer.init(Key(0), (3, 1)) == ({}, (2, 1))
    assert layer({}, x).tolist() == [[[1 - 8], [4 - 18]]]


def test_zeros_of_the_kernel_cost_nothing():
    assert FixedConv("sharpen", "valid").flops({}, (5, 6, 3)) == 2 * 5 * (3 * 4 * 3)


def test_bytes_do_not_wrap_around():
    x = np.full((1, 3, 3, 1), 200, np.uint8)
    for position in (np.asarray, jnp.asarray):
        a = FixedConv("sharpen", "valid")({}, position(x))
        assert (a.dtype, a.item()) == (np.float32, 200)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kernel": "sobel"}, "kernel must be one of blur, sharpen.*got 'sobel'"),
        ({"kernel": ((1, 2), (3,))}, "rows of equal length"),
        ({"kernel": ()}, "kernel must be a row of numbers"),
        ({"kernel": (("a", "b"),)}, "kernel must be a row of numbers"),
        ({"kernel": (((1.0,),),)}, "kernel must be a row of numbers"),
        ({"kernel": (1.0, float("nan"))}, "finite numbers"),
        ({"padding": "reflect"}, "padding must be one of"),
    ],
)
def test_impossible_fields_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        FixedConv(**fields)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((5,), "FixedConv needs examples of shape"),
        ((9, 2), "examples of shape \\(9, 2\\) have 1 spatial axes; got 2"),
    ],
)
def test_impossible_shapes_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        FixedConv("blur").init(Key(0), shape)


def test_a_kernel_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        FixedConv("blur", "valid").init(Key(0), (2, 9, 1))
