"""How a command ends: its status, and one line."""

import warnings

import pytest
import typer

from lamina.app import exit_codes


def ended(error, capsys):
    def command():
        raise error

    return exit_codes.run(command), *capsys.readouterr()


def refused(result, message, status=1):
    found, out, err = result
    assert (found, out) == (status, "")
    assert message in err
    assert err.count("\n") == 1


def test_statuses():
    assert exit_codes.run(lambda: None) == 0
    assert exit_codes.run(lambda: 3) == 3


def test_commands_that_say_their_status(capsys):
    assert ended(typer.Exit(130), capsys) == (130, "", "")
    refused(ended(ValueError("a\nb"), capsys), "lamina: a b")


def test_where_an_error_comes_from_is_told_if_asked_for(capsys):
    def command():
        exit_codes.show_traces(True)
        raise ValueError("a\nb")

    assert exit_codes.run(command) == 1
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert err.endswith("lamina: a b\n")
    refused(ended(ValueError("a"), capsys), "lamina: a")


def test_a_shell_that_asks_for_completions_gets_status_0(capsys):
    def command():
        print("fit")
        raise SystemExit(0)

    assert exit_codes.run(command) == 0
    assert capsys.readouterr().out == "fit\n"


def test_ctrl_c(capsys):
    refused(ended(KeyboardInterrupt(), capsys), "interrupted", status=130)


def test_bugs_are_one_line_with_a_hint(capsys, monkeypatch):
    monkeypatch.delenv("LAMINA_DEBUG", raising=False)
    refused(ended(KeyError("x\ny"), capsys), "set LAMINA_DEBUG=1")
    monkeypatch.setenv("LAMINA_DEBUG", "1")
    with pytest.raises(KeyError):
        ended(KeyError("x"), capsys)


def test_warnings_are_one_line_and_said_once(capsys):
    def command():
        for text in ("look\nat this", "look\nat this", "and this"):
            warnings.warn(text, UserWarning, stacklevel=1)

    assert exit_codes.run(command) == 0
    expected = "lamina: warning: look at this\nlamina: warning: and this\n"
    assert capsys.readouterr() == ("", expected)


def test_errors_of_the_system(capsys):
    error = OSError(28, "No space left on device", "m.lamina")
    refused(ended(error, capsys), "m.lamina: No space left on device")
    refused(ended(MemoryError(), capsys), "not enough memory")
