"""Embedding: rows of a table, and the gradient that adds up in them."""

import jax
import numpy as np
import pytest

from lamina.networks import Embedding, Key

TABLE = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.uint8])
def test_a_symbol_is_a_row(dtype):
    x = np.array([[0, 2, 2], [1, 0, 1]], dtype)
    layer = Embedding(3, 2)
    right = np.eye(3)[x.astype(int)] @ TABLE
    np.testing.assert_array_equal(layer({"weight": TABLE}, x), right)
    np.testing.assert_array_equal(layer({"weight": TABLE}, x[..., None]), right)


def test_gradients_of_equal_symbols_add_up():
    x = np.array([[0, 2, 2, 2]])
    g = jax.grad(lambda w: Embedding(3, 2)({"weight": w}, x).sum())(TABLE)
    np.testing.assert_array_equal(g, [[1, 1], [0, 0], [3, 3]])


def test_what_is_no_symbol_counts_as_one():
    x = np.array([[-1.0, 7.0, 1e30, 1.9, -0.5]])
    found = Embedding(3, 2)({"weight": TABLE}, x)
    np.testing.assert_array_equal(found[0], TABLE[[0, 2, 2, 1, 0]])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.float16])
def test_there_may_be_more_symbols_than_a_type_has_numbers(dtype):
    table = np.arange(3000.0)[:, None]
    found = Embedding(3000, 1)({"weight": table}, np.array([[100, 126]], dtype))
    np.testing.assert_array_equal(found[0, :, 0], [100, 126])


@pytest.mark.parametrize(
    ("shape", "made"), [((4, 1), (4, 5)), ((4,), (4, 5)), ((1,), (5,))]
)
def test_shapes(shape, made):
    params, found = Embedding(3, 5).init(Key(0), shape)
    assert found == made
    assert params["weight"].shape == (3, 5)
    x = np.zeros((2, *shape), np.float32)
    assert Embedding(3, 5)(params, x).shape == (2, *made)


@pytest.mark.parametrize(
    ("how", "variance"),
    [
        ({}, 1),
        ({"initializer": "he"}, 2 / 500),
        ({"initializer": "glorot_uniform"}, 2 / 800),
    ],
)
def test_vectors_are_drawn_as_the_initializer_says(how, variance):
    """n = size = 500 inputs of a one-hot vector, n′ = units = 300; 150,000 draws."""
    params, _ = Embedding(500, 300, **how).init(Key(0), (4,))
    assert params["weight"].var() == pytest.approx(variance, rel=0.016)
    assert abs(params["weight"].mean()) < 5 * np.sqrt(variance / 150_000)


@pytest.mark.parametrize("wrong", [{"size": 0}, {"units": -2}, {"size": True}])
def test_impossible_fields_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be a whole number"):
        Embedding(**{"size": 3, "units": 2} | wrong)
