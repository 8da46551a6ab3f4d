"""Settings of the C library's allocator that let a fit reuse its large buffers.

XLA's CPU device allocates new buffers in every call. glibc returns large ones to the
system at once, and then the first access to each new page costs a page fault: a full
batch of 12,800 × 784 trains at 130,000 examples per second with the default settings
and at 160,000 with these (two cores of an AMD EPYC). Small networks gain nothing, so
the settings apply when a fit's buffers reach megabytes, and end with the fit.
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
"""Bytes from which freed memory is returned to the system after a fit."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of mallopt's parameters in malloc.h
_NEVER = 2**31 - 1
_MMAP_MOST = 32 * 2**20
"""Bytes from which glibc always returns a freed block to the system: it raises its
threshold by itself, up to this bound, when it sees large blocks. Once mallopt has set
the threshold, glibc no longer adapts it; so it is set to this bound after a fit."""


class _Fits:
    """The running fits of all threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.under_way = self.largest = 0

    def begin(self) -> None:
        with self.lock:
            self.under_way += 1

    def keep(self, size: int) -> None:
        with self.lock:
            # Only once: nested and concurrent fits find the settings in place.
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
                # glibc's own rule: it trims from twice the mmap threshold on.
                _set(_MMAP_MOST, 2 * _MMAP_MOST)
        return_freed_memory(largest)


_fits = _Fits()


@contextmanager
def own_buffers() -> Iterator[None]:
    """End the effect of :func:`keep_large_buffers` with the fit.

    Fits may be nested or concurrent: the last one to end resets the settings.
    """
    _fits.begin()
    try:
        yield
    finally:
        _fits.end()


def keep_large_buffers(size: int) -> None:
    """Keep freed memory in the process during this fit, if ``size`` is large."""
    _fits.keep(size)


def return_freed_memory(size: int = HUGE) -> None:
    """Return freed memory to the system, if ``size`` bytes are worth it."""
    if size < HUGE:
        return
    gc.collect()  # JAX releases borrowed host buffers in a gc callback
    if (malloc_trim := _glibc("malloc_trim")) is not None:
        malloc_trim(0)


def _set(mmap_threshold: int, trim_threshold: int) -> None:
    if (mallopt := _glibc("mallopt")) is not None:
        mallopt(_MMAP_THRESHOLD, mmap_threshold)
        mallopt(_TRIM_THRESHOLD, trim_threshold)


def _glibc(name: str) -> Any:
    """Return a function of glibc; None if the C library is a different one."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    known = hasattr(library, "gnu_get_libc_version")
    return getattr(library, name) if known else None
