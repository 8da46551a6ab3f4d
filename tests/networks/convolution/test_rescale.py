"""(x − shift) factor: its values, its types, its numbers as leaves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import Key, Rescale

BYTES = np.array([[[0], [51]], [[128], [255]]], np.uint8)


@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_equation_by_hand(position):
    a = Rescale(shift=128, factor=0.5)({}, position(BYTES))
    assert a.tolist() == [[[-64.0], [-38.5]], [[0.0], [63.5]]]


def test_bytes_go_to_the_unit_interval_by_default():
    a = Rescale()({}, BYTES)
    np.testing.assert_allclose(a, [[[0], [0.2]], [[128 / 255], [1]]], rtol=1e-6)


@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, bool])
def test_whole_numbers_become_the_floating_type_in_use(kind, position):
    x = np.array([[1, 0]])
    assert Rescale()({}, position(x.astype(kind))).dtype == np.float32
    with jax.enable_x64(True):
        assert Rescale()({}, position(x.astype(kind))).dtype == np.float64


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "bfloat16"])
def test_floating_types_stay(kind):
    with jax.enable_x64(True):
        x = jnp.ones((2, 3), kind)
        assert Rescale(0.5, 2.0)({}, x).dtype == kind
        assert Rescale(0.5, 2.0)({}, np.asarray(x)).dtype == kind
        swept = jax.vmap(lambda layer: layer({}, x))(
            Rescale(jnp.zeros(4, jnp.float64), jnp.ones(4, jnp.float64))
        )
        assert (swept.shape, swept.dtype) == ((4, 2, 3), kind)


def test_other_numbers_compile_nothing():
    traced = 0

    @jax.jit
    def run(layer, x):
        nonlocal traced
        traced += 1
        return layer({}, x)

    np.testing.assert_array_equal(run(Rescale(1.0, 2.0), BYTES)[0], [[-2], [100]])
    np.testing.assert_array_equal(run(Rescale(51.0, 1.0), BYTES)[0], [[-51], [0]])
    assert traced == 1


def test_shape_stays():
    assert Rescale().init(Key(0), (28, 28, 1)) == ({}, (28, 28, 1))
