"""The command line, called in this process."""

import io
import sys

import pytest

from lamina.app import cli
from lamina.app.exit_codes import run as ended
from tests.app.cli.calls import QUICK


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Call the command line in an empty folder; return status, output, errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, stdin=None):
        if stdin is not None:
            text = io.TextIOWrapper(io.BytesIO(stdin.encode()))
            monkeypatch.setattr(sys, "stdin", text)
        command = [str(a) for a in arguments]
        status = ended(lambda: cli.app(command, standalone_mode=False))
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture(scope="session")
def iris(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "iris.lamina"
    command = ["fit", "iris", "-o", str(path), "-q", *QUICK]
    assert ended(lambda: cli.app(command, standalone_mode=False)) == 0
    return path
