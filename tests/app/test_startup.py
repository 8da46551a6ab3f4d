"""Starting the libraries that compute."""

import subprocess
import sys

import pytest

CODE = """
import sys
from lamina.app.startup import start_engine
start_engine()
print("pandas" in sys.modules, "sklearn" in sys.modules)
import pandas
print(pandas.DataFrame({"a": [1]}).shape)
"""


@pytest.mark.slow
def test_pandas_is_not_waited_for_but_can_be_used_afterwards():
    pytest.importorskip("pandas")
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == ["False True", "(1, 1)"]


def test_what_is_imported_already_stays():
    pandas = pytest.importorskip("pandas")
    from lamina.app.startup import start_engine

    start_engine()
    assert sys.modules["pandas"] is pandas
