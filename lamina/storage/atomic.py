"""Atomic writing of files."""

import contextlib
import os
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

STALE_SECONDS = 86_400
"""A temporary file of this age was left by a killed process."""

PROBE = b"\0" * 4096
"""Bytes to probe a full disk: an empty file would need no space."""


class UnwritableError(ValueError):
    """A file cannot be written; the one-line message says why."""


def replace_file(
    path: str | os.PathLike,
    chunks: Iterable[Any],
    *,
    previous: str | os.PathLike | None = None,
) -> None:
    """Write a file under a temporary name in the same folder, then rename it.

    Data and folder are flushed to disk, so that after a power failure either the old or
    the new file exists. If anything fails, the old file is untouched and the temporary
    one is removed. A path that is not a regular file (``/dev/null``, a pipe) is written
    to directly.

    Parameters
    ----------
    path : path
        A symbolic link is followed; an existing file's permissions are kept.
    chunks : iterable of bytes-like
    previous : path, optional
        In the same folder: the old file is renamed to this. If the process is killed
        between the two renames, it has only this name.

    Raises
    ------
    OSError
        If writing fails; with the name of the file.
    """
    with _named(path):
        _replace(Path(os.path.realpath(path)), chunks, previous)


def _replace(
    target: Path, chunks: Iterable[Any], previous: str | os.PathLike | None
) -> None:
    if target.exists() and not target.is_file():
        _write_directly(target, chunks)
        return
    _sweep(target)
    temporary = _temporary(target)
    try:
        _write_new(temporary, chunks)
        # The new file takes over the permissions of the old one.
        if target.exists():
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
            if previous is not None:
                os.replace(target, previous)
        os.replace(temporary, target)
    except BaseException:  # also Ctrl-C
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(target.parent)


def check_writable(path: str | os.PathLike) -> None:
    """Check, before hours of work, whether :func:`replace_file` will succeed.

    Raises
    ------
    UnwritableError
        If the folder is missing or not writable, or the path is a folder.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise UnwritableError(f"{path}: is a folder; pass the name of a file in it")
    if target.exists() and not target.is_file():
        return
    if not target.parent.is_dir():
        raise UnwritableError(f"{path}: the folder {target.parent} does not exist")
    probe = _temporary(target)
    try:
        _write_new(probe, [PROBE])
    except OSError as error:
        raise UnwritableError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        probe.unlink(missing_ok=True)


@contextlib.contextmanager
def _named(path: str | os.PathLike) -> Iterator[None]:
    """Put the user's file name into an OSError that has none or a temporary one."""
    try:
        yield
    except OSError as error:
        theirs = str(error.filename or "")
        if theirs and not theirs.endswith(".tmp"):
            raise
        reason = error.strerror or str(error)
        raise OSError(error.errno, reason, os.fspath(path)) from error


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")


def _write_new(path: Path, chunks: Iterable[Any]) -> None:
    # O_EXCL: never through a file or a link that is already there. 0o666 is limited by
    # the user's umask; `tempfile` would give 0o600. O_BINARY: Windows would change line
    # ends.
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, 0o666), "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _write_directly(path: Path, chunks: Iterable[Any]) -> None:
    with open(path, "wb") as file:
        for chunk in chunks:
            file.write(chunk)


def _sweep(target: Path) -> None:
    """Remove temporary files of killed processes for this file."""
    # Younger ones may belong to a process that is still writing.
    old = time.time() - STALE_SECONDS
    prefix = f".{target.name[:100]}."
    with contextlib.suppress(OSError):
        for entry in os.scandir(target.parent):
            name = entry.name
            if name.startswith(prefix) and name.endswith(".tmp"):
                with contextlib.suppress(OSError):
                    if entry.stat().st_mtime < old:
                        os.unlink(entry.path)


def _flush_folder(folder: Path) -> None:
    """Flush the rename itself; some systems cannot, and need not."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
