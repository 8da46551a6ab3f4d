"""Save a file elsewhere if its path cannot be written."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


def write_or_rescue(what: str, path: str, write: Callable[[str], Any]) -> Any:
    """Write a file; if that fails, write it elsewhere and say where.

    Parameters
    ----------
    what : str
        What it is, for the error message.
    path : str
        Path of the file.
    write : callable
        Writes it to a path, or raises OSError.

    Returns
    -------
    What ``write`` returns.

    Raises
    ------
    OSError
        If it could not be written to ``path``; the message names the path used
        instead.
    """
    try:
        return write(path)
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        for place in places(path):
            with suppress(OSError):
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write(os.fspath(place))
                outcome = f"{what} was saved to {place} instead"
                break
        else:
            outcome = f"{what} could not be saved elsewhere either"
        raise OSError(error.errno, f"{reason}; {outcome}", path) from error


def places(path: str) -> Iterator[Path]:
    """Yield unused paths in the current folder, the user's state folder, and /tmp.

    The folder of ``path`` is skipped.
    """
    target = Path(os.path.realpath(path))
    for find in (os.getcwd, user_state, tempfile.gettempdir):
        with suppress(OSError, RuntimeError):  # the folder is gone, or there is no home
            folder = Path(find()).resolve()
            if folder != target.parent:
                yield _free(folder / target.name)


def user_state() -> Path:
    """Return the user's state folder on this operating system."""
    base = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".local" / "state") / "lamina"


def _free(path: Path) -> Path:
    """Return a path that does not exist, with a number if necessary."""
    number, found = 1, path
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found
