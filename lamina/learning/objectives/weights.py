"""Which of the parameters are weights: penalties, noise and bounds leave biases out."""

from typing import Any

import jax


def is_weight(path: Any) -> bool:
    """Whether a path in the parameters leads to weights, not to a bias."""
    return str(getattr(path[-1], "key", "")).endswith("weight")


def decayed(params: Any) -> list[Any]:
    """Return the arrays that penalties act on: all weights, no biases."""
    paths = jax.tree.leaves_with_path(params)
    return [leaf for path, leaf in paths if is_weight(path)]
