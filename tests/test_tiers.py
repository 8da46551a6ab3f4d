"""What of the fast tier computes too long fails; what is marked slow, or waits, may."""

import re

import pytest
from tiers import Stopwatch

pytest_plugins = "pytester"

SPIN = """
import time, pytest

def spin(seconds=0.3):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""


@pytest.fixture
def run(pytester):
    """Run a test file in a session that allows a tenth of a second."""

    def outcomes(tests):
        pytester.makepyfile(SPIN + tests)
        markers = ["-o", "markers=slow"]
        done = pytester.inline_run(*markers, plugins=[Stopwatch(0.1)])
        return [len(reports) for reports in done.listoutcomes()]

    return outcomes


def test_a_long_test_fails(run):
    assert run("def test_long(): spin()\ndef test_short(): pass") == [1, 0, 1]


def test_a_long_test_is_told_what_it_took(pytester):
    pytester.makepyfile(SPIN + "def test_long(): spin()")
    done = pytester.inline_run(plugins=[Stopwatch(0.1)])
    (failed,) = done.listoutcomes()[2]
    expected = r"test_long: call took 0\.\d s of processor time, .* may take 0\.1 s"
    assert re.search(expected, failed.longreprtext)


def test_a_long_setup_fails(run):
    fixture = "@pytest.fixture\ndef model(): spin()\n"
    assert run(fixture + "def test_it(model): pass") == [0, 0, 1]


def test_what_is_marked_slow_may_take_long(run):
    assert run("@pytest.mark.slow\ndef test_long(): spin()") == [1, 0, 0]


def test_a_wait_costs_nothing(run):
    assert run("def test_wait(): time.sleep(0.3)") == [1, 0, 0]


def test_processes_count(run):
    process = "import subprocess, sys\n" + (
        "def test_it(): subprocess.run([sys.executable, '-c', "
        "'for _ in range(10**7): pass'])"
    )
    assert run(process) == [0, 0, 1]
