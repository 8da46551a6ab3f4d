"""The allocator's settings, seen in a process of their own."""

import json
import subprocess
import sys

import pytest

CODE = """
import json, sys
import numpy as np
from lamina.learning import allocator

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20

def touch():
    return np.ones(80 * 2**20 // 8)

allocator.keep_large_buffers({size})
touch()
before = resident()
block = touch()
del block
kept = resident() - before
allocator.return_freed_memory({returned})
print(json.dumps([before, kept, before - resident()]))
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="glibc's settings")


def measure(size, returned):
    code = CODE.format(size=size, returned=returned)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@linux
def test_large_buffers_stay_until_they_are_returned():
    _, _, returned = measure(size=2**23, returned=2**27)
    assert returned > 60


@linux
def test_small_fits_change_nothing():
    _, _, returned = measure(size=2**10, returned=2**10)
    assert abs(returned) < 20


@linux
def test_a_small_return_is_not_worth_it():
    _, _, returned = measure(size=2**23, returned=2**10)
    assert abs(returned) < 20
