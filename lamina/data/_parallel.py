"""A parallel loop in a few threads, with progress and Ctrl-C."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

#: Seconds between two calls of `progress`.
INTERVAL = 0.2
MOST_THREADS = 16

Progress = Callable[[int, int], object]


def cores() -> int:
    """Number of processors that this process may use, at most 16."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return min(count, MOST_THREADS)


class _Crew:
    """Threads that take numbers from a shared counter until it reaches its end."""

    def __init__(self, work: Callable[[int], object], n: int) -> None:
        self.work, self.n = work, n
        self.done = 0
        self.error: BaseException | None = None
        self.lock = threading.Lock()
        self._next = 0

    def take(self) -> int | None:
        with self.lock:
            if self._next >= self.n:
                return None
            self._next += 1
            return self._next - 1

    def stop(self) -> None:
        with self.lock:
            self._next = self.n

    def run(self) -> None:
        while (number := self.take()) is not None:
            try:
                self.work(number)
            except BaseException as error:
                self.error = self.error or error
                self.stop()
            with self.lock:
                self.done += 1


def for_each(
    work: Callable[[int], object],
    n: int,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Call ``work(i)`` for i = 0 … n − 1, in any order.

    Parameters
    ----------
    work : callable
    n : int
    threads : int, optional
        Number of threads; by default the number of processors. Each works on one number
        at a time.
    progress : callable, optional
        ``progress(done, n)``, called in the caller's thread a few times per second and
        at the end.

    Raises
    ------
    Exception
        The first one that `work` raised; remaining numbers are skipped. Ctrl-C and
        exceptions of `progress` end the work in the same way.
    """
    crew = _Crew(work, n)
    many = max(1, min(threads or cores(), n))
    members = [threading.Thread(target=crew.run, daemon=True) for _ in range(many)]
    for member in members:
        member.start()
    try:
        for member in members:
            while member.is_alive():
                member.join(INTERVAL)
                if progress is not None and member.is_alive():
                    progress(crew.done, n)
    finally:
        crew.stop()
        for member in members:
            member.join()
    if crew.error is not None:
        raise crew.error
    if progress is not None:
        progress(n, n)
