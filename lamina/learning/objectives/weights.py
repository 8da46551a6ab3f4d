"""Which parameters are weights: penalties, noise and norm bounds exclude biases."""

from typing import Any

import jax


def is_weight(path: Any) -> bool:
    """Whether a path in the parameters is that of weights, not of a bias."""
    return str(getattr(path[-1], "key", "")).endswith("weight")


def decayed(params: Any) -> list[Any]:
    """Return the arrays that penalties act on: all weights, no biases."""
    paths = jax.tree.leaves_with_path(params)
    return [leaf for path, leaf in paths if is_weight(path)]
