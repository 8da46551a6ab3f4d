"""The C library's allocator, set so that large buffers are used again.

XLA's CPU device takes fresh buffers in every call. glibc hands large ones back to the
system at once, and every first touch of a new page then costs a page fault: a full
batch of 12,800 × 784 trains at 130,000 examples a second with its default settings and
at 160,000 with these (two cores of an AMD EPYC). Small networks gain nothing, so the
settings are made when a fit's buffers reach megabytes, and never at import.
"""

import ctypes
import gc
import sys
from functools import cache
from typing import Any

LARGE = 4 * 2**20
"""Bytes from which a fit's buffers count as large."""

HUGE = 64 * 2**20
"""Bytes from which freed memory goes back to the system when a fit has ended."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of mallopt's parameters in malloc.h
_NEVER = 2**31 - 1


def keep_large_buffers(size: int) -> None:
    """Let freed memory stay with the process, if ``size`` bytes are large."""
    if size >= LARGE:
        _set()
    return_freed_memory(size)  # what an earlier fit left behind


@cache
def _set() -> None:
    """Make the settings, once."""
    if (mallopt := _glibc("mallopt")) is not None:
        mallopt(_MMAP_THRESHOLD, _NEVER)
        mallopt(_TRIM_THRESHOLD, _NEVER)


def return_freed_memory(size: int = HUGE) -> None:
    """Give freed memory back to the system, if ``size`` bytes of it are worth it."""
    if size < HUGE:
        return
    gc.collect()  # JAX lets go of host buffers that it borrowed in a callback of gc
    if (malloc_trim := _glibc("malloc_trim")) is not None:
        malloc_trim(0)


def _glibc(name: str) -> Any:
    """Return a function of glibc; None where the C library is another one."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    known = hasattr(library, "gnu_get_libc_version")
    return getattr(library, name) if known else None
