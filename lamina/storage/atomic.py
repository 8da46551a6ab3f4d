"""Writing a file so that it is there whole, or not at all."""

import contextlib
import os
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

STALE_SECONDS = 86_400
"""A temporary file that old belongs to a process that was killed."""

PROBE = b"\0" * 4096
"""What a disk that is full has no room for: a file without bytes needs none."""


class UnwritableError(ValueError):
    """A file cannot be written where a person wants it: one line that says why."""


def replace_file(
    path: str | os.PathLike,
    chunks: Iterable[Any],
    *,
    previous: str | os.PathLike | None = None,
) -> None:
    """Write a file under a temporary name in the same folder, then rename it.

    Data and folder are flushed to the disk, so that after a power cut there is the old
    file or the new one. If anything fails the old file is untouched and the temporary
    one removed. What is no regular file (``/dev/null``, a pipe) is written to directly.

    Parameters
    ----------
    path : path
        A symbolic link is followed; an existing file's permissions are kept.
    chunks : iterable of bytes-like
    previous : path, optional
        In the same folder: the file that was there gets this name. If the process is
        killed between the two renamings, it has this name alone.

    Raises
    ------
    OSError
        If writing fails; with the file's name.
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
        if target.exists():
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
            if previous is not None:
                os.replace(target, previous)
        os.replace(temporary, target)
    except BaseException:  # Ctrl-C too
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(target.parent)


def check_writable(path: str | os.PathLike) -> None:
    """Find out, before hours of work, whether :func:`replace_file` will succeed.

    Raises
    ------
    UnwritableError
        If the folder is missing or not writable, or the path is a folder.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise UnwritableError(f"{path}: is a folder; give the name of a file in it")
    if target.exists() and not target.is_file():
        return
    if not target.parent.is_dir():
        raise UnwritableError(f"{path}: there is no folder {target.parent}")
    probe = _temporary(target)
    try:
        _write_new(probe, [PROBE])
    except OSError as error:
        raise UnwritableError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        probe.unlink(missing_ok=True)


@contextlib.contextmanager
def _named(path: str | os.PathLike) -> Iterator[None]:
    """Call a file by the name that a person knows, if the system says none or ours."""
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
    """Remove what killed processes left behind for this file."""
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
    """Flush the renaming itself; some systems cannot, and need not."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
