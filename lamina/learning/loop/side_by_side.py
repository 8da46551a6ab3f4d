"""Models side by side: trees of arrays whose first axis counts models.

One model has no such axis, so that the ordinary fit runs in the same programs, with the
same bits and at the same speed, as if there were never another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Own:
    """A leaf of which each model has its own: its first axis counts models.

    All other leaves are common to all models, and lie on the device once.
    """

    value: Any


def _is_own(leaf: Any) -> bool:
    return isinstance(leaf, Own)


def mapped(function: Callable) -> Callable:
    """Return a function of one model as one of n models side by side.

    It is mapped over the leaves of its arguments that are :class:`Own`; without any it
    is the function itself.
    """

    def side_by_side(*args: Any) -> Any:
        leaves, structure = jax.tree.flatten(args, is_leaf=_is_own)
        axes = [0 if _is_own(leaf) else None for leaf in leaves]
        if not any(axis == 0 for axis in axes):
            return function(*args)

        def of_one(*values: Any) -> Any:
            return function(*jax.tree.unflatten(structure, values))

        # Leaf by leaf: a description of axes would refuse some as impossible numbers.
        values = [leaf.value if _is_own(leaf) else leaf for leaf in leaves]
        return jax.vmap(of_one, in_axes=axes)(*values)

    return side_by_side


def row_axes(tree: Any, common: Any, own: Any) -> Any:
    """Return one value for each common leaf of a tree, another for each own one."""
    return jax.tree.map(
        lambda leaf: own if _is_own(leaf) else common, tree, is_leaf=_is_own
    )


def stack(trees: Sequence[Any]) -> Any:
    """Return the trees of n models as one; that of one model as it is.

    Raises
    ------
    ValueError
        If they are not of one structure.
    """
    first, *others = trees
    if not others:
        return first
    structure = jax.tree.structure(first)
    if any(jax.tree.structure(other) != structure for other in others):
        raise ValueError("models side by side must be of one structure")
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def pick(tree: Any, i: int, n: int) -> Any:
    """Return the tree of model i of n."""
    return tree if n == 1 else jax.tree.map(lambda leaf: np.asarray(leaf)[i], tree)


def merge(chosen: Sequence[bool], new: Any, old: Any) -> Any:
    """Return for each model the new tree if it is chosen, else the old one."""
    if all(chosen):
        return new
    if not any(chosen):
        return old

    def merged(new: Any, old: Any) -> np.ndarray:
        new, old = np.asarray(new), np.asarray(old)
        return np.where(np.reshape(chosen, (-1, *[1] * (new.ndim - 1))), new, old)

    return jax.tree.map(merged, new, old)


def own(tree: Any, n: int) -> Any:
    """Mark the leaves of a stacked tree as those of which each model has its own."""
    return tree if n == 1 else jax.tree.map(Own, tree)


def common_or_own(trees: Sequence[Any]) -> Any:
    """Return the trees of n models as one, whose leaves are common if all are the same.

    The same object, that is: an equal one costs as much to find out as to carry.
    """
    first, *others = trees
    if not others:
        return first

    def joined(*leaves: Any) -> Any:
        same = all(leaf is leaves[0] for leaf in leaves)
        return leaves[0] if same else Own(np.stack(leaves))

    return jax.tree.map(joined, *trees)
