"""The allocator's settings, seen in a process of their own."""

import json
import subprocess
import sys

import pytest

START = """
import json
import numpy as np
from lamina.learning.parallel.allocator import keep_large_buffers, own_buffers

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20

def stays():
    \"\"\"Return how much of 80 MiB stays with the process when it is freed.\"\"\"
    block, before = np.ones(80 * 2**20 // 8), resident()
    del block
    return 80 - (before - resident())

"""

ALL, NOTHING = pytest.approx(80, abs=20), pytest.approx(0, abs=20)
linux = pytest.mark.skipif(sys.platform != "linux", reason="glibc's settings")


def measure(code):
    """Run code that fills the list ``found``, and return that."""
    code = START + "found = []\n" + code + "\nprint(json.dumps(found))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.slow
@linux
def test_large_buffers_stay_as_long_as_the_fit():
    code = """
with own_buffers():
    keep_large_buffers(2**23)
    found.append(stays())
found.append(stays())
with own_buffers():
    keep_large_buffers(2**23)
    found.append(stays())
"""
    assert measure(code) == [ALL, NOTHING, ALL]


@pytest.mark.slow
@linux
def test_small_fits_and_what_is_no_fit_change_nothing():
    code = """
with own_buffers():
    keep_large_buffers(2**10)
    found.append(stays())
keep_large_buffers(2**23)
found.append(stays())
"""
    assert measure(code) == [NOTHING, NOTHING]


@pytest.mark.slow
@linux
def test_the_last_of_several_fits_ends_it():
    code = """
outer, inner = own_buffers(), own_buffers()
outer.__enter__()
inner.__enter__()
keep_large_buffers(2**23)
inner.__exit__(None, None, None)
found.append(stays())
outer.__exit__(None, None, None)
found.append(stays())
"""
    assert measure(code) == [ALL, NOTHING]


@pytest.mark.slow
@linux
def test_a_fit_that_fails_ends_it_too():
    code = """
try:
    with own_buffers():
        keep_large_buffers(2**23)
        1 / 0
except ZeroDivisionError:
    found.append(stays())
"""
    assert measure(code) == [NOTHING]


@pytest.mark.slow
@linux
@pytest.mark.parametrize(("size", "left"), [(2**27, NOTHING), (2**23, ALL)])
def test_what_a_huge_fit_has_freed_goes_back_at_its_end(size, left):
    code = f"""
with own_buffers():
    keep_large_buffers({size})
    before = resident()
    small = [bytearray(2**16) for _ in range(80 * 16)]
    kept = bytearray(2**16)  # above them: the system cannot have them by itself
    del small
found.append(resident() - before)
"""
    assert measure(code) == [left]
