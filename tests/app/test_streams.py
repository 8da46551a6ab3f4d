"""Closed standard streams: a line and a status, never a traceback."""

import os
import subprocess
import sys

import pytest

from lamina.app import streams

pytestmark = pytest.mark.skipif(os.name != "posix", reason="of a POSIX shell")


def ended(command, folder):
    """Run a command of the shell; return status, output and errors."""
    lamina = f"{sys.executable} -m lamina"
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        ["sh", "-c", command.replace("lamina", lamina, 1)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "status", "errors"),
    [
        ("lamina datasets >&-", 1, "lamina: standard output is closed\n"),
        ("lamina datasets >&- 2>&-", 1, ""),
        ("lamina --version 2>&- <&-", 0, ""),
        ("lamina fit nothere.csv 2>&-", 1, ""),
        ("lamina fit - <&-", 1, "lamina: stdin: the file is empty; a table is"),
    ],
)
def test_each_stream(command, status, errors, tmp_path):
    found, out, err = ended(command, tmp_path)
    assert found == status
    assert err.startswith(errors)
    assert err.count("\n") == bool(errors)
    assert "Traceback" not in out + err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device")
def test_output_on_a_full_disk(tmp_path):
    expected = "lamina: No space left on device\n"
    assert ended("lamina datasets > /dev/full", tmp_path) == (1, "", expected)


@pytest.mark.slow
def test_training_needs_no_streams_and_no_file_takes_their_place(tmp_path):
    rows = "".join(f"{i % 7},{'ab'[i % 2]}\n" for i in range(24))
    (tmp_path / "t.csv").write_text("x,y\n" + rows)
    quick = "-s max_iter=1 -s 'hidden_layer_sizes=[2]' --holdout 0"
    command = f"lamina fit t.csv -t y {quick} <&- >&- 2>&-"
    assert ended(command, tmp_path) == (0, "", "")
    assert (tmp_path / "model.lamina").stat().st_size > 1000


def test_what_is_printed_to_closed_output_is_an_error():
    with pytest.raises(OSError, match="standard output is closed"):
        print("x", file=streams.ClosedOutput())
    assert streams.is_open()
