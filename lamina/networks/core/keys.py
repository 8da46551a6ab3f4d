"""Random keys: every random choice is derived from one key.

Host and device draw from the same key. What happens once (initial weights) or once per
epoch (the order of the data) is drawn on the host, because compiling a program for it
would cost more than drawing. What happens in every step (dropout) is drawn inside the
compiled step from :meth:`Key.words`.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from lamina.networks.core.arrays import RandomKey


def device_key(words: Any) -> jax.Array:
    """Return the ``jax.random`` key of :meth:`Key.words`; works in compiled code."""
    # The generator is named: a user's default may be another one.
    return jax.random.wrap_key_data(words, impl="threefry2x32")


def two_keys(key: RandomKey) -> tuple[Any, Any]:
    """Return two keys folded from a ``jax.random`` key, or None twice."""
    if key is None:
        return None, None
    return jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)


def for_purpose(key: jax.Array, purpose: str) -> jax.Array:
    """Return the ``jax.random`` key for a purpose; layers fold in their index."""
    return jax.random.fold_in(key, zlib.crc32(purpose.encode()))


@dataclass(frozen=True)
class Key:
    """A key: a seed and the path folded into it.

    Equal keys give equal numbers on every computer; keys with different paths are
    statistically independent.

    References
    ----------
    Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3,
    SC'11 (Philox and Threefry, the generators behind host and device).
    """

    seed: int
    path: tuple[int, ...] = ()

    def fold_in(self, *data: int | str) -> "Key":
        """Return the key for a purpose, an epoch, a layer …; strings are hashed."""
        words = (zlib.crc32(d.encode()) if isinstance(d, str) else d for d in data)
        return Key(self.seed, (*self.path, *words))

    def generator(self) -> np.random.Generator:
        """Return a new host generator; the same key gives the same numbers."""
        return np.random.Generator(np.random.Philox(self._sequence()))

    def words(self) -> np.ndarray:
        """Return two 32-bit words from which compiled code builds its key."""
        return self._sequence().generate_state(2)

    def device(self) -> jax.Array:
        """Return the ``jax.random`` key of this key."""
        return device_key(self.words())

    def _sequence(self) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.seed, spawn_key=self.path)
