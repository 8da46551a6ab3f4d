"""Compiled programs: counted, and evicted when least recently used."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from lamina.learning.parallel.allocator import return_freed_memory

MAX_PROGRAMS = 8
"""Programs kept per function; one takes about 5 MB."""

_this_thread = threading.local()


def compile_count() -> int:
    """Return how many programs this thread has compiled (or read from the cache)."""
    return getattr(_this_thread, "compilations", 0)


def count_compilation() -> None:
    """Count one compilation; called while tracing, which happens once per program."""
    _this_thread.compilations = compile_count() + 1


class Compiled:
    """A compiled function with an LRU cache of its programs.

    ``jax.jit`` keeps every program forever, and a search over many shapes would fill
    the memory. Here every structure of arguments has its own ``jax.jit``, and only the
    last few are kept.
    """

    def __init__(self, function: Callable) -> None:
        self._function = function
        self._programs: OrderedDict[Any, Callable] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, *args: Any) -> Any:
        """Call the function, compiled for this structure of arguments."""
        return self._program(*args)(*args)

    def _program(self, *args: Any) -> Callable:
        leaves, structure = jax.tree.flatten(args)
        key = structure, tuple([(np.shape(x), getattr(x, "dtype", 0)) for x in leaves])
        with self._lock:
            # A new partial each time: jax.jit caches by function, so one function
            # would share one cache that cannot be cleared per program.
            # No arguments are donated: snapshots, the best weights and the anchor hold
            # arrays of earlier steps without copying them.
            program = self._programs.pop(key, None) or jax.jit(partial(self._function))
            self._programs[key] = program
            forgotten = len(self._programs) > MAX_PROGRAMS
            oldest = self._programs.popitem(last=False)[1] if forgotten else None
        if oldest is not None:
            oldest.clear_cache()  # pyright: ignore[reportFunctionMemberAccess]
            return_freed_memory()
        return program
