"""Snapshots: where a run is, as plain values that a file can hold, and back.

A snapshot is a dictionary of plain numbers, texts, None and NumPy arrays, and of lists,
tuples and dictionaries of these. What comes back from a file is checked: a digest shows
damage, not intent.
"""

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from lamina.learning.protocols import StoppingRule

Snapshot = dict[str, Any]

REASONS = ("finished", "stopped", "diverged")
"""Ends that a snapshot knows; an interrupted run is one that goes on."""

NONSENSE = (KeyError, TypeError, IndexError, AttributeError, OverflowError, ValueError)
"""What nonsense in the place of a snapshot's parts leads to."""


class UnreadableError(ValueError):
    """A snapshot from which nothing can go on."""

    def __init__(self, why: Any) -> None:
        super().__init__(f"the checkpoint is not readable: {why}")


def plain(note: Any) -> Any:
    """Return a note as values of its own: what it left for later is done now.

    A note is taken after every call and costs microseconds; most are never written. So
    whatever costs something stands in it as a ``partial``.
    """
    if isinstance(note, partial):
        return plain(note())
    if isinstance(note, dict):
        return {name: plain(value) for name, value in note.items()}
    if isinstance(note, list):
        return [plain(value) for value in note]
    return on_host(note)


def on_host(value: Any) -> Any:
    """Return a tree with its device arrays as NumPy arrays, all else as it is."""
    return jax.tree.map(
        lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf, value
    )


def leaves_of(tree: Any) -> list[np.ndarray]:
    """Return the arrays of a tree on the host."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def shapes_of(tree: Any) -> Any:
    """Return a tree's structure with shapes and types in place of arrays."""
    return jax.eval_shape(lambda: tree)


def like(shapes: Any, leaves: Sequence[Any]) -> Any:
    """Put arrays into a tree of such shapes.

    Raises
    ------
    ValueError
        If one is missing, or of another shape or type.
    """
    wanted, structure = jax.tree.flatten(shapes)
    fits = len(wanted) == len(leaves) and all(
        isinstance(leaf, np.ndarray)
        and (leaf.shape, leaf.dtype) == (want.shape, want.dtype)
        for leaf, want in zip(leaves, wanted, strict=True)
    )
    if not fits:
        raise ValueError("the arrays of the checkpoint do not fit the network")
    return jax.tree.unflatten(structure, leaves)


def is_plain(value: Any) -> bool:
    """Whether a snapshot can hold a value."""
    if isinstance(value, dict):
        return all(isinstance(k, str) and is_plain(v) for k, v in value.items())
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return all(map(is_plain, value))
    plain = bool | int | float | str | np.ndarray | np.generic | jax.Array | None
    return isinstance(value, plain)


def memory_of(rule: StoppingRule) -> dict[str, Any]:
    """Return a rule's fields, a copy of them; functions among them are no memory."""
    fields = rule.memory.items()
    return {k: copy.deepcopy(v) for k, v in fields if is_plain(v)}


def restore(rule: StoppingRule, memory: dict[str, Any]) -> None:
    """Give a rule the fields back that :func:`memory_of` took.

    Raises
    ------
    ValueError
        If it has other fields, or fields of another kind.
    """
    now = memory_of(rule)
    if set(memory) != set(now):
        raise ValueError(f"the checkpoint's {type(rule).__name__} has other fields")
    rule.memory.update({k: same_kind(v, now[k], k) for k, v in memory.items()})


def memory_if_any(watcher: Any) -> dict[str, Any] | None:
    """Return what ``get_state`` of a callback says, or None if it has no memory."""
    return watcher.get_state() if hasattr(watcher, "get_state") else None


def same_kind(value: Any, now: Any, name: str) -> Any:
    """Return the value if it may stand where ``now`` stands."""
    number = int | float
    numbers = isinstance(value, number) and isinstance(now, number)
    if not numbers and now is not None and type(value) is not type(now):
        raise ValueError(f"the checkpoint's {name} is not readable")
    return value


def row_numbers(value: Any, known: np.ndarray) -> np.ndarray:
    """Return row numbers, all of which are known."""
    numbers = isinstance(value, np.ndarray) and value.dtype.kind == "i"
    if not numbers or value.ndim != 1 or not np.isin(value, known).all():
        raise ValueError("the rows of the checkpoint are not readable")
    return value


def number_like(value: Any, now: Any, name: str) -> Any:
    """Return a number if it may stand where ``now`` stands; counts are not negative."""
    return whole_number(value) if type(now) is int else same_kind(value, now, name)


def whole_number(value: Any) -> int:
    """Return a count: a whole number of at least 0."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError("a number of the checkpoint is not readable")
    return value
