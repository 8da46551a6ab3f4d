"""Models side by side: trees of arrays whose first axis counts models.

A single model has no such axis, so an ordinary fit has the same programs, bits and
speed as if side-by-side training did not exist.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Own:
    """A leaf with one value per model along its first axis.

    All other leaves are shared by all models, and are on the device once.
    """

    value: Any


def _is_own(leaf: Any) -> bool:
    return isinstance(leaf, Own)


def mapped(function: Callable) -> Callable:
    """Return a function of one model as a function of n models side by side.

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

        # Leaf by leaf: a description whose fields are axes would fail its own checks.
        values = [leaf.value if _is_own(leaf) else leaf for leaf in leaves]
        return jax.vmap(of_one, in_axes=axes)(*values)

    return side_by_side


def row_axes(tree: Any, common: Any, own: Any) -> Any:
    """Return one value for each shared leaf of a tree, another for each own one."""
    return jax.tree.map(
        lambda leaf: own if _is_own(leaf) else common, tree, is_leaf=_is_own
    )


def stack(trees: Sequence[Any]) -> Any:
    """Return the trees of n models stacked; a single tree is returned unchanged.

    Raises
    ------
    ValueError
        If their structures differ.
    """
    first, *others = trees
    if not others:
        return first
    structure = jax.tree.structure(first)
    if any(jax.tree.structure(other) != structure for other in others):
        raise ValueError("models side by side must have the same structure")
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def pick(tree: Any, i: int, n: int) -> Any:
    """Return the tree of model i of n."""
    return tree if n == 1 else jax.tree.map(lambda leaf: np.asarray(leaf)[i], tree)


def merge(chosen: Sequence[bool], new: Any, old: Any) -> Any:
    """Return the new tree for each chosen model, the old one for the others."""
    if all(chosen):
        return new
    if not any(chosen):
        return old

    def merged(new: Any, old: Any) -> np.ndarray:
        new, old = np.asarray(new), np.asarray(old)
        return np.where(np.reshape(chosen, (-1, *[1] * (new.ndim - 1))), new, old)

    return jax.tree.map(merged, new, old)


def own(tree: Any, n: int) -> Any:
    """Mark all leaves of a stacked tree as having one value per model."""
    return tree if n == 1 else jax.tree.map(Own, tree)


def common_or_own(trees: Sequence[Any]) -> Any:
    """Return the trees of n models as one; leaves that are the same are shared.

    The same object, not merely equal: comparing costs as much as carrying copies.
    """
    first, *others = trees
    if not others:
        return first

    def joined(*leaves: Any) -> Any:
        same = all(leaf is leaves[0] for leaf in leaves)
        return leaves[0] if same else Own(np.stack(leaves))

    return jax.tree.map(joined, *trees)
