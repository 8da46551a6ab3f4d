"""The C library's allocator, set so that a fit uses its large buffers again.

XLA's CPU device takes fresh buffers in every call. glibc hands large ones back to the
system at once, and every first touch of a new page then costs a page fault: a full
batch of 12,800 × 784 trains at 130,000 examples a second with its default settings and
at 160,000 with these (two cores of an AMD EPYC). Small networks gain nothing, so the
settings are made when a fit's buffers reach megabytes, and end with it.
"""

import ctypes
import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LARGE = 4 * 2**20
"""Bytes from which a fit's buffers count as large."""

HUGE = 64 * 2**20
"""Bytes from which freed memory goes back to the system when a fit has ended."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of mallopt's parameters in malloc.h
_NEVER = 2**31 - 1
_MMAP_MOST = 32 * 2**20
"""Bytes from which glibc at the latest gives a block back as soon as it is free: it
raises this bound by itself, up to here, when it meets large blocks. What mallopt has
set it moves no more, so that it is set to here when a fit has ended."""


class _Fits:
    """The fits under way, in all threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.under_way = self.largest = 0

    def begin(self) -> None:
        with self.lock:
            self.under_way += 1

    def keep(self, size: int) -> None:
        with self.lock:
            if self.under_way and size >= LARGE > self.largest:
                _set(_NEVER, _NEVER)
            self.largest = max(self.largest, size) if self.under_way else 0

    def end(self) -> None:
        with self.lock:
            self.under_way -= 1
            if self.under_way:
                return
            largest, self.largest = self.largest, 0
            if largest >= LARGE:
                _set(_MMAP_MOST, 2 * _MMAP_MOST)
        return_freed_memory(largest)


_fits = _Fits()


@contextmanager
def own_buffers() -> Iterator[None]:
    """Let what a fit asks for by :func:`keep_large_buffers` end with it.

    Fits may lie in one another or run side by side: the last one ends it.
    """
    _fits.begin()
    try:
        yield
    finally:
        _fits.end()


def keep_large_buffers(size: int) -> None:
    """Let freed memory stay with the process during this fit, if it is large."""
    _fits.keep(size)


def return_freed_memory(size: int = HUGE) -> None:
    """Give freed memory back to the system, if ``size`` bytes of it are worth it."""
    if size < HUGE:
        return
    gc.collect()  # JAX lets go of host buffers that it borrowed in a callback of gc
    if (malloc_trim := _glibc("malloc_trim")) is not None:
        malloc_trim(0)


def _set(mmap_threshold: int, trim_threshold: int) -> None:
    if (mallopt := _glibc("mallopt")) is not None:
        mallopt(_MMAP_THRESHOLD, mmap_threshold)
        mallopt(_TRIM_THRESHOLD, trim_threshold)


def _glibc(name: str) -> Any:
    """Return a function of glibc; None where the C library is another one."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    known = hasattr(library, "gnu_get_libc_version")
    return getattr(library, name) if known else None
