"""Pooling over all places: by hand, ties, masks, what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import GlobalPool, Key

X = np.array([[[[1.0, -5.0], [4.0, -2.0]], [[0.0, -8.0], [2.0, -1.0]]]])


@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_equations_by_hand(position):
    assert GlobalPool()({}, position(X)).tolist() == [[7 / 4, -4.0]]
    assert GlobalPool("max")({}, position(X)).tolist() == [[4.0, -1.0]]


def test_gradient_of_the_average_is_shared():
    g = jax.grad(lambda x: GlobalPool()({}, x)[0, 0])(jnp.asarray(X))
    np.testing.assert_array_equal(g[..., 0], np.full((1, 2, 2), 0.25))
    np.testing.assert_array_equal(g[..., 1], 0)


def test_gradient_of_the_maximum_goes_to_the_first_of_equal_places():
    x = jnp.array([[[0.0, 3.0], [7.0, 3.0], [7.0, 3.0]]])
    g = jax.grad(lambda x: jnp.sum(GlobalPool("max")({}, x) * jnp.array([2.0, 5.0])))(x)
    assert g.tolist() == [[[0, 5], [2, 0], [0, 0]]]


def test_gradient_of_the_maximum_by_forward_mode():
    x = jnp.array([[[0.0, 3.0], [7.0, 3.0], [7.0, 3.0]]])
    tangent = jnp.arange(6.0).reshape(1, 3, 2)
    _, moved = jax.jvp(lambda x: GlobalPool("max")({}, x), (x,), (tangent,))
    assert moved.tolist() == [[2.0, 1.0]]  # of places 1 and 0


@pytest.mark.parametrize("kind", ["average", "max"])
@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_masked_is_trimmed(kind, position):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 5, 2)) - 9  # below 0, which a padded zero would beat
    layer = GlobalPool(kind)
    lengths = [5, 2, 3]
    mask = np.arange(5) < np.array(lengths)[:, None]
    a = layer({}, position(x), mask=position(mask))
    for i, n in enumerate(lengths):
        np.testing.assert_allclose(a[i], layer({}, x[i : i + 1, :n])[0], rtol=1e-6)


@pytest.mark.parametrize("kind", ["average", "max"])
@pytest.mark.parametrize("position", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_an_example_of_padding_alone_gives_0_and_takes_no_gradient(kind, position):
    x, mask = position(np.full((1, 4, 2), 3.0)), position(np.zeros((1, 4), bool))
    assert GlobalPool(kind)({}, x, mask=mask).tolist() == [[0, 0]]
    g = jax.grad(lambda x: GlobalPool(kind)({}, x, mask=mask).sum())(jnp.asarray(x))
    assert not np.any(g)


@pytest.mark.parametrize("kind", ["average", "max"])
def test_nan_is_not_hidden(kind):
    x = np.where(np.arange(3)[:, None] == 1, np.nan, np.ones((1, 3, 1)))
    for position in (np.asarray, jnp.asarray):
        assert np.isnan(GlobalPool(kind)({}, position(x))).all()


def test_any_number_of_axes_of_places():
    params, shape = GlobalPool().init(Key(0), (2, 3, 4, 5))
    assert (params, shape) == ({}, (5,))
    assert GlobalPool("max")({}, np.ones((7, 2, 3, 4, 5))).shape == (7, 5)


@pytest.mark.parametrize("shape", [(), (5,), (0, 5)])
def test_examples_without_places_are_refused(shape):
    with pytest.raises(
        ValueError, match=r"needs examples of shape \(positions …, chan"
    ):
        GlobalPool().init(Key(0), shape)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"must have shape \(1, 2, 2\), got \(1, 2\)"):
        GlobalPool()({}, X, mask=np.ones((1, 2), bool))


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="average, max; got 'sum'"):
        GlobalPool("sum")
