"""Snapshots: the state of a run as plain values that a file can store, and back.

A snapshot is a dictionary of plain numbers, strings, None and NumPy arrays, and of
lists, tuples and dictionaries of these. What is read from a file is validated: a digest
detects damage, not tampering.
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
"""Reasons in a snapshot; an interrupted run is one that continues."""

NONSENSE = (KeyError, TypeError, IndexError, AttributeError, OverflowError, ValueError)
"""Errors raised by invalid values in a snapshot."""


class UnreadableError(ValueError):
    """A snapshot from which a run cannot resume."""

    def __init__(self, why: Any) -> None:
        super().__init__(f"the checkpoint is corrupt: {why}")


def plain(note: Any) -> Any:
    """Return a snapshot with its deferred values computed.

    A snapshot is taken after every call and costs microseconds; most are never written.
    So everything expensive in it is a ``partial``.
    """
    if isinstance(note, partial):
        return plain(note())
    if isinstance(note, dict):
        return {name: plain(value) for name, value in note.items()}
    if isinstance(note, list):
        return [plain(value) for value in note]
    return on_host(note)


def on_host(value: Any) -> Any:
    """Return a tree with its device arrays as NumPy arrays, other leaves unchanged."""
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
    """Put arrays into a tree of these shapes.

    Raises
    ------
    ValueError
        If one is missing or has another shape or type.
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
    """Whether a snapshot can store a value."""
    if isinstance(value, dict):
        return all(isinstance(k, str) and is_plain(v) for k, v in value.items())
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return all(map(is_plain, value))
    plain = bool | int | float | str | np.ndarray | np.generic | jax.Array | None
    return isinstance(value, plain)


def memory_of(rule: StoppingRule) -> dict[str, Any]:
    """Return a copy of a rule's fields, without functions."""
    fields = rule.memory.items()
    return {k: copy.deepcopy(v) for k, v in fields if is_plain(v)}


def restore(rule: StoppingRule, memory: dict[str, Any]) -> None:
    """Restore the fields of a rule that :func:`memory_of` returned.

    Raises
    ------
    ValueError
        If it has other fields, or fields of another type.
    """
    now = memory_of(rule)
    if set(memory) != set(now):
        raise ValueError(f"the checkpoint's {type(rule).__name__} has other fields")
    rule.memory.update({k: same_kind(v, now[k], k) for k, v in memory.items()})


def memory_if_any(watcher: Any) -> dict[str, Any] | None:
    """Return the state of a callback, None if it has no ``get_state``."""
    return watcher.get_state() if hasattr(watcher, "get_state") else None


def same_kind(value: Any, now: Any, name: str) -> Any:
    """Return the value if its type can replace ``now``."""
    number = int | float
    numbers = isinstance(value, number) and isinstance(now, number)
    if not numbers and now is not None and type(value) is not type(now):
        raise ValueError(f"the checkpoint's {name} is corrupt")
    return value


def row_numbers(value: Any, known: np.ndarray) -> np.ndarray:
    """Return row numbers after checking that all are known."""
    numbers = isinstance(value, np.ndarray) and value.dtype.kind == "i"
    if not numbers or value.ndim != 1 or not np.isin(value, known).all():
        raise ValueError("the rows of the checkpoint are corrupt")
    return value


def number_like(value: Any, now: Any, name: str) -> Any:
    """Return a number if its type can replace ``now``; counts must be ≥ 0."""
    return whole_number(value) if type(now) is int else same_kind(value, now, name)


def whole_number(value: Any) -> int:
    """Return a count: a whole number of at least 0."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError("a number of the checkpoint is corrupt")
    return value
