"""Models side by side: stacking, choosing, functions of one as functions of many."""

import jax
import numpy as np
import pytest

from lamina.learning import L2, SGD
from lamina.learning.loop.side_by_side import (
    Own,
    common_or_own,
    mapped,
    merge,
    own,
    pick,
    row_axes,
    stack,
)
from lamina.networks import Dense, Dropout, Network


def tree(number):
    return {"a": np.full((2, 3), number), "b": (np.array(10.0 * number),)}


def test_one_model_has_no_axis_and_its_arrays_are_never_copied():
    alone = tree(1.0)
    assert stack([alone]) is alone
    assert pick(alone, 0, 1) is alone
    assert own(alone, 1) is alone
    assert common_or_own([alone]) is alone
    assert merge([True], alone, tree(2.0)) is alone


def test_stacked_trees_are_picked_one_by_one():
    many = stack([tree(1.0), tree(2.0), tree(3.0)])
    assert many["a"].shape == (3, 2, 3)
    found = pick(many, 1, 3)
    np.testing.assert_array_equal(found["a"], tree(2.0)["a"])
    assert found["b"][0] == 20.0


def test_numbers_of_descriptions_are_stacked():
    """A description's fields are leaves, whatever it would refuse as a number."""
    many = stack([Network((Dense(2), Dropout(p))) for p in (0.0, 0.5)])
    np.testing.assert_array_equal(many.layers[1].rate, [0.0, 0.5])
    np.testing.assert_array_equal(stack([L2(0.1), L2(0.2)]).strength, [0.1, 0.2])


def test_other_structures_are_refused():
    with pytest.raises(ValueError, match="have the same structure"):
        stack([SGD(0.1), {"learning_rate": 0.1}])
    with pytest.raises(ValueError, match="have the same structure"):
        stack([Network((Dense(2),)), Network((Dense(3),))])


def test_each_model_has_the_tree_that_is_chosen_for_it():
    new, old = stack([tree(1.0), tree(2.0)]), stack([tree(3.0), tree(4.0)])
    assert merge([True, True], new, old) is new
    assert merge([False, False], new, old) is old
    mixed = merge([False, True], new, old)
    assert mixed["b"][0].tolist() == [30.0, 20.0]
    np.testing.assert_array_equal(mixed["a"][:, 0, 0], [3.0, 2.0])


def test_what_is_the_same_object_is_common():
    shared = np.ones(4)
    found = common_or_own([(shared, np.zeros(2)), (shared, np.ones(2))])
    assert found[0] is shared
    assert isinstance(found[1], Own)
    assert found[1].value.shape == (2, 2)


def test_a_function_is_mapped_over_own_leaves_only():
    def of_one(algorithm, x, y):
        assert np.ndim(algorithm.learning_rate) == np.ndim(y) == 0
        assert x.shape == (5,)
        return algorithm.learning_rate * x.sum() + y

    algorithms = own(stack([SGD(1.0), SGD(2.0), SGD(3.0)]), 3)
    found = mapped(of_one)(algorithms, np.ones(5), Own(np.arange(3.0)))
    assert found.tolist() == [5.0, 11.0, 17.0]


def test_without_own_leaves_it_is_the_function_itself():
    seen = []
    mapped(lambda *args: seen.append(args))(1, [2], None)
    assert seen == [(1, [2], None)]


def test_compiled_programs_tell_own_leaves_from_common_ones():
    """Of the same shapes: an axis of models is a part of the structure."""
    common, of_each = np.ones(3), Own(np.ones(3))
    assert jax.tree.structure(common) != jax.tree.structure(of_each)


def test_axes_of_rows():
    found = row_axes((np.ones(2), Own(np.ones((3, 2))), None), "common", "own")
    assert found == ("common", "own", None)
