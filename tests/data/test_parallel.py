"""Work in threads: each number once, the first error, Ctrl-C."""

import threading
import time

import pytest

from lamina.data import _parallel as parallel
from lamina.data._parallel import cores, for_each


@pytest.mark.parametrize("threads", [None, 1, 5])
@pytest.mark.parametrize("n", [0, 1, 100])
def test_each_number_once(n, threads):
    seen = []
    for_each(seen.append, n, threads=threads)
    assert sorted(seen) == list(range(n))


def test_no_more_threads_than_told():
    at_work, most, lock = 0, 0, threading.Lock()

    def work(_):
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.001)
        with lock:
            at_work -= 1

    for_each(work, 50, threads=3)
    assert 1 < most <= 3
    assert 1 <= cores() <= parallel.MOST_THREADS


def test_progress_rises_and_ends_with_all(monkeypatch):
    monkeypatch.setattr(parallel, "INTERVAL", 0.002)
    told, here = [], threading.current_thread()

    def progress(done, n):
        assert threading.current_thread() is here
        told.append((done, n))

    for_each(lambda _: time.sleep(0.002), 30, threads=2, progress=progress)
    assert told[-1] == (30, 30)
    assert len(told) > 2
    assert told == sorted(told)


def test_the_first_error_ends_the_work():
    seen = []

    def work(number):
        seen.append(number)
        if number == 3:
            raise OSError("disk")
        time.sleep(0.001)

    with pytest.raises(OSError, match="disk"):
        for_each(work, 10_000, threads=2)
    assert len(seen) < 100


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_ends_the_threads(monkeypatch, error):
    monkeypatch.setattr(parallel, "INTERVAL", 0.002)
    before, seen = threading.active_count(), []

    def work(number):
        seen.append(number)
        time.sleep(0.002)

    def progress(done, n):
        raise error

    with pytest.raises(error):
        for_each(work, 10_000, threads=2, progress=progress)
    assert threading.active_count() == before
    assert len(seen) < 1000
