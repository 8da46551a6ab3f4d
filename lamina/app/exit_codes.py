"""Exit codes of the command line, and one-line error messages."""

import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import typer

from lamina.app.messages import in_words, one_line, say

DEBUG = "LAMINA_DEBUG"
INTERRUPTED = 130
BROKEN_PIPE = 141


_traces: ContextVar[bool] = ContextVar("traces", default=False)


def show_traces(wanted: bool) -> None:
    """Set whether errors are printed with a traceback."""
    _traces.set(wanted)


def run(command: Callable[[], Any]) -> int:
    """Run a command; turn any exception into an exit code and a one-line message."""
    show_traces(False)
    try:
        with _warnings_in_one_line():
            status = command()
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except BrokenPipeError:
        _close_quietly()
        return BROKEN_PIPE
    except SystemExit as end:  # typer exits with 1 after a broken pipe
        if end.code in (0, None):  # and with 0 after shell completion
            sys.stdout.flush()
            return 0
        _close_quietly()
        broken = isinstance(end.__context__, BrokenPipeError)
        return BROKEN_PIPE if broken else 1
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted; nothing was written", INTERRUPTED)
    except typer.Exit as end:
        return end.exit_code
    except typer.TyperException as error:
        return _fail(_usage(error), error.exit_code)
    except OSError as error:
        return _fail(_os_error(error), 1, error)
    except MemoryError as error:
        return _fail("not enough memory", 1, error)
    except ValueError as error:
        return _fail(one_line(error), 1, error)
    except Exception as error:
        name = type(error).__name__
        hint = f"this is a bug in lamina; set {DEBUG}=1 to see the traceback"
        return _fail(f"unexpected {name}: {one_line(error)} ({hint})", 1, error)


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Print warnings in one line, without file name and line number."""
    shown: set[str] = set()
    usual = warnings.showwarning

    def show(message: Any, category: Any, *where: Any, **options: Any) -> None:
        if not issubclass(category, UserWarning):
            usual(message, category, *where, **options)
        elif (text := in_words(message)) not in shown:
            shown.add(text)
            say("warning", [text])

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def _usage(error: typer.TyperException) -> str:
    """Return what is wrong with a command line; nothing if help was printed."""
    message = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    command = "lamina" if context is None else context.command_path
    return f"{message}. Try '{command} --help'." if message else ""


def _os_error(error: OSError) -> str:
    reason = error.strerror or one_line(error)
    name = error.filename if isinstance(error.filename, str) else None
    return one_line(ValueError(f"{name}: {reason}" if name else reason))


def _fail(message: str, status: int, error: BaseException | None = None) -> int:
    if error is not None and os.environ.get(DEBUG, "") not in ("", "0"):
        raise error
    try:
        sys.stdout.flush()
    except OSError:  # the disk may be full
        _close_quietly()
    with contextlib.suppress(BrokenPipeError):
        if error is not None and _traces.get():
            traceback.print_exception(error, file=sys.stderr)
        if message:
            print(f"lamina: {message}", file=sys.stderr)
    return status


def _close_quietly() -> None:
    """Redirect standard output to nowhere, so that the interpreter's last flush does
    not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
