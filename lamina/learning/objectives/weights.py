"""Which parameters are weights: penalties, noise and norm bounds exclude biases."""

from collections.abc import Sequence
from typing import Any

import jax

from lamina.networks.core.arrays import Params


def is_weight(path: Sequence[Any]) -> bool:
    """Whether a path in the parameters is that of weights, not of a bias."""
    return str(getattr(path[-1], "key", "")).endswith("weight")


def decayed(params: Params) -> list[Any]:
    """Return the arrays that penalties act on: all weights, no biases."""
    paths = jax.tree.leaves_with_path(params)
    return [leaf for path, leaf in paths if is_weight(path)]
