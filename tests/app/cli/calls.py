"""What tests of commands share."""

import os
import subprocess
import sys

QUICK = ["--set", "max_iter=3", "--set", "hidden_layer_sizes=[4]"]


def assert_refused(result, message, status=1):
    found, out, err = result
    assert found == status
    assert out == ""
    assert err.startswith("lamina: ")
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def process(*arguments, **environment):
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "lamina", *map(str, arguments)]
    environment = {**os.environ, "LAMINA_CACHE": "off", **environment}
    return subprocess.run(
        command, capture_output=True, timeout=60, env=environment, check=False
    )
