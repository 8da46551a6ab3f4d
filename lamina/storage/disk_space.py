"""Room on the disk for a model, set aside before hours of work.

How large a model file will be is known as soon as its network is built, and that is
before training. Whoever will write the file reserves its place, and whoever builds the
network claims the room::

    with reserved("model.lamina"):
        model.fit(data)  # calls claim() when its network is built
    model.save("model.lamina")

The room is a temporary file without a name in the same folder, whose blocks the file
system has promised: it is gone when the process ends, however that happens.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO

from lamina.storage.atomic import UnwritableError

try:
    import resource
except ImportError:  # Windows has no limit on the size of a file
    resource = None

MARGIN = 2**15
"""Bytes that a file has beside its tensors: the header, columns, histories."""

CHUNK = 2**20
UNSUPPORTED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ENODEV)


class Reservation:
    """What is set aside for one file.

    Parameters
    ----------
    path : path
        Where the file will go. What is no regular file needs no room.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path, self.size = path, 0
        self._target = Path(os.path.realpath(path))
        self._file: IO[bytes] | None = None

    def claim(self, size: int) -> None:
        """Set room aside for that many bytes in all, if there is not as much already.

        Raises
        ------
        UnwritableError
            If there is not so much: naming the file, what it needs and what there is.
        """
        if size <= self.size or (self._target.exists() and not self._target.is_file()):
            return
        try:
            if self._file is None:
                folder = self._target.parent
                self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
            allocate(self._file.fileno(), self.size, size)
        except OSError as error:
            self.release()
            raise UnwritableError(
                f"{self.path}: cannot be written: {error.strerror}; the model needs "
                f"about {size:,} bytes{self._available(error)}"
            ) from None
        self.size = size

    def release(self) -> None:
        """Give the room back."""
        if self._file is not None:
            self._file.close()
        self._file, self.size = None, 0

    def _available(self, error: OSError) -> str:
        if error.errno == errno.EFBIG and resource is not None:
            limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
            if limit != resource.RLIM_INFINITY:
                return f", and files may have {limit:,} here (ulimit -f)"
        if error.errno == errno.ENOSPC:
            free = shutil.disk_usage(self._target.parent).free
            return f", and {free:,} are free"
        return ""


_reservation: ContextVar[Reservation | None] = ContextVar("room", default=None)


@contextmanager
def reserved(path: str | os.PathLike) -> Iterator[Reservation]:
    """Keep the room that is claimed meanwhile for a file that is written afterwards."""
    room = Reservation(path)
    token = _reservation.set(room)
    try:
        yield room
    finally:
        _reservation.reset(token)
        room.release()


def claim(size: int) -> None:
    """Say how many bytes the weights need of a model that is about to be trained.

    Without a reserved place nothing happens.

    Raises
    ------
    UnwritableError
        If there is not so much room.
    """
    room = _reservation.get()
    if room is not None:
        room.claim(size + MARGIN)


def allocate(descriptor: int, start: int, stop: int) -> None:
    """Make a file take up its bytes on the disk, by writing them if need be.

    Raises
    ------
    OSError
        If there is no room.
    """
    try:
        os.posix_fallocate(descriptor, start, stop - start)
        return
    except AttributeError:  # macOS, Windows
        pass
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    zeros = bytes(min(CHUNK, stop - start))
    os.lseek(descriptor, start, os.SEEK_SET)
    while start < stop:
        start += os.write(descriptor, zeros[: stop - start])
    os.fsync(descriptor)
