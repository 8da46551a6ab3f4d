"""A warning stands at the line of the caller, however deep it arises."""

import subprocess
import sys

import pytest

from lamina.data._warn import warn

PROGRAM = """from lamina.data import TableSchema, read_table
schema = TableSchema.fit(read_table({"c": ["a", "b"]}))
schema.encode(read_table({"c": ["d"]}))  # the line
"""


def test_it_is_a_warning_to_a_person():
    with pytest.warns(UserWarning, match="look"):
        warn("look")


def test_it_points_to_the_line_outside_of_the_package(tmp_path):
    (tmp_path / "own.py").write_text(PROGRAM)
    command = [sys.executable, str(tmp_path / "own.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "own.py:3: UnseenWarning: column 'c': 'd' (1 row)" in done.stderr
