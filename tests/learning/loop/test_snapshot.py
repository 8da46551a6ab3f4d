"""Snapshots: plain values, their way into a tree, and what is refused."""

from functools import partial

import jax
import numpy as np
import pytest

from lamina.learning import MaxEvaluations, NoImprovement
from lamina.learning.control.stopping import Asked
from lamina.learning.loop.snapshot import (
    is_plain,
    leaves_of,
    like,
    memory_of,
    number_like,
    on_host,
    plain,
    restore,
    row_numbers,
    shapes_of,
    whole_number,
)
from lamina.learning.loop.state import Within


def test_a_rule_remembers_its_numbers_and_only_these():
    rule = NoImprovement("loss", 0.1, 3)
    rule({"loss": 2.0})
    rule({"loss": 1.95})
    memory = memory_of(rule)
    assert (memory["best"], memory["count"]) == (1.95, 1)
    other = NoImprovement("loss", 0.1, 3)
    restore(other, memory)
    assert other == rule
    rule({"loss": 1.0})
    assert memory["best"] == 1.95
    with pytest.raises(ValueError, match="has other fields"):
        restore(MaxEvaluations("loss", 3.0), memory)
    assert memory_of(Asked(lambda record: True)) == {}


def test_what_a_snapshot_can_hold():
    values = [None, 1, 1.5, "a", True, np.zeros(2), [1, (2, {"a": None})]]
    assert all(map(is_plain, values))
    assert not any(map(is_plain, [print, object(), {1: 2}, [print], Within(0, 1, 2)]))


def test_arrays_are_put_back_where_they_were_and_must_fit():
    tree = {"a": np.zeros((2, 3), np.float32), "b": (np.int32(4),)}
    shapes = shapes_of(tree)
    back = like(shapes, [np.ones((2, 3), np.float32), np.asarray(np.int32(5))])
    assert back["b"][0] == 5
    for wrong in (
        [],
        [np.ones((2, 3)), np.int32(5)],
        [np.ones((3, 2), np.float32), np.asarray(np.int32(5))],
    ):
        with pytest.raises(ValueError, match="do not fit"):
            like(shapes, wrong)


def test_device_arrays_come_to_the_host_and_all_else_stays():
    found = on_host({"a": jax.numpy.ones(2), "b": "text", "c": None, "d": (1.5,)})
    assert isinstance(found["a"], np.ndarray)
    assert (found["b"], found["c"], found["d"]) == ("text", None, (1.5,))


def test_what_a_note_left_for_later_is_done_when_it_is_written():
    values = [1.0, 2.0]
    note = {"a": [partial(leaves_of, (jax.numpy.ones(2),))], "b": partial(sum, values)}
    values.append(3.0)
    found = plain(note | {"c": (jax.numpy.zeros(1), None)})
    assert isinstance(found["a"][0][0], np.ndarray)
    assert found["b"] == 6.0
    assert isinstance(found["c"][0], np.ndarray)
    assert is_plain(found)


@pytest.mark.parametrize("value", [-1, 1.0, True, "1", 2**63, None])
def test_a_count_is_a_whole_number(value):
    with pytest.raises(ValueError, match="checkpoint"):
        whole_number(value)
    with pytest.raises(ValueError, match="checkpoint"):
        number_like(value, 3, "epochs")
    assert number_like(4, 3, "epochs") == 4


def test_a_number_stands_for_a_number():
    assert number_like(2, 0.5, "best") == 2
    with pytest.raises(ValueError, match="best"):
        number_like("x", 0.5, "best")


def test_rows_are_known_ones():
    known = np.arange(5)
    assert row_numbers(np.array([1, 3]), known).tolist() == [1, 3]
    for wrong in (np.array([9]), np.array([0.5]), np.array([[1]]), "all"):
        with pytest.raises(ValueError, match="rows of the checkpoint"):
            row_numbers(wrong, known)
