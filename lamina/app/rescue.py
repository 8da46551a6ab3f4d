"""What cannot be written where it should go is written where there is room."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


def write_or_rescue(what: str, path: str, write: Callable[[str], Any]) -> Any:
    """Write a file; where that fails, write it elsewhere and say where it is.

    Parameters
    ----------
    what : str
        What it is, for the error.
    path : str
        Where it should go.
    write : callable
        Writes it to a path, or raises OSError.

    Returns
    -------
    What ``write`` returns.

    Raises
    ------
    OSError
        If it could not be written to ``path``, with the place where it is instead.
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
                told = f"{what} was written to {place} instead; move it from there"
                break
        else:
            told = f"{what} could not be written anywhere else either"
        raise OSError(error.errno, f"{reason}; {told}", path) from error


def places(path: str) -> Iterator[Path]:
    """Yield files that are not there yet in the current folder, the user's, and /tmp.

    The folder of ``path`` is not among them.
    """
    target = Path(os.path.realpath(path))
    for find in (os.getcwd, user_state, tempfile.gettempdir):
        with suppress(OSError, RuntimeError):  # removed, or nobody is at home
            folder = Path(find()).resolve()
            if folder != target.parent:
                yield _free(folder / target.name)


def user_state() -> Path:
    """Return the folder in which this system keeps what a user's programs leave."""
    base = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".local" / "state") / "lamina"


def _free(path: Path) -> Path:
    """Return a path at which there is nothing, with a number if need be."""
    number, found = 1, path
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found
