"""Progress: a bar for a person, lines for a log."""

import contextlib
import io
import os
import pty
import sys

import numpy as np
import pytest

from lamina import MLPClassifier
from lamina.estimators._core.reporting.progress import ProgressBar, describe
from lamina.learning import Progress

EPOCH = Progress(3, 10, {"loss": 0.123456, "score": 0.5}, None, 2.0, 4000, None)


def test_one_line_of_numbers():
    assert describe(EPOCH) == "loss 0.1235 · score 0.5 · 2,000 rows/s"


def test_a_pipe_gets_a_line_an_epoch(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with ProgressBar(10) as bar:
        bar(EPOCH)
    assert sys.stderr.getvalue() == ""
    expected = "Iteration 3, loss = 0.12345600, validation score = 0.50000000\n"
    assert capsys.readouterr().out == expected


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_log_has_the_losses_of_the_history(capsys):
    model = MLPClassifier((2,), max_iter=2, verbose=True, random_state=0)
    losses = model.fit(np.eye(4), [0, 1, 0, 1]).loss_curve_
    lines = [f"Iteration {i + 1}, loss = {losses[i]:.8f}" for i in range(2)]
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def everything(reader):
    """Return all that was written to a terminal, which is closed at its other end."""
    parts = []
    with contextlib.suppress(OSError):  # of Linux, at the end
        while part := os.read(reader, 65536):
            parts.append(part)
    os.close(reader)
    return b"".join(parts).decode()


def test_a_terminal_shows_epochs_loss_and_speed(monkeypatch):
    reader, writer = pty.openpty()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        MLPClassifier((2,), max_iter=3, verbose=True).fit(np.eye(4), [0, 1, 0, 1])
    shown = everything(reader)
    assert "3/3" in shown
    assert "loss" in shown
    assert "rows/s" in shown
