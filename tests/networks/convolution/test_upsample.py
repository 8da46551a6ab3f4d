"""More places: by hand, in one and two dimensions, and as a peer computes it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import Key, Upsample

PLACES = [np.asarray, jnp.asarray]


@pytest.mark.parametrize("position", PLACES, ids=["numpy", "jax"])
def test_nearest_by_hand(position):
    x = position(np.array([[1.0, 2.0], [3.0, 4.0]])[None, ..., None])
    layer = Upsample((2, 3))
    assert layer.init(Key(0), (2, 2, 1)) == ({}, (4, 6, 1))
    a = layer({}, x)[0, ..., 0]
    assert a.tolist() == [[1, 1, 1, 2, 2, 2]] * 2 + [[3, 3, 3, 4, 4, 4]] * 2


@pytest.mark.parametrize("position", PLACES, ids=["numpy", "jax"])
@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (2, [0, 1, 3, 5, 7, 8]),  # centres at −¼, ¼, ¾, 5/4, …
        (4, [0, 0, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8, 8]),
        (1, [0, 4, 8]),
    ],
)
def test_linear_by_hand(factor, expected, position):
    x = position(np.array([0.0, 4.0, 8.0])[None, :, None])
    layer = Upsample(factor, "bilinear")
    np.testing.assert_allclose(layer({}, x)[0, :, 0], expected, atol=1e-14)


@pytest.mark.parametrize("factor", [2, 3, (2, 5)])
def test_bilinear_is_that_of_jax(factor):
    """``jax.image.resize`` computes the weights as one matrix an axis."""
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 2)).astype(np.float32)
    a = Upsample(factor, "bilinear")({}, x)
    np.testing.assert_allclose(
        a, jax.image.resize(jnp.asarray(x), a.shape, "linear"), rtol=1e-5, atol=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_gradient_shares_out_every_new_place(method):
    """The weights of each new place sum to 1, so those of all old ones sum to f²."""
    layer = Upsample(3, method)
    g = jax.grad(lambda x: layer({}, x).sum())(jnp.ones((1, 3, 4, 1)))
    np.testing.assert_allclose(g, 9, rtol=1e-6)


def test_the_mean_stays_where_nothing_varies_at_the_border():
    x = np.zeros((1, 5, 5, 1), np.float32)
    x[0, 2, 2] = 9
    for method in ("nearest", "bilinear"):
        a = Upsample(2, method)({}, x)
        assert (a.dtype, a.shape) == (np.float32, (1, 10, 10, 1))
        assert a.mean() == pytest.approx(x.mean())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Upsample(0), "factor must be a whole number of at least 1, got 0"),
        (lambda: Upsample((2, 999)), r"factor must be at most 256, got \(2, 999\)"),
        (lambda: Upsample(True), "factor must be a whole number"),
        (lambda: Upsample(2, "cubic"), "nearest, bilinear; got 'cubic'"),
        (lambda: Upsample().init(Key(0), (5,)), "Upsample needs examples of shape"),
        (
            lambda: Upsample((2, 2)).init(Key(0), (5, 1)),
            "1 numbers, one per axis; got \\(2, 2\\)",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
