"""Estimates of memory before a second-order method starts, to avoid a crash."""

import os
from typing import Any

import jax
import numpy as np

from lamina.learning.protocols import Algorithm

SHARE = 0.8
"""Fraction of the free memory that an algorithm may use."""


def free_memory() -> float:
    """Return the bytes available for new arrays, infinity if unknown."""
    device = jax.devices()[0]
    if device.platform != "cpu":
        stats = device.memory_stats() or {}
        limit = stats.get("bytes_limit", float("inf"))
        return limit - stats.get("bytes_in_use", 0)
    try:
        with open("/proc/meminfo") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return _physical_memory()


def _physical_memory() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return float("inf")


def check_memory(algorithm: Algorithm, params: Any, rows: int, models: int = 1) -> None:
    """Reject an algorithm that needs more memory than is free.

    An algorithm with large arrays of its own implements ``memory_bytes(n_params,
    n_rows, n_outputs, itemsize)``. Models side by side each have their own arrays.

    Raises
    ------
    ValueError
        If they do not fit; the message has both numbers of bytes.
    """
    leaves = jax.tree.leaves(params)
    if not leaves:
        return
    n = sum(np.size(leaf) for leaf in leaves)
    itemsize = np.dtype(leaves[0].dtype).itemsize
    outputs = [1, *np.shape(leaves[-1])][-1]  # of the last layer's weights
    needed = models * algorithm.memory_bytes(n, rows, outputs, itemsize)
    free = free_memory()
    if needed > SHARE * free:
        raise ValueError(
            f"{type(algorithm).__name__} needs about {needed:,} bytes "
            f"({needed / 2**30:.1f} GiB) for {n:,} parameters and {rows:,} examples, "
            f"{free / 2**30:.1f} GiB are free. Use a smaller network, or a solver "
            "whose memory is linear in the parameters: 'lbfgs', 'cg' or 'rprop'."
        )
