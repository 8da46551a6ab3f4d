"""A fit that is killed with SIGKILL, over and over, ends with the same bits."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_kills(kills):
    command = [sys.executable, "-m", "benchmarks.kills", str(kills)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"(\d+) kills \(.*\), (\d+) fits in .*: 0 with", done.stdout)
    assert found, done.stdout
    assert int(found[1]) == kills
