"""Exit statuses of the command line, and one line for whatever goes wrong."""

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
    """Say whether errors are told with the place in the program they come from."""
    _traces.set(wanted)


def run(command: Callable[[], Any]) -> int:
    """Call a command; turn whatever happens into an exit status and one line."""
    show_traces(False)
    try:
        with _warnings_in_one_line():
            status = command()
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except BrokenPipeError:
        _close_quietly()
        return BROKEN_PIPE
    except SystemExit as end:  # typer's own answer to a broken pipe is 1
        if end.code in (0, None):  # and to a shell that asks for completions 0
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
        return _fail(f"{_message(error)} (lamina --help tells more)", error.exit_code)
    except OSError as error:
        return _fail(_os_error(error), 1, error)
    except MemoryError as error:
        return _fail("there is not enough memory for this", 1, error)
    except ValueError as error:
        return _fail(one_line(error), 1, error)
    except Exception as error:
        name = type(error).__name__
        hint = f"this is a bug in lamina; {DEBUG}=1 shows where"
        return _fail(f"unexpected {name}: {one_line(error)} ({hint})", 1, error)


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Show what libraries and readers warn of in one line without file and line."""
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


def _message(error: typer.TyperException) -> str:
    return " ".join(error.format_message().split()).rstrip(".")


def _os_error(error: OSError) -> str:
    reason = error.strerror or one_line(error)
    name = error.filename if isinstance(error.filename, str) else None
    return one_line(ValueError(f"{name}: {reason}" if name else reason))


def _fail(message: str, status: int, error: BaseException | None = None) -> int:
    if error is not None and os.environ.get(DEBUG, "") not in ("", "0"):
        raise error
    try:
        sys.stdout.flush()
    except OSError:  # the disk may be full on which it is kept
        _close_quietly()
    with contextlib.suppress(BrokenPipeError):
        if error is not None and _traces.get():
            traceback.print_exception(error, file=sys.stderr)
        print(f"lamina: {message}", file=sys.stderr)
    return status


def _close_quietly() -> None:
    """Point standard output to nowhere, so that the interpreter's last flush is not
    an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
