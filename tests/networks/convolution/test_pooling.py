"""Pools: golden G4, windows worked by hand, and where the gradient goes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.networks import AveragePool, Key, MaxPool, SumPool

pytestmark = pytest.mark.usefixtures("x64")

G2_SAME = [
    [-2, -23, 6, 9, -18],
    [-9, 32, -15, 16, 18],
    [31, 8, -15, 35, 3],
    [-11, -3, 44, 1, 24],
]


def pooled(layer, x):
    """A matrix from a matrix."""
    _, shape = layer.init(Key(0), (*np.shape(x), 1))
    a = layer({}, jnp.asarray(x, float)[None, ..., None])
    assert a.shape == (1, *shape)
    return np.asarray(a)[0, ..., 0]


def seen(x, size, stride, before):
    """Return what each window sees, place by place, of a matrix."""
    rows, columns = np.shape(x)
    counts = [
        (n + p[0] + p[1] - k) // s + 1
        for n, k, s, p in zip((rows, columns), size, stride, before, strict=True)
    ]
    for i, j in np.ndindex(*counts):
        top, left = i * stride[0] - before[0][0], j * stride[1] - before[1][0]
        yield (
            (i, j),
            [
                (r, c)
                for r in range(top, top + size[0])
                for c in range(left, left + size[1])
                if 0 <= r < rows and 0 <= c < columns
            ],
        )


def test_golden_g4():
    largest = pooled(MaxPool(3, 1), G2_SAME)
    np.testing.assert_array_equal(largest, [[32, 35, 35], [44, 44, 44]])
    mean = pooled(AveragePool(3, 1), G2_SAME)
    np.testing.assert_allclose(9 * mean, [[13, 53, 39], [62, 103, 111]])
    total = pooled(SumPool(3, 1), G2_SAME)
    np.testing.assert_array_equal(total, [[13, 53, 39], [62, 103, 111]])


EVERY_WAY = [
    (1, 2, "same"),
    (2, None, "valid"),
    (2, 1, 1),
    (2, 3, "same"),
    (3, None, "same"),
    (3, 1, "full"),
    (3, 2, 1),
    (3, (1, 2), "valid"),
    ((2, 3), None, 1),
    ((2, 3), 1, "same"),
    ((2, 3), 2, "full"),
    ((2, 3), 3, "valid"),
]


@pytest.mark.parametrize(("size", "stride", "padding"), EVERY_WAY, ids=str)
def test_windows_by_hand(size, stride, padding):
    """Values; and the gradient of the maximum goes to the first of several equals."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, (5, 6)).astype(float)  # full of ties
    layers = [pool(size, stride, padding) for pool in (MaxPool, AveragePool, SumPool)]
    how = layers[0]._how((5, 6))
    largest, mean, total = (pooled(layer, x) for layer in layers)
    delta = rng.standard_normal(largest.shape)
    gradient = np.zeros_like(x)
    for window, positions in seen(x, *how):
        values = [x[position] for position in positions]
        assert largest[window] == max(values)
        assert mean[window] == pytest.approx(sum(values) / len(values), abs=1e-14)
        assert total[window] == sum(values)
        gradient[positions[int(np.argmax(values))]] += delta[window]

    def scalar(x):
        return jnp.sum(delta * layers[0]({}, x[None, ..., None])[0, ..., 0])

    np.testing.assert_allclose(jax.jit(jax.grad(scalar))(x), gradient, atol=1e-14)


def test_time_is_pooled_like_places():
    x = np.array([1.0, 5, 2, 2, 9, 0, 4])
    np.testing.assert_array_equal(pooled(MaxPool(3, 2), x), [5, 9, 9])
    np.testing.assert_array_equal(pooled(SumPool(3), x), [8, 11])
    np.testing.assert_array_equal(pooled(AveragePool(2, padding="same"), x)[-1], 4)


def test_channels_do_not_mix():
    x = np.random.default_rng(0).standard_normal((2, 4, 4, 3))
    a = MaxPool(2)({}, x)
    for c in range(3):
        np.testing.assert_array_equal(
            a[..., c], MaxPool(2)({}, x[..., c : c + 1])[..., 0]
        )


@pytest.mark.parametrize("pool", [MaxPool, AveragePool, SumPool])
def test_nan_is_not_hidden(pool):
    x = np.ones((1, 4, 4, 1))
    x[0, 1, 1, 0] = np.nan
    a = np.asarray(pool(2)({}, jnp.asarray(x)))[0, :, :, 0]
    np.testing.assert_array_equal(np.isnan(a), [[True, False], [False, False]])


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"size": 0}, "size must be a whole number"),
        ({"stride": 0}, "stride must be a whole number"),
        ({"padding": "mirror"}, "padding must be one of"),
    ],
)
def test_impossible_fields_are_refused(fields, complaint):
    with pytest.raises(ValueError, match=complaint):
        MaxPool(**fields)


def test_windows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="does not fit into an input of 2 × 2"):
        MaxPool(3).init(Key(0), (2, 2, 1))
    with pytest.raises(ValueError, match="gives windows of padding only"):
        AveragePool(2, padding=2).init(Key(0), (6, 6, 1))
